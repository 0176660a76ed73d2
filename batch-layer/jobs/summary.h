/* SPDX-License-Identifier: Apache-2.0
 * A job that summarises the files of a business day: from its folder, and those that are joined, to a folder of rows,
 * which is put in place as a whole, with a manifest. */
#ifndef TIDEMARK_BATCH_SUMMARY_H
#define TIDEMARK_BATCH_SUMMARY_H

#include "config/settings.h"

struct summary_result {
    int64_t orders; /* the versions that count */
    int64_t rows;
};

/* Of one day, as days since 1970. What was there stays where it fails. */
bool summary_run(const struct settings *settings, const struct job *job, int64_t day, struct summary_result *ret_result,
                 struct error *error) MUST_CHECK;

/* Removes what was replaced a minute and more ago on this day. */
void summary_sweep(const struct job *job, int64_t day);
/* Has a process of its own do so, a minute from now, for these days. */
void summary_sweep_later(const struct job *job, const int64_t days[], size_t count);

#endif
