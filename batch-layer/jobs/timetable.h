/* SPDX-License-Identifier: Apache-2.0
 * Which times of a cron line were missed, and which business days they are of: pure. */
#ifndef TIDEMARK_BATCH_TIMETABLE_H
#define TIDEMARK_BATCH_TIMETABLE_H

#include "config/settings.h"

/* The local date of a moment in seconds, in days since 1970. */
int64_t date_of(const struct zone *zone, int64_t at_s);
/* 2025-03-15, with a NUL. */
#define DATE_SIZE 16
void date_print(int64_t day, char ret_date[DATE_SIZE]);

/* The business day of a run that is due then: the day before. */
int64_t business_day(const struct zone *zone, int64_t due_s);

/* The latest time of the schedule from `first_s` to `now_s`; INT64_MIN where there is none. */
int64_t timetable_latest(const struct schedule *schedule, const struct zone *zone, int64_t first_s, int64_t now_s);

/* Visits the business day of each time of the schedule after `after_s` and up to `until_s`, each once, ascending. */
typedef bool day_visitor(void *context, int64_t day, struct error *error);
bool timetable_visit_days(const struct schedule *schedule, const struct zone *zone, int64_t after_s, int64_t until_s,
                          day_visitor *visit, void *context, struct error *error) MUST_CHECK;

#endif
