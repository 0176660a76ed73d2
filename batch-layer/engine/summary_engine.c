/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/summary_engine.h"

bool summary_day_is_worth_writing(const struct summary_day *day, struct error *error)
{
    return day->rows > 0 || day->job->summary.allow_empty ||
           error_set(error, ERROR_DATA,
                     "no order of %s counts: an empty day is written only with \"allow_empty: true\"",
                     day->orders->path);
}
