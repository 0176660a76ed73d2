/* SPDX-License-Identifier: Apache-2.0
 * GET /v1/alerts. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/spelling.h"
#include "base/wide.h"
#include "base/zone.h"
#include "detect/packed_fields.h"
#include "record/event_time.h"
#include "routes.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 100000
#define FIELD_PREFIX "field."

struct field_filter {
    const char *name, *value;
};

struct alert_query {
    const struct detector *detector; /* NULL: all */
    int64_t from_us, to_us;
    size_t limit;
    struct field_filter filters[PARAMETERS_MAX];
    size_t filter_count;

    /* What was found: */
    struct feed_alert *found; /* copies, whose texts are the caller's own */
    size_t count, capacity;
    bool memory_is_short;
};

static bool take_time(const struct target *target, const char *name, int64_t *ret_us, struct problem *problem)
{
    const char *value = target_parameter(target, name);
    int64_t number;
    if (!value)
        return true;
    if (rfc3339_date_parse(text_of(value), &number))
        *ret_us = number * SECONDS_PER_DAY * US_PER_SECOND;
    else if (rfc3339_parse(text_of(value), &number))
        *ret_us = number * US_PER_SECOND;
    else
        return target_refuse_time(name, value, problem);
    return true;
}

static bool take_detector(const struct request *request, struct alert_query *query, struct problem *problem)
{
    const char *names[DETECTORS_MAX], *value = target_parameter(request->target, "detector");
    for (size_t i = 0; value && i < request->serving->detector_count; i++) {
        names[i] = request->serving->detectors[i].name;
        if (strcmp(names[i], value) == 0)
            query->detector = &request->serving->detectors[i];
    }
    if (!value || query->detector)
        return true;
    const char *meant = nearest_word(value, names, request->serving->detector_count);
    return problem_set(problem, 404, "there is no detector %.*s%s%s%s", shown_length(value), value,
                       meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
}

static bool is_field_of(const struct detector *detector, const char *name)
{
    const struct schema *schema = &detector->source->schema;
    return schema_field(schema, text_of(name)) != FIELD_NONE && strcmp(name, schema->event_time) != 0;
}

static bool take_filter(const struct request *request, struct alert_query *query, const struct parameter *parameter,
                        struct problem *problem)
{
    const char *name = parameter->name + strlen(FIELD_PREFIX);
    bool is_known = false;
    for (size_t i = 0; i < request->serving->detector_count; i++) {
        const struct detector *detector = &request->serving->detectors[i];
        is_known |= (!query->detector || query->detector == detector) && is_field_of(detector, name);
    }
    query->filters[query->filter_count++] = (struct field_filter){name, parameter->value};
    return is_known ||
           problem_set(problem, 400, "alerts have no declared field %.*s; times are asked for by from and to",
                       shown_length(name), name);
}

static bool parse(const struct request *request, struct alert_query *query, struct problem *problem)
{
    static const char *const names[] = {"detector", "from", "to", "limit"};
    struct target plain = *request->target;
    plain.parameter_count = 0;
    if (!take_detector(request, query, problem))
        return false;
    for (size_t i = 0; i < request->target->parameter_count; i++) {
        const struct parameter *parameter = &request->target->parameters[i];
        if (strncmp(parameter->name, FIELD_PREFIX, strlen(FIELD_PREFIX)) != 0)
            plain.parameters[plain.parameter_count++] = *parameter;
        else if (!take_filter(request, query, parameter, problem))
            return false;
    }
    return target_allow(&plain, names, sizeof names / sizeof names[0], problem) &&
           take_time(&plain, "from", &query->from_us, problem) && take_time(&plain, "to", &query->to_us, problem) &&
           target_limit(&plain, LIMIT_DEFAULT, LIMIT_MAX, &query->limit, problem);
}

static bool has_value(const struct field *field, const struct value *value, const char *wanted)
{
    int64_t number;
    if (!value->present)
        return false;
    if (field->type == FIELD_TEXT)
        return text_equal(value->text, text_of(wanted));
    bool is_number = field->type == FIELD_INTEGER ? integer_parse(text_of(wanted), &number)
                                                  : decimal_parse(text_of(wanted), field->scale, &number);
    return is_number && number == value->number;
}

static bool is_asked_for(const struct alert_query *query, const struct feed_alert *alert)
{
    const struct schema *schema = &alert->detector->source->schema;
    struct value values[FIELDS_MAX];
    if ((query->detector && query->detector != alert->detector) || alert->event_time_us < query->from_us ||
        alert->event_time_us >= query->to_us)
        return false;
    if (query->filter_count > 0)
        packed_fields_read(schema, alert->fields, values);
    for (size_t i = 0; i < query->filter_count; i++) {
        size_t field = schema_field(schema, text_of(query->filters[i].name));
        if (field == FIELD_NONE || !has_value(&schema->fields[field], &values[field], query->filters[i].value))
            return false;
    }
    return true;
}

/* The later event time first, of equal ones the one that came later. */
static int compare(const void *left, const void *right)
{
    const struct feed_alert *a = left, *b = right;
    if (a->event_time_us != b->event_time_us)
        return a->event_time_us > b->event_time_us ? -1 : 1;
    return (a->number < b->number) - (a->number > b->number);
}

/* Keeps no more than twice the limit, so that few texts are copied. */
static void cut(struct alert_query *query)
{
    qsort(query->found, query->count, sizeof *query->found, compare);
    for (size_t i = query->limit; i < query->count; i++)
        free((void *)(uintptr_t)query->found[i].json.data);
    query->count = query->count < query->limit ? query->count : query->limit;
}

static void take(void *context, const struct feed_alert *alert)
{
    struct alert_query *query = context;
    if (query->memory_is_short || !is_asked_for(query, alert))
        return;
    if (query->count == query->capacity)
        cut(query);
    char *copy = malloc(alert->json.length + 1);
    if (!copy) {
        query->memory_is_short = true;
        return;
    }
    memcpy(copy, alert->json.data, alert->json.length);
    query->found[query->count] = *alert;
    query->found[query->count++].json.data = copy;
}

static void give(struct alert_query *query, struct reply *reply)
{
    struct buffer out = {0};
    cut(query);
    buffer_append_string(&out, "{\"alerts\": [");
    for (size_t i = 0; i < query->count; i++) {
        buffer_append_string(&out, i ? ",\n" : "");
        buffer_append_text(&out, query->found[i].json);
    }
    buffer_append_string(&out, "]}\n");
    out.failed |= query->memory_is_short;
    reply_with(reply, 200, "application/json", &out);
}

void route_alerts(const struct request *request, struct reply *reply)
{
    struct problem problem;
    struct alert_query query = {.from_us = INT64_MIN, .to_us = INT64_MAX};
    if (!parse(request, &query, &problem)) {
        reply_problem(reply, &problem);
        return;
    }
    query.capacity = 2 * query.limit;
    query.found = malloc(query.capacity * sizeof *query.found);
    query.memory_is_short = !query.found;
    bool is_current = !request->serving->feed || alert_feed_visit(request->serving->feed, take, &query);
    if (query.memory_is_short)
        problem_memory(&problem);
    else if (!is_current)
        problem_set(&problem, 503, "the alert topics can't be read at the moment");
    if (query.memory_is_short || !is_current)
        reply_problem(reply, &problem);
    else
        give(&query, reply);
    for (size_t i = 0; query.found && i < query.count; i++)
        free((void *)(uintptr_t)query.found[i].json.data);
    free(query.found);
}
