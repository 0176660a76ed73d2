/* SPDX-License-Identifier: Apache-2.0
 * A moment begins a session where the one before it in its group is further than the gap away; it is in the session of
 * so many beginnings up to it. */
#include "engine/postgres/session_sql.h"

#include <inttypes.h>

#include "base/clock.h"
#include "engine/postgres/view_sql.h"
#include "postgres/view_table.h"

/* "partition by … order by tm_window" */
static void append_order(struct buffer *sql, const struct view *view)
{
    buffer_append_string(sql, "partition by 0");
    append_view_dimensions(sql, view);
    buffer_append_string(sql, " order by tm_window");
}

static void append_moments(struct buffer *sql, const struct view *view)
{
    buffer_append_string(sql, "moments as (select *, coalesce(tm_window - lag(tm_window) over (");
    append_order(sql, view);
    buffer_appendf(sql, ") > %" PRId64 ", true)::int as tm_begins from ", view->window.gap_s * US_PER_SECOND);
    append_view_table(sql, view);
    buffer_append_char(sql, ')');
}

static void append_sessions(struct buffer *sql, const struct view *view)
{
    buffer_append_string(sql, "sessions as (select min(tm_window) as tm_first, max(tm_window) as tm_last, "
                              "sum(tm_count)::bigint as tm_count");
    append_view_dimensions(sql, view);
    append_view_sums(sql, view);
    buffer_append_string(sql, " from (select *, sum(tm_begins) over (");
    append_order(sql, view);
    buffer_append_string(sql, ") as tm_session from moments) numbered group by tm_session");
    append_view_dimensions(sql, view);
    buffer_append_char(sql, ')');
}

void append_session_view(struct buffer *sql, const struct view *view)
{
    struct buffer end = {0};
    buffer_appendf(&end, "(tm_last + %" PRId64 ")", view->window.gap_s * US_PER_SECOND);
    buffer_append_string(sql, "create or replace view ");
    append_view_rows(sql, view);
    buffer_append_string(sql, " as with ");
    append_moments(sql, view);
    buffer_append_string(sql, ", ");
    append_sessions(sql, view);
    buffer_append_string(sql, " select ");
    window_sql_append_time(view, "tm_first", sql);
    buffer_append_string(sql, " as window_start, ");
    window_sql_append_time(view, buffer_string(&end), sql);
    buffer_append_string(sql, " as window_end");
    append_view_dimensions(sql, view);
    append_view_measures(sql, view);
    buffer_append_string(sql, " from sessions");
    sql->failed |= end.failed;
    buffer_clean_up(&end);
}
