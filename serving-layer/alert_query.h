/* SPDX-License-Identifier: Apache-2.0
 * What is asked of alerts: detector, event times, values of declared fields. */
#ifndef TIDEMARK_SERVING_ALERT_QUERY_H
#define TIDEMARK_SERVING_ALERT_QUERY_H

#include "alert_feed.h"
#include "http/target.h"

#define ALERTS_LIMIT_MAX 100000

struct field_filter {
    const char *name, *value;
};

struct alert_query {
    const struct detector *detector; /* NULL: all */
    int64_t from_us, to_us;
    size_t limit;
    struct field_filter filters[PARAMETERS_MAX];
    size_t filter_count;
};

/* The query's texts are the target's. `has_limit`: that may be given too. False with the problem. */
bool alert_query_parse(const struct detector *detectors, size_t count, const struct target *target, bool has_limit,
                       struct alert_query *ret_query, struct problem *problem) MUST_CHECK;

bool alert_query_takes(const struct alert_query *query, const struct feed_alert *alert);

/* Alerts that were found: copies, whose texts are the list's. All zero, but for `limit`, is an empty one. */
struct alert_list {
    size_t limit; /* the first so many in their order are kept */
    struct feed_alert *found;
    size_t count, capacity;
    size_t dropped; /* that were found, and lay behind the limit */
    bool failed;    /* memory was short */
};
void alert_list_add(struct alert_list *list, const struct feed_alert *alert);
/* The later event time first, of equal ones the one that arrived later. */
void alert_list_order(struct alert_list *list);
/* As a JSON array, on one line or on several. */
void alert_list_append(const struct alert_list *list, const char *separator, struct buffer *out);
void alert_list_clean_up(struct alert_list *list);

#endif
