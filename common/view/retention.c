/* SPDX-License-Identifier: Apache-2.0 */
#include "view/retention.h"

#include "base/calendar.h"
#include "base/clock.h"

#define DAY_US (SECONDS_PER_DAY * US_PER_SECOND)

int64_t view_kept_from_us(const struct view *view, int64_t clock_us)
{
    if (view->retention_s <= 0 || clock_us <= 0)
        return INT64_MIN;
    return window_start_us(&view->window, view->zone, clock_us - view->retention_s * US_PER_SECOND);
}

int64_t view_leaves_before_us(const struct view *view, int64_t clock_us)
{
    int64_t kept_us = view_kept_from_us(view, clock_us);
    if (kept_us == INT64_MIN)
        return kept_us;
    return floor_divide(kept_us - view->window.gap_s * US_PER_SECOND, DAY_US) * DAY_US;
}
