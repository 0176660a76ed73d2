/* SPDX-License-Identifier: Apache-2.0
 * Which messages a run is about, as SQL. */
#ifndef TIDEMARK_BATCH_RANGES_H
#define TIDEMARK_BATCH_RANGES_H

#include "postgres/connection.h"
#include "run/source_run.h"

enum reach {
    PUBLISHED_NOW, /* what this run publishes of a partition */
    LATER,         /* what is ingested and lies after that */
    BELOW_CUT,     /* all that is published once it is done */
};

/* "(p = 0 and o >= 5 and o < 9) or …" of those offsets, in parentheses; `partition` and `offset` are SQL expressions.
 */
void append_ranges(struct buffer *sql, const struct source_run *run, enum reach reach, const char *partition,
                   const char *offset);

#endif
