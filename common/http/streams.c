/* SPDX-License-Identifier: Apache-2.0 */
#include "http/streams.h"

#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ticker.h"

#define TURN_BYTES ((size_t)16 * 1024) /* at a time: the library's buffer of a connection grows by no more */
#define CARE_EVERY_US US_PER_SECOND    /* how often readers are looked after */
#define LOOKS 10                       /* so many between two pieces of a stream: whether it is due */
#define REST_ROUNDS 4                  /* as long as so many rounds as the last one nobody is woken */
#define REST_US_MAX (US_PER_SECOND / 2)

struct stream {
    struct streams *streams;
    struct stream *next, *before; /* of all that are open */
    struct MHD_Connection *connection;
    int descriptor;
    struct stream_source source;
    struct stream_piece *piece;       /* what is being sent, or NULL; of the thread that sends */
    size_t sent;                      /* bytes of it */
    _Atomic int64_t said_us, took_us; /* when a piece was begun, and when the reader last took something */
    atomic_bool is_called;            /* woken for a piece that it hasn't given yet */
    bool may_tell;                    /* the source is to be asked for a piece; of the thread that sends, as: */
    bool is_last;                     /* behind what is being sent it ends */
    bool has_given_back;              /* the library's buffer, once */
    bool sleeps;                      /* the library does nothing with the connection; under the lock, as: */
    bool is_over;                     /* to end with what is sent already */
    bool is_silent;                   /* nothing was said for long */
    int64_t begun_us;
};

struct streams {
    struct streams_options options;
    pthread_mutex_t lock; /* of the list, and of what says so above */
    struct stream *first;
    size_t count;
    bool is_ending;
    size_t called;          /* streams of the round that is on its way: woken together */
    int64_t round_since_us; /* when it, or the last one, began */
    int64_t rest_until_us;  /* before which no other one begins */
    int64_t cared_us;       /* when readers were last looked after; of the ticker */
    struct ticker ticker;
};

/* --- pieces --- */

struct stream_piece *stream_piece_new(struct text text, atomic_size_t *bytes_held)
{
    struct stream_piece *piece = malloc(sizeof *piece + text.length);
    if (!piece)
        return NULL;
    piece->holders = 1;
    piece->bytes_held = bytes_held;
    piece->length = text.length;
    memcpy(piece->bytes, text.data, text.length);
    if (bytes_held)
        atomic_fetch_add(bytes_held, text.length);
    return piece;
}

struct stream_piece *stream_piece_hold(struct stream_piece *piece)
{
    atomic_fetch_add(&piece->holders, 1);
    return piece;
}

void stream_piece_release(struct stream_piece *piece)
{
    if (!piece || atomic_fetch_sub(&piece->holders, 1) > 1)
        return;
    if (piece->bytes_held)
        atomic_fetch_sub(piece->bytes_held, piece->length);
    free(piece);
}

/* --- life --- */

static int64_t tick(void *context)
{
    struct streams *streams = context;
    int64_t now_us = clock_monotonic_us();
    streams_look(streams, now_us);
    return now_us + streams->options.push_every_us / LOOKS;
}

bool streams_new(const struct streams_options *options, struct streams **ret_streams, struct error *error)
{
    struct streams *streams = calloc(1, sizeof *streams);
    if (!streams)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    streams->options = *options;
    pthread_mutex_init(&streams->lock, NULL);
    ticker_init(&streams->ticker, tick, streams);
    *ret_streams = streams;
    return true;
}

bool streams_start(struct streams *streams, struct error *error)
{
    return ticker_start(&streams->ticker, 0, error);
}

void streams_destroy(struct streams *streams)
{
    if (!streams)
        return;
    ticker_clean_up(&streams->ticker);
    pthread_mutex_destroy(&streams->lock);
    free(streams);
}

size_t streams_count(struct streams *streams)
{
    pthread_mutex_lock(&streams->lock);
    size_t count = streams->count;
    pthread_mutex_unlock(&streams->lock);
    return count;
}

bool streams_are_full(struct streams *streams)
{
    return streams_count(streams) >= streams->options.most;
}

/* --- waking, under the lock --- */

