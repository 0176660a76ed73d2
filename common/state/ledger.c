/* SPDX-License-Identifier: Apache-2.0 */
#include "state/ledger.h"

void fates_add(struct fates *fates, const struct ledger *ledger)
{
    fates->consumed += ledger->consumed;
    fates->kept += ledger->kept;
    fates->replaced += ledger->replaced;
    fates->duplicate += ledger->duplicate;
    fates->deferred += ledger->deferred;
    fates->bad += ledger->bad;
}

bool fates_are_closed(const struct fates *fates)
{
    return fates->consumed == fates->kept + fates->replaced + fates->duplicate + fates->deferred + fates->bad;
}

void ledger_merge(struct ledger *into, const struct ledger *from)
{
    into->consumed += from->consumed;
    into->kept += from->kept;
    into->replaced += from->replaced;
    into->duplicate += from->duplicate;
    into->deferred += from->deferred;
    into->bad += from->bad;
    for (size_t i = 0; i < VIEWS_MAX; i++) {
        into->views[i].counted += from->views[i].counted;
        into->views[i].filtered += from->views[i].filtered;
    }
}

bool ledger_is_closed(const struct ledger *ledger, size_t view_count)
{
    struct fates fates = {0};
    fates_add(&fates, ledger);
    if (!fates_are_closed(&fates))
        return false;
    for (size_t i = 0; i < view_count; i++)
        if (ledger->kept != ledger->views[i].counted + ledger->views[i].filtered)
            return false;
    return true;
}
