/* SPDX-License-Identifier: Apache-2.0
 * Kept bad messages are checked again by the rules that hold now: after `fields` were corrected, those that are good
 * now go into the master dataset, at their offsets. */
#ifndef TIDEMARK_BATCH_REVALIDATION_H
#define TIDEMARK_BATCH_REVALIDATION_H

#include "master/master.h"

/* As master_operations says. */
bool revalidate(struct source_run *run, struct revalidation *ret_revalidation, struct error *error) MUST_CHECK;

#endif
