/* SPDX-License-Identifier: Apache-2.0
 * What a worker does with bad messages: they are sent when they are found, and kept before the offsets behind them are
 * committed. Where they can't be kept, their partition is closed and waits; others go on. */
#ifndef TIDEMARK_SPEED_LETTERS_H
#define TIDEMARK_SPEED_LETTERS_H

#include "base/retry.h"
#include "partition/partition.h"
#include "ports/dead_letters.h"

/* Of a worker. */
struct letters {
    struct dead_letter_store *store; /* NULL: no source has a dead-letter topic */
    struct retry retry;              /* of a store that is out of reach: it is waited for once, not once a partition */
    int64_t due_us;                  /* until then partitions with letters aren't due */
};

/* Of a partition. */
struct partition_letters {
    size_t bytes;       /* sent and not kept */
    bool failed;        /* one couldn't be sent: what is pending must not be committed */
    struct retry retry; /* of keeping them */
};

#define LETTERS_INIT(dead_letter_store) ((struct letters){.store = (dead_letter_store), .retry = RETRY_DEPENDENCY})
#define PARTITION_LETTERS_INIT ((struct partition_letters){.retry = RETRY_DEPENDENCY})

void letters_send(struct letters *letters, struct partition_letters *sent, const struct partition *partition,
                  const struct log_message *message, const struct rejection *rejection);

/* So many bytes wait that the partition must be committed now. */
bool letters_are_full(const struct partition_letters *sent);
/* Writing letters takes a few round trips, so it is done at intervals that leave most of the time to other work. */
bool letters_must_wait(const struct letters *letters, const struct partition *partition, int64_t now_us);

/* Before each commit. False, with the reason in the log, where the partition must be closed instead. */
bool letters_keep(struct letters *letters, struct partition_letters *sent, const struct partition *partition);

/* How long a partition that was closed so must stay closed. */
int64_t letters_wait_us(const struct letters *letters, const struct partition_letters *sent, int64_t now_us);

/* What is pending is forgotten: before a partition is opened, and when it goes. */
void letters_forget(struct letters *letters, struct partition_letters *sent, const struct partition *partition);

#endif
