/* SPDX-License-Identifier: Apache-2.0
 * A job that summarises the files of a business day: from its folder, and those that are joined, to a folder of rows,
 * which is put in place as a whole, with a manifest. */
#ifndef TIDEMARK_BATCH_SUMMARY_H
#define TIDEMARK_BATCH_SUMMARY_H

#include "config/settings.h"

/* Of one day, as days since 1970. *ret_orders: the versions that count. What was there stays where it fails. */
bool summary_run(const struct settings *settings, const struct job *job, int64_t day, int64_t *ret_orders,
                 struct error *error) MUST_CHECK;

/* Removes what was replaced a minute and more ago on this day. */
void summary_sweep(const struct job *job, int64_t day);
/* Has a process of its own do so, a minute from now, for `count` days. */
void summary_sweep_later(const struct job *job, const int64_t days[], size_t count);

/* 2025-03-15, with a NUL. */
#define DATE_SIZE 16
void date_print(int64_t day, char ret_date[DATE_SIZE]);
/* The local date of a moment in seconds. */
int64_t date_of(const struct zone *zone, int64_t at_s);

#endif
