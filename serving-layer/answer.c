/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <string.h>

#include "base/clock.h"
#include "roll_up.h"
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
    struct cell_total merged; /* of the row at hand */
};

static bool is_final(const struct walk *walk, int64_t end_s, bool has_live)
{
    const struct publication *publication = &walk->snapshot->publication;
    return walk->complete && publication->epoch > 0 && end_s <= publication->opened_at_us / US_PER_SECOND && !has_live;
}

static void write_row(struct walk *walk, const struct written_row *row)
{
    if (walk->query->format == FORMAT_JSON && walk->answer->rows)
        buffer_append_string(&walk->answer->body, ",\n");
    row_writer_write(&walk->writer, row);
    if (walk->query->format == FORMAT_NDJSON)
        buffer_append_char(&walk->answer->body, '\n');
    walk->answer->rows++;
}

/* False once the page is full and there is a row after it. */
static bool visit_row(struct walk *walk, const struct window_rows *window, const struct row *row)
{
    const struct view *view = walk->query->view;
    struct value dimensions[DIMENSIONS_MAX];
    const struct cell *cell = row_merge(row, view, &walk->merged);
    if (cell->count == 0 || !group_parse(view, row_group(row, view), dimensions) ||
        !view_query_takes(walk->query, dimensions))
        return true;
    if (walk->answer->rows == walk->query->limit) {
        cursor_append(walk->last_start_s, row_group(walk->last, view), &walk->answer->next);
        return false;
    }
    bool has_live = !cell_is_zero(view, row_cell(row, view, PART_LIVE));
    write_row(walk, &(struct written_row){window->start_s, window->end_s, dimensions, cell,
                                          is_final(walk, window->end_s, has_live)});
    walk->last = row;
    walk->last_start_s = window->start_s;
    return true;
}

/* The first window start that is looked at. */
static int64_t begins(const struct view_state *state, const struct view_query *query)
{
    int64_t from_s = query->from_s > state->expired_s ? query->from_s : state->expired_s;
    bool is_behind = query->has_cursor && question_is_plain(&query->question) && query->cursor_start_s > from_s;
    return is_behind ? query->cursor_start_s : from_s;
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

/* A page of rows that are in their order. */
static void write_rolled(struct walk *walk, const struct rollup *rollup)
{
    const struct view_query *query = walk->query;
    const struct rollup_row cursor = {.start_s = query->cursor_start_s,
                                      .group = query->cursor_group,
                                      .cell = (const struct cell *)(const void *)query->cursor_cell.bytes};
    for (size_t i = query->has_cursor ? rollup_behind(rollup, &cursor) : 0; i < rollup->count; i++) {
        const struct rollup_row *row = &rollup->rows[i];
        struct value dimensions[DIMENSIONS_MAX];
        if (walk->answer->rows == query->limit) {
            cursor_append_rolled(query, &rollup->rows[i - 1], &walk->answer->next);
            return;
        }
        if (!group_parse(&query->question.rows, row->group, dimensions))
            continue;
        write_row(walk, &(struct written_row){row->start_s, row->end_s, dimensions, row->cell,
                                              is_final(walk, row->end_s, row->is_touched)});
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

/* `rollup` is NULL where the question is plain. */
static void write_answer(struct walk *walk, size_t view, const struct rollup *rollup)
{
    struct buffer *body = &walk->answer->body;
    provenance_append(walk->snapshot, view, walk->query, &walk->answer->provenance);
    if (walk->query->format == FORMAT_CSV)
        csv_header_append(&walk->query->question.rows, body);
    if (walk->query->format == FORMAT_JSON)
        buffer_appendf(body, "{\"view\": \"%s\", \"rows\": [", walk->query->view->name);
    if (rollup)
        write_rolled(walk, rollup);
    else if (snapshot_view_is_current(walk->snapshot, view))
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
    struct rollup rollup;
    rollup_init(&rollup, &query->question, begins(walk.state, query), query->to_s);
    bool is_plain = question_is_plain(&query->question);
    bool done = is_plain || !snapshot_view_is_current(snapshot, view) || roll_up(walk.state, query, &rollup, problem);
    if (done) {
        row_writer_init(&walk.writer, &query->question.rows, query->format == FORMAT_CSV, &answer->body);
        write_answer(&walk, view, is_plain ? NULL : &rollup);
        row_writer_clean_up(&walk.writer);
    }
    rollup_clean_up(&rollup);
    if (!done)
        return false;
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
