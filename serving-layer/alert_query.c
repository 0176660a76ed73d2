/* SPDX-License-Identifier: Apache-2.0 */
#include "alert_query.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/spelling.h"
#include "base/wide.h"
#include "base/zone.h"
#include "detect/packed_fields.h"
#include "record/event_time.h"

#define LIMIT_DEFAULT 100
#define FIELD_PREFIX "field."

static bool take_time(const struct target *target, const char *name, int64_t *ret_us, struct problem *problem)
{
    const char *value = target_parameter(target, name);
    int64_t number;
    if (!value)
        return true;
    if (rfc3339_date_parse(text_of(value), &number))
        *ret_us = number * SECONDS_PER_DAY * US_PER_SECOND;
    else if (!rfc3339_parse(text_of(value), ret_us))
        return target_refuse_time(name, value, problem);
    return true;
}

/* The detectors that there are. */
struct choice {
    const struct detector *detectors;
    size_t count;
};

static bool take_detector(const struct choice *choice, const struct target *target, struct alert_query *query,
                          struct problem *problem)
{
    const char *names[DETECTORS_MAX], *value = target_parameter(target, "detector");
    for (size_t i = 0; value && i < choice->count; i++) {
        names[i] = choice->detectors[i].name;
        if (strcmp(names[i], value) == 0)
            query->detector = &choice->detectors[i];
    }
    if (!value || query->detector)
        return true;
    const char *meant = nearest_word(value, names, choice->count);
    return problem_set(problem, 404, "there is no detector %.*s%s%s%s", shown_length(value), value,
                       meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
}

static bool is_field_of(const struct detector *detector, const char *name)
{
    const struct schema *schema = &detector->source->schema;
    return schema_field(schema, text_of(name)) != FIELD_NONE && strcmp(name, schema->event_time) != 0;
}

static bool take_filter(const struct choice *choice, struct alert_query *query, const struct parameter *parameter,
                        struct problem *problem)
{
    const char *name = parameter->name + strlen(FIELD_PREFIX);
    bool is_known = false;
    for (size_t i = 0; i < choice->count; i++) {
        const struct detector *detector = &choice->detectors[i];
        is_known |= (!query->detector || query->detector == detector) && is_field_of(detector, name);
    }
    query->filters[query->filter_count++] = (struct field_filter){name, parameter->value};
    return is_known ||
           problem_set(problem, 400, "alerts have no declared field %.*s; times are asked for by from and to",
                       shown_length(name), name);
}

bool alert_query_parse(const struct detector *detectors, size_t count, const struct target *target, bool has_limit,
                       struct alert_query *ret_query, struct problem *problem)
{
    static const char *const names[] = {"detector", "from", "to", "limit"};
    const struct choice choice = {detectors, count};
    struct alert_query query = {.from_us = INT64_MIN, .to_us = INT64_MAX};
    struct target plain = *target;
    plain.parameter_count = 0;
    if (!take_detector(&choice, target, &query, problem))
        return false;
    for (size_t i = 0; i < target->parameter_count; i++) {
        const struct parameter *parameter = &target->parameters[i];
        if (strncmp(parameter->name, FIELD_PREFIX, strlen(FIELD_PREFIX)) != 0)
            plain.parameters[plain.parameter_count++] = *parameter;
        else if (!take_filter(&choice, &query, parameter, problem))
            return false;
    }
    if (!target_allow(&plain, names, sizeof names / sizeof names[0] - !has_limit, problem) ||
        !take_time(&plain, "from", &query.from_us, problem) || !take_time(&plain, "to", &query.to_us, problem) ||
        !target_limit(&plain, LIMIT_DEFAULT, ALERTS_LIMIT_MAX, &query.limit, problem))
        return false;
    *ret_query = query;
    return true;
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

bool alert_query_takes(const struct alert_query *query, const struct feed_alert *alert)
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

/* --- what was found --- */

static int compare(const void *left, const void *right)
{
    const struct feed_alert *a = left, *b = right;
    if (a->event_time_us != b->event_time_us)
        return a->event_time_us > b->event_time_us ? -1 : 1;
    return (a->number < b->number) - (a->number > b->number);
}

void alert_list_order(struct alert_list *list)
{
    if (list->count)
        qsort(list->found, list->count, sizeof *list->found, compare);
    for (; list->count > list->limit; list->dropped++)
        free((void *)(uintptr_t)list->found[--list->count].json.data);
}

/* Up to twice the limit, so that few texts are copied in vain. */
static bool grow(struct alert_list *list)
{
    if (list->count < list->capacity)
        return true;
    if (list->capacity >= 2 * list->limit) {
        alert_list_order(list);
        return true;
    }
    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    capacity = capacity < 2 * list->limit ? capacity : 2 * list->limit;
    struct feed_alert *found = realloc(list->found, capacity * sizeof *found);
    if (found) {
        list->found = found;
        list->capacity = capacity;
    }
    return found != NULL;
}

void alert_list_add(struct alert_list *list, const struct feed_alert *alert)
{
    char *copy = list->failed || !grow(list) ? NULL : malloc(alert->json.length + 1);
    if (!copy) {
        list->failed = true;
        return;
    }
    memcpy(copy, alert->json.data, alert->json.length);
    list->found[list->count] = *alert;
    list->found[list->count++].json.data = copy;
}

void alert_list_append(const struct alert_list *list, const char *separator, struct buffer *out)
{
    buffer_append_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        buffer_append_string(out, i ? separator : "");
        buffer_append_text(out, list->found[i].json);
    }
    buffer_append_char(out, ']');
    out->failed |= list->failed;
}

void alert_list_clean_up(struct alert_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free((void *)(uintptr_t)list->found[i].json.data);
    free(list->found);
    *list = (struct alert_list){0};
}
