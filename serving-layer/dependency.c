/* SPDX-License-Identifier: Apache-2.0 */
#include "dependency.h"

#include "base/clock.h"
#include "base/log.h"

void dependency_init(struct dependency *dependency, const char *name, const char *label, struct metrics *metrics)
{
    *dependency = (struct dependency){.name = name, .retry = RETRY_DEPENDENCY};
    dependency->up = metrics_series(metrics, METRIC_STORE_UP, &label);
    dependency->errors = metrics_series(metrics, METRIC_STORE_ERRORS, &label);
}

bool dependency_is_due(const struct dependency *dependency)
{
    return retry_wait_us(&dependency->retry, clock_monotonic_us()) == 0;
}

void dependency_answered(struct dependency *dependency)
{
    if (dependency->down)
        log_info("%s answers again", dependency->name);
    dependency->down = ERROR_NONE;
    metric_set(dependency->up, 1);
    retry_succeeded(&dependency->retry);
}

void dependency_failed(struct dependency *dependency, const struct error *error)
{
    if (error->code != dependency->down) /* another reason is said too */
        log_write(error_is_retriable(error) ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
                  "%s can't be read; answers stay as they are until it can: %s", dependency->name, error->message);
    dependency->down = error->code;
    metric_set(dependency->up, 0);
    metric_add(dependency->errors, 1);
    retry_failed(&dependency->retry, clock_monotonic_us());
}
