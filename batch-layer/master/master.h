/* SPDX-License-Identifier: Apache-2.0
 * The master dataset: every message of a source's topic as it came, good and bad, once, by partition and offset; and
 * how far each partition is ingested. Nothing is published here. One of the three roles of which a batch run is made;
 * the others are the engine (engine/engine.h) and the publisher (publication/publisher.h).
 *
 * The caller holds the source's lock. Each call is atomic and lasting where it returns true, but for what runs inside
 * the publishing transaction. One that returns false with ERROR_UNAVAILABLE may have been done all the same: its reply
 * was lost. */
#ifndef TIDEMARK_BATCH_MASTER_H
#define TIDEMARK_BATCH_MASTER_H

#include "run/source_run.h"

/* Messages on their way into the master dataset: of one partition, and stored together. */
struct ingest_chunk;

/* What a reading gives, row by row. */
struct master_rows;

struct master_row {
    int64_t offset;
    int64_t record_time_us;      /* -1 where it isn't known */
    const struct record *record; /* NULL for a bad message; valid until the next row */
    const char *damaged_field;   /* what is there isn't a value of this field: somebody changed it. NULL: all are */
};

/* What became of bad messages that were checked by other rules than when they came. */
struct revalidation {
    int64_t checked, good;
    int64_t good_published; /* of those that are good now: below the published cuts, so that what is published lacks
                             * them */
};

/* How far a partition is ingested. */
struct ingested_partition {
    bool recorded; /* else it is new, and the rest is 0 */
    int64_t first; /* the first offset that it ever had */
    int64_t next;  /* to ingest */
    int64_t held;  /* messages that were ingested, bad ones too */
};

/* The message of a partition that was ingested last, to be found again in the log. */
struct ingested_tail {
    int64_t offset;         /* -1 where there is none */
    int64_t record_time_us; /* -1 where it has none */
    uint64_t hash;          /* of its key and payload; 0 where it isn't known */
};

/* What the log had lost before it was ingested. Times are for people; an empty one says that nobody accepted it yet. */
struct master_gap {
    int32_t partition;
    int64_t from, to;
    const char *noted_at, *accepted_at;
};

/* Who wants to see bad messages: how many are kept, and then some of them. Valid during the calls only. */
struct bad_message;
struct bad_message_list {
    void (*head)(void *context, int64_t kept);
    bool (*message)(void *context, const struct bad_message *message, struct error *error);
    void *context;
};

struct master_operations {
    /* Makes the source's tables, or checks that they can follow its definition. */
    bool (*prepare)(struct batch *batch, const struct source *source, struct error *error);
    /* The source is ingested from this cluster from now on; its publications say so. */
    bool (*note_cluster)(struct batch *batch, const struct source *source, const char *cluster, struct error *error);
    /* Fills the first `count` partitions by number; *ret_count is how many are known, which may be more. */
    bool (*read_partitions)(struct batch *batch, const struct source *source,
                            struct ingested_partition ret_partitions[], size_t count, size_t *ret_count,
                            struct error *error);
    /* A new partition gets its row, and begins to be ingested at `first`. Where it was ingested but never published,
     * and turns out to begin elsewhere, it is ingested again. */
    bool (*record_partition)(struct source_run *run, struct run_partition *partition, struct error *error);

    /* Appending. NULL where memory is short. A chunk uses `connection` for itself until it is destroyed, or the batch's
     * where that is NULL; it owns neither. Destroying it drops what isn't stored. */
    struct ingest_chunk *(*chunk_new)(struct batch *batch, const struct source *source, PGconn *connection);
    void (*chunk_destroy)(struct ingest_chunk *chunk);
    /* A good message comes with its record, a bad one (record NULL) with the reason. */
    bool (*chunk_add)(struct ingest_chunk *chunk, int32_t partition, const struct log_message *message,
                      const struct record *record, const struct rejection *rejection, struct error *error);
    /* So many messages, or so many bytes of bad ones, that it is time to store them. */
    bool (*chunk_is_full)(const struct ingest_chunk *chunk, int64_t messages_max);
    /* Commits what was added, and that the partition is ingested from `from` until `next`. ERROR_TRY_AGAIN where
     * somebody else has ingested it meanwhile. After a failure the chunk is of no use any more. */
    bool (*chunk_store)(struct ingest_chunk *chunk, int32_t partition, int64_t from, int64_t next,
                        int64_t *ret_messages, struct error *error);

    /* Makes the indexes that the master dataset lacks. It is filled faster without them, so a first ingestion ends with
     * this; all else needs them. */
    bool (*index)(struct batch *batch, const struct source *source, struct error *error);

    /* All messages of a partition from offset `from` until `to`, ascending; the caller destroys the rows. They are held
     * in memory: ranges of MASTER_READ_OFFSETS are enough at once. */
    bool (*read)(struct batch *batch, const struct source *source, int32_t partition, int64_t from, int64_t to,
                 struct master_rows **ret_rows, struct error *error);
    /* False at the end. */
    bool (*next_row)(struct master_rows *rows, struct master_row *ret_row);
    void (*rows_destroy)(struct master_rows *rows);
    /* How many messages it holds of a partition below this offset. */
    bool (*count)(struct batch *batch, const struct source *source, int32_t partition, int64_t below,
                  int64_t *ret_count, struct error *error);
    /* The message of the partition that was ingested last; where that was before messages were hashed, the last one
     * with a record time. */
    bool (*read_tail)(struct source_run *run, const struct run_partition *partition, struct ingested_tail *ret_tail,
                      struct error *error);

    /* Notes that the log lost these messages before they were ingested, and ingests on behind them. ERROR_TRY_AGAIN
     * where the partition isn't ingested up to `from` any more. */
    bool (*note_gap)(struct source_run *run, const struct run_partition *partition, int64_t from, int64_t to,
                     struct error *error);
    /* Mending: notes as gaps what it holds nothing of, from the partition's first offset until `to`, less what is noted
     * already; that `held` messages is how many there are to be; and lets good messages go, by their offsets. */
    bool (*note_holes)(struct source_run *run, const struct run_partition *partition, int64_t to, struct error *error);
    bool (*set_held)(struct source_run *run, struct run_partition *partition, int64_t held, struct error *error);
    bool (*remove)(struct source_run *run, const struct run_partition *partition, const int64_t offsets[], size_t count,
                   struct error *error);

    /* Inside the publishing transaction, before the engine: bad messages that are good by the rules that hold now
     * become good ones, at their offsets. */
    bool (*revalidate)(struct source_run *run, struct revalidation *ret_revalidation, struct error *error);

    /* For people; nobody needs the lock. The last gaps, at most so many, those first that nobody accepted; and of the
     * bad messages the newest, at most `limit`. */
    bool (*read_gaps)(struct batch *batch, const struct source *source, size_t most,
                      void (*take)(void *context, const struct master_gap *gap), void *context, struct error *error);
    bool (*read_bad)(struct batch *batch, const struct source *source, int64_t limit,
                     const struct bad_message_list *list, struct error *error);
};

#define MASTER_READ_OFFSETS 5000

extern const struct master_operations postgres_master;

#endif
