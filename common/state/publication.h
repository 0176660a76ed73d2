/* SPDX-License-Identifier: Apache-2.0
 * What the batch layer has published of a source: epoch, cut, and how the messages below the cut were accounted for.
 * The three layers meet in this and in the slots of the real-time store. */
#ifndef TIDEMARK_STATE_PUBLICATION_H
#define TIDEMARK_STATE_PUBLICATION_H

#include "state/gaps.h"
#include "state/ledger.h"
#include "state/slot.h"

/* Of a source's topic: more than a cluster of Kafka holds in all, so that no number that is out of its mind takes all
 * memory. */
#define PARTITIONS_MAX 1000000

struct published_partition {
    int32_t partition;
    int64_t first;      /* the first offset that the partition ever had */
    int64_t cut;        /* the batch views hold the messages below it */
    int64_t clock_us;   /* of the partition, at the cut */
    int64_t idle_us;    /* the same of its idle time, see struct slot */
    int64_t untimed_us; /* latest event time of the messages below the cut whose record had no time; 0: none had none */
    /* No speed layer read it: the run cut it by itself, at the log's end, and no slot begins there. Until one does the
     * batch views are the whole answer, complete at the cut. */
    bool unread;
    /* A fingerprint of the gaps below the cut, accepted or not; 0 where there is none. A slot that was begun before one
     * of them was known may have read these messages, and takes versions back that the batch layer doesn't have; one
     * that was begun afterwards takes none of those back that an older publication still has: neither fits. */
    int64_t lost;
    /* The last message below the cut whose record time is known, to tell a topic that was made anew from the one that
     * was read. A time of 0 or less: none. */
    int64_t tail, tail_time_us;
    /* The message that the cut lies behind: the last one that the slot had taken when its epoch was opened there, as
     * the run found it in the log too. A hash (of key and payload) of 0: not known. */
    int64_t last;
    uint64_t last_hash;
    struct fates fates; /* of the messages below the cut */
};

/* Messages below the cut that the log no longer held when they were to be ingested, and that no operator has accepted
 * as lost. */
struct published_gap {
    int32_t partition;
    struct offset_range range;
};

struct publication {
    bool is_never; /* no batch layer publishes the source: a slot holds all, from wherever it begins */
    int64_t epoch; /* 0 before the first run; then the cut is empty */
    char definition[FINGERPRINT_SIZE]; /* the source's fingerprint when it was published; "" where that isn't known */
    char cluster[CLUSTER_ID_MAX];      /* Kafka's id of the cluster that is ingested; "" before the first run */
    int64_t published_at_us;           /* 0 before the first run */
    int64_t opened_at_us;        /* when that run opened the next epoch: windows that had ended by then can be final */
    int64_t accepted_partitions; /* how many the topic may have; 0 before the first run */
    int64_t split_orders;        /* with live versions in two partitions, each of which counts */
    struct published_partition *partitions; /* ascending; owned */
    size_t partition_count;
    struct published_gap *gaps; /* by partition, ascending; owned */
    size_t gap_count;
    struct ledger ledger;                                /* of all partitions together, in total */
    char view_fingerprints[VIEWS_MAX][FINGERPRINT_SIZE]; /* as published, by number of the source's views; "" not yet */
};
void publication_clean_up(struct publication *publication);
bool publication_copy(const struct publication *publication, struct publication *ret_copy); /* false: memory is short */
const struct published_partition *publication_partition(const struct publication *publication, int32_t partition);

/* What is published was ingested from this cluster, or nothing is yet. */
bool publication_is_of_cluster(const struct publication *publication, const char *cluster);

#endif
