/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/summary_engine.h"

#include <inttypes.h>

#include "base/clock.h"

/* Where rows are bad, they rather than the day are what is to be looked at. */
bool summary_day_is_worth_writing(const struct summary_day *day, struct error *error)
{
    if (day->rows > 0 || day->job->summary.allow_empty)
        return true;
    if (day->bad.count > 0)
        return error_set(error, ERROR_DATA, "no order of %s counts, and %" PRId64 " rows are bad; the first: %s",
                         day->orders->path, day->bad.count, buffer_string(&day->bad.first));
    return error_set(error, ERROR_DATA,
                     "no order of %s counts: an empty day is written only with \"allow_empty: true\"",
                     day->orders->path);
}

void summary_day_spans(const struct zone *zone, int64_t day, void (*visit)(void *context, int64_t from_s, int64_t to_s),
                       void *context)
{
    int64_t local_s = day * SECONDS_PER_DAY;
    int64_t at_s = local_s - 2 * SECONDS_PER_DAY, until_s = local_s + 3 * SECONDS_PER_DAY;
    while (at_s < until_s) {
        struct zone_span span = zone_span(zone, at_s);
        int64_t from_s = local_s - span.offset_s, to_s = from_s + SECONDS_PER_DAY;
        from_s = from_s > at_s ? from_s : at_s;
        to_s = to_s < span.to_s ? to_s : span.to_s;
        if (from_s < to_s)
            visit(context, from_s, to_s);
        at_s = span.to_s;
    }
}
