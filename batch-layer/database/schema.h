/* SPDX-License-Identifier: Apache-2.0
 * The tables: those of the program, migrated by version, and those of each source, made from its fields. */
#ifndef TIDEMARK_BATCH_SCHEMA_H
#define TIDEMARK_BATCH_SCHEMA_H

#include "batch.h"
#include "database/source_sql.h"
#include "postgres/live_versions.h"
#include "postgres/view_table.h"

/* Brings the database to this program's version, one process at a time. ERROR_CONFIGURATION, with both versions, where
 * it is newer already, and with the encoding's name where that can't hold what UTF-8 can. */
bool schema_migrate(struct batch *batch, struct error *error) MUST_CHECK;
/* Whether the database has any version of it. */
bool schema_exists(struct batch *batch, bool *ret_exists, struct error *error) MUST_CHECK;

/* Makes the source's tables, or adds the columns of new fields to them; messages ingested before have null there.
 * ERROR_CONFIGURATION says what differs where the tables can't follow: another topic, key, event time, rule for
 * duplicates, or type of a field. The caller holds the source's lock. */
bool schema_prepare_source(struct batch *batch, const struct source *source, struct error *error) MUST_CHECK;

/* Of the current table: adds its primary key and its index on event times ("; " behind), or drops them. */
void append_current_indexes(struct buffer *sql, const struct source *source);
void append_current_unindex(struct buffer *sql, const struct source *source);

#endif
