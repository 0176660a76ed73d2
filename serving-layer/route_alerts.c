/* SPDX-License-Identifier: Apache-2.0
 * GET /v1/alerts. */
#include "alert_query.h"
#include "routes.h"

/* What is visited, and where what is asked for goes. */
struct held_search {
    const struct alert_query *query;
    struct alert_list list;
};

static void take(void *context, const struct feed_alert *alert)
{
    struct held_search *search = context;
    if (alert_query_takes(search->query, alert))
        alert_list_add(&search->list, alert);
}

static void give(struct alert_list *list, struct reply *reply)
{
    struct buffer out = {0};
    alert_list_order(list);
    buffer_append_string(&out, "{\"alerts\": ");
    alert_list_append(list, ",\n", &out);
    buffer_append_string(&out, "}\n");
    reply_with(reply, 200, "application/json", &out);
}

void route_alerts(const struct request *request, struct reply *reply)
{
    const struct serving *serving = request->serving;
    struct problem problem;
    struct alert_query query;
    if (!alert_query_parse(serving->detectors, serving->detector_count, request->target, true, &query, &problem)) {
        reply_problem(reply, &problem);
        return;
    }
    struct held_search search = {&query, {.limit = query.limit}};
    if (!serving->feed || alert_feed_visit(serving->feed, take, &search, NULL)) {
        give(&search.list, reply);
    } else {
        problem_set(&problem, 503, "the alert topics can't be read at the moment");
        reply_problem(reply, &problem);
    }
    alert_list_clean_up(&search.list);
}
