/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <string.h>

#include "base/clock.h"
#include "http/compress.h"
#include "pick.h"
#include "row_writer.h"

void answer_clean_up(struct answer *answer)
{
    buffer_clean_up(&answer->body);
    buffer_clean_up(&answer->provenance);
    buffer_clean_up(&answer->next);
}

/* What offsets, epoch and question don't say, what is missing from the answer does. */
static struct entity_tag tag_of(const struct answer *answer, const struct view_query *query, const char *target)
{
    const uint64_t parts[] = {provenance_state(buffer_text(&answer->provenance)), entity_hash(target, strlen(target)),
                              (uint64_t)query->format};
    return entity_tag_of(entity_hash(parts, sizeof parts));
}

/* Whether all rows of the range are final, and stay so. A page is judged by all that lies behind it too. */
static bool is_settled(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                       const struct selection *selection)
{
    const struct finality finality = finality_of(snapshot, view);
    struct selected_row row;
    if (!finality.complete || finality.is_watermark || query_is_expired(snapshot, view, query) ||
        query->to_us > finality.settled_us)
        return false;
    for (size_t at = 0; selection_next(selection, &at, &row);)
        if (!row.final)
            return false;
    return true;
}

static bool take(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                 const struct answer_wishes *wishes, struct selection *selection, struct answer *answer,
                 struct problem *problem)
{
    answer->is_beyond_memory = snapshot->loaded && !pick_is_held(snapshot, view, query, problem);
    if (answer->is_beyond_memory || !pick_page(snapshot, view, query, selection, &answer->next, problem))
        return false;
    answer->state = snapshot->state;
    provenance_append(snapshot, view, query, &answer->provenance);
    if (answer->provenance.failed)
        return problem_memory(problem);
    answer->tag = tag_of(answer, query, wishes->target);
    answer->is_known = entity_tag_is_known(wishes->if_none_match, &answer->tag);
    answer->is_settled = answer->next.length == 0 && is_settled(snapshot, view, query, selection);
    return true;
}

static void write_row(struct row_writer *writer, const struct view_query *query, const struct selected_row *row,
                      struct answer *answer)
{
    struct value dimensions[DIMENSIONS_MAX];
    if (!group_parse(writer->view, row->group, dimensions))
        return;
    if (query->format == FORMAT_JSON && answer->rows)
        buffer_append_string(&answer->body, ",\n");
    row_writer_write(writer, &(struct written_row){row->start_us, row->end_us, dimensions, row->cell, row->final});
    if (query->format == FORMAT_NDJSON)
        buffer_append_char(&answer->body, '\n');
    answer->rows++;
}

static void write_rows(const struct view_query *query, const struct selection *selection, struct answer *answer)
{
    struct row_writer writer;
    struct selected_row row;
    row_writer_init(&writer, selection->rows, query->format == FORMAT_CSV, &answer->body);
    for (size_t at = 0; selection_next(selection, &at, &row);)
        write_row(&writer, query, &row, answer);
    row_writer_clean_up(&writer);
}

static void write_body(const struct view_query *query, const struct selection *selection, struct answer *answer)
{
    struct buffer *body = &answer->body;
    if (query->format == FORMAT_CSV)
        csv_header_append(selection->rows, body);
    if (query->format == FORMAT_JSON)
        buffer_appendf(body, "{\"view\": \"%s\", \"rows\": [", query->view->name);
    write_rows(query, selection, answer);
    if (query->format != FORMAT_JSON)
        return;
    buffer_append_string(body, "], \"next\": ");
    if (answer->next.length)
        buffer_append_json(body, buffer_text(&answer->next));
    else
        buffer_append_string(body, "null");
    buffer_append_string(body, ", \"provenance\": ");
    buffer_append_text(body, buffer_text(&answer->provenance));
    buffer_append_string(body, "}\n");
}

bool answer_view(struct snapshot *snapshot, size_t view, const struct view_query *query,
                 const struct answer_wishes *wishes, struct answer *answer, struct problem *problem)
{
    struct selection selection;
    selection_init(&selection, &query->question.rows);
    pthread_rwlock_rdlock(&snapshot->lock);
    bool done = take(snapshot, view, query, wishes, &selection, answer, problem);
    pthread_rwlock_unlock(&snapshot->lock);
    if (done && !answer->is_known)
        write_body(query, &selection, answer);
    selection_clean_up(&selection);
    return done && (!answer->body.failed || problem_memory(problem));
}

void answer_compress(struct answer *answer)
{
    struct buffer smaller = {0};
    answer->is_compressed = answer->body.length >= COMPRESS_BYTES_MIN && !answer->body.failed &&
                            gzip_append(buffer_text(&answer->body), &smaller);
    if (answer->is_compressed) {
        struct buffer plain = answer->body;
        answer->body = smaller;
        smaller = plain;
    }
    buffer_clean_up(&smaller);
}
