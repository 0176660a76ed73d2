/* SPDX-License-Identifier: Apache-2.0
 * The simulated PostgreSQL: the master dataset, the live versions and the published views of one source. What a
 * transaction changes is seen at its commit, all at once; a restart ends sessions with their locks and transactions;
 * and the whole can come back as it was at a backup.
 *
 * It computes rows and ledger from the messages of the master dataset alone, by the view library: the SQL that does so
 * in the real database has tests of its own. */
#ifndef TIDEMARK_SIMULATION_DATABASE_H
#define TIDEMARK_SIMULATION_DATABASE_H

#include "actor.h"
#include "master/master.h"
#include "ports/publication_store.h"
#include "postgres/postgres.h"
#include "topic.h"

#define DATABASE_GAPS 16 /* of a partition, in one schedule */
#define DATABASE_PUBLICATIONS 128
#define DATABASE_RUNS 64 /* records of runs that are kept */

/* Rows of the views as one run published them: shared by the database and its backup. */
struct published_views;

struct database_state {
    bool prepared;
    struct publication publication; /* without its partitions: they are below */
    struct published_views *views;  /* NULL before the first run */
    struct database_partition {
        bool recorded, published, unread;
        struct ingested_tail tail;
        int64_t first, ingested, held, cut, clock_us, idle_us, untimed_us, last;
        uint64_t last_hash;
        struct fates fates;
        struct database_gap {
            struct offset_range range;
            bool accepted;
        } gaps[DATABASE_GAPS];
        int gap_count;
        int count; /* of the messages that were ingested, bad ones too */
        struct database_message {
            int64_t offset;
            const struct order_message *message;
        } messages[TOPIC_OFFSETS];
    } partitions[TOPIC_PARTITIONS];
    int64_t runs;
    struct run_state {
        bool published;
        int64_t epoch, opened_at_us;
    } run[DATABASE_RUNS]; /* run n at n % DATABASE_RUNS */
};

struct database {
    struct service service;
    const struct topic *topic;
    struct database_state now, backup;
    int session;   /* grows with each restart */
    int locked_by; /* the session number of the client that holds the source's lock; 0 nobody */
    int clients;
    int64_t published; /* publications made */
    /* Which messages each of them does without, for the oracle; number n at n % DATABASE_PUBLICATIONS. */
    struct database_losses {
        int64_t epoch, published_at_us;
        struct database_gap gaps[TOPIC_PARTITIONS][DATABASE_GAPS];
        int gap_count[TOPIC_PARTITIONS];
    } losses[DATABASE_PUBLICATIONS];
    bool spoils_versions; /* a fault in the store: one live version is not there when views are computed */
};

void database_begin(struct database *database, const struct topic *topic);
void database_clean_up(struct database *database);
void database_back_up(struct database *database);
void database_restore(struct database *database);
void database_restart(struct database *database);

/* What a process reads of it; the caller's memory. */
struct database_reader {
    struct publication_store store;
    struct database *database;
    struct actor *actor;
};
void database_reader_init(struct database_reader *reader, struct database *database, struct actor *actor);
/* The messages that were lost to this publication, accepted or not. */
const struct database_losses *database_losses(const struct database *database, int64_t epoch, int64_t published_at_us);
/* What is published just now, as whoever has this definition reads it; without a call. */
void database_publication(const struct database *database, const struct source *source,
                          struct publication *ret_publication);

#endif
