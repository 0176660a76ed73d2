/* SPDX-License-Identifier: Apache-2.0
 * How a business day is summarised by DuckDB: what is read of which files, and the statements in SQL.
 *
 * Rules and order of versions are the source's, what counts and what is measured is the view's: both are printed from
 * the definition that the other engines have. All in exact numbers, none in floating point. */
#ifndef TIDEMARK_BATCH_SUMMARY_PLAN_H
#define TIDEMARK_BATCH_SUMMARY_PLAN_H

#include "config/settings.h"
#include "engine/duckdb/files_sql.h"
#include "engine/duckdb/summary_table.h"

#define VERSIONS_TABLE                                                                                                 \
    "tm_versions" /* of each order the place of the version that counts, and tm_count, how many it has */

/* Where a field of an order comes from. */
enum field_origin { ORIGIN_NONE, ORIGIN_FILES, ORIGIN_JOIN /* the first; others follow */ };

struct summary_plan {
    const struct summary *summary;
    int64_t day;                               /* since 1970 */
    struct lake_folder folders[1 + JOINS_MAX]; /* of the orders, and of each join */
    struct files_sql files[1 + JOINS_MAX];
    size_t count;              /* of both */
    size_t origin[FIELDS_MAX]; /* of each field: enum field_origin */
};

/* Lists the folders of a job's summary for a day, written `date`, and looks at their files. ERROR_DATA where they
 * aren't what the summary needs. All is the arena's. */
bool summary_plan_make(const struct settings *settings, const struct summary *summary, const char *date, int64_t day,
                       struct duckdb_session *session, struct arena *arena, struct summary_plan *ret_plan,
                       struct error *error) MUST_CHECK;

/* Whether of several versions of an order one counts: else every good message does, and there is no table of versions.
 */
bool summary_plan_has_versions(const struct summary_plan *plan);

/* Statements, in this order: what is read, as views; the table of versions; the table of rows. */
void summary_plan_append_views(const struct summary_plan *plan, struct buffer *sql);
void summary_plan_append_versions(const struct summary_plan *plan, struct buffer *sql);
void summary_plan_append_table(const struct summary_plan *plan, struct buffer *sql);

/* Queries over the views. Bad rows, in their order, at most `limit` where that isn't 0: number of the folder, of the
 * file, of the row (from 1), and the reason. Where no message is bad, `first` is 1: only those of joins are looked for.
 */
void summary_plan_append_bad(const struct summary_plan *plan, size_t first, int64_t limit, struct buffer *sql);
/* A key that two rows of join number `join` have, or nothing. */
void summary_plan_append_double_key(const struct summary_plan *plan, size_t join, struct buffer *sql);
/* How many messages there are, the bad ones too; and how many of them the table of versions has seen, which are good.
 */
void summary_plan_append_message_count(struct buffer *sql);
void summary_plan_append_good_count(struct buffer *sql);

#endif
