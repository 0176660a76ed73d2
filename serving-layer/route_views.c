/* SPDX-License-Identifier: Apache-2.0
 * GET /v1/views and /v1/views/{view}. */
#include <string.h>

#include "answer_cache.h"
#include "base/zone.h"
#include "find_view.h"
#include "http/compress.h"
#include "old_windows.h"
#include "window_list.h"

static void append_dimensions(const struct view *view, struct buffer *out)
{
    buffer_append_string(out, "[");
    for (size_t i = 0; i < view->dimension_count; i++) {
        const struct field *field = &view->schema->fields[view->dimensions[i]];
        buffer_appendf(out, "%s{\"name\": \"%s\", \"type\": \"%s\"}", i ? ", " : "", field->name,
                       field->type == FIELD_TEXT ? "text" : "integer");
    }
    buffer_append_string(out, "]");
}

static void append_measures(const struct view *view, struct buffer *out)
{
    static const char *const kinds[] = {
        [MEASURE_COUNT] = "count",   [MEASURE_SUM] = "sum",     [MEASURE_AVERAGE] = "avg",
        [MEASURE_UNIQUE] = "unique", [MEASURE_MINIMUM] = "min", [MEASURE_MAXIMUM] = "max"};
    buffer_append_string(out, "[");
    for (size_t i = 0; i < view->measure_count; i++) {
        const struct measure *measure = &view->measures[i];
        buffer_appendf(out, "%s{\"name\": \"%s\", \"kind\": \"%s\"", i ? ", " : "", measure->name,
                       kinds[measure->kind]);
        if (measure->field != FIELD_NONE)
            buffer_appendf(out, ", \"field\": \"%s\"", view->schema->fields[measure->field].name);
        buffer_append_string(out, "}");
    }
    buffer_append_string(out, "]");
}

/* What has to be true of an order for it to count, as SQL, which is the same where the meaning is; null: all count. */
static void append_condition(const struct view *view, struct buffer *out)
{
    struct buffer sql = {0};
    if (!view->where) {
        buffer_append_string(out, "null");
        return;
    }
    expression_print_sql(view->where, view->schema, "", &sql);
    buffer_append_json(out, buffer_text(&sql));
    out->failed |= sql.failed;
    buffer_clean_up(&sql);
}

static void append_view(const struct source *source, const struct view *view, struct buffer *out)
{
    const int64_t panes = view_hops(view) ? view->panes : 1;
    const int64_t seconds = view_is_of_sessions(view) ? -1 : panes * view->window.length_s;
    buffer_appendf(out, "{\"name\": \"%s\", \"source\": \"%s\", \"window\": \"", view->name, source->name);
    window_print_asked(&view->window, view->panes, out);
    buffer_append_string(out, "\", \"panes\": \"");
    window_print(&view->window, out);
    buffer_append_string(out, "\", \"window_seconds\": ");
    append_number_or_null(seconds, out);
    buffer_append_string(out, ", \"time_zone\": ");
    buffer_append_json(out, text_of(zone_name(view->zone)));
    buffer_append_string(out, ", \"where\": ");
    append_condition(view, out);
    buffer_append_string(out, ", \"retention_seconds\": ");
    append_number_or_null(view->retention_s ? view->retention_s : -1, out);
    buffer_append_string(out, ", \"dimensions\": ");
    append_dimensions(view, out);
    buffer_append_string(out, ", \"measures\": ");
    append_measures(view, out);
    buffer_appendf(out, ", \"final\": \"%s\", \"windows\": ", view->watermark_us > 0 ? "watermark" : "published");
    window_list_append(view, out);
    buffer_append_string(out, ", \"hops\": ");
    hop_list_append(view, out);
    buffer_append_string(out, "}");
}

void route_views(const struct request *request, struct reply *reply)
{
    struct buffer out = {0};
    bool first = true;
    buffer_append_string(&out, "{\"views\": [");
    for (size_t i = 0; i < request->serving->source_count; i++) {
        const struct source *source = &request->serving->sources[i];
        for (size_t view = 0; view < source_shown_count(source); view++) {
            if (!visitor_may_see(request->visitor, source->views[view].name))
                continue;
            buffer_append_string(&out, first ? "" : ",\n");
            append_view(source, &source->views[view], &out);
            first = false;
        }
    }
    buffer_append_string(&out, "]}\n");
    reply_with(reply, 200, "application/json", &out);
}

static void move_to_header(struct reply *reply, const char *name, struct buffer *value)
{
    struct buffer *header = reply_header(reply, name);
    *header = *value;
    *value = (struct buffer){0};
}

/* A proxy may keep nothing that a token was needed for. */
static const char *cache_control(bool is_settled, bool is_private)
{
    if (is_private)
        return is_settled ? "private, max-age=60" : "private, no-cache";
    return is_settled ? "max-age=60" : "no-cache";
}

