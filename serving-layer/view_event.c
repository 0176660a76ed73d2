/* SPDX-License-Identifier: Apache-2.0 */
#include "view_event.h"

#include "provenance.h"
#include "row_writer.h"
#include "view_changes.h"

#define RETRY_MS 1000 /* a reader that was cut off comes back so soon */

void view_event_clean_up(struct view_event *event)
{
    selection_clean_up(&event->rows);
    buffer_clean_up(&event->provenance);
    stream_position_clean_up(&event->to);
}

/* What a copy that has to be made anew keeps in mind: offsets, where they are of this question. */
static bool begin_position(const struct stream_position *since, uint64_t process, uint64_t question,
                           struct stream_position *to)
{
    static const struct stream_position none;
    bool is_another = since->process == process && since->question != question;
    return stream_position_copy(is_another ? &none : since, to);
}

static bool pick_all(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                     struct view_event *event, struct problem *problem)
{
    struct buffer next = {0};
    bool done = pick_page(snapshot, view, query, &event->rows, &next, problem);
    if (done && next.length)
        done = problem_set(problem, 400,
                           "a stream begins with at most %d rows: ask for a shorter range, fewer dimensions in "
                           "group_by, or longer windows",
                           LIMIT_MAX);
    buffer_clean_up(&next);
    event->is_reset = true;
    return done;
}

static bool pick(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                 const struct stream_position *since, const struct changes *changes, struct view_event *event,
                 struct problem *problem)
{
    if (changes->is_reset || view_changes_are_all(snapshot, view, query, since))
        return pick_all(snapshot, view, query, event, problem);
    return view_changes_pick(snapshot, view, query, since, changes, &event->rows, problem);
}

static bool take(struct snapshot *snapshot, size_t view, const struct view_query *query,
                 const struct stream_position *since, bool has_copy, struct view_event *event, struct problem *problem)
{
    struct changes changes = {0};
    struct feed_reader reader = {&snapshot->feed, view, has_copy ? since->state : 0};
    if (!feed_read(&reader, &changes))
        return problem_memory(problem);
    bool done = pick(snapshot, view, query, since, &changes, event, problem);
    changes_clean_up(&changes);
    if (!done)
        return false;
    provenance_append(snapshot, view, query, &event->provenance);
    if (event->provenance.failed || !stream_position_advance(&event->to, snapshot, &event->is_behind))
        return problem_memory(problem);
    event->to.state = reader.state;
    event->to.provenance = provenance_state(buffer_text(&event->provenance));
    event->to.finality = finality_of(snapshot, view);
    event->to.expired_us = snapshot->views[view].expired_us;
    event->to.current = snapshot_view_is_current(snapshot, view);
    event->is_news = event->is_reset || event->rows.count > 0 || event->to.provenance != since->provenance;
    return true;
}

bool view_event_pick(struct snapshot *snapshot, size_t view, const struct view_query *query,
                     const struct stream_position *since, uint64_t process, uint64_t question, struct view_event *event,
                     struct problem *problem)
{
    bool has_copy = since->process == process && since->question == question;
    *event = (struct view_event){0};
    selection_init(&event->rows, &query->question.rows);
    if (!begin_position(since, process, question, &event->to))
        return problem_memory(problem);
    event->to.process = process;
    event->to.question = question;
    if (has_copy && !snapshot->loaded) /* until there is something again, there is nothing new */
        return true;
    return take(snapshot, view, query, since, has_copy, event, problem);
}

bool view_event_take(struct snapshot *snapshot, size_t view, const struct view_query *query,
                     const struct stream_position *since, uint64_t process, uint64_t question, struct view_event *event,
                     struct problem *problem)
{
    pthread_rwlock_rdlock(&snapshot->lock);
    bool done = view_event_pick(snapshot, view, query, since, process, question, event, problem);
    pthread_rwlock_unlock(&snapshot->lock);
    return done;
}

/* Those that are there, or the names of those that aren't any more. */
static void append_rows(const struct view_event *event, bool are_there, struct buffer *out)
{
    struct row_writer writer;
    struct selected_row row;
    bool first = true;
    row_writer_init(&writer, event->rows.rows, false, out);
    for (size_t at = 0; selection_next(&event->rows, &at, &row);) {
        struct value dimensions[DIMENSIONS_MAX];
        if ((row.cell != NULL) != are_there || !group_parse(event->rows.rows, row.group, dimensions))
            continue;
        buffer_append_string(out, first ? "" : ", ");
        first = false;
        const struct written_row written = {row.start_us, row.end_us, dimensions, row.cell, row.final};
        if (are_there)
            row_writer_write(&writer, &written);
        else
            row_writer_write_name(&writer, &written);
    }
    row_writer_clean_up(&writer);
}

void view_event_append(const struct view_event *event, struct buffer *out)
{
    if (event->is_reset)
        buffer_appendf(out, "retry: %d\n", RETRY_MS);
    buffer_append_string(out, "event: rows\nid: ");
    stream_position_append(&event->to, out);
    buffer_appendf(out, "\ndata: {%s%s\"rows\": [", event->is_reset ? "\"reset\": true, " : "",
                   event->is_behind ? "\"behind\": true, " : "");
    append_rows(event, true, out);
    buffer_append_string(out, "], \"removed\": [");
    append_rows(event, false, out);
    buffer_append_string(out, "], \"provenance\": ");
    buffer_append_text(out, buffer_text(&event->provenance));
    buffer_append_string(out, "}\n\n");
}
