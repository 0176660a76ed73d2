/* SPDX-License-Identifier: Apache-2.0
 * The rows of any table of the configured database, as JSON. */
#ifndef TIDEMARK_BATCH_TABLE_ROWS_H
#define TIDEMARK_BATCH_TABLE_ROWS_H

#include "config/settings.h"

/* Called with each row as an object of JSON, numbers with their digits. False ends it. */
typedef bool table_row_visitor(void *context, struct text json, struct error *error);

/* Visits the rows of `table`, "schema.table" as it is spelt there, as one moment shows them. */
bool table_rows_read(const struct settings *settings, const char *table, table_row_visitor *visit, void *context,
                     struct error *error) MUST_CHECK;

#endif
