/* SPDX-License-Identifier: Apache-2.0 */
#include "stream_hub.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "serving_metrics.h"

static void count_drop(void *context, enum stream_drop why)
{
    static const char *const reasons[] = {[DROP_SLOW] = "slow", [DROP_GONE] = "gone", [DROP_FORBIDDEN] = "forbidden"};
    const struct stream_hub *hub = context;
    metric_add(metrics_series(hub->options.metrics, METRIC_STREAMS_DROPPED, &reasons[why]), 1);
}

bool stream_hub_new(const struct stream_hub_options *options, struct stream_hub **ret_hub, struct error *error)
{
    struct stream_hub *hub = calloc(1, sizeof *hub);
    if (!hub)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    hub->options = *options;
    pthread_mutex_init(&hub->lock, NULL);
    const struct streams_options streams = {
        .most = options->streams_max, .push_every_us = options->push_every_us, .dropped = count_drop, .context = hub};
    while (hub->process == 0)
        if (!random_bytes(&hub->process, sizeof hub->process))
            hub->process = (uint64_t)clock_wall_us();
    if (!streams_new(&streams, &hub->streams, error)) {
        stream_hub_destroy(hub);
        return false;
    }
    *ret_hub = hub;
    return true;
}

bool stream_hub_start(struct stream_hub *hub, struct error *error)
{
    return streams_start(hub->streams, error);
}

void stream_hub_destroy(struct stream_hub *hub)
{
    if (!hub)
        return;
    streams_destroy(hub->streams);
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}

bool stream_hub_may_queue(struct stream_hub *hub)
{
    return atomic_load(&hub->bytes_held) < hub->options.bytes_max;
}

bool stream_hub_admit(struct stream_hub *hub, struct problem *problem)
{
    if (streams_are_full(hub->streams))
        return problem_set(problem, 503, "there are as many event streams as there may be, see http.streams");
    return stream_hub_may_queue(hub) ||
           problem_set(problem, 503, "too much waits to be taken by slow readers of event streams");
}

struct stream_piece *stream_problem(const struct problem *problem)
{
    struct buffer out = {0};
    buffer_append_string(&out, "event: problem\ndata: ");
    problem_append(problem, &out);
    while (out.length && out.data[out.length - 1] == '\n')
        out.length--;
    buffer_append_string(&out, "\n\n");
    struct stream_piece *piece = out.failed ? NULL : stream_piece_new(buffer_text(&out), NULL);
    buffer_clean_up(&out);
    return piece;
}
