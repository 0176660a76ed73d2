/* SPDX-License-Identifier: Apache-2.0
 * A store as the follower meets it: up until it fails, then asked again after a while. What changes is said once in the
 * log. One thread at a time. */
#ifndef TIDEMARK_SERVING_DEPENDENCY_H
#define TIDEMARK_SERVING_DEPENDENCY_H

#include "base/error.h"
#include "base/retry.h"
#include "serving_metrics.h"

struct dependency {
    const char *name; /* "Redis" */
    struct retry retry;
    enum error_code down; /* ERROR_NONE: it is up; else what was said of it */
    struct metric_series *up, *errors;
};

/* `label` is how metrics name it. */
void dependency_init(struct dependency *dependency, const char *name, const char *label, struct metrics *metrics);
bool dependency_is_due(const struct dependency *dependency); /* it may be asked now */
void dependency_answered(struct dependency *dependency);
void dependency_failed(struct dependency *dependency, const struct error *error);

#endif
