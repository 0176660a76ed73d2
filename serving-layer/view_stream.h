/* SPDX-License-Identifier: Apache-2.0
 * The event stream of a view: the rows of a question, and then what changes of them.
 *
 * Streams of the same question share a channel, and those that are told the same are given the same piece: it is made
 * once. A reader that was too slow for that gets one of its own, of all that changed since what it has. Events are made
 * by the threads that send; rows are copied under the snapshot's read lock, and written without it. */
#ifndef TIDEMARK_SERVING_VIEW_STREAM_H
#define TIDEMARK_SERVING_VIEW_STREAM_H

#include "stream_hub.h"
#include "view_query.h"

struct view_stream_request {
    struct snapshot *snapshot;
    const struct view *view;   /* of its source */
    const char *target;        /* as it came */
    const char *last_event_id; /* the header of that name; NULL: not given */
    struct visitor *visitor;   /* moved from where the stream is opened */
};

/* Opens a stream and makes its first event. False with the problem: those of view_query_parse_stream and pick_page, 400
 * where there are more rows than a stream may begin with. */
bool view_stream_open(struct stream_hub *hub, const struct view_stream_request *request,
                      struct stream_source *ret_source, struct problem *problem) MUST_CHECK;

/* Forgets channels that nobody has read for half a minute, at `now_us` (monotonic); to be called about once a second.
 * Until then who comes back to one is told what has changed. INT64_MAX: all that nobody reads. The hub may be NULL. */
void view_channels_sweep(struct stream_hub *hub, int64_t now_us);

#endif
