/* SPDX-License-Identifier: Apache-2.0
 * The days that the jobs before a job hand on to it: a publication those that its messages changed, a job by days
 * those that it made. */
#ifndef TIDEMARK_BATCH_HANDED_DAYS_H
#define TIDEMARK_BATCH_HANDED_DAYS_H

#include "batch.h"
#include "jobs/timetable.h"

/* Visits the days that `job` hasn't taken as they are; one may come more than once. */
bool handed_days_visit(struct batch *batch, const struct job *job, day_visitor *visit, void *context,
                       struct error *error) MUST_CHECK;

/* How often each of those before had changed a day when it was looked at. */
struct handed_day {
    int64_t *versions; /* one of each, NULL where there are none; owned */
    size_t count;
};
bool handed_day_look(struct batch *batch, const struct job *job, int64_t day, struct handed_day *ret_handed,
                     struct error *error) MUST_CHECK;
/* `job` has made the day of what it was then, and hands it on in turn. In the transaction that is open, if any. */
bool handed_day_take(struct batch *batch, const struct job *job, int64_t day, const struct handed_day *handed,
                     struct error *error) MUST_CHECK;
void handed_day_clean_up(struct handed_day *handed);

#endif
