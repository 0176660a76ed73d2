/* SPDX-License-Identifier: Apache-2.0
 * How messages were accounted for: every message that was read has one fate, and the fates add up. */
#ifndef TIDEMARK_STATE_LEDGER_H
#define TIDEMARK_STATE_LEDGER_H

#include "view/view.h"

/* What became of the messages that were read. Signed: epochs take back. */
#define FATES consumed, kept, replaced, duplicate, deferred, bad
struct fates {
    int64_t FATES;
};
#define FATES_COUNT 6
/* The counters by number, in the order and with the names in which they are written everywhere. */
const char *fates_name(size_t number);
int64_t *fates_at(struct fates *fates, size_t number);
int64_t fates_get(const struct fates *fates, size_t number);

void fates_add(struct fates *into, const struct fates *from);
bool fates_are_closed(const struct fates *fates); /* consumed = kept + replaced + duplicate + deferred + bad */

/* The fates, and what the views made of the messages that were kept. `expired` counts those whose panes have left their
 * slot, past the view's retention: only a source without a batch layer has any. */
struct ledger {
    union {
        struct fates fates;
        struct {
            int64_t FATES;
        };
    };
    struct {
        int64_t counted, filtered, expired;
        int64_t late;   /* messages that counted when they came, and came too late: see view_is_late */
    } views[VIEWS_MAX]; /* by number of the source's views */
};

void ledger_merge(struct ledger *into, const struct ledger *from);
bool ledger_closes_view(const struct ledger *ledger, size_t view); /* kept = counted + filtered + expired */
/* Its fates are closed, and so is each view. */
bool ledger_is_closed(const struct ledger *ledger, size_t view_count);

#endif
