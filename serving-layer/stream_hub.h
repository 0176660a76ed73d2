/* SPDX-License-Identifier: Apache-2.0
 * What event streams share: who may read, how often they are told, what is counted, and how much may wait to be taken.
 */
#ifndef TIDEMARK_SERVING_STREAM_HUB_H
#define TIDEMARK_SERVING_STREAM_HUB_H

#include "access.h"
#include "alert_feed.h"
#include "http/streams.h"
#include "merged/snapshot.h"
#include "metrics/metrics.h"

struct stream_hub_options {
    struct access *access;   /* NULL: everybody may read */
    struct metrics *metrics; /* as the hub's options, these outlive the streams */
    int64_t push_every_us;   /* a stream is told at most so often */
    size_t streams_max;
    size_t bytes_max; /* of all events that wait to be taken; above it no reader is given one of its own */
};

struct stream_hub {
    struct stream_hub_options options;
    uint64_t process; /* by chance; see stream_position */
    struct streams *streams;
    atomic_size_t bytes_held;
    pthread_mutex_t lock; /* of: */
    struct view_channel *channels;
    size_t idle_channels;
};

bool stream_hub_new(const struct stream_hub_options *options, struct stream_hub **ret_hub,
                    struct error *error) MUST_CHECK;
bool stream_hub_start(struct stream_hub *hub, struct error *error) MUST_CHECK;
/* No stream is open any more, and its channels are swept. NULL is allowed. */
void stream_hub_destroy(struct stream_hub *hub);

/* Whether readers may be given events of their own. */
bool stream_hub_may_queue(struct stream_hub *hub);

/* 503 where no further stream may begin; false with the problem. */
bool stream_hub_admit(struct stream_hub *hub, struct problem *problem) MUST_CHECK;

/* The piece that says why a stream ends; NULL where memory is short. */
struct stream_piece *stream_problem(const struct problem *problem);

#endif
