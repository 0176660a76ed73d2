/* SPDX-License-Identifier: Apache-2.0
 * Bad messages as the ingest keeps them beside the master dataset, read in pieces by a cursor. */
#ifndef TIDEMARK_BATCH_BAD_MESSAGES_H
#define TIDEMARK_BATCH_BAD_MESSAGES_H

#include "master/master.h"

struct bad_message {
    int32_t partition;
    int64_t offset, record_time_us; /* -1 where the record has none */
    struct text field, reason;
    struct text payload; /* data NULL: a null payload; cut behind MESSAGE_BYTES_MAX + 1 bytes */
};

/* Valid during the call only. */
typedef bool bad_message_take(void *context, const struct bad_message *message, struct error *error);
typedef bool bad_messages_between(void *context, struct error *error);

/* In the transaction that is open: calls `take` with each, and `between` (or NULL) after every few, which may change
 * what was read. `order` is SQL: how they are sorted, and how many at most. ERROR_TRY_AGAIN where a shutdown is asked
 * for. */
bool bad_messages_read(struct batch *batch, const struct source *source, const char *order, bad_message_take *take,
                       bad_messages_between *between, void *context, struct error *error) MUST_CHECK;

/* As master_operations says of read_bad. */
bool bad_messages_list(struct batch *batch, const struct source *source, int64_t limit,
                       const struct bad_message_list *list, struct error *error) MUST_CHECK;

#endif
