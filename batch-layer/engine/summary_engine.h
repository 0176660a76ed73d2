/* SPDX-License-Identifier: Apache-2.0
 * THE ROLE of what computes a summary: from the files of a business day to the files of its rows.
 *
 * The same files give the same rows, to the digit, from each engine that takes them. Bad rows are told in the order of
 * the log, with the decoder's reasons. */
#ifndef TIDEMARK_BATCH_SUMMARY_ENGINE_H
#define TIDEMARK_BATCH_SUMMARY_ENGINE_H

#include "base/arena.h"
#include "config/settings.h"
#include "lake/bad_rows.h"
#include "lake/day_folder.h"
#include "lake/lake_files.h"

struct summary_day {
    const struct settings *settings;
    const struct job *job;
    int64_t day;        /* since 1970, */
    const char *date;   /* and as it is written */
    struct arena arena; /* of this day alone */
    struct day_folder folder;
    const struct lake_folder *orders; /* the day's files */
    /* What an engine fills: */
    const struct lake_folder *inputs; /* all folders that it reads, */
    size_t input_count;
    struct bad_rows bad;
    int64_t messages;       /* rows that are one, bad ones too */
    int64_t orders_counted; /* versions that count, */
    int64_t other_days;     /* those of them whose event time is of another day, */
    int64_t rows;           /* and the groups that they make */
};

struct summary_engine {
    const char *name;
    /* Makes the files of rows in day->folder.made. It looks at day->bad before it writes, and at the count of rows: see
     * summary_day_is_worth_writing. */
    bool (*make)(struct summary_day *day, struct error *error);
};

extern const struct summary_engine duckdb_summary_engine, native_summary_engine, spark_summary_engine;

/* All is counted: whether it is to be written. ERROR_DATA where no order counts, and the job doesn't allow that. */
bool summary_day_is_worth_writing(const struct summary_day *day, struct error *error) MUST_CHECK;

/* Visits the moments whose local date is the day, in seconds, half-open: where a clock goes back over midnight, two
 * spans. */
void summary_day_spans(const struct zone *zone, int64_t day, void (*visit)(void *context, int64_t from_s, int64_t to_s),
                       void *context);

#endif
