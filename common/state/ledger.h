/* SPDX-License-Identifier: Apache-2.0
 * How messages were accounted for: every message that was read has one fate, and the fates add up. */
#ifndef TIDEMARK_STATE_LEDGER_H
#define TIDEMARK_STATE_LEDGER_H

#include "view/view.h"

/* How messages were accounted for; counted and filtered are kept per view beside it. Signed: epochs take back. */
struct ledger {
    int64_t consumed, kept, replaced, duplicate, deferred, bad;
    struct {
        int64_t counted, filtered;
    } views[VIEWS_MAX]; /* by number of the source's views */
};
/* The same of one partition, without its views. */
struct fates {
    int64_t consumed, kept, replaced, duplicate, deferred, bad;
};
void fates_add(struct fates *fates, const struct ledger *ledger);
bool fates_are_closed(const struct fates *fates); /* consumed = kept + replaced + duplicate + deferred + bad */

void ledger_merge(struct ledger *into, const struct ledger *from);
/* consumed = kept + replaced + duplicate + deferred + bad; per view kept = counted + filtered. */
bool ledger_is_closed(const struct ledger *ledger, size_t view_count);

#endif
