/* SPDX-License-Identifier: Apache-2.0
 * The table of live versions, tidemark.current_<source>: one row an order, as of the published cut. */
#ifndef TIDEMARK_POSTGRES_LIVE_VERSIONS_H
#define TIDEMARK_POSTGRES_LIVE_VERSIONS_H

#include "postgres/connection.h"
#include "postgres/window_sql.h"

/* Its name, quoted. */
void append_current_table(struct buffer *sql, const struct source *source);

/* The event times found in `origin`, a FROM item with the alias o, as a range of seconds; false in *ret_any where there
 * are none. */
bool versions_find_times(PGconn *connection, const char *origin, struct time_range *ret_times, bool *ret_any,
                         struct error *error) MUST_CHECK;

/* Windows of a view, and the ranges of event times that hold them, joined where they meet: literals of bigint[]. */
struct touched {
    struct buffer windows, from_us, to_us;
    struct time_range times; /* that all of them lie in */
};
/* `starts` has them in its first column, ascending and at least one. False where memory is short. */
bool touched_init(struct touched *touched, const struct view *view, const PGresult *starts) MUST_CHECK;
void touched_clean_up(struct touched *touched);

/* The live versions in these ranges as a FROM item with the alias o. */
void append_touched_versions(struct buffer *origin, const struct source *source, const struct touched *touched);

#endif
