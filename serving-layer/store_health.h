/* SPDX-License-Identifier: Apache-2.0
 * What the follower tells, for operators: whether each store answers, as metrics and, where it changes, in the log. */
#ifndef TIDEMARK_SERVING_STORE_HEALTH_H
#define TIDEMARK_SERVING_STORE_HEALTH_H

#include "merged/follower.h"
#include "serving_metrics.h"

struct store_health {
    struct {
        enum error_code down; /* ERROR_NONE: it is up; else what was said of it. Of the thread that reads the store. */
        struct metric_series *up, *errors;
    } stores[2]; /* by enum follower_store */
};

void store_health_init(struct store_health *health, struct metrics *metrics);

/* The health, which must outlive the follower, as its listener. */
struct follower_listener store_health_listener(struct store_health *health);

#endif
