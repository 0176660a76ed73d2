/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

void buffer_append_timestamp(struct buffer *buffer, int64_t at_us)
{
    time_t seconds = (time_t)(at_us / US_PER_SECOND);
    int64_t micros = at_us % US_PER_SECOND;
    if (micros < 0) {
        micros += US_PER_SECOND;
        seconds--;
    }
    struct tm parts;
    gmtime_r(&seconds, &parts);
    buffer_appendf(buffer, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                   parts.tm_hour, parts.tm_min, parts.tm_sec, (int)(micros / 1000));
}
