/* SPDX-License-Identifier: Apache-2.0
 * A day that is summarised by the view library, as the files of this engine share it.
 *
 * First all rows are read, then each part of the orders is counted, and of the values that are told apart; all of it by
 * all threads.
 */
#ifndef TIDEMARK_BATCH_NATIVE_DAY_H
#define TIDEMARK_BATCH_NATIVE_DAY_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/native/day_groups.h"
#include "engine/native/version_row.h"
#include "engine/summary_engine.h"

/* What part of batch.memory each may hold: one in so many. */
#define VERSIONS_SHARE 2
#define MEMBERS_SHARE 4
#define PARTS_SHARE 8 /* tables, and what comes back from files */
#define GROUPS_SHARE 8

/* A chunk that was read. */
struct read_chunk {
    size_t number, file;
    int64_t rows, messages;
};

struct bad_row {
    size_t chunk;
    int64_t row; /* in it, from 0 */
    const char *reason;
};

/* A place for a row in the table of those of a part that are no other's. */
struct row_slot {
    uint64_t hash;
    const struct stored_row *row; /* NULL: free */
};

struct native_worker;

/* What is done with the rows of a part: each is placed; those that stay are added. */
struct counting {
    stored_row_visitor *place;
    bool (*is_same)(const struct stored_row *a, const struct stored_row *b);
    bool (*add)(struct native_worker *worker, const struct stored_row *row, struct error *error);
};

/* A thread, and what it has. */
struct native_worker {
    struct native_day *native;
    struct row_decoder decoder;
    struct day_groups groups;
    struct part_writer *versions, *members; /* where its rows go; NULL: nowhere */
    struct row_chunk chunk;
    struct read_chunk current; /* that chunk */
    struct zone_span span;     /* that the last event time was in */
    struct arena reasons;
    struct read_chunk *chunks; /* those that were read */
    size_t chunk_count, chunk_capacity;
    struct bad_row *bad;
    size_t bad_count, bad_capacity;
    const struct counting *counting;
    struct row_slot *slots; /* so many, a power of two, in room for more */
    size_t slot_count, slot_capacity;
    struct value values[FIELDS_MAX]; /* scratch */
    bool done;
    struct error error;
};

struct native_day {
    struct summary_day *day;
    const struct summary *summary;
    const struct zone *zone;
    struct version_form form;
    pthread_mutex_t lock; /* of: */
    struct row_chunks *chunks;
    struct row_store *versions; /* NULL: the source has none */
    struct row_store *members;  /* NULL: the view tells no values apart */
    struct row_store *counted;  /* the one of both whose parts are being taken */
    struct native_worker *workers;
    size_t worker_count;
    _Atomic int64_t bad_count;
    _Atomic size_t next_part;
    _Atomic bool ends; /* a thread failed, or enough is bad */
    int64_t end_us;    /* by when all has to be done */
};

/* Runs `work` on the first `count` workers, each on a thread of its own; the error is that of one that failed. */
bool native_day_run(struct native_day *native, size_t count,
                    bool (*work)(struct native_worker *worker, struct error *error), struct error *error) MUST_CHECK;
/* Whether a thread is to leave; and whether its groups are within what is allowed, where `done` of `all` is added. */
bool native_day_ends(const struct native_day *native);
bool native_day_check_groups(const struct native_worker *worker, double done, double all,
                             struct error *error) MUST_CHECK;

/* Reads all rows, and tells what is bad. */
bool native_day_read(struct native_day *native, struct error *error) MUST_CHECK;
/* Adds to the groups what lies in parts. */
bool native_day_count(struct native_day *native, struct error *error) MUST_CHECK;

#endif
