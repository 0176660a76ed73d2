/* SPDX-License-Identifier: Apache-2.0
 * One run over one source: what its steps hand on to each other. */
#ifndef TIDEMARK_BATCH_SOURCE_RUN_H
#define TIDEMARK_BATCH_SOURCE_RUN_H

#include "batch.h"
#include "ports/realtime_store.h"
#include "run/sighting.h"

enum standing {
    STANDING_READY,   /* its slot continues the publication: the epoch is opened in it */
    STANDING_WATCHED, /* whether anybody reads it isn't known yet */
    STANDING_UNREAD,  /* nobody does: this run cuts it at the log's end */
    STANDING_HELD,    /* something keeps it from being read on, see held.h: what waits in it isn't taken */
};

struct run_partition {
    int32_t number;
    bool recorded;                /* tidemark.partition has its row, with `first` */
    bool published;               /* the published cut names it */
    int64_t first;                /* the first offset that it ever had */
    int64_t ingested;             /* the next offset to ingest */
    int64_t held;                 /* messages that were ingested, bad ones too: the master dataset must hold so many */
    int64_t begins;               /* where what isn't published yet begins: the published cut, or `first` */
    int64_t cut;                  /* of this run: where epoch + 2 begins */
    int64_t clock_us, untimed_us; /* at `begins`: see struct published_partition */
    int64_t idle_us;              /* the same; of this run's cut once same_log_check has found it there */
    int64_t last;                 /* the message that the cut lies behind; at `begins` until same_log_check */
    uint64_t last_hash;
    bool unread; /* as published: nobody read it when it was cut; once this run has looked, as it will publish */
    /* What a look at it found. */
    enum standing standing;
    struct sighting sighting;
    bool fits;        /* its slot continues the publication */
    int64_t end;      /* of the log: what read_committed shows */
    int64_t waiting;  /* messages in the log that its slot doesn't have; 0 where the log wasn't asked */
    char holder[500]; /* what holds it, where it is held */
};

struct source_run {
    struct batch *batch;
    const struct source *source;
    struct publication publication;   /* the one that this run follows */
    struct run_partition *partitions; /* all partitions of the topic, by number */
    size_t partition_count;
    int64_t accepted_partitions; /* of a source with versions the topic may have so many; see epoch_look */
    int64_t id;                  /* in tidemark.run; -1 before it is there */
    int64_t opened_at_us;        /* wall time before the first partition's epoch was opened */
    bool was_open;               /* an earlier run had opened the epoch: there may be more after its cut */
    bool watches;                /* a partition may yet turn out to be read by nobody */
    bool came_back;              /* the speed layer did, to a partition that this run had cut by itself */
    bool has_lost_lock;          /* the connection that held the source's lock is gone */
    int64_t messages;            /* ingested */
    bool revalidates;            /* what is kept as bad is judged by the rules that hold now */
    int64_t split_orders;        /* with live versions in two partitions, once they are merged */
    struct error unpublished;    /* why a view, or what waits in a partition, isn't published though the rest is */
    bool recomputes_all;         /* versions, views and ledger are computed from the whole master dataset */
};

/* Records that a run of this kind begins, makes the tables, reads what is published, and finds the topic's partitions
 * and what is known of them. The caller holds the source's lock. ERROR_TRY_AGAIN where the topic doesn't exist yet;
 * ERROR_CONFIGURATION where it is on another cluster than before, or is compacted. */
bool source_run_begin(struct source_run *run, struct batch *batch, const struct source *source, const char *kind,
                      struct error *error) MUST_CHECK;

/* Also of one whose begin failed. Records that it failed for this reason, or where `failure` is NULL this outcome; a
 * publication has recorded itself: NULL. */
void source_run_end(struct source_run *run, const char *outcome, const struct error *failure);

#endif
