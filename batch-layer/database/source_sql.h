/* SPDX-License-Identifier: Apache-2.0
 * A source's tables as SQL: their names, quoted, and those of their indexes and fields. */
#ifndef TIDEMARK_BATCH_SOURCE_SQL_H
#define TIDEMARK_BATCH_SOURCE_SQL_H

#include "postgres/connection.h"
#include "view/view.h"

void append_raw_table(struct buffer *sql, const struct source *source);
/* Of an index of such a table: the point in it keeps it apart from the names of all tables. */
void append_index_name(struct buffer *sql, const char *prefix, const char *table, const char *suffix);

void append_field_type(struct buffer *sql, const struct field *field);
/* ", name" of each field, with `prefix` before the name. */
void append_field_names(struct buffer *sql, const struct schema *schema, const char *prefix);

#endif
