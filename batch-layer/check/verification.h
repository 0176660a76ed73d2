/* SPDX-License-Identifier: Apache-2.0
 * What a verification holds on both sides, and how it tells the first difference. */
#ifndef TIDEMARK_BATCH_VERIFICATION_H
#define TIDEMARK_BATCH_VERIFICATION_H

#include "master/master.h"
#include "ports/realtime_store.h"

/* One side of one comparison, and the offsets whose messages it is made of. */
struct side {
    const char *name;  /* "published", "real-time", "merged" */
    int32_t partition; /* -1: all */
    int64_t epoch;     /* of real-time cells; 0 or less: published, or merged */
    int64_t from, to;  /* of a partition; all of them from their first to their last that is compared: -1 */
};

struct verification {
    struct batch *batch;
    const struct source *source;
    bool published_only;
    struct publication publication;
    char cluster[CLUSTER_ID_MAX]; /* of the log */
    int32_t partition_count;
    struct compared {
        struct ingested_partition ingested;
        struct slot_reader reader; /* of a slot that fits the publication, where it is ready */
        bool ready;
        int64_t first, cut, to; /* compared are the messages from `first` until `to` */
        struct ledger ledger;   /* of those below the cut, as recomputed */
    } * partitions;
    struct error damage;                /* the first slot that isn't what its ledger says; ERROR_NONE: all are */
    struct error unready;               /* why a partition can't be compared; ERROR_NONE: all can */
    struct panes *published, *computed; /* one a view, of offsets below the cuts */
    struct panes *stage;                /* of the epoch that is being recomputed */
    struct panes *held, *whole;         /* all together: as held by the platform, as recomputed */
    struct ledger ledger, stage_ledger;
    int64_t from_master, messages; /* how many came from where */
};

/* A view's rows were published with the definition that is configured. */
bool is_published(const struct verification *verification, size_t view);

/* ERROR_DATA where they differ. */
bool compare_panes(struct verification *verification, size_t view, const struct side *side, struct panes *held,
                   struct panes *computed, struct error *error) MUST_CHECK;
bool compare_ledgers(const struct verification *verification, const struct side *side, const struct ledger *held,
                     const struct ledger *computed, struct error *error) MUST_CHECK;
bool compare_fates(const struct verification *verification, const struct side *side, const struct fates *held,
                   const struct fates *computed, struct error *error) MUST_CHECK;

/* Appends which messages make up a cell of this side: read once more. Nothing where they can't be read, or memory is
 * short. */
void trace_cell(struct verification *verification, const struct side *side, size_t view, struct pane cell,
                struct buffer *out);

#endif
