/* SPDX-License-Identifier: Apache-2.0
 * An event_log in memory: partitions to which a test appends, and whose head it can let go. */
#ifndef TIDEMARK_TESTS_MEMORY_LOG_H
#define TIDEMARK_TESTS_MEMORY_LOG_H

#include "ports/log.h"

#define MEMORY_PARTITIONS 1100

struct memory_log {
    struct event_log log;
    char cluster[CLUSTER_ID_MAX];
    int32_t partition_count; /* 0: the topic doesn't exist */
    struct memory_partition {
        int64_t first, end; /* offsets; messages before `first` are gone */
        size_t capacity;
        struct memory_message {
            bool hole; /* an offset without a message, as a transaction's marker leaves */
            int64_t record_time_us;
            char *payload; /* NULL: null */
            size_t length;
        } * messages; /* from offset `base` on */
        int64_t base;
    } partitions[MEMORY_PARTITIONS];
    const char *policy; /* cleanup.policy; NULL: nobody may ask */
    bool down;          /* every call is ERROR_UNAVAILABLE */
};

void memory_log_init(struct memory_log *log, int32_t partition_count);
void memory_log_clean_up(struct memory_log *log);
/* A partition that begins at this offset; before anything is appended. */
void memory_log_begin_at(struct memory_log *log, int32_t partition, int64_t offset);
/* Returns the message's offset. `payload` may be NULL. */
int64_t memory_log_append(struct memory_log *log, int32_t partition, const char *payload, int64_t record_time_us);
int64_t memory_log_append_hole(struct memory_log *log, int32_t partition);

#endif