static void wake(struct stream *stream)
{
    if (!stream->sleeps)
        return;
    stream->sleeps = false;
    MHD_resume_connection(stream->connection);
}

static bool is_due(struct stream *stream, int64_t now_us)
{
    stream->is_silent = now_us - stream->said_us >= STREAM_COMMENT_US;
    return stream->is_silent || (now_us - stream->begun_us >= stream->streams->options.push_every_us &&
                                 stream->source.is_due(stream->source.context));
}

/* Its reader has closed the connection. The library looks at none that sleeps. */
static bool is_gone(const struct stream *stream)
{
    struct pollfd descriptor = {.fd = stream->descriptor, .events = POLLRDHUP};
    return poll(&descriptor, 1, 0) > 0 && (descriptor.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static void drop(struct stream *stream, enum stream_drop why)
{
    const struct streams_options *options = &stream->streams->options;
    stream->is_over = true;
    if (!stream->sleeps || why == DROP_GONE)
        shutdown(stream->descriptor, SHUT_RDWR); /* what waits to be taken is no longer waited for */
    wake(stream);
    if (options->dropped)
        options->dropped(options->context, why);
}

static void look_after(struct stream *stream, int64_t now_us)
{
    if (is_gone(stream))
        drop(stream, DROP_GONE);
    else if (!stream->source.may_read(stream->source.context))
        drop(stream, DROP_FORBIDDEN);
    else if (!stream->sleeps && now_us - stream->took_us >= STREAM_STALL_LIMIT_US)
        drop(stream, DROP_SLOW);
}

static void call(struct stream *stream)
{
    stream->is_called = stream->may_tell = true;
    stream->streams->called++;
    wake(stream);
}

/* What a round took, by the threads that also answer requests, is what these have lost by it. */
static void leave_round(struct stream *stream)
{
    struct streams *streams = stream->streams;
    if (!atomic_exchange(&stream->is_called, false))
        return;
    pthread_mutex_lock(&streams->lock);
    if (--streams->called == 0) {
        const int64_t now_us = clock_monotonic_us(), rest_us = REST_ROUNDS * (now_us - streams->round_since_us);
        streams->rest_until_us = now_us + (rest_us < REST_US_MAX ? rest_us : REST_US_MAX);
    }
    pthread_mutex_unlock(&streams->lock);
}

size_t streams_look(struct streams *streams, int64_t now_us)
{
    const bool cares = now_us - streams->cared_us >= CARE_EVERY_US;
    if (cares)
        streams->cared_us = now_us;
    pthread_mutex_lock(&streams->lock);
    const bool rests = streams->called > 0 || now_us < streams->rest_until_us ||
                       now_us - streams->round_since_us < streams->options.push_every_us;
    for (struct stream *stream = cares || !rests ? streams->first : NULL; stream; stream = stream->next) {
        if (cares && !stream->is_over)
            look_after(stream, now_us);
        if (!rests && stream->sleeps && is_due(stream, now_us))
            call(stream);
    }
    const size_t called = rests ? 0 : streams->called;
    if (called > 0)
        streams->round_since_us = now_us;
    pthread_mutex_unlock(&streams->lock);
    return called;
}

void streams_end(struct streams *streams, int64_t until_us)
{
    pthread_mutex_lock(&streams->lock);
    streams->is_ending = true;
    for (struct stream *stream = streams->first; stream; stream = stream->next)
        wake(stream);
    pthread_mutex_unlock(&streams->lock);
    while (streams_count(streams) > 0 && clock_monotonic_us() < until_us)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* --- one stream --- */

static bool enter(struct streams *streams, struct stream *stream)
{
    pthread_mutex_lock(&streams->lock);
    bool done = !streams->is_ending && streams->count < streams->options.most;
    if (done) {
        stream->next = streams->first;
        if (stream->next)
            stream->next->before = stream;
        streams->first = stream;
        streams->count++;
    }
    pthread_mutex_unlock(&streams->lock);
    return done;
}

struct stream *stream_open(struct streams *streams, struct MHD_Connection *connection, int descriptor,
                           const struct stream_source *source)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream) {
        stream->streams = streams;
        stream->connection = connection;
        stream->descriptor = descriptor;
        stream->source = *source;
        stream->said_us = stream->took_us = stream->begun_us = clock_monotonic_us();
        stream->may_tell = true;
    }
    if (stream && enter(streams, stream))
        return stream;
    free(stream);
    source->close(source->context);
    return NULL;
}

void stream_close(struct stream *stream)
{
    if (!stream)
        return;
    struct streams *streams = stream->streams;
    leave_round(stream);
    pthread_mutex_lock(&streams->lock);
    if (stream->before)
        stream->before->next = stream->next;
    else
        streams->first = stream->next;
    if (stream->next)
        stream->next->before = stream->before;
    pthread_mutex_unlock(&streams->lock);
    stream_piece_release(stream->piece);
    stream->source.close(stream->source.context);
    free(stream);
    pthread_mutex_lock(&streams->lock);
    streams->count--; /* whoever waits for its end finds nothing of it */
    pthread_mutex_unlock(&streams->lock);
}

static bool is_over(struct stream *stream, bool *ret_silent)
{
    pthread_mutex_lock(&stream->streams->lock);
    bool over = stream->is_over || stream->streams->is_ending;
    *ret_silent = stream->is_silent;
    stream->is_silent = false;
    pthread_mutex_unlock(&stream->streams->lock);
    return over;
}

/* False where it must not: the end has come meanwhile. */
static bool sleep_on(struct stream *stream)
{
    pthread_mutex_lock(&stream->streams->lock);
    bool sleeps = !stream->is_over && !stream->streams->is_ending;
    if (sleeps) {
        stream->sleeps = true;
        MHD_suspend_connection(stream->connection);
    }
    pthread_mutex_unlock(&stream->streams->lock);
    return sleeps;
}

/* What is to be sent next. */
static enum stream_turn take_turn(struct stream *stream)
{
    bool is_silent;
    enum stream_turn turn = STREAM_SLEEPS;
    if (stream->is_last || is_over(stream, &is_silent))
        return STREAM_ENDS;
    if (stream->may_tell)
        turn = stream->source.next(stream->source.context, &stream->piece);
    stream->may_tell = false;
    stream->is_last = turn == STREAM_LAST;
    if (turn != STREAM_SLEEPS || !is_silent)
        return turn;
    stream->piece = stream_piece_new(text_of(":\n\n"), NULL);
    return stream->piece ? STREAM_PIECE : STREAM_ENDS;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

static ssize_t send_some(struct stream *stream, char *bytes, size_t size)
{
    struct stream_piece *piece = stream->piece;
    size_t length = smallest(piece->length - stream->sent, size, TURN_BYTES);
    memcpy(bytes, piece->bytes + stream->sent, length);
    stream->sent += length;
    if (stream->sent == piece->length) {
        stream_piece_release(piece);
        stream->piece = NULL;
        stream->sent = 0;
    }
    return (ssize_t)length;
}

/* What the library lends to be written to is what is left of a connection's buffer, of which it has zeroed the most:
 * the pages of it go back to the system, and come again one by one where a piece needs them. */
static void give_back(struct stream *stream, char *bytes, size_t size)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)bytes + page - 1) / page * page;
    const uintptr_t to = ((uintptr_t)bytes + size) / page * page;
    if (!stream->has_given_back && from < to)
        madvise((void *)from, to - from, MADV_DONTNEED);
    stream->has_given_back = true;
}

ssize_t stream_read(void *context, uint64_t position, char *bytes, size_t size)
{
    (void)position;
    struct stream *stream = context;
    if (!stream)
        return MHD_CONTENT_READER_END_OF_STREAM;
    int64_t now_us = clock_monotonic_us();
    stream->took_us = now_us;
    give_back(stream, bytes, size);
    if (!stream->piece) {
        enum stream_turn turn = take_turn(stream);
        leave_round(stream);
        if (turn == STREAM_SLEEPS && sleep_on(stream))
            return 0;
        if (turn == STREAM_SLEEPS || turn == STREAM_ENDS)
            return MHD_CONTENT_READER_END_OF_STREAM;
        stream->said_us = now_us;
    }
    return send_some(stream, bytes, size);
}
