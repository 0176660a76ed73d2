/* SPDX-License-Identifier: Apache-2.0
 * What a worker does with bad messages: they are sent when they are found, and kept before the offsets behind them are
 * committed. Where they can't be kept, their partition is closed and waits; others go on. */
#ifndef TIDEMARK_SPEED_DEAD_LETTERS_H
#define TIDEMARK_SPEED_DEAD_LETTERS_H

#include "base/retry.h"
#include "partition/partition.h"
#include "ports/dead_letters.h"

/* Of a worker. */
struct dead_letters {
    struct dead_letter_store *store; /* NULL: no source has a dead-letter topic */
    struct retry retry;              /* of a store that is out of reach: it is waited for once, not once a partition */
    int64_t due_us;                  /* until then partitions with letters aren't due */
};

/* Of a partition. */
struct partition_dead_letters {
    size_t bytes;       /* sent and not kept */
    bool failed;        /* one couldn't be sent: what is pending must not be committed */
    struct retry retry; /* of keeping them */
};

#define DEAD_LETTERS_INIT(dead_letter_store)                                                                           \
    ((struct dead_letters){.store = (dead_letter_store), .retry = RETRY_DEPENDENCY})
#define PARTITION_DEAD_LETTERS_INIT ((struct partition_dead_letters){.retry = RETRY_DEPENDENCY})

void dead_letters_send(struct dead_letters *letters, struct partition_dead_letters *sent,
                       const struct partition *partition, const struct log_message *message,
                       const struct rejection *rejection);

/* So many bytes wait that the partition must be committed now. */
bool dead_letters_are_full(const struct partition_dead_letters *sent);
/* Writing letters takes a few round trips, so it is done at intervals that leave most of the time to other work. */
bool dead_letters_must_wait(const struct dead_letters *letters, const struct partition *partition, int64_t now_us);

/* Before each commit. False, with the reason in the log, where the partition must be closed instead. */
bool dead_letters_keep(struct dead_letters *letters, struct partition_dead_letters *sent,
                       const struct partition *partition);

/* How long a partition that was closed so must stay closed. */
int64_t dead_letters_wait_us(const struct dead_letters *letters, const struct partition_dead_letters *sent,
                             int64_t now_us);

/* What is pending is forgotten: before a partition is opened, and when it goes. */
void dead_letters_forget(struct dead_letters *letters, struct partition_dead_letters *sent,
                         const struct partition *partition);

#endif
