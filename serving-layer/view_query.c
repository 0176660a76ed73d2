/* SPDX-License-Identifier: Apache-2.0 */
#include "view_query.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/wide.h"
#include "base/zone.h"
#include "http/preference.h"
#include "record/event_time.h"

#define CURSOR_PREFIX "r2." /* a later form can be told apart */
#define ROLLED_PREFIX "q2." /* start, count, and of each sum its count and total; then the group */

/* No window begins before or after these: event times are of the years 2000 to 2099. A bound beyond them says the same
 * as they do, and these have four digits of a year in every time zone. */
#define EARLIEST_US (INT64_C(-62135596800) * US_PER_SECOND) /* 0001-01-01T00:00:00Z */
#define LATEST_US (INT64_C(253402214400) * US_PER_SECOND)   /* 9999-12-31T00:00:00Z */

/* "2026-01-31" as the first instant of that day in the zone. */
static bool parse_date(const char *text, const struct zone *zone, int64_t *ret_us)
{
    int64_t days;
    if (!rfc3339_date_parse(text_of(text), &days))
        return false;
    *ret_us = zone_instant(zone, days * SECONDS_PER_DAY) * US_PER_SECOND;
    return true;
}

/* A time with its offset; windows start at whole microseconds, so the next one says the same. */
static bool parse_time(char *text, int64_t *ret_us)
{
    size_t length = strlen(text);
    if (length > 6 && text[length - 6] == ' ') /* a plus sign that nobody escaped */
        text[length - 6] = '+';
    return rfc3339_parse((struct text){text, length}, ret_us);
}

/* *ret_us is left as it is where nothing is given. */
static bool take_time(const struct target *target, const char *name, const struct zone *zone, struct arena *arena,
                      int64_t *ret_us, struct problem *problem)
{
    const char *value = target_parameter(target, name);
    if (!value)
        return true;
    char *copy = arena_copy(arena, text_of(value));
    if (!copy)
        return problem_memory(problem);
    return parse_date(value, zone, ret_us) || parse_time(copy, ret_us) || target_refuse_time(name, value, problem);
}

static int64_t clamp(int64_t at_us)
{
    return at_us < EARLIEST_US ? EARLIEST_US : at_us > LATEST_US ? LATEST_US : at_us;
}

static bool take_range(const struct target *target, struct arena *arena, struct view_query *query,
                       struct problem *problem)
{
    int64_t from_us = INT64_MIN, to_us = INT64_MAX;
    if (!take_time(target, "from", query->view->zone, arena, &from_us, problem) ||
        !take_time(target, "to", query->view->zone, arena, &to_us, problem))
        return false;
    query->has_from = target_parameter(target, "from");
    query->from_us = query->has_from ? clamp(from_us) : INT64_MIN;
    query->to_us = target_parameter(target, "to") ? clamp(to_us) : INT64_MAX;
    return from_us <= to_us || problem_set(problem, 400, "from is after to");
}

/* The format that is liked best; of those liked alike the first. */
static bool choose_format(const char *accept, enum answer_format *ret_format, struct problem *problem)
{
    static const char *const types[] = {
        [FORMAT_JSON] = "application/json", [FORMAT_CSV] = "text/csv", [FORMAT_NDJSON] = "application/x-ndjson"};
    int best = 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        int weight = preference_weight(accept, types[i]);
        if (weight > best)
            *ret_format = (enum answer_format)i;
        best = weight > best ? weight : best;
    }
    return best > 0 || problem_set(problem, 406,
                                   "rows can be application/json, text/csv or application/x-ndjson, and Accept takes "
                                   "none of them: %.*s",
                                   shown_length(accept), accept);
}

/* What `format` says goes before what Accept says. */
static bool take_format(const struct target *target, const char *accept, struct view_query *query,
                        struct problem *problem)
{
    static const char *const names[] = {[FORMAT_JSON] = "json", [FORMAT_CSV] = "csv", [FORMAT_NDJSON] = "ndjson"};
    const char *value = target_parameter(target, "format");
    for (size_t i = 0; value && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(value, names[i]) == 0) {
            query->format = (enum answer_format)i;
            return true;
        }
    if (value)
        return problem_set(problem, 400, "format must be json, csv or ndjson, not %.*s", shown_length(value), value);
    return !accept || choose_format(accept, &query->format, problem);
}

static const char *dimension_name(const struct view *view, size_t number)
{
    return view->schema->fields[view->dimensions[number]].name;
}

