/* SPDX-License-Identifier: Apache-2.0
 * tidemark-batch dead-letters: what is kept as bad, and what becomes of it after a fix. */
#ifndef TIDEMARK_BATCH_DEAD_LETTERS_H
#define TIDEMARK_BATCH_DEAD_LETTERS_H

#include "batch.h"

#define DEAD_LETTERS_LIMIT 100 /* how many are listed where nobody says */

/* Prints the bad messages of a source's topic that no run has ingested yet, and the newest of those that are kept, of
 * each at most `limit`: place, reason, time, size and beginning, and which of the kept ones are good by the rules that
 * hold now. Needs PostgreSQL only: without Kafka it warns that the first are missing. */
bool dead_letters_list(struct batch *batch, const struct source *source, int64_t limit, struct error *error) MUST_CHECK;

/* A batch run that judges what is kept as bad once more, and publishes. */
bool dead_letters_replay(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

#endif
