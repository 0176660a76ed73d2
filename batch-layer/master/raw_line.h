/* SPDX-License-Identifier: Apache-2.0
 * A message of the master dataset as a line of COPY. */
#ifndef TIDEMARK_BATCH_RAW_LINE_H
#define TIDEMARK_BATCH_RAW_LINE_H

#include "database/schema.h"

/* The statement that takes the lines. */
void append_raw_copy(struct buffer *sql, const struct source *source);

/* `record_time_us` is -1 where the record has none. */
void append_raw_line(struct buffer *line, const struct source *source, int32_t partition, int64_t offset,
                     int64_t record_time_us, const struct record *record);

#endif
