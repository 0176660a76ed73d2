/* SPDX-License-Identifier: Apache-2.0
 * A column's values as those of a declared field, in SQL: a row of a file is a message, and what the field can't hold
 * makes it bad, for the same reasons as in a topic.
 *
 * Text is VARCHAR, an integer BIGINT, a decimal DECIMAL(15 + scale, scale), exactly what a field may hold; an event
 * time is microseconds since 1970. */
#ifndef TIDEMARK_BATCH_VALUE_SQL_H
#define TIDEMARK_BATCH_VALUE_SQL_H

#include "engine/duckdb/file_columns.h"
#include "record/record.h"

/* What is to be read of a row. */
struct value_sql {
    struct buffer value;   /* an expression that never fails */
    struct buffer reasons; /* " WHEN … THEN 'reason'" for each way to be bad, of a CASE */
};
void value_sql_clean_up(struct value_sql *sql);

/* The type of a field's values. */
void value_sql_append_type(struct buffer *sql, const struct field *field);
/* "… AS name": a decimal whose column of BIGINT holds minor units, as the decimal that they are. */
void value_sql_append_minor_units(struct buffer *sql, const struct field *field);

enum value_need { VALUE_MAY_BE_NULL, VALUE_IS_REQUIRED, VALUE_IS_KEY };

/* Of a field, from the column of its name in the table f. False where no value of such a column can be held. */
bool value_sql_field(struct value_sql *sql, const struct field *field, const struct file_column *column,
                     enum value_need need);
/* Whether statistics prove that a number is below 10^15, or a time of the years that a message may be of. */
bool value_sql_is_bounded(const struct file_column *column);
/* Of the event time. */
bool value_sql_event_time(struct value_sql *sql, const struct file_column *column, enum time_unit unit);

#endif
