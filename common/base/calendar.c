/* SPDX-License-Identifier: Apache-2.0 */
#include "base/calendar.h"

int64_t floor_divide(int64_t number, int64_t divisor)
{
    return number / divisor - (number % divisor < 0);
}

/* Years are counted from March, so that the leap day is a year's last, and 400 of them make an era. */
void civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = floor_divide(shifted, 146097);
    int64_t of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    *ret_year = (int)(year + era * 400 + (month <= 2));
    *ret_month = (int)month;
    *ret_day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
}

int64_t days_from_civil(int year, int month, int day)
{
    int64_t from_march = month > 2 ? month - 3 : month + 9;
    int64_t shifted = (int64_t)year - (month <= 2);
    int64_t era = floor_divide(shifted, 400);
    int64_t of_era = shifted - era * 400;
    int64_t of_year = (153 * from_march + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void buffer_append_date_time(struct buffer *buffer, int64_t days, int second)
{
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    const struct {
        char before;
        int number;
    } parts[] = {{'-', month}, {'-', day}, {'T', second / 3600}, {':', second / 60 % 60}, {':', second % 60}};
    buffer_append_padded(buffer, year, 4);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        buffer_append_char(buffer, parts[i].before);
        buffer_append_padded(buffer, parts[i].number, 2);
    }
}
