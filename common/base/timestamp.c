/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timestamp.h"

#include "base/calendar.h"
#include "base/clock.h"

void buffer_append_timestamp(struct buffer *buffer, int64_t at_us)
{
    int64_t at_s = floor_divide(at_us, US_PER_SECOND), days = floor_divide(at_s, SECONDS_PER_DAY);
    buffer_append_date_time(buffer, days, (int)(at_s - days * SECONDS_PER_DAY));
    buffer_append_char(buffer, '.');
    buffer_append_padded(buffer, (int)((at_us - at_s * US_PER_SECOND) / 1000), 3);
    buffer_append_char(buffer, 'Z');
}
