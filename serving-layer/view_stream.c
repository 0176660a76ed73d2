/* SPDX-License-Identifier: Apache-2.0 */
#include "view_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "serving_metrics.h"
#include "view_event.h"

#define IDLE_CHANNEL_US (30 * US_PER_SECOND) /* for which a reader that comes back is told what has changed */
#define IDLE_CHANNELS_MAX 100

/* A question, and what those who asked it are told. */
struct view_channel {
    struct stream_hub *hub;
    struct view_channel *next;
    size_t streams; /* under the hub's lock, as: */
    int64_t idle_since_us;
    struct snapshot *snapshot;
    size_t view;
    char *target;
    uint64_t question;
    struct arena arena; /* of what follows */
    struct target parsed;
    struct view_query query;
    struct feed_reader reader; /* only keeps what has changed remembered */

    pthread_mutex_t lock;        /* of the latest event: */
    struct stream_piece *latest; /* NULL: there is none to be shared */
    struct stream_position from, to;
};

struct view_stream {
    struct view_channel *channel;
    struct visitor visitor;
    struct stream_position position; /* of its reader's copy, once it has taken all before */
    struct stream_piece *first;      /* what it begins with, until it is sent */
};

/* --- channels --- */

static void channel_destroy(struct view_channel *channel)
{
    feed_reader_close(&channel->reader);
    stream_piece_release(channel->latest);
    stream_position_clean_up(&channel->from);
    stream_position_clean_up(&channel->to);
    pthread_mutex_destroy(&channel->lock);
    arena_clean_up(&channel->arena);
    free(channel->target);
    free(channel);
}

static bool channel_init(struct view_channel *channel, const struct view_stream_request *request,
                         struct problem *problem)
{
    channel->snapshot = request->snapshot;
    channel->view = (size_t)(request->view - request->snapshot->source->views);
    channel->target = strdup(request->target);
    if (!channel->target)
        return problem_memory(problem);
    channel->question = hash_bytes(channel->target, strlen(channel->target));
    return target_parse(channel->target, &channel->arena, &channel->parsed, problem) &&
           view_query_parse_stream(request->view, &channel->parsed, &channel->arena, &channel->query, problem);
}

static struct view_channel *channel_new(struct stream_hub *hub, const struct view_stream_request *request,
                                        struct problem *problem)
{
    struct view_channel *channel = calloc(1, sizeof *channel);
    if (!channel) {
        problem_memory(problem);
        return NULL;
    }
    channel->hub = hub;
    pthread_mutex_init(&channel->lock, NULL);
    if (!channel_init(channel, request, problem)) {
        channel_destroy(channel);
        return NULL;
    }
    struct feed *feed = &channel->snapshot->feed;
    pthread_rwlock_rdlock(&channel->snapshot->lock);
    feed_reader_open(&channel->reader, feed, channel->view, feed->state);
    pthread_rwlock_unlock(&channel->snapshot->lock);
    return channel;
}

/* Of this question, or made for it; NULL with the problem. */
static struct view_channel *channel_enter(struct stream_hub *hub, const struct view_stream_request *request,
                                          struct problem *problem)
{
    pthread_mutex_lock(&hub->lock);
    struct view_channel *channel = hub->channels;
    while (channel && strcmp(channel->target, request->target) != 0)
        channel = channel->next;
    if (channel) {
        hub->idle_channels -= channel->streams == 0;
    } else {
        channel = channel_new(hub, request, problem);
        if (channel) {
            channel->next = hub->channels;
            hub->channels = channel;
        }
    }
    if (channel)
        channel->streams++;
    pthread_mutex_unlock(&hub->lock);
    return channel;
}

static void forget_latest(struct view_channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    stream_piece_release(channel->latest);
    channel->latest = NULL;
    pthread_mutex_unlock(&channel->lock);
}

