/* SPDX-License-Identifier: Apache-2.0
 * The log as the batch layer reads it: partitions, their ends, and the messages between two offsets. */
#ifndef TIDEMARK_PORTS_LOG_H
#define TIDEMARK_PORTS_LOG_H

#include "base/error.h"
#include "base/text.h"
#include "state/slot.h"

struct log_header {
    const char *name;
    struct text value; /* data NULL: null */
};

struct log_message {
    int64_t offset;
    int64_t record_time_us; /* -1 where the record has none */
    struct text key;        /* data NULL: no key */
    struct text payload;    /* data NULL: a null payload */
    /* Its own headers, taken apart only where they are wanted: gives number 0, 1, … and false behind the last.
     * NULL where it has none. */
    bool (*header)(const void *origin, size_t number, struct log_header *ret_header);
    const void *origin; /* what `header` is asked with */
};

/* A hash of key and payload, by which a message is known again. */
uint64_t log_message_hash(const struct log_message *message);
/* Whether this message, which lies where one with this record time and hash was read last, is that one: where it isn't,
 * the topic was made anew, or lost its tail. A hash of 0 says that only the record time is known. */
bool log_message_is_tail(const struct log_message *message, int64_t record_time_us, uint64_t hash);

#define LOG_POLICY_MAX 64
/* ERROR_CONFIGURATION where a topic with this cleanup.policy is no log of all messages: compaction takes messages from
 * between others, and nothing tells any more which have been there. */
bool log_policy_check(const char *source, const char *topic, const char *policy, struct error *error) MUST_CHECK;

struct event_log {
    const struct event_log_operations *operations;
};

struct event_log_operations {
    /* The cluster's id, stable while the log object lives. */
    bool (*cluster)(struct event_log *log, char ret_cluster[CLUSTER_ID_MAX], struct error *error);
    /* How many partitions the topic has; 0 where it doesn't exist yet. */
    bool (*partition_count)(struct event_log *log, const char *topic, int32_t *ret_count, struct error *error);
    /* The topic's cleanup.policy; "" where the topic doesn't exist, or the broker doesn't know such a question.
     * ERROR_PERMISSION where the right to ask for it is missing. */
    bool (*policy)(struct event_log *log, const char *topic, char ret_policy[LOG_POLICY_MAX], struct error *error);
    /* The first offset that is still there, and the one after the last that read_committed shows. */
    bool (*ends)(struct event_log *log, const char *topic, int32_t partition, int64_t *ret_first, int64_t *ret_end,
                 struct error *error);
    /* Calls `take` for each message with from <= offset < to, ascending; `take` returns false (with the error set) to
     * stop. Offsets may be missing in between (control records, compaction). *ret_first_available is `from`. Where the
     * log no longer holds the messages from there, nothing is read, and it is the first offset that the log does hold,
     * but at most `to`: the caller records the gap, and reads from there.
     * The message's memory is valid only during the call. */
    bool (*read)(struct event_log *log, const char *topic, int32_t partition, int64_t from, int64_t to,
                 int64_t *ret_first_available,
                 bool (*take)(void *context, const struct log_message *message, struct error *error), void *context,
                 struct error *error);
    void (*destroy)(struct event_log *log);
};

#endif
