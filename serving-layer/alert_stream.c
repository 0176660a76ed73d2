/* SPDX-License-Identifier: Apache-2.0 */
#include "alert_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert_query.h"
#include "base/clock.h"
#include "base/hash.h"
#include "serving_metrics.h"

#define RETRY_MS 1000 /* a reader that was cut off is back so soon */

static const char *const label[] = {"alerts"};

struct alert_stream {
    struct stream_hub *hub;
    struct alert_feed *feed;
    struct visitor visitor;
    char *target;
    uint64_t question;
    struct arena arena; /* of what follows */
    struct target parsed;
    struct alert_query query;
    int64_t known;              /* the number of the latest alert that its reader was told of; -1: none */
    bool is_begun;              /* it was told of all before */
    struct stream_piece *first; /* what it begins with, until it is sent */
};

/* What is visited, of which state, and where what is new to the reader goes. */
struct alert_search {
    const struct alert_stream *stream;
    struct alert_feed_state state;
    struct alert_list list;
};

static bool is_reset_due(const struct alert_search *search)
{
    const struct alert_stream *stream = search->stream;
    return !stream->is_begun || stream->known < search->state.known || stream->known > search->state.newest;
}

static void take(void *context, const struct feed_alert *alert)
{
    struct alert_search *search = context;
    bool is_new = is_reset_due(search) || alert->number > search->stream->known;
    if (is_new && alert_query_takes(&search->stream->query, alert))
        alert_list_add(&search->list, alert);
}

static struct stream_piece *event_of(const struct alert_stream *stream, const struct alert_list *list, bool is_reset,
                                     int64_t newest)
{
    struct buffer out = {0};
    if (is_reset)
        buffer_appendf(&out, "retry: %d\n", RETRY_MS);
    buffer_appendf(&out, "event: alerts\nid: %" PRIx64 "-%" PRIx64 "-%" PRId64 "\ndata: {%s\"alerts\": ",
                   stream->hub->process, stream->question, newest, is_reset ? "\"reset\": true, " : "");
    alert_list_append(list, ", ", &out);
    buffer_append_string(&out, "}\n\n");
    struct stream_piece *piece = out.failed ? NULL : stream_piece_new(buffer_text(&out), &stream->hub->bytes_held);
    buffer_clean_up(&out);
    return piece;
}

/* The event of what was found; *ret_piece is NULL where that is nothing. */
static bool make_of(struct alert_stream *stream, struct alert_search *search, struct stream_piece **ret_piece,
                    struct problem *problem)
{
    bool is_reset = is_reset_due(search);
    alert_list_order(&search->list);
    if (search->list.dropped)
        return problem_set(problem, 400, "a stream begins with at most %d alerts: ask for fewer by from or field.NAME",
                           ALERTS_LIMIT_MAX);
    if (search->list.failed)
        return problem_memory(problem);
    if (is_reset || search->list.count > 0) {
        *ret_piece = event_of(stream, &search->list, is_reset, search->state.newest);
        if (!*ret_piece)
            return problem_memory(problem);
    }
    stream->known = search->state.newest;
    stream->is_begun = true;
    return true;
}

/* While the topics can't be read, nothing is new. */
static bool make(struct alert_stream *stream, struct stream_piece **ret_piece, struct problem *problem)
{
    struct alert_search search = {stream, {-1, -1}, {.limit = ALERTS_LIMIT_MAX}};
    *ret_piece = NULL;
    bool done = stream->is_begun;
    if (!stream->feed || alert_feed_visit(stream->feed, take, &search, &search.state))
        done = make_of(stream, &search, ret_piece, problem);
    else if (!done)
        problem_set(problem, 503, "the alert topics can't be read at the moment");
    alert_list_clean_up(&search.list);
    return done;
}

/* --- the source of a stream --- */

static enum stream_turn next(void *context, struct stream_piece **ret_piece)
{
    struct alert_stream *stream = context;
    struct problem problem;
    *ret_piece = stream->first;
    stream->first = NULL;
    if (!*ret_piece && !make(stream, ret_piece, &problem))
        return STREAM_ENDS;
    if (!*ret_piece)
        return STREAM_SLEEPS;
    metric_add(metrics_series(stream->hub->options.metrics, METRIC_STREAM_EVENTS, label), 1);
    return STREAM_PIECE;
}

static bool is_due(void *context)
{
    const struct alert_stream *stream = context;
    return stream->feed && alert_feed_state(stream->feed).newest != stream->known;
}

static bool may_read(void *context)
{
    struct alert_stream *stream = context;
    return access_renew(stream->hub->options.access, clock_wall_us(), &stream->visitor) &&
           visitor_operates(&stream->visitor);
}

static void stream_destroy(struct alert_stream *stream)
{
    stream_piece_release(stream->first);
    visitor_leave(&stream->visitor);
    arena_clean_up(&stream->arena);
    free(stream->target);
    free(stream);
}

static void close_stream(void *context)
{
    struct alert_stream *stream = context;
    metric_add(metrics_series(stream->hub->options.metrics, METRIC_STREAMS, label), -1);
    stream_destroy(stream);
}

/* Goes on behind the last event, where that was one of this process and this question. */
static void resume(struct alert_stream *stream, const char *last_event_id)
{
    uint64_t process, question;
    int64_t known;
    char rest;
    if (last_event_id &&
        sscanf(last_event_id, "%" SCNx64 "-%" SCNx64 "-%" SCNd64 "%c", &process, &question, &known, &rest) == 3 &&
        process == stream->hub->process && question == stream->question) {
        stream->known = known;
        stream->is_begun = true;
    }
}

static bool begin(struct alert_stream *stream, const struct alert_stream_request *request, struct problem *problem)
{
    stream->target = strdup(request->target);
    if (!stream->target)
        return problem_memory(problem);
    stream->question = hash_bytes(stream->target, strlen(stream->target));
    if (!target_parse(stream->target, &stream->arena, &stream->parsed, problem) ||
        !alert_query_parse(request->detectors, request->detector_count, &stream->parsed, false, &stream->query,
                           problem))
        return false;
    resume(stream, request->last_event_id);
    return make(stream, &stream->first, problem);
}

bool alert_stream_open(struct stream_hub *hub, const struct alert_stream_request *request,
                       struct stream_source *ret_source, struct problem *problem)
{
    struct alert_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return problem_memory(problem);
    stream->hub = hub;
    stream->feed = request->feed;
    stream->known = -1;
    if (!begin(stream, request, problem)) {
        stream_destroy(stream);
        return false;
    }
    stream->visitor = *request->visitor;
    *request->visitor = (struct visitor){0};
    metric_add(metrics_series(hub->options.metrics, METRIC_STREAMS, label), 1);
    *ret_source = (struct stream_source){next, is_due, may_read, close_stream, stream};
    return true;
}
