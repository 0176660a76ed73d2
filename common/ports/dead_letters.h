/* SPDX-License-Identifier: Apache-2.0
 * Where bad messages are kept: raw bytes, with where they lay and why they are bad.
 *
 * Each partition of a source has a checkpoint beside its letters: the offset up to which they are written. Letters and
 * checkpoint change together, and only the last who took a partition over can change them. So whoever reads messages
 * again, after a crash, a rebalance or a loss of the real-time store, may send them again: what lies below the
 * checkpoint is passed over, and there is one letter for each bad message. */
#ifndef TIDEMARK_PORTS_DEAD_LETTERS_H
#define TIDEMARK_PORTS_DEAD_LETTERS_H

#include "ports/log.h"

struct dead_letter {
    const struct source *source; /* its dead_letter is set */
    int32_t partition;
    const struct log_message *message;
    const char *field, *reason; /* field is "" where the message as a whole is bad; both may be kept, they are static */
};

struct dead_letter_store {
    const struct dead_letter_operations *operations;
};

/* One thread at a time per store object. */
struct dead_letter_operations {
    /* Takes a copy of a letter, to be written by the next `keep` of its partition; offsets ascend. Waits for nothing.
     * False where memory is short. */
    bool (*send)(struct dead_letter_store *store, const struct dead_letter *letter, struct error *error);

    /* Writes what was sent for this partition, but for what lies below its checkpoint, and moves the checkpoint up to
     * `next`. Only when it has returned true may the messages below `next` be committed. True at once where nothing was
     * sent. After a failure what was sent is forgotten, and whether it was written isn't known: read the messages again
     * from what the real-time store says, and send them again. ERROR_TRY_AGAIN: somebody else took the partition over.
     * ERROR_UNAVAILABLE and ERROR_PERMISSION as everywhere. Waits for a few seconds at most. */
    bool (*keep)(struct dead_letter_store *store, const struct source *source, int32_t partition, int64_t next,
                 struct error *error);

    /* Forgets what was sent for this partition and not kept. */
    void (*forget)(struct dead_letter_store *store, const struct source *source, int32_t partition);

    /* Closes what wasn't used for a while; to be called every few seconds. */
    void (*close_idle)(struct dead_letter_store *store);

    void (*destroy)(struct dead_letter_store *store);
};

#endif
