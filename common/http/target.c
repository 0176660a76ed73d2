/* SPDX-License-Identifier: Apache-2.0 */
#include "http/target.h"

#include <string.h>

#include "base/hex.h"
#include "base/spelling.h"
#include "base/utf8.h"
#include "base/wide.h"

/* Decodes in place: what is decoded is never longer. */
static bool decode(char *string, bool plus_is_blank, struct problem *problem)
{
    char *to = string;
    for (const char *from = string; *from; from++) {
        if (*from == '%') {
            int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);
            if (low < 0)
                return problem_set(problem, 400, "a percent sign must be followed by two hexadecimal digits");
            if (high + low == 0)
                return problem_set(problem, 400, "%%00 is not allowed");
            *to++ = (char)(high * 16 + low);
            from += 2;
        } else {
            *to++ = plus_is_blank && *from == '+' ? ' ' : *from;
        }
    }
    *to = '\0';
    return utf8_is_valid(text_of(string)) || problem_set(problem, 400, "the address is not UTF-8");
}

/* A slash at the end says nothing: /v1/views/ is /v1/views. */
static bool parse_path(char *path, struct target *target, struct problem *problem)
{
    if (*path != '/')
        return problem_set(problem, 400, "the address must begin with a slash");
    if (strcmp(path, "/") == 0)
        return true;
    for (char *segment = path + 1, *next; segment; segment = next) {
        next = strchr(segment, '/');
        if (next)
            *next++ = '\0';
        if (next && !*next)
            next = NULL;
        if (target->segment_count == SEGMENTS_MAX)
            return problem_set(problem, 404, "there is nothing so deep");
        if (!decode(segment, false, problem))
            return false;
        target->segments[target->segment_count++] = segment;
    }
    return true;
}

static bool take_parameter(char *text, struct target *target, struct problem *problem)
{
    char *value = strchr(text, '=');
    if (value)
        *value++ = '\0';
    if (!decode(text, true, problem) || (value && !decode(value, true, problem)))
        return false;
    if (target_parameter(target, text))
        return problem_set(problem, 400, "the parameter %.*s is given twice", shown_length(text), text);
    if (target->parameter_count == PARAMETERS_MAX)
        return problem_set(problem, 400, "there are more than %d parameters", PARAMETERS_MAX);
    target->parameters[target->parameter_count++] = (struct parameter){text, value ? value : ""};
    return true;
}

static bool parse_query(char *query, struct target *target, struct problem *problem)
{
    for (char *text = query, *next; text; text = next) {
        next = strchr(text, '&');
        if (next)
            *next++ = '\0';
        if (*text && !take_parameter(text, target, problem))
            return false;
    }
    return true;
}

/* Proxies may name the whole address; what is before the path is theirs. */
static const char *without_authority(const char *raw)
{
    if (strncmp(raw, "http://", 7) != 0 && strncmp(raw, "https://", 8) != 0)
        return raw;
    const char *path = strchr(strchr(raw, ':') + 3, '/');
    return path ? path : "/";
}

bool target_parse(const char *raw, struct arena *arena, struct target *ret_target, struct problem *problem)
{
    size_t length = strlen(raw);
    if (length > TARGET_BYTES_MAX)
        return problem_set(problem, 414, "the address is longer than %d bytes", TARGET_BYTES_MAX);
    char *path = arena_copy(arena, text_of(without_authority(raw)));
    if (!path)
        return problem_memory(problem);
    struct target target = {0};
    char *query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    if (!parse_path(path, &target, problem) || !parse_query(query, &target, problem))
        return false;
    *ret_target = target;
    return true;
}

const char *target_parameter(const struct target *target, const char *name)
{
    for (size_t i = 0; i < target->parameter_count; i++)
        if (strcmp(target->parameters[i].name, name) == 0)
            return target->parameters[i].value;
    return NULL;
}

bool target_limit(const struct target *target, size_t fallback, size_t most, size_t *ret_limit, struct problem *problem)
{
    const char *value = target_parameter(target, "limit");
    int64_t limit = (int64_t)fallback;
    if (value && (!integer_parse(text_of(value), &limit) || limit < 1 || limit > (int64_t)most))
        return problem_set(problem, 400, "limit must be a number from 1 to %zu, not %.*s", most, shown_length(value),
                           value);
    *ret_limit = (size_t)limit;
    return true;
}

bool target_refuse_time(const char *name, const char *value, struct problem *problem)
{
    return problem_set(problem, 400,
                       "%s must be a date like 2026-01-31, or a time with its offset like 2026-01-31T08:00:00Z, "
                       "not %.*s",
                       name, shown_length(value), value);
}

static bool unknown_parameter(const char *name, const char *const names[], size_t count, struct problem *problem)
{
    if (count == 0)
        return problem_set(problem, 400, "there is no parameter %.*s here: none is taken", shown_length(name), name);
    struct buffer allowed = {0};
    for (size_t i = 0; i < count; i++)
        buffer_appendf(&allowed, "%s%s", i ? ", " : "", names[i]);
    const char *meant = nearest_word(name, names, count);
    problem_set(problem, 400, "there is no parameter %.*s here%s%s%s; allowed are %s", shown_length(name), name,
                meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "", buffer_string(&allowed));
    if (allowed.failed)
        problem_memory(problem);
    buffer_clean_up(&allowed);
    return false;
}

bool target_allow(const struct target *target, const char *const names[], size_t count, struct problem *problem)
{
    for (size_t i = 0; i < target->parameter_count; i++) {
        bool known = false;
        for (size_t name = 0; !known && name < count; name++)
            known = strcmp(target->parameters[i].name, names[name]) == 0;
        if (!known)
            return unknown_parameter(target->parameters[i].name, names, count, problem);
    }
    return true;
}
