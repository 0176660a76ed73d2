/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <string.h>

#include "base/clock.h"
#include "row_writer.h"

void answer_clean_up(struct answer *answer)
{
    buffer_clean_up(&answer->body);
    buffer_clean_up(&answer->provenance);
    buffer_clean_up(&answer->next);
}

/* A walk over the rows that are asked for. */
struct walk {
    const struct snapshot *snapshot;
    const struct view_query *query;
    const struct view_state *state;
    struct answer *answer;
    struct row_writer writer;
    bool complete; /* nothing is missing that could still change a row */
    const struct row *last;
    int64_t last_start_s;
    union {
        struct cell cell;
        unsigned char bytes[sizeof(struct cell) + SUMS_MAX * sizeof(struct sum)];
    } merged; /* of the row at hand */
};

static bool is_final(const struct walk *walk, const struct window_rows *window, const struct row *row)
{
    const struct publication *publication = &walk->snapshot->publication;
    return walk->complete && publication->epoch > 0 && window->end_s <= publication->opened_at_us / US_PER_SECOND &&
           cell_is_zero(walk->query->view, row_cell(row, walk->query->view, PART_LIVE));
}

static const struct cell *merge(struct walk *walk, const struct row *row)
{
    const struct view *view = walk->query->view;
    memset(&walk->merged, 0, sizeof walk->merged);
    cell_merge(view, &walk->merged.cell, row_cell(row, view, PART_BATCH));
    cell_merge(view, &walk->merged.cell, row_cell(row, view, PART_LIVE));
    return &walk->merged.cell;
}

/* False once the page is full and there is a row after it. */
static bool visit_row(struct walk *walk, const struct window_rows *window, const struct row *row)
{
    const struct view *view = walk->query->view;
    struct value dimensions[DIMENSIONS_MAX];
    const struct cell *cell = merge(walk, row);
    if (cell->count == 0 || !group_parse(view, row_group(row, view), dimensions) ||
        !view_query_takes(walk->query, dimensions))
        return true;
    if (walk->answer->rows == walk->query->limit) {
        cursor_append(walk->last_start_s, row_group(walk->last, view), &walk->answer->next);
        return false;
    }
    if (walk->query->format == FORMAT_JSON && walk->answer->rows)
        buffer_append_string(&walk->answer->body, ",\n");
    const struct written_row written = {window->start_s, window->end_s, dimensions, cell, is_final(walk, window, row)};
    row_writer_write(&walk->writer, &written);
    if (walk->query->format == FORMAT_NDJSON)
        buffer_append_char(&walk->answer->body, '\n');
    walk->answer->rows++;
    walk->last = row;
    walk->last_start_s = window->start_s;
    return true;
}

/* The first window start that is looked at. */
static int64_t begins(const struct view_state *state, const struct view_query *query)
{
    int64_t from_s = query->from_s > state->expired_s ? query->from_s : state->expired_s;
    return query->has_cursor && query->cursor_start_s > from_s ? query->cursor_start_s : from_s;
}

static void visit_rows(struct walk *walk)
{
    const struct view_query *query = walk->query;
    for (size_t i = view_rows_window(&walk->state->rows, begins(walk->state, query)); i < walk->state->rows.count;
         i++) {
        const struct window_rows *window = &walk->state->rows.windows[i];
        if (window->start_s >= query->to_s)
            return;
        size_t number = 0;
        if (query->has_cursor && window->start_s == query->cursor_start_s)
            number = window_rows_group(query->view, window, query->cursor_group, true);
        for (; number < window->count; number++)
            if (!visit_row(walk, window, window->rows[number]))
                return;
    }
}

/* What was given up to keep within the memory can't be answered, and is not passed over in silence. */
static bool check_held(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                       struct problem *problem)
{
    const struct view_state *state = &snapshot->views[view];
    int64_t to_s = query->to_s < state->rows.floor_s ? query->to_s : state->rows.floor_s;
    if (begins(state, query) >= to_s)
        return true;
    struct buffer held = {0};
    buffer_append_local_time(&held, query->view->zone, state->rows.floor_s);
    problem_set(problem, 422,
                "windows before %s are not held: http.memory is full; ask with from=%s, or raise http.memory",
                buffer_string(&held), buffer_string(&held));
    if (held.failed)
        problem_memory(problem);
    buffer_clean_up(&held);
    return false;
}

static void write_answer(struct walk *walk, size_t view)
{
    struct buffer *body = &walk->answer->body;
    provenance_append(walk->snapshot, view, walk->query, &walk->answer->provenance);
    if (walk->query->format == FORMAT_CSV)
        csv_header_append(walk->query->view, body);
    if (walk->query->format == FORMAT_JSON)
        buffer_appendf(body, "{\"view\": \"%s\", \"rows\": [", walk->query->view->name);
    if (snapshot_view_is_current(walk->snapshot, view))
        visit_rows(walk);
    if (walk->query->format != FORMAT_JSON)
        return;
    buffer_append_string(body, "], \"next\": ");
    if (walk->answer->next.length)
        buffer_append_json(body, buffer_text(&walk->answer->next));
    else
        buffer_append_string(body, "null");
    buffer_append_string(body, ", \"provenance\": ");
    buffer_append_text(body, buffer_text(&walk->answer->provenance));
    buffer_append_string(body, "}\n");
}

static bool answer_locked(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                          struct answer *answer, struct problem *problem)
{
    if (!snapshot->loaded)
        return problem_set(problem, 503, "nothing that is published of %s could be read yet", snapshot->source->name);
    if (!check_held(snapshot, view, query, problem))
        return false;
    struct walk walk = {
        .snapshot = snapshot,
        .query = query,
        .state = &snapshot->views[view],
        .answer = answer,
        .complete = view_is_complete(snapshot, view),
    };
    row_writer_init(&walk.writer, query->view, query->format == FORMAT_CSV, &answer->body);
    write_answer(&walk, view);
    row_writer_clean_up(&walk.writer);
    return (!answer->body.failed && !answer->provenance.failed && !answer->next.failed) || problem_memory(problem);
}

bool answer_view(struct snapshot *snapshot, size_t view, const struct view_query *query, struct answer *answer,
                 struct problem *problem)
{
    pthread_rwlock_rdlock(&snapshot->lock);
    bool done = answer_locked(snapshot, view, query, answer, problem);
    pthread_rwlock_unlock(&snapshot->lock);
    return done;
}
