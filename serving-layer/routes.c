/* SPDX-License-Identifier: Apache-2.0 */
#include "routes.h"

#include <string.h>

#include "base/clock.h"
#include "base/spelling.h"

#define ANY "{}"
#define SEGMENTS 4 /* of the longest route */

/* Who is answered: everybody; whoever has a token, and is shown what it may see; who has one for operators. */
enum audience { EVERYBODY, TOKENS, OPERATORS };

struct route {
    const char *name;
    const char *segments[SEGMENTS + 1]; /* NULL-ended */
    void (*handle)(const struct request *request, struct reply *reply);
    bool takes_parameters;
    enum audience audience;
};

static const struct route routes[] = {
    {"/", {NULL}, route_dashboard, true, EVERYBODY}, /* they are the page's own */
    {"/dashboard/{file}", {"dashboard", ANY}, route_dashboard_file, false, EVERYBODY},
    {"/livez", {"livez"}, route_live, false, EVERYBODY},
    {"/readyz", {"readyz"}, route_ready, false, EVERYBODY},
    {"/metrics", {"metrics"}, route_metrics, false, OPERATORS},
    {"/openapi.json", {"openapi.json"}, route_openapi, false, TOKENS},
    {"/v1/views", {"v1", "views"}, route_views, false, TOKENS},
    {"/v1/views/{view}", {"v1", "views", ANY}, route_view, true, TOKENS},
    {"/v1/views/{view}/stream", {"v1", "views", ANY, "stream"}, route_view_stream, true, TOKENS},
    {"/v1/alerts", {"v1", "alerts"}, route_alerts, true, OPERATORS},
    {"/v1/alerts/stream", {"v1", "alerts", "stream"}, route_alert_stream, true, OPERATORS},
    {"/v1/status", {"v1", "status"}, route_status, false, OPERATORS},
    {"/v1/ledger", {"v1", "ledger"}, route_ledger, false, OPERATORS},
    {"/v1/runs", {"v1", "runs"}, route_runs, false, OPERATORS},
};
#define ROUTE_COUNT (sizeof routes / sizeof routes[0])

static bool matches(const struct route *candidate, const struct target *target)
{
    size_t count = 0;
    while (candidate->segments[count])
        count++;
    if (count != target->segment_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(candidate->segments[i], ANY) != 0 && strcmp(candidate->segments[i], target->segments[i]) != 0)
            return false;
    return true;
}

static const struct route *find_route(const struct target *target)
{
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        if (matches(&routes[i], target))
            return &routes[i];
    return NULL;
}

static void nothing_here(const struct target *target, struct problem *problem)
{
    const char *names[ROUTE_COUNT];
    struct buffer path = {0};
    for (size_t i = 0; i < target->segment_count; i++)
        buffer_appendf(&path, "/%s", target->segments[i]);
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        names[i] = routes[i].name;
    const char *shown = buffer_string(&path), *meant = nearest_word(shown, names, ROUTE_COUNT);
    problem_set(problem, 404, "there is nothing at %.*s%s%s%s", shown_length(shown), shown,
                meant ? "; did you mean " : "; see /openapi.json", meant ? meant : "", meant ? "?" : "");
    if (path.failed)
        problem_memory(problem);
    buffer_clean_up(&path);
}

/* Lets the visitor in, or says why not. */
static bool admit(struct request *request, const struct route *found, struct reply *reply)
{
    struct problem problem;
    if (found->audience == EVERYBODY)
        return true;
    if (!access_enter(request->serving->access, request->head->authorization, clock_wall_us(), request->visitor,
                      &problem)) {
        buffer_append_string(reply_header(reply, "WWW-Authenticate"), "Bearer realm=\"tidemark\"");
        reply_problem(reply, &problem);
        return false;
    }
    if (found->audience == TOKENS || visitor_operates(request->visitor))
        return true;
    problem_set(&problem, 403, "the token %s isn't one for operators, who may ask for %s",
                request->visitor->token->name, found->name);
    reply_problem(reply, &problem);
    return false;
}

static void dispatch(struct request *request, struct reply *reply, const char **ret_route)
{
    struct problem problem;
    const struct route *found = find_route(request->target);
    if (!found) {
        nothing_here(request->target, &problem);
        reply_problem(reply, &problem);
        return;
    }
    *ret_route = found->name;
    if (admit(request, found, reply)) {
        if (!found->takes_parameters && !target_allow(request->target, NULL, 0, &problem))
            reply_problem(reply, &problem);
        else
            found->handle(request, reply);
    }
    visitor_leave(request->visitor);
}

void route(const struct serving *serving, const struct request_head *head, struct reply *reply, const char **ret_route)
{
    struct arena arena = {0};
    struct target target;
    struct visitor visitor = {0};
    struct request request = {
        .serving = serving, .head = head, .visitor = &visitor, .target = &target, .arena = &arena};
    struct problem problem;
    *ret_route = "other";
    if (target_parse(head->target, &arena, &target, &problem))
        dispatch(&request, reply, ret_route);
    else
        reply_problem(reply, &problem);
    if (!reply_is_whole(reply)) {
        reply_clean_up(reply);
        problem_memory(&problem);
        reply_problem(reply, &problem);
    }
    arena_clean_up(&arena);
}

static void answer(void *context, const struct request_head *head, struct reply *reply, const char **ret_route)
{
    route(context, head, reply, ret_route);
}

static void arrived(void *context, size_t connections)
{
    const struct serving *serving = context;
    metric_set(metrics_series(serving->metrics, METRIC_CONNECTIONS, NULL), (int64_t)connections);
}

static void answered(void *context, const char *route_name, unsigned status, int64_t duration_us)
{
    const struct serving *serving = context;
    char number[INTEGER_DIGITS + 1];
    *integer_write(number, status) = '\0';
    const char *const labels[] = {route_name, number};
    metric_add(metrics_series(serving->metrics, METRIC_REQUESTS, labels), 1);
    metric_observe(metrics_series(serving->metrics, METRIC_REQUEST_DURATION, &route_name), duration_us);
}

struct http_handler route_handler(struct serving *serving)
{
    return (struct http_handler){answer, arrived, answered, serving};
}