static bool take_filter(const struct target *target, size_t number, struct view_query *query, struct problem *problem)
{
    const struct view *view = query->view;
    const char *name = dimension_name(view, number);
    char null_name[NAME_MAX_BYTES + sizeof ".null"];
    snprintf(null_name, sizeof null_name, "%s.null", name);
    const char *value = target_parameter(target, name), *null = target_parameter(target, null_name);
    struct filter *filter = &query->filters[number];
    filter->given = value || null;
    if (value && null)
        return problem_set(problem, 400, "%s can't both be null and have a value", name);
    if (null && *null && strcmp(null, "true") != 0)
        return problem_set(problem, 400, "%s takes no value", null_name);
    if (!value)
        return true;
    filter->value.present = true;
    if (view->schema->fields[view->dimensions[number]].type == FIELD_TEXT)
        filter->value.text = text_of(value);
    else if (!integer_parse(text_of(value), &filter->value.number))
        return problem_set(problem, 400, "%s is an integer, not %.*s", name, shown_length(value), value);
    return true;
}

void cursor_append(int64_t window_start_us, struct text group, struct buffer *out)
{
    buffer_appendf(out, CURSOR_PREFIX "%lld.", (long long)window_start_us);
    hex_append(group, out);
}

void cursor_append_rolled(const struct view_query *query, const struct rollup_row *row, struct buffer *out)
{
    buffer_appendf(out, ROLLED_PREFIX "%lld.%lld.", (long long)row->start_us, (long long)row->cell->count);
    for (size_t i = 0; i < query->view->sum_count + query->view->member_count; i++) {
        buffer_appendf(out, "%lld.", (long long)row->cell->sums[i].count);
        buffer_append_decimal(out, row->cell->sums[i].total, 0);
        buffer_append_char(out, '.');
    }
    hex_append(row->group, out);
}

/* `bytes` has space for half as many as there are digits. */
static bool parse_group(const char *digits, char *bytes, struct text *ret_group)
{
    *ret_group = (struct text){bytes, strlen(digits) / 2};
    return hex_parse(text_of(digits), bytes);
}

/* Takes a number and the point behind it. No sum comes near the bound, nor does what is computed of it to any other. */
static bool take_number(const char **rest, wide *ret_number)
{
    const wide bound = (wide)1 << 100;
    const char *point = strchr(*rest, '.');
    if (!point || !wide_parse((struct text){*rest, (size_t)(point - *rest)}, ret_number) || *ret_number <= -bound ||
        *ret_number >= bound)
        return false;
    *rest = point + 1;
    return true;
}

static bool take_count(const char **rest, int64_t *ret_count)
{
    wide number;
    bool taken = take_number(rest, &number) && number == (int64_t)number;
    if (taken)
        *ret_count = (int64_t)number;
    return taken;
}

static bool parse_rolled_cursor(const char *cursor, char *bytes, struct view_query *query)
{
    struct value values[DIMENSIONS_MAX];
    struct cell *cell = cell_total(&query->cursor_cell);
    const char *rest = cursor + strlen(ROLLED_PREFIX);
    if (strncmp(cursor, ROLLED_PREFIX, strlen(ROLLED_PREFIX)) != 0 || !take_count(&rest, &query->cursor_start_us) ||
        !take_count(&rest, &cell->count))
        return false;
    for (size_t i = 0; i < query->view->sum_count + query->view->member_count; i++)
        if (!take_count(&rest, &cell->sums[i].count) || cell->sums[i].count < 0 ||
            !take_number(&rest, &cell->sums[i].total))
            return false;
    return parse_group(rest, bytes, &query->cursor_group) &&
           group_parse(&query->question.rows, query->cursor_group, values);
}

static bool parse_cursor(const char *cursor, char *bytes, struct view_query *query)
{
    if (!question_is_plain(&query->question))
        return parse_rolled_cursor(cursor, bytes, query);
    struct value values[DIMENSIONS_MAX];
    size_t prefix = strlen(CURSOR_PREFIX);
    const char *point = strncmp(cursor, CURSOR_PREFIX, prefix) == 0 ? strchr(cursor + prefix, '.') : NULL;
    if (!point)
        return false;
    struct text start = {cursor + prefix, (size_t)(point - cursor) - prefix};
    return integer_parse(start, &query->cursor_start_us) && parse_group(point + 1, bytes, &query->cursor_group) &&
           group_parse(query->view, query->cursor_group, values);
}

static bool take_cursor(const struct target *target, struct arena *arena, struct view_query *query,
                        struct problem *problem)
{
    const char *value = target_parameter(target, "cursor");
    query->has_cursor = value != NULL;
    char *bytes = value ? arena_allocate(arena, strlen(value)) : NULL;
    if (value && !bytes)
        return problem_memory(problem);
    return !value || parse_cursor(value, bytes, query) ||
           problem_set(problem, 400, "cursor must be what `next` of an answer to the same question said");
}