static void channel_leave(struct view_channel *channel)
{
    struct stream_hub *hub = channel->hub;
    pthread_mutex_lock(&hub->lock);
    if (--channel->streams == 0) {
        forget_latest(channel);
        channel->idle_since_us = clock_monotonic_us();
        hub->idle_channels++;
    }
    bool are_many = hub->idle_channels > IDLE_CHANNELS_MAX;
    pthread_mutex_unlock(&hub->lock);
    if (are_many)
        view_channels_sweep(hub, INT64_MAX);
}

void view_channels_sweep(struct stream_hub *hub, int64_t now_us)
{
    if (!hub)
        return;
    pthread_mutex_lock(&hub->lock);
    for (struct view_channel **at = &hub->channels; *at;) {
        struct view_channel *channel = *at;
        if (channel->streams > 0 || now_us - channel->idle_since_us < IDLE_CHANNEL_US) {
            at = &channel->next;
            continue;
        }
        *at = channel->next;
        hub->idle_channels--;
        channel_destroy(channel);
    }
    pthread_mutex_unlock(&hub->lock);
}

/* --- events --- */

static const char *const *label(const struct view_channel *channel)
{
    return &channel->snapshot->source->views[channel->view].name;
}

static void count(const struct view_channel *channel, enum serving_metric metric)
{
    metric_add(metrics_series(channel->hub->options.metrics, metric, label(channel)), 1);
}

/* *ret_piece is NULL where there is nothing to tell; the position is another one also then. */
static bool make(const struct view_channel *channel, const struct stream_position *since,
                 struct stream_position *ret_to, struct stream_piece **ret_piece, struct problem *problem)
{
    struct view_event event;
    struct buffer out = {0};
    bool done = view_event_take(channel->snapshot, channel->view, &channel->query, since, channel->hub->process,
                                channel->question, &event, problem);
    *ret_piece = NULL;
    if (done && event.is_news) {
        view_event_append(&event, &out);
        *ret_piece = out.failed ? NULL : stream_piece_new(buffer_text(&out), &channel->hub->bytes_held);
        done = *ret_piece || problem_memory(problem);
        if (event.is_reset)
            count(channel, METRIC_STREAM_RESETS);
    }
    if (done) {
        *ret_to = event.to;
        event.to = (struct stream_position){0};
    }
    buffer_clean_up(&out);
    view_event_clean_up(&event);
    return done;
}

/* Keeps an event for others that stand where it begins; with the channel's lock. */
static void share(struct view_channel *channel, const struct stream_position *from, const struct stream_position *to,
                  struct stream_piece *piece)
{
    struct stream_position shared_from = {0}, shared_to = {0};
    if (!stream_position_copy(from, &shared_from) || !stream_position_copy(to, &shared_to)) {
        stream_position_clean_up(&shared_from);
        return; /* each makes its own */
    }
    stream_piece_release(channel->latest);
    stream_position_clean_up(&channel->from);
    stream_position_clean_up(&channel->to);
    channel->latest = stream_piece_hold(piece);
    channel->from = shared_from;
    channel->to = shared_to;
}

/* The latest event, where the stream stands where it begins; with the channel's lock. */
static bool take_shared(struct view_stream *stream, struct stream_piece **ret_piece)
{
    const struct view_channel *channel = stream->channel;
    struct stream_position to;
    if (!channel->latest || !stream_position_equal(&channel->from, &stream->position) ||
        !stream_position_copy(&channel->to, &to))
        return false;
    stream_position_clean_up(&stream->position);
    stream->position = to;
    *ret_piece = stream_piece_hold(channel->latest);
    return true;
}

/* Makes the stream's next event; with the channel's lock where `is_shared`. */
static bool make_next(struct view_stream *stream, bool is_shared, struct stream_piece **ret_piece,
                      struct problem *problem)
{
    struct stream_position to;
    if (!make(stream->channel, &stream->position, &to, ret_piece, problem))
        return false;
    if (is_shared && *ret_piece)
        share(stream->channel, &stream->position, &to, *ret_piece);
    stream_position_clean_up(&stream->position);
    stream->position = to;
    return true;
}

/* Nobody else asks this question for now. */
static bool is_alone(const struct view_channel *channel)
{
    pthread_mutex_lock(&channel->hub->lock);
    bool is_alone = channel->streams == 1;
    pthread_mutex_unlock(&channel->hub->lock);
    return is_alone;
}

