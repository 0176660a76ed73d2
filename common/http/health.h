/* SPDX-License-Identifier: Apache-2.0
 * /livez, /readyz and /metrics, which each program answers in the same way. */
#ifndef TIDEMARK_HTTP_HEALTH_H
#define TIDEMARK_HTTP_HEALTH_H

#include "http/reply.h"
#include "metrics/metrics.h"

/* What a program says of itself; called from any thread. */
struct health {
    /* Appends what hinders its work, a line each; nothing where it does it. */
    void (*append_hindrances)(void *context, struct buffer *out);
    /* Sets the gauges that nobody sets by the way. NULL: there are none. */
    void (*observe)(void *context);
    /* Whether it comes round at all, however it does: what a watchdog asks. NULL: it does. */
    bool (*is_alive)(void *context);
    struct metrics *metrics;
    void *context;
};

void health_live(struct reply *reply);
void health_ready(const struct health *health, struct reply *reply);
void health_metrics(const struct health *health, struct reply *reply);

/* Answers GET of `raw_target`, where these three are all that there is. *ret_route is how it is counted. */
void health_route(const struct health *health, const char *raw_target, struct reply *reply, const char **ret_route);

#endif
