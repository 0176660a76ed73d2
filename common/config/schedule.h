/* SPDX-License-Identifier: Apache-2.0
 * Five-field cron lines in a time zone: minute hour day-of-month month day-of-week; star, lists, ranges, steps, names
 * (jan, mon), 7 is Sunday too; or @hourly, @daily, @weekly, @monthly, @yearly. Where both days are restricted either
 * suffices, as in Vixie cron. */
#ifndef TIDEMARK_CONFIG_SCHEDULE_H
#define TIDEMARK_CONFIG_SCHEDULE_H

#include "base/error.h"
#include "base/zone.h"

struct schedule {
    uint64_t minutes; /* bit m */
    uint32_t hours, days, months, weekdays;
    bool day_is_star, weekday_is_star; /* the field begins with a star, be it with a step */
    bool hour_is_real;                 /* the hour field has a star or a step */
};

/* ERROR_CONFIGURATION says which field is wrong and what it may be. A line that never matches (30 February) is refused.
 */
bool schedule_parse(struct text text, struct schedule *ret_schedule, struct error *error) MUST_CHECK;

/* The first matching minute after `after_s` (seconds since 1970, UTC). A local time that is skipped by a change of the
 * clock runs at the instant of the change; one that comes twice runs once, the first time (a schedule with a star or
 * step in the hour field runs every real hour). INT64_MAX where there is none within eight years. */
int64_t schedule_next(const struct schedule *schedule, const struct zone *zone, int64_t after_s);

#endif