/* An event of its own waits until there is room for it. */
static bool next_own(struct view_stream *stream, struct stream_piece **ret_piece, struct problem *problem)
{
    *ret_piece = NULL;
    return !stream_hub_may_queue(stream->channel->hub) || make_next(stream, false, ret_piece, problem);
}

/* Those that stand where the latest event ends, or have none to share, make the next one for all others that do. */
static bool next_event(struct view_stream *stream, struct stream_piece **ret_piece, struct problem *problem)
{
    struct view_channel *channel = stream->channel;
    if (is_alone(channel)) { /* and keeps nothing for others */
        forget_latest(channel);
        return next_own(stream, ret_piece, problem);
    }
    bool done = true;
    pthread_mutex_lock(&channel->lock);
    bool is_slow = channel->latest && stream->position.state < channel->from.state;
    if (!is_slow && !take_shared(stream, ret_piece))
        done = make_next(stream, true, ret_piece, problem);
    pthread_mutex_unlock(&channel->lock);
    if (!is_slow)
        return done;
    done = next_own(stream, ret_piece, problem);
    if (*ret_piece)
        count(channel, METRIC_STREAM_MERGED);
    return done;
}

/* --- the source of a stream --- */

static enum stream_turn next(void *context, struct stream_piece **ret_piece)
{
    struct view_stream *stream = context;
    struct problem problem;
    *ret_piece = stream->first;
    stream->first = NULL;
    if (!*ret_piece && !next_event(stream, ret_piece, &problem)) {
        *ret_piece = stream_problem(&problem);
        return *ret_piece ? STREAM_LAST : STREAM_ENDS;
    }
    if (!*ret_piece)
        return STREAM_SLEEPS;
    count(stream->channel, METRIC_STREAM_EVENTS);
    return STREAM_PIECE;
}

static bool is_due(void *context)
{
    const struct view_stream *stream = context;
    return feed_state(&stream->channel->snapshot->feed) > stream->position.state;
}

static bool may_read(void *context)
{
    struct view_stream *stream = context;
    return access_renew(stream->channel->hub->options.access, clock_wall_us(), &stream->visitor) &&
           visitor_may_see(&stream->visitor, *label(stream->channel));
}

static void stream_destroy(struct view_stream *stream)
{
    stream_piece_release(stream->first);
    stream_position_clean_up(&stream->position);
    visitor_leave(&stream->visitor);
    channel_leave(stream->channel);
    free(stream);
}

static void close_stream(void *context)
{
    struct view_stream *stream = context;
    metric_add(metrics_series(stream->channel->hub->options.metrics, METRIC_STREAMS, label(stream->channel)), -1);
    stream_destroy(stream);
}

/* With what is new to its reader, or, where that is nothing, with the wait for it. */
static bool begin(struct view_stream *stream, const char *last_event_id, struct problem *problem)
{
    struct stream_position since = {0}, to;
    if (last_event_id && !stream_position_parse(last_event_id, &since))
        since = (struct stream_position){0}; /* all of it */
    bool done = make(stream->channel, &since, &to, &stream->first, problem);
    stream_position_clean_up(&since);
    if (done)
        stream->position = to;
    return done;
}

bool view_stream_open(struct stream_hub *hub, const struct view_stream_request *request,
                      struct stream_source *ret_source, struct problem *problem)
{
    struct view_channel *channel = channel_enter(hub, request, problem);
    if (!channel)
        return false;
    struct view_stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        channel_leave(channel);
        return problem_memory(problem);
    }
    stream->channel = channel;
    if (!begin(stream, request->last_event_id, problem)) {
        stream_destroy(stream);
        return false;
    }
    stream->visitor = *request->visitor;
    *request->visitor = (struct visitor){0};
    metric_add(metrics_series(hub->options.metrics, METRIC_STREAMS, label(channel)), 1);
    *ret_source = (struct stream_source){next, is_due, may_read, close_stream, stream};
    return true;
}
