/* SPDX-License-Identifier: Apache-2.0
 * Answers without an end: event streams. A stream is asked for its next piece by the thread that sends, each time all
 * before it was taken; where there is none yet it sleeps, and costs nothing but its memory. A thread of this module's
 * own wakes those that are due, says a word where nothing was said for long, and ends those whose reader is gone,
 * takes nothing, or may no longer read.
 *
 * Nobody waits for a slow reader: what comes meanwhile isn't kept for it, but asked for once it has taken the rest.
 *
 * Streams that are due are woken together, and then none until push_every has passed, and four times as long as these
 * took to be given their pieces, up to half a second: where processor time is short, requests get the most of it, and
 * readers larger pieces.
 */
#ifndef TIDEMARK_HTTP_STREAMS_H
#define TIDEMARK_HTTP_STREAMS_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

#define STREAM_COMMENT_US (15 * INT64_C(1000000))     /* of silence, before a comment is sent */
#define STREAM_STALL_LIMIT_US (30 * INT64_C(1000000)) /* with a reader that takes nothing */

/* Bytes that are sent, of one stream or of many; never changed. */
struct stream_piece {
    atomic_size_t holders;
    atomic_size_t *bytes_held; /* of all pieces of a kind, this one's among them; NULL: nobody counts */
    size_t length;
    char bytes[];
};
struct stream_piece *stream_piece_new(struct text text,
                                      atomic_size_t *bytes_held);   /* held once; NULL: memory is short */
struct stream_piece *stream_piece_hold(struct stream_piece *piece); /* once more; gives it */
void stream_piece_release(struct stream_piece *piece);              /* NULL is allowed */

enum stream_turn { STREAM_PIECE, STREAM_SLEEPS, STREAM_LAST, STREAM_ENDS };

/* Where a stream's pieces come from. */
struct stream_source {
    /* Gives the next piece, held for the caller; behind STREAM_LAST the stream ends. Asked once when the stream begins,
     * and once whenever it was due. By the thread that sends. */
    enum stream_turn (*next)(void *context, struct stream_piece **ret_piece);
    /* Whether a stream that sleeps would now get a piece. Under a lock of all streams: takes no time. */
    bool (*is_due)(void *context);
    /* Whether its reader may go on reading; about once a second, under that lock too. */
    bool (*may_read)(void *context);
    /* The last call, whatever came of it; nothing else is on its way then. */
    void (*close)(void *context);
    void *context; /* NULL: there is no stream */
};

enum stream_drop { DROP_SLOW, DROP_GONE, DROP_FORBIDDEN };

struct streams_options {
    size_t most;           /* streams at a time */
    int64_t push_every_us; /* a stream is given a piece at most so often */
    /* A stream was ended by us. NULL: nobody counts. */
    void (*dropped)(void *context, enum stream_drop why);
    void *context;
};

struct streams;
bool streams_new(const struct streams_options *options, struct streams **ret_streams, struct error *error) MUST_CHECK;
bool streams_start(struct streams *streams, struct error *error) MUST_CHECK;
/* No stream is open any more. NULL is allowed. */
void streams_destroy(struct streams *streams);

size_t streams_count(struct streams *streams);
/* Whether one more would be refused. */
bool streams_are_full(struct streams *streams);

/* What the thread does again and again: for tests that start none. Gives how many were woken for a piece. */
size_t streams_look(struct streams *streams, int64_t now_us);

/* Ends all: those that sleep at once, and no other one sleeps or begins. Waits up to `until_us` (monotonic) until they
 * are gone. */
void streams_end(struct streams *streams, int64_t until_us);

/* --- for the server --- */

struct stream;
struct MHD_Connection;

/* A stream over this connection and descriptor; NULL where there are too many, or memory is short: then the source is
 * closed. Ends with stream_close. */
struct stream *stream_open(struct streams *streams, struct MHD_Connection *connection, int descriptor,
                           const struct stream_source *source);
/* The library's callback for more of a body; `context` is the stream, or NULL for one that has ended. */
ssize_t stream_read(void *context, uint64_t position, char *bytes, size_t size);
void stream_close(struct stream *stream); /* NULL is allowed */

#endif
