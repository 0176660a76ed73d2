/* SPDX-License-Identifier: Apache-2.0
 * tidemark-batch jobs: what is configured, when it is due, what it did last and what it waits for. */
#ifndef TIDEMARK_BATCH_COMMANDS_JOBS_H
#define TIDEMARK_BATCH_COMMANDS_JOBS_H

#include "config/settings.h"

/* Prints to standard output. Needs PostgreSQL only, and takes one that is still empty. */
bool jobs_print(const struct settings *settings, struct error *error) MUST_CHECK;

#endif
