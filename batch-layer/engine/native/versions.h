/* SPDX-License-Identifier: Apache-2.0
 * The live version of each order, in memory, as a source's rule for duplicates makes it from messages in log order. */
#ifndef TIDEMARK_BATCH_VERSIONS_H
#define TIDEMARK_BATCH_VERSIONS_H

#include "state/ledger.h"

struct versions {
    const struct source *source;
    struct bytes_map map; /* from partition and key */
    struct arena texts;
    bool used[FIELDS_MAX]; /* fields that a view reads: the others aren't kept */
    struct panes *panes;   /* what the versions add up to, one a view */
    struct ledger *ledger; /* good messages by their fate */
    int32_t partition;     /* that is added to */
    int64_t clock_us;      /* its clock, before the next message */
    struct buffer key; /* of the message that is added: its partition, and the order's key where there are versions */
    /* Called for each version that counts in a view, when it is added (1) or taken back (-1); may be NULL. */
    bool (*applied)(void *context, size_t view, const struct record *record, int sign);
    void *context;
};

/* `panes`, one a view, and `ledger` are the caller's, and filled as versions come. */
void versions_init(struct versions *versions, const struct source *source, struct panes *panes, struct ledger *ledger);
void versions_clean_up(struct versions *versions);

/* The next good message of this partition, from its first one on; the one partition is done before the other begins.
 * The record's time is negative where it isn't known. */
bool versions_add(struct versions *versions, int32_t partition, const struct record *record, int64_t record_time_us,
                  struct error *error) MUST_CHECK;

#endif
