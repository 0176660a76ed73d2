/* SPDX-License-Identifier: Apache-2.0
 * GET /livez, /readyz and /metrics. */
#include "routes.h"

/* Names what was never read. */
static void append_unread(void *context, struct buffer *out)
{
    const struct serving *serving = context;
    for (size_t i = 0; i < serving->source_count; i++) {
        const struct snapshot *snapshot = serving->snapshots[i];
        if (!snapshot->published_read_us)
            buffer_appendf(out, "%s: PostgreSQL could not be read yet\n", snapshot->source->name);
        if (!snapshot->live_read_us)
            buffer_appendf(out, "%s: Redis could not be read yet\n", snapshot->source->name);
    }
}

static void observe(void *context)
{
    const struct serving *serving = context;
    for (size_t i = 0; i < serving->source_count; i++)
        serving_metrics_observe(serving->metrics, serving->snapshots[i]);
}

struct health serving_health(const struct serving *serving)
{
    return (struct health){.append_hindrances = append_unread,
                           .observe = observe,
                           .metrics = serving->metrics,
                           .context = (void *)(uintptr_t)serving};
}

void route_live(const struct request *request, struct reply *reply)
{
    (void)request;
    health_live(reply);
}

void route_ready(const struct request *request, struct reply *reply)
{
    const struct health health = serving_health(request->serving);
    health_ready(&health, reply);
}

void route_metrics(const struct request *request, struct reply *reply)
{
    const struct health health = serving_health(request->serving);
    health_metrics(&health, reply);
}