#define PROVENANCE_HEADER_MAX ((size_t)48 * 1024) /* of a topic of some thousand partitions; clients take less */

/* CSV and NDJSON have it in a header. */
static bool check_provenance(const struct answer *answer, enum answer_format format, struct problem *problem)
{
    return format == FORMAT_JSON || answer->is_known || answer->provenance.length <= PROVENANCE_HEADER_MAX ||
           problem_set(
               problem, 400,
               "format: the topic has so many partitions that what the answer says of them doesn't fit into a header: "
               "ask for json, which has it in the body");
}

static void give(struct answer *answer, enum answer_format format, struct reply *reply)
{
    static const char *const types[] = {[FORMAT_JSON] = "application/json",
                                        [FORMAT_CSV] = "text/csv; charset=utf-8; header=present",
                                        [FORMAT_NDJSON] = "application/x-ndjson"};
    if (answer->is_known)
        reply->status = 304;
    else
        reply_with(reply, 200, types[format], &answer->body);
    reply->is_compressed = reply->status == 200 && answer->is_compressed;
    buffer_append_string(reply_header(reply, "ETag"), answer->tag.text);
    if (format == FORMAT_JSON || answer->is_known)
        return;
    move_to_header(reply, "Tidemark-Provenance", &answer->provenance);
    if (answer->next.length)
        move_to_header(reply, "Tidemark-Next", &answer->next);
}

/* What memory doesn't hold is read from PostgreSQL, by a thread that may wait for it. */
static bool answer_old(const struct request *request, const struct source *source, size_t view,
                       const struct view_query *query, const struct answer_wishes *wishes, struct answer *answer,
                       struct reply *reply, struct problem *problem)
{
    reply->waits = !request->head->may_wait;
    if (reply->waits)
        return false;
    answer_clean_up(answer);
    *answer = (struct answer){0};
    if (old_windows_answer(request->serving->old_windows, source, view, query, wishes, answer, problem)) {
        answer->state = 0;
        return true;
    }
    if (problem->status == 503)
        buffer_append_string(reply_header(reply, "Retry-After"), OLD_WINDOWS_RETRY);
    return false;
}

static bool make_answer(const struct request *request, const struct view *view, struct snapshot *snapshot,
                        struct answer *answer, enum answer_format *ret_format, struct reply *reply,
                        struct problem *problem)
{
    const struct answer_wishes wishes = {request->head->target, request->head->if_none_match};
    const size_t number = (size_t)(view - snapshot->source->views);
    struct view_query query;
    if (!view_query_parse(view, request->target, request->head->accept, request->arena, &query, problem))
        return false;
    bool done = answer_view(snapshot, number, &query, &wishes, answer, problem);
    if (answer->is_beyond_memory && request->serving->old_windows)
        done = answer_old(request, snapshot->source, number, &query, &wishes, answer, reply, problem);
    if (!done || !check_provenance(answer, query.format, problem))
        return false;
    *ret_format = query.format;
    if (gzip_is_wanted(request->head->accept_encoding))
        answer_compress(answer);
    return true;
}

static void count_rows(const struct request *request, const struct view *view, size_t rows)
{
    metric_add(metrics_series(request->serving->metrics, METRIC_ROWS_ANSWERED, &view->name), (int64_t)rows);
}

/* As others were replied, or that nothing has changed since. */
static bool reply_from_cache(const struct request *request, const struct view *view, const struct snapshot *snapshot,
                             struct reply *reply)
{
    struct entity_tag tag;
    size_t rows;
    if (!answer_cache_find(request->serving->answers, snapshot->state, request->head, reply, &tag, &rows))
        return false;
    if (entity_tag_is_known(request->head->if_none_match, &tag)) {
        const char *cached_for = reply->cache_control;
        reply_clean_up(reply);
        *reply = (struct reply){.status = 304, .cache_control = cached_for};
        buffer_append_string(reply_header(reply, "ETag"), tag.text);
    } else {
        count_rows(request, view, rows);
    }
    return true;
}

void route_view(const struct request *request, struct reply *reply)
{
    struct problem problem;
    struct snapshot *snapshot;
    struct answer answer = {0};
    enum answer_format format;
    const struct view *view = find_view(request, request->target->segments[2], &snapshot, &problem);
    if (view && reply_from_cache(request, view, snapshot, reply))
        return;
    if (view && make_answer(request, view, snapshot, &answer, &format, reply, &problem)) {
        count_rows(request, view, answer.rows);
        reply->cache_control = cache_control(answer.is_settled, access_is_restricted(request->serving->access));
        give(&answer, format, reply);
        answer_cache_keep(request->serving->answers, request->head, &answer, reply);
    } else if (!reply->waits) {
        reply_problem(reply, &problem);
    }
    answer_clean_up(&answer);
}
