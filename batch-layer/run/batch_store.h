/* SPDX-License-Identifier: Apache-2.0
 * What a batch run asks of the store that keeps the master dataset and the published views, as a table of functions: so
 * the story of a run (run.c, ingest.c, epoch.c, publish.c) can be driven without a database.
 *
 * Each call is atomic and lasting where it returns true. One that returns false with ERROR_UNAVAILABLE may have been
 * done all the same: its reply was lost. */
#ifndef TIDEMARK_BATCH_STORE_H
#define TIDEMARK_BATCH_STORE_H

#include "engine/postgres/merge.h"
#include "engine/postgres/rebuild.h"
#include "master/judgement.h"

/* Messages on their way into the master dataset: of one partition, and stored together. */
struct chunk;

/* What a publication writes beside versions and rows. */
struct publishing {
    struct source_run *run;
    struct partition_ledger *ledgers; /* one a partition of the run */
    struct view_change changes[VIEWS_MAX];
};

struct batch_store_operations {
    /* Connects, brings the schema to this program's version, and takes the source's lock, which lives as long as the
     * connection. ERROR_TRY_AGAIN names who else holds it. */
    bool (*begin)(struct batch *batch, const struct source *source, struct error *error);
    void (*end)(struct batch *batch, const struct source *source);

    bool (*begin_record)(struct batch *batch, const struct source *source, const char *kind, int64_t *ret_id,
                         struct error *error);
    void (*end_record)(struct batch *batch, int64_t id, const char *outcome, const char *message, int64_t messages);

    /* Makes the source's tables, or checks that they can follow its definition. */
    bool (*prepare_source)(struct batch *batch, const struct source *source, struct error *error);
    /* The source is ingested from this cluster from now on; its publications say so. */
    bool (*note_cluster)(struct batch *batch, const struct source *source, const char *cluster, struct error *error);
    /* Fills the states of the partitions that are recorded, by number. ERROR_CONFIGURATION where the topic has lost
     * one. */
    bool (*read_partitions)(struct source_run *run, struct error *error);
    /* A new partition gets its row, and begins to be ingested at `first`. Where it was ingested but never published,
     * and turns out to begin elsewhere, it is ingested again. */
    bool (*record_partition)(struct source_run *run, struct partition_state *partition, struct error *error);
    /* The last message of the partition in the master dataset whose record time is known; offset -1 where there is
     * none. */
    bool (*read_tail)(struct source_run *run, const struct partition_state *partition, int64_t *ret_offset,
                      int64_t *ret_record_time_us, struct error *error);
    /* Notes that the log lost these messages before they were ingested, and ingests on behind them. ERROR_TRY_AGAIN
     * where the partition isn't ingested up to `from` any more. */
    bool (*note_gap)(struct source_run *run, const struct partition_state *partition, int64_t from, int64_t to,
                     struct error *error);
    /* When the epoch that this run publishes was first opened: by it, or by an earlier run that came no further. */
    bool (*note_opening)(struct source_run *run, int64_t *ret_opened_at_us, struct error *error);
    /* Appends "view.a, view.b": the tables of this source's views that the configuration names no more. */
    bool (*left_views)(struct source_run *run, struct buffer *ret_tables, struct error *error);
    /* Orders with live versions in more than one partition. */
    bool (*count_split_orders)(struct source_run *run, int64_t *ret_count, struct error *error);

    struct chunk *(*chunk_new)(struct batch *batch, const struct source *source); /* NULL where memory is short */
    void (*chunk_destroy)(struct chunk *chunk);
    /* A good message comes with its record, a bad one (record NULL) with the reason. */
    bool (*chunk_add)(struct chunk *chunk, int32_t partition, const struct log_message *message,
                      const struct record *record, const struct rejection *rejection, struct error *error);
    /* So many messages, or so many bytes of bad ones, that it is time to store them. */
    bool (*chunk_is_full)(const struct chunk *chunk, int64_t messages_max);
    /* Commits what was added, and that the partition is ingested from `from` until `next`. ERROR_TRY_AGAIN where
     * somebody else has ingested it meanwhile. After a failure the chunk is of no use any more. */
    bool (*chunk_store)(struct chunk *chunk, int32_t partition, int64_t from, int64_t next, int64_t *ret_messages,
                        struct error *error);

    /* One transaction: begins, and locks the source's row so that nobody else publishes; ERROR_TRY_AGAIN where
     * somebody has. */
    bool (*publish_begin)(struct publishing *publishing, struct error *error);
    /* Kept bad messages that are good by the rules that hold now go into the master dataset. */
    bool (*judge_again)(struct source_run *run, struct judgement *ret_judgement, struct error *error);
    bool (*merge_versions)(struct source_run *run, struct partition_ledger ret_ledgers[], struct error *error);
    bool (*rebuild_views)(struct source_run *run, struct view_change ret_changes[], struct error *error);
    /* Epoch, cuts, ledger, views and the record of the run. A view with a refusal is recorded as not published. */
    bool (*publish_write)(struct publishing *publishing, struct error *error);
    bool (*publish_commit)(struct publishing *publishing, struct error *error);
    /* After a commit without an answer: whether it was done. False with an error where that can't be known yet. */
    bool (*was_published)(struct publishing *publishing, bool *ret_published, struct error *error);
    /* Ends the transaction that is open, if any, without a trace. */
    void (*roll_back)(struct batch *batch);
};

extern const struct batch_store_operations postgres_batch_store;

#endif
