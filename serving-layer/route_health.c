/* SPDX-License-Identifier: Apache-2.0
 * GET /livez, /readyz and /metrics. */
#include "routes.h"

void route_live(const struct request *request, struct reply *reply)
{
    (void)request;
    reply_constant(reply, "text/plain; charset=utf-8", "ok\n");
}

/* Names what was never read; true where there is something. */
static bool append_unread(const struct serving *serving, struct buffer *out)
{
    bool any = false;
    for (size_t i = 0; i < serving->source_count; i++) {
        const struct snapshot *snapshot = serving->snapshots[i];
        if (!snapshot->published_read_us)
            buffer_appendf(out, "%s: PostgreSQL could not be read yet\n", snapshot->source->name);
        if (!snapshot->live_read_us)
            buffer_appendf(out, "%s: Redis could not be read yet\n", snapshot->source->name);
        any = any || !snapshot->published_read_us || !snapshot->live_read_us;
    }
    return any;
}

void route_ready(const struct request *request, struct reply *reply)
{
    struct buffer out = {0};
    bool unread = append_unread(request->serving, &out);
    if (!unread)
        buffer_append_string(&out, "ok\n");
    reply_with(reply, unread ? 503 : 200, "text/plain; charset=utf-8", &out);
}

void route_metrics(const struct request *request, struct reply *reply)
{
    struct buffer out = {0};
    for (size_t i = 0; i < request->serving->source_count; i++)
        serving_metrics_observe(request->serving->metrics, request->serving->snapshots[i]);
    metrics_print(request->serving->metrics, &out);
    reply_with(reply, 200, METRICS_CONTENT_TYPE, &out);
}
