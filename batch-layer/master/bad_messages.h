/* SPDX-License-Identifier: Apache-2.0
 * Bad messages as the ingest keeps them beside the master dataset, read in pieces by a cursor. */
#ifndef TIDEMARK_BATCH_BAD_MESSAGES_H
#define TIDEMARK_BATCH_BAD_MESSAGES_H

#include "batch.h"

struct bad_message {
    int32_t partition;
    int64_t offset, record_time_us; /* -1 where the record has none */
    struct text field, reason;
    struct text payload; /* data NULL: a null payload; cut behind MESSAGE_BYTES_MAX + 1 bytes */
};

/* In the transaction that is open. `order` is SQL: how they are sorted, and how many at most. */
bool bad_messages_open(struct batch *batch, const struct source *source, const char *order,
                       struct error *error) MUST_CHECK;
/* The next few; no rows at the end. The result is the caller's to PQclear. */
bool bad_messages_fetch(struct batch *batch, PGresult **ret_rows, struct error *error) MUST_CHECK;

/* Texts point into `rows`; the payload is the message's own. */
bool bad_message_init(struct bad_message *message, const PGresult *rows, int row, struct error *error) MUST_CHECK;
void bad_message_clean_up(struct bad_message *message);

#endif
