/* SPDX-License-Identifier: Apache-2.0
 * The target of a request, taken apart strictly: bad escapes, NUL and bytes that aren't UTF-8 are refused, not guessed.
 */
#ifndef TIDEMARK_HTTP_TARGET_H
#define TIDEMARK_HTTP_TARGET_H

#include "base/arena.h"
#include "base/error.h"
#include "http/problem.h"

#define TARGET_BYTES_MAX 8192
#define SEGMENTS_MAX 8
#define PARAMETERS_MAX 32

struct parameter {
    const char *name, *value; /* decoded; value is "" where there is no "=" */
};

struct target {
    const char *segments[SEGMENTS_MAX]; /* of the path, decoded; "/" has none */
    size_t segment_count;
    struct parameter parameters[PARAMETERS_MAX]; /* in the order given, each name once */
    size_t parameter_count;
};

/* `raw` is the target as it came in the request line. In the query "+" is a blank, as forms write it. */
bool target_parse(const char *raw, struct arena *arena, struct target *ret_target, struct problem *problem) MUST_CHECK;

/* The value of this parameter, or NULL where it isn't given. */
const char *target_parameter(const struct target *target, const char *name);

/* How many the parameter `limit` asks for, from 1 to `most`; `fallback` where it isn't given. */
bool target_limit(const struct target *target, size_t fallback, size_t most, size_t *ret_limit,
                  struct problem *problem) MUST_CHECK;

/* Says what this parameter, whose value is none, has to look like. Returns false. */
bool target_refuse_time(const char *name, const char *value, struct problem *problem);

/* Refuses parameters other than these, with the one that was probably meant. */
bool target_allow(const struct target *target, const char *const names[], size_t count,
                  struct problem *problem) MUST_CHECK;

#endif
