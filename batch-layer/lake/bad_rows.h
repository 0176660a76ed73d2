/* SPDX-License-Identifier: Apache-2.0
 * The rows of a day's files that break a rule, as they are told: lines of _bad.ndjson, the first of them in words. */
#ifndef TIDEMARK_BATCH_BAD_ROWS_H
#define TIDEMARK_BATCH_BAD_ROWS_H

#include "base/buffer.h"
#include "base/error.h"

#define BAD_ROWS "_bad.ndjson"

struct bad_rows {
    int64_t breaker; /* more of them than this fail the job; 0: no number does */
    int64_t count;
    struct buffer lines, first;
};

/* Adds one, in their order; `row` is counted from 1. */
bool bad_rows_add(struct bad_rows *bad, const char *path, int64_t row, struct text reason,
                  struct error *error) MUST_CHECK;
/* After the last one: ERROR_DATA where they are too many. */
bool bad_rows_check(const struct bad_rows *bad, struct error *error) MUST_CHECK;
/* Writes the file, where there are some. */
bool bad_rows_write(const struct bad_rows *bad, const char *folder, struct error *error) MUST_CHECK;
void bad_rows_clean_up(struct bad_rows *bad);

#endif
