/* SPDX-License-Identifier: Apache-2.0
 * Where a run publishes: rows, ledger, epoch and cut in one transaction, which readers see whole or not at all. With
 * the publication goes what belongs to its making: who is at work, and the record of what was tried.
 *
 * Each call is atomic and lasting where it returns true, but for those inside the publishing transaction. One that
 * returns false with ERROR_UNAVAILABLE may have been done all the same: its reply was lost. */
#ifndef TIDEMARK_BATCH_PUBLISHER_H
#define TIDEMARK_BATCH_PUBLISHER_H

#include "engine/engine.h"

/* What a publication writes beside versions and rows. */
struct publishing {
    struct source_run *run;
    struct partition_ledger *ledgers; /* one a partition of the run; owned */
    struct view_change changes[VIEWS_MAX];
};

/* False where memory is short. */
bool publishing_init(struct publishing *publishing, struct source_run *run, struct error *error) MUST_CHECK;
void publishing_clean_up(struct publishing *publishing);
/* How many rows it writes, of all views; how many published versions give way to one with another event time. */
int64_t publishing_rows(const struct publishing *publishing);
int64_t publishing_moved(const struct publishing *publishing);

struct backfill; /* run/backfill.h */

/* What was tried, in words for people; valid during the call only. */
struct run_entry {
    const char *kind, *started_at, *duration, *outcome, *messages, *rows;
    const char *message; /* "" where there is none */
};

struct publisher_operations {
    /* Connects, and brings the schema to this program's version; whether it has any. */
    bool (*connect)(struct batch *batch, struct error *error);
    bool (*has_schema)(struct batch *batch, bool *ret_has, struct error *error);
    /* Connects, brings the schema to this program's version, and takes the source's lock, which lives as long as the
     * connection. ERROR_TRY_AGAIN names who else holds it. */
    bool (*lock)(struct batch *batch, const struct source *source, struct error *error);
    void (*unlock)(struct batch *batch, const struct source *source);

    /* Records that a run of this kind begins, and with which outcome it ended. The end is recorded where that can be.
     */
    bool (*begin_record)(struct batch *batch, const struct source *source, const char *kind, int64_t *ret_id,
                         struct error *error);
    void (*end_record)(struct batch *batch, int64_t id, const char *outcome, const char *message, int64_t messages);
    /* The last records, at most so many. */
    bool (*read_records)(struct batch *batch, const struct source *source, size_t most,
                         void (*take)(void *context, const struct run_entry *entry), void *context,
                         struct error *error);
    /* When the epoch that this run publishes was first opened: by it, or by an earlier run that came no further. */
    bool (*note_opening)(struct source_run *run, int64_t *ret_opened_at_us, struct error *error);
    /* Appends "view.a, view.b": the tables of this source's views that the configuration names no more. */
    bool (*left_views)(struct source_run *run, struct buffer *ret_tables, struct error *error);

    /* The publishing transaction. It begins with a lock on the source's row, so that nobody else publishes;
     * ERROR_TRY_AGAIN where somebody has. */
    bool (*begin)(struct publishing *publishing, struct error *error);
    /* Of a backfill, in place of `write`: tells readers which rows are others, and notes that this day is done. What it
     * notes of the last one is forgotten. */
    bool (*write_day)(struct publishing *publishing, const struct backfill *backfill, int64_t day, struct error *error);
    /* The first day of this backfill that isn't done. */
    bool (*read_day)(struct batch *batch, const struct source *source, const struct backfill *backfill,
                     int64_t *ret_day, struct error *error);
    /* As if the epoch before were published, and nothing in it: what follows publishes the same epoch once more. */
    bool (*take_back)(struct source_run *run, struct error *error);
    /* Epoch, cuts, ledger, views and the record of the run. A view with a refusal is recorded as not published. */
    bool (*write)(struct publishing *publishing, struct error *error);
    bool (*commit)(struct publishing *publishing, struct error *error);
    /* After a commit without an answer: whether it was done. False with an error where that can't be known yet. */
    bool (*was_published)(struct publishing *publishing, bool *ret_published, struct error *error);
    /* Ends the transaction that is open, if any, without a trace. */
    void (*roll_back)(struct batch *batch);

    /* Reading back. Begins a transaction that sees one moment, and reads what is published at it; roll_back ends it. */
    bool (*begin_read)(struct batch *batch, const struct source *source, struct publication *ret_publication,
                       struct error *error);
    /* Reads all rows of a view into `panes`, which have the members that its measures rest on. ERROR_DATA names a row
     * that doesn't agree with itself or with them. */
    bool (*read_view)(struct batch *batch, const struct source *source, const struct view *view, struct panes *panes,
                      struct error *error);
};

extern const struct publisher_operations postgres_publisher;

#endif
