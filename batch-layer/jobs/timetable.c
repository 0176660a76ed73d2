/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/timetable.h"

#include <stdio.h>

#include "base/calendar.h"
#include "base/clock.h"

void date_print(int64_t day, char ret_date[DATE_SIZE])
{
    int year, month, of_month;
    civil_from_days(day, &year, &month, &of_month);
    (void)snprintf(ret_date, DATE_SIZE, "%04d-%02d-%02d", year, month, of_month);
}

int64_t date_of(const struct zone *zone, int64_t at_s)
{
    return (at_s + zone_offset(zone, at_s)) / SECONDS_PER_DAY;
}

int64_t business_day(const struct zone *zone, int64_t due_s)
{
    return date_of(zone, due_s) - 1;
}

int64_t timetable_latest(const struct schedule *schedule, const struct zone *zone, int64_t first_s, int64_t now_s)
{
    /* The nearest past that has one, so that a line that fires each minute isn't counted through years. */
    for (int64_t back_s = SECONDS_PER_DAY; now_s - back_s > first_s; back_s *= 8)
        if (schedule_next(schedule, zone, now_s - back_s) <= now_s) {
            first_s = now_s - back_s + 1;
            break;
        }
    int64_t latest_s = INT64_MIN;
    for (int64_t at_s = schedule_next(schedule, zone, first_s - 1); at_s <= now_s;
         at_s = schedule_next(schedule, zone, at_s))
        latest_s = at_s;
    return latest_s;
}

bool timetable_visit_days(const struct schedule *schedule, const struct zone *zone, int64_t after_s, int64_t until_s,
                          day_visitor *visit, void *context, struct error *error)
{
    int64_t visited = INT64_MIN;
    for (int64_t at_s = schedule_next(schedule, zone, after_s); at_s <= until_s;
         at_s = schedule_next(schedule, zone, at_s)) {
        int64_t day = business_day(zone, at_s);
        if (day > visited && !visit(context, day, error))
            return false;
        visited = day > visited ? day : visited;
    }
    return true;
}
