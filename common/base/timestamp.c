/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timestamp.h"

#include <time.h>

#include "base/clock.h"

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
