/* SPDX-License-Identifier: Apache-2.0
 * From the target of a request to its answer. Knows nothing of sockets, so tests call it directly. */
#ifndef TIDEMARK_SERVING_ROUTES_H
#define TIDEMARK_SERVING_ROUTES_H

#include "access.h"
#include "alarms.h"
#include "alert_feed.h"
#include "config/settings.h"
#include "detector_watch.h"
#include "http/health.h"
#include "http/server.h"
#include "serving_metrics.h"
#include "merged/snapshot.h"
#include "http/target.h"
#include "stream_hub.h"

#define CONNECTIONS_MAX 1024 /* beside those of event streams */

/* What requests are answered from; immutable but for what the snapshots guard. */
struct serving {
    const struct source *sources;
    size_t source_count;
    struct snapshot **snapshots; /* one a source */
    const struct detector *detectors;
    size_t detector_count;
    struct alert_feed *feed;               /* NULL: there are no detectors */
    struct detector_watch *detector_watch; /* NULL so too */
    struct metrics *metrics;
    struct access *access;           /* NULL: everybody may ask for everything */
    struct alarms *alarms;           /* NULL: nobody raises any */
    struct stream_hub *hub;          /* of event streams */
    struct answer_cache *answers;    /* NULL: each is written for who asks */
    struct old_windows *old_windows; /* NULL: what memory doesn't hold isn't answered */
};

/* What a handler is given. */
struct request {
    const struct serving *serving;
    const struct request_head *head;
    struct visitor *visitor;     /* who asks, where the route isn't for everybody; a stream takes it over */
    const struct target *target; /* the head's, taken apart */
    struct arena *arena;
};

/* Answers GET of the head's target. *ret_route is how metrics name the route, static text. */
void route(const struct serving *serving, const struct request_head *head, struct reply *reply, const char **ret_route);

/* What /livez, /readyz and /metrics say. */
struct health serving_health(const struct serving *serving);

/* What a server is started with. */
struct http_handler route_handler(struct serving *serving);

/* The handlers. */
void route_dashboard(const struct request *request, struct reply *reply);
void route_dashboard_file(const struct request *request, struct reply *reply);
void route_openapi(const struct request *request, struct reply *reply);
void route_live(const struct request *request, struct reply *reply);
void route_ready(const struct request *request, struct reply *reply);
void route_metrics(const struct request *request, struct reply *reply);
void route_views(const struct request *request, struct reply *reply);
void route_view(const struct request *request, struct reply *reply);
void route_view_stream(const struct request *request, struct reply *reply);
void route_alert_stream(const struct request *request, struct reply *reply);
void route_alerts(const struct request *request, struct reply *reply);
void route_status(const struct request *request, struct reply *reply);
void route_runs(const struct request *request, struct reply *reply);
void route_ledger(const struct request *request, struct reply *reply);

#endif
