/* SPDX-License-Identifier: Apache-2.0
 * Whether live versions, rows and ledger are what the messages give. */
#ifndef TIDEMARK_BATCH_PUBLISHED_CHECK_H
#define TIDEMARK_BATCH_PUBLISHED_CHECK_H

#include "run/source_run.h"

/* The code of *ret_difference is ERROR_NONE where they are, else it says the first difference. */
bool published_check(struct source_run *run, struct error *ret_difference, struct error *error) MUST_CHECK;

#endif
