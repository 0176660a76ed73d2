/* SPDX-License-Identifier: Apache-2.0
 * Days that are handed on. Whoever changes the messages or the files of a day notes it: the publication of a source in
 * its transaction, a job by days once what it made is in place. A job that comes after finds the days that changed
 * since it took them, and takes each when it is done with it; one that changes meanwhile stays to be done. */
#ifndef TIDEMARK_BATCH_CHANGED_DAYS_H
#define TIDEMARK_BATCH_CHANGED_DAYS_H

#include "base/zone.h"
#include "postgres/connection.h"

struct day_maker {
    bool is_job; /* else a source */
    const char *name;
};

struct changed_day {
    int64_t day;     /* since 1970 */
    int64_t version; /* how often its maker has changed it */
};

/* Statements, for a transaction: they note the days, in this zone, of the event times in the column tm_event_us of
 * `times`, a table or a select in parentheses. */
void changed_days_append_note(struct buffer *sql, const struct day_maker *maker, const struct zone *zone,
                              const char *times);
/* "update …": notes all days of this maker that were ever noted. */
void changed_days_append_note_known(struct buffer *sql, const struct day_maker *maker);
/* Notes one day. */
bool changed_days_note(PGconn *connection, const struct day_maker *maker, int64_t day, struct error *error) MUST_CHECK;

/* The maker's days that `job` hasn't taken as they are, ascending: on the heap, NULL where there are none. */
bool changed_days_read(PGconn *connection, const struct day_maker *maker, const char *job,
                       struct changed_day **ret_days, size_t *ret_count, struct error *error) MUST_CHECK;
/* The version of one day; 0 where it was never noted. */
bool changed_days_version(PGconn *connection, const struct day_maker *maker, int64_t day, int64_t *ret_version,
                          struct error *error) MUST_CHECK;
/* `job` is done with the day as it was in that version. */
bool changed_days_take(PGconn *connection, const struct day_maker *maker, const char *job,
                       const struct changed_day *day, struct error *error) MUST_CHECK;

#endif
