/* SPDX-License-Identifier: Apache-2.0
 * GET /v1/views/{view}/stream and /v1/alerts/stream. */
#include "alert_stream.h"
#include "find_view.h"
#include "http/preference.h"
#include "view_stream.h"

#define RETRY_SECONDS "5" /* when somebody who found no room may ask again */

static bool takes_events(const struct request *request, struct problem *problem)
{
    const char *accept = request->head->accept;
    return !accept || preference_weight(accept, "text/event-stream") > 0 ||
           problem_set(problem, 406, "a stream is text/event-stream, and Accept doesn't take that: %.*s",
                       shown_length(accept), accept);
}

static void refuse(struct reply *reply, const struct problem *problem)
{
    if (problem->status == 503)
        buffer_append_string(reply_header(reply, "Retry-After"), RETRY_SECONDS);
    reply_problem(reply, problem);
}

void route_view_stream(const struct request *request, struct reply *reply)
{
    struct problem problem;
    struct view_stream_request asked = {
        .target = request->head->target, .last_event_id = request->head->last_event_id, .visitor = request->visitor};
    struct stream_source source;
    asked.view = find_view(request, request->target->segments[2], &asked.snapshot, &problem);
    if (asked.view && takes_events(request, &problem) && stream_hub_admit(request->serving->hub, &problem) &&
        view_stream_open(request->serving->hub, &asked, &source, &problem))
        reply_stream(reply, &source);
    else
        refuse(reply, &problem);
}

void route_alert_stream(const struct request *request, struct reply *reply)
{
    const struct serving *serving = request->serving;
    const struct alert_stream_request asked = {.feed = serving->feed,
                                               .detectors = serving->detectors,
                                               .detector_count = serving->detector_count,
                                               .target = request->head->target,
                                               .last_event_id = request->head->last_event_id,
                                               .visitor = request->visitor};
    struct problem problem;
    struct stream_source source;
    if (takes_events(request, &problem) && stream_hub_admit(serving->hub, &problem) &&
        alert_stream_open(serving->hub, &asked, &source, &problem))
        reply_stream(reply, &source);
    else
        refuse(reply, &problem);
}
