/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/postgres/late.h"

#include <inttypes.h>

#include "base/clock.h"
#include "database/source_sql.h"
#include "engine/postgres/ranges.h"
#include "postgres/group_sql.h"
#include "postgres/live_versions.h"

struct late_count {
    struct source_run *run;
    struct view_change *changes;
    struct buffer sql;
};

static const struct view *view_of(const struct late_count *count, size_t number)
{
    return &count->run->source->views[number];
}

/* The shortest wait of a view; 0 where none has a watermark. *ret_whole: one of them is computed from nothing. */
static int64_t least_wait_us(const struct late_count *count, bool *ret_whole)
{
    int64_t least_us = 0;
    *ret_whole = false;
    for (size_t i = 0; i < count->run->source->view_count; i++) {
        int64_t wait_us = view_of(count, i)->watermark_us;
        *ret_whole |= wait_us > 0 && count->changes[i].whole;
        if (wait_us > 0 && (least_us == 0 || wait_us < least_us))
            least_us = wait_us;
    }
    return least_us;
}

/* Of the partition of `r`, where the messages begin that this run publishes. */
static void append_clock_before(struct late_count *count)
{
    for (size_t i = 0; i < count->run->partition_count; i++) {
        const struct run_partition *partition = &count->run->partitions[i];
        buffer_appendf(&count->sql, "%s%" PRId64, i ? "," : "('{",
                       partition->begins > partition->first ? partition->clock_us : 0);
    }
    buffer_append_string(&count->sql, "}'::bigint[])[r.tm_partition + 1]");
}

/* Messages that came behind the clock that their partition had before them by more than some view waits: few. Each
 * carries that clock. */
static bool select_behind(struct late_count *count, int64_t wait_us, bool whole, struct error *error)
{
    struct buffer *sql = &count->sql;
    buffer_append_string(sql, "create temp table tm_behind on commit drop as select * from (select r.*, greatest(");
    if (whole)
        buffer_append_char(sql, '0');
    else
        append_clock_before(count);
    buffer_append_string(sql, ", max(least(r.tm_event_us, r.tm_record_us)) over (partition by r.tm_partition order by "
                              "r.tm_offset rows between unbounded preceding and 1 preceding)) as tm_clock from ");
    append_raw_table(sql, count->run->source);
    buffer_append_string(sql, " r where ");
    append_ranges(sql, count->run, whole ? BELOW_CUT : PUBLISHED_NOW, "r.tm_partition", "r.tm_offset");
    buffer_appendf(sql, ") o where o.tm_clock > 0 and o.tm_event_us < o.tm_clock - %" PRId64, wait_us);
    return batch_execute(count->run->batch, sql, error);
}

/* Where the first version stays, those that come later don't count. */
static void append_kept(struct late_count *count)
{
    const struct source *source = count->run->source;
    if (source->on_duplicate != ON_DUPLICATE_IGNORE)
        return;
    buffer_append_string(&count->sql, " and exists (select from ");
    append_current_table(&count->sql, source);
    buffer_append_string(&count->sql, " c where c.tm_partition = o.tm_partition and c.tm_offset = o.tm_offset and "
                                      "c.tm_key = o.");
    buffer_append_identifier(&count->sql, source->schema.fields[source->schema.key].name);
    buffer_append_char(&count->sql, ')');
}

/* Of the messages in `o`, with the starts of their windows. */
static void append_has_ended(struct late_count *count, const struct window_sql *window)
{
    const struct view *view = window->view;
    buffer_append_string(&count->sql, ") o where ");
    if (view_is_of_sessions(view)) {
        buffer_appendf(&count->sql, "o.tm_event_us + %" PRId64 " <", view->window.gap_s * US_PER_SECOND);
    } else {
        window_sql_append_end(window, "o.tm_start", &count->sql);
        buffer_append_string(&count->sql, " * 1000000 <=");
    }
    buffer_appendf(&count->sql, " o.tm_clock - %" PRId64, view->watermark_us);
}

static bool count_view(struct late_count *count, size_t number, struct time_range times, struct error *error)
{
    const struct view *view = view_of(count, number);
    struct buffer *sql = &count->sql;
    RESULT *result = NULL;
    struct window_sql window;
    window_sql_init(&window, view, times);
    buffer_append_string(sql, "select count(*) from (select o.*, ");
    window_sql_append_start(&window, "o.tm_event_us", sql);
    buffer_appendf(sql, " as tm_start from pg_temp.tm_behind o where o.tm_event_us < o.tm_clock - %" PRId64 " and ",
                   view->watermark_us);
    append_view_condition(sql, view);
    if (!count->changes[number].whole) {
        buffer_append_string(sql, " and ");
        append_ranges(sql, count->run, PUBLISHED_NOW, "o.tm_partition", "o.tm_offset");
    }
    append_kept(count);
    append_has_ended(count, &window);
    bool done = batch_query(count->run->batch, sql, &result, error);
    if (done)
        count->changes[number].late += result_integer(result, 0, 0);
    window_sql_clean_up(&window);
    return done;
}

static bool count_all(struct late_count *count, struct error *error)
{
    struct time_range times;
    bool whole, any;
    int64_t wait_us = least_wait_us(count, &whole);
    if (wait_us == 0 || count->run->partition_count == 0)
        return true;
    if (!select_behind(count, wait_us, whole, error) ||
        !versions_find_times(count->run->batch->connection, "pg_temp.tm_behind o", &times, &any, error))
        return false;
    for (size_t i = 0; any && i < count->run->source->view_count; i++)
        if (view_of(count, i)->watermark_us > 0 && !count_view(count, i, times, error))
            return false;
    return true;
}

bool late_count(struct source_run *run, struct view_change changes[], struct error *error)
{
    struct late_count count = {.run = run, .changes = changes};
    bool done = count_all(&count, error);
    buffer_clean_up(&count.sql);
    return done;
}
