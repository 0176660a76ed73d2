/* SPDX-License-Identifier: Apache-2.0
 * A member of a consumer group that is told where to read: the group only says which partitions are whose, offsets are
 * the application's. One thread polls; callbacks come from within poll and destroy. Messages are read_committed. */
#ifndef TIDEMARK_PORTS_CONSUMER_H
#define TIDEMARK_PORTS_CONSUMER_H

#include "ports/log.h"

struct consumer_position {
    const char *topic;
    int32_t partition;
    int64_t offset;
};

/* What is kept of a partition with its group. */
struct group_offset {
    const char *topic;
    int32_t partition;
    int64_t next;  /* for lag monitors */
    int64_t first; /* the first offset that the partition ever had */
};

/* Where a partition's log begins and ends for read_committed. */
struct consumer_extent {
    const char *topic;
    int32_t partition;
    int64_t first, end; /* the answer … */
    struct error error; /* … or why there is none, without the partition's number: else its code is ERROR_NONE */
};

struct consumer_events {
    /* The group gives these partitions (offsets are unset). Nothing is fetched before `assign`. False where memory is
     * short: then none is taken, the consumer says so as trouble, and gives them again at a later poll. */
    bool (*assigned)(void *context, const struct consumer_position partitions[], size_t count);
    /* All partitions go, also those that were given in vain. `lost`: others own them already, so nothing may be
     * committed. */
    void (*revoked)(void *context, bool lost);
    /* Messages of one partition, ascending; their memory is valid during the call. */
    void (*messages)(void *context, const char *topic, int32_t partition, const struct log_message messages[],
                     size_t count);
    /* Nothing more to read: `offset` is the end for now. */
    void (*end)(void *context, const char *topic, int32_t partition, int64_t offset);
    /* The log has no such offset, and the partition isn't fetched any more. Where `offset` isn't the one to be read
     * next, that may say nothing of the log: assign it again. */
    void (*out_of_range)(void *context, const char *topic, int32_t partition, int64_t offset);
    /* What lies at the position can't be read: it is damaged, or more than this program takes. What comes of the
     * partition before the next `assign` must not be taken: it may lie behind that. */
    void (*unreadable)(void *context, const char *topic, int32_t partition, const struct error *error);
    /* The cluster or a topic is out of reach (repeated while it lasts). */
    void (*trouble)(void *context, const struct error *error);
    void *context;
};

struct consumer {
    const struct consumer_operations *operations;
};

struct consumer_operations {
    /* Fetches these partitions from these offsets, and no others; none pauses all. */
    bool (*assign)(struct consumer *consumer, const struct consumer_position positions[], size_t count,
                   struct error *error);
    /* Waits up to `timeout_ms` for a message, and takes with it what is there; where it `gathers`, waits for as many as
     * it takes at once. Serves callbacks. True where it took so many: more may be there. */
    bool (*poll)(struct consumer *consumer, int timeout_ms, bool gathers);
    /* Asks the brokers where these partitions begin and end, all of them at once, and waits for no fetch. */
    void (*extents)(struct consumer *consumer, struct consumer_extent extents[], size_t count);
    /* The end for read_committed as last heard of, without asking: it may be older, but never beyond what may be read.
     * -1 where it isn't known. */
    int64_t (*known_end)(struct consumer *consumer, const char *topic, int32_t partition);
    /* Where the log ended in truth when the end for read_committed was last heard of: beyond that end where messages
     * wait behind a transaction that is open. 0 where it isn't known. */
    int64_t (*real_end)(struct consumer *consumer, const char *topic, int32_t partition);
    /* The first offset whose record time is at or after `at_us`; -1 where the broker can't say. */
    int64_t (*offset_at)(struct consumer *consumer, const char *topic, int32_t partition, int64_t at_us);
    /* The first offset that is kept with the group's offset of this partition. Where none is, `first` is from now on,
     * and is by the time that this returns. */
    bool (*record_first)(struct consumer *consumer, const char *topic, int32_t partition, int64_t first,
                         int64_t *ret_first, struct error *error);
    /* Partitions of the topic; 0 where it doesn't exist. */
    bool (*partition_count)(struct consumer *consumer, const char *topic, int32_t *ret_count, struct error *error);
    bool (*cluster)(struct consumer *consumer, char ret_cluster[CLUSTER_ID_MAX], struct error *error);
    /* Commits offsets to the group, where lag monitors look; doesn't wait, failures don't matter. */
    void (*commit_group_offsets)(struct consumer *consumer, const struct group_offset offsets[], size_t count);
    /* Leaves the group (revoked is called) and frees. */
    void (*destroy)(struct consumer *consumer);
};

#endif