struct question_parameter {
    const char *name;
    bool (*set)(struct view_question *question, struct text text, struct error *error);
};

/* The order is the last that names what rows have. */
static bool take_question(const struct target *target, struct view_query *query, struct problem *problem)
{
    static const struct question_parameter parameters[] = {{"window", question_set_window},
                                                           {"group_by", question_set_group_by},
                                                           {"order", question_set_order},
                                                           {"per_window", question_set_per_window}};
    question_init(&query->question, query->view);
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        const char *value = target_parameter(target, parameters[i].name);
        struct error error = {0};
        if (!value || parameters[i].set(&query->question, text_of(value), &error))
            continue;
        return error.code == ERROR_USAGE ? problem_set(problem, 400, "%s", error.message) : problem_memory(problem);
    }
    return true;
}

/* The last three are for rows that come in pages. */
static const char *const parameters[] = {"from",       "to",    "format", "window", "group_by",
                                         "per_window", "order", "limit",  "cursor"};
#define PARAMETER_COUNT (sizeof parameters / sizeof parameters[0])
#define STREAM_PARAMETERS (PARAMETER_COUNT - 3)

/* Of the parameters above the first so many, and the view's dimensions. */
static bool allow_parameters(const struct view *view, const struct target *target, size_t count, struct arena *arena,
                             struct problem *problem)
{
    if (target_parameter(target, "time_zone"))
        return problem_set(problem, 400, "time_zone is the view's own: panes of another can't be made of them");
    const char *names[PARAMETER_COUNT + 2 * DIMENSIONS_MAX];
    memcpy(names, parameters, count * sizeof *names);
    for (size_t i = 0; i < view->dimension_count; i++) {
        const char *null = arena_printf(arena, "%s.null", dimension_name(view, i));
        if (!null)
            return problem_memory(problem);
        names[count++] = dimension_name(view, i);
        names[count++] = null;
    }
    return target_allow(target, names, count, problem);
}

static bool take_filters(const struct target *target, struct view_query *query, struct problem *problem)
{
    for (size_t i = 0; i < query->view->dimension_count; i++)
        if (!take_filter(target, i, query, problem))
            return false;
    return true;
}

bool view_query_parse(const struct view *view, const struct target *target, const char *accept, struct arena *arena,
                      struct view_query *ret_query, struct problem *problem)
{
    struct view_query query = {.view = view};
    if (!allow_parameters(view, target, PARAMETER_COUNT, arena, problem) ||
        !take_range(target, arena, &query, problem) ||
        !target_limit(target, LIMIT_MAX, LIMIT_MAX, &query.limit, problem) ||
        !take_format(target, accept, &query, problem) || !take_question(target, &query, problem) ||
        !take_cursor(target, arena, &query, problem) || !take_filters(target, &query, problem))
        return false;
    *ret_query = query;
    return true;
}

bool view_query_parse_stream(const struct view *view, const struct target *target, struct arena *arena,
                             struct view_query *ret_query, struct problem *problem)
{
    struct view_query query = {.view = view, .limit = LIMIT_MAX};
    if (!allow_parameters(view, target, STREAM_PARAMETERS, arena, problem) ||
        !take_range(target, arena, &query, problem) || !take_format(target, NULL, &query, problem) ||
        !take_question(target, &query, problem) || !take_filters(target, &query, problem))
        return false;
    if (query.format != FORMAT_JSON)
        return problem_set(problem, 400, "format of a stream is json, not %s", target_parameter(target, "format"));
    *ret_query = query;
    return true;
}

static bool filter_takes(const struct filter *filter, enum field_type type, const struct value *value)
{
    if (!filter->given)
        return true;
    if (!filter->value.present || !value->present)
        return filter->value.present == value->present;
    return type == FIELD_TEXT ? text_equal(filter->value.text, value->text) : filter->value.number == value->number;
}

static bool has_filters(const struct view_query *query)
{
    for (size_t i = 0; i < query->view->dimension_count; i++)
        if (query->filters[i].given)
            return true;
    return false;
}

bool view_query_takes(const struct view_query *query, const struct view *view, struct text group)
{
    struct value dimensions[DIMENSIONS_MAX];
    if (!has_filters(query))
        return true;
    bool takes = group_parse(view, group, dimensions);
    for (size_t i = 0; takes && i < query->view->dimension_count; i++)
        takes = filter_takes(&query->filters[i], view->schema->fields[view->dimensions[i]].type, &dimensions[i]);
    return takes;
}
