/* SPDX-License-Identifier: Apache-2.0 */
#include "http/health.h"

#include <string.h>

#include "http/target.h"

#define PLAIN_TEXT "text/plain; charset=utf-8"

void health_live(struct reply *reply)
{
    reply_constant(reply, PLAIN_TEXT, "ok\n");
}

void health_ready(const struct health *health, struct reply *reply)
{
    struct buffer out = {0};
    health->append_hindrances(health->context, &out);
    bool ready = out.length == 0 && !out.failed;
    if (ready)
        buffer_append_string(&out, "ok\n");
    reply_with(reply, ready ? 200 : 503, PLAIN_TEXT, &out);
}

void health_metrics(const struct health *health, struct reply *reply)
{
    struct buffer out = {0};
    if (health->observe)
        health->observe(health->context);
    metrics_print(health->metrics, &out);
    reply_with(reply, 200, METRICS_CONTENT_TYPE, &out);
}

static bool is_path(const struct target *target, const char *name)
{
    return target->segment_count == 1 && strcmp(target->segments[0], name) == 0;
}

static void dispatch(const struct health *health, const struct target *target, struct reply *reply,
                     const char **ret_route)
{
    struct problem problem;
    if (is_path(target, "livez")) {
        *ret_route = "/livez";
        health_live(reply);
    } else if (is_path(target, "readyz")) {
        *ret_route = "/readyz";
        health_ready(health, reply);
    } else if (is_path(target, "metrics")) {
        *ret_route = "/metrics";
        health_metrics(health, reply);
    } else {
        problem_set(&problem, 404, "there is nothing here but /livez, /readyz and /metrics");
        reply_problem(reply, &problem);
    }
}

void health_route(const struct health *health, const char *raw_target, struct reply *reply, const char **ret_route)
{
    struct arena arena = {0};
    struct target target;
    struct problem problem;
    *ret_route = "other";
    if (target_parse(raw_target, &arena, &target, &problem) && target_allow(&target, NULL, 0, &problem))
        dispatch(health, &target, reply, ret_route);
    else
        reply_problem(reply, &problem);
    arena_clean_up(&arena);
}
