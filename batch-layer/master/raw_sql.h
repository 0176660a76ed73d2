/* SPDX-License-Identifier: Apache-2.0
 * The master dataset in PostgreSQL as SQL. Good messages lie in raw.<source>, with the columns tm_partition, tm_offset,
 * tm_record_us (null where the record has no time), tm_event_us, the source's fields, and those of day_columns.h; bad
 * ones as they came in tidemark.bad. */
#ifndef TIDEMARK_BATCH_RAW_SQL_H
#define TIDEMARK_BATCH_RAW_SQL_H

#include "database/schema.h"

/* "(…) m where …": all messages of the source, good and bad, with the columns of raw.<source>; a bad one has no event
 * time and no fields. More conditions may follow with "and": those on partition and offset use the indexes of both
 * tables. */
void append_messages(struct buffer *sql, const struct source *source);

/* Number of each column where raw's are selected by append_raw_columns. */
enum raw_column { RAW_PARTITION, RAW_OFFSET, RAW_RECORD_TIME, RAW_EVENT_TIME, RAW_FIELDS };
void append_raw_columns(struct buffer *sql, const struct source *source);

/* "copy …": the statement that takes the rows of good messages, between the head and the tail of binary_copy.h; and
 * the one that takes the lines of bad ones. */
void append_raw_copy(struct buffer *sql, const struct source *source);
extern const char bad_copy[];

/* `record_time_us` is -1 where the record has none; `zone` is that of the column date. */
void append_raw_row(struct buffer *rows, const struct source *source, const struct zone *zone, int32_t partition,
                    int64_t offset, int64_t record_time_us, const struct record *record);
void append_bad_line(struct buffer *line, const struct source *source, int32_t partition,
                     const struct log_message *message, const struct rejection *rejection);

#endif
