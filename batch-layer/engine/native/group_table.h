/* SPDX-License-Identifier: Apache-2.0
 * Groups that are added up, as the table of DuckDB that is written as Parquet. */
#ifndef TIDEMARK_BATCH_GROUP_TABLE_H
#define TIDEMARK_BATCH_GROUP_TABLE_H

#include "engine/duckdb/session.h"
#include "engine/native/day_groups.h"

/* Makes the table of engine/duckdb/summary_table.h, without its last two columns. */
bool group_table_make(struct duckdb_session *session, const struct panes *groups, struct error *error) MUST_CHECK;

#endif
