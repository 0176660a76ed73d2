/* SPDX-License-Identifier: Apache-2.0 */
#include "database/backfill_days.h"

#include <inttypes.h>

/* " where …": the row of this backfill. */
static void append_row(struct buffer *sql, const struct source *source, const struct backfill *backfill)
{
    buffer_append_string(sql, " where source = ");
    buffer_append_literal(sql, text_of(source->name));
    buffer_append_string(sql, " and view = ");
    buffer_append_literal(sql, text_of(backfill->view));
    buffer_appendf(sql, " and from_day = date '1970-01-01' + %" PRId64 " and to_day = date '1970-01-01' + %" PRId64,
                   backfill->from, backfill->to);
}

void backfill_append_note(struct buffer *sql, const struct source *source, const struct backfill *backfill, int64_t day)
{
    if (day == backfill->to) {
        buffer_append_string(sql, "delete from tidemark.backfill");
        append_row(sql, source, backfill);
        return;
    }
    buffer_append_string(sql, "insert into tidemark.backfill (source, view, from_day, to_day, next_day) values (");
    buffer_append_literal(sql, text_of(source->name));
    buffer_append_string(sql, ", ");
    buffer_append_literal(sql, text_of(backfill->view));
    const int64_t days[] = {backfill->from, backfill->to, day + 1};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        buffer_appendf(sql, ", date '1970-01-01' + %" PRId64, days[i]);
    buffer_append_string(sql, ") on conflict (source, view, from_day, to_day) do update set next_day = "
                              "excluded.next_day");
}

bool backfill_read_day(struct batch *batch, const struct source *source, const struct backfill *backfill,
                       int64_t *ret_day, struct error *error)
{
    struct buffer sql = {0};
    RESULT *found = NULL;
    buffer_append_string(&sql, "select next_day - date '1970-01-01' from tidemark.backfill");
    append_row(&sql, source, backfill);
    bool done = batch_query(batch, &sql, &found, error);
    buffer_clean_up(&sql);
    if (done)
        *ret_day = PQntuples(found) == 1 ? result_integer(found, 0, 0) : backfill->from;
    return done;
}
