/* SPDX-License-Identifier: Apache-2.0 */
#include "state/ledger.h"

#include <assert.h>

static const struct {
    const char *name;
    size_t offset;
} counters[FATES_COUNT] = {
    {"consumed", offsetof(struct fates, consumed)}, {"kept", offsetof(struct fates, kept)},
    {"replaced", offsetof(struct fates, replaced)}, {"duplicate", offsetof(struct fates, duplicate)},
    {"deferred", offsetof(struct fates, deferred)}, {"bad", offsetof(struct fates, bad)},
};
static_assert(sizeof(struct fates) == FATES_COUNT * sizeof(int64_t), "each fate has a name");

const char *fates_name(size_t number)
{
    assert(number < FATES_COUNT);
    return counters[number].name;
}

int64_t *fates_at(struct fates *fates, size_t number)
{
    assert(number < FATES_COUNT);
    return (int64_t *)(void *)((char *)fates + counters[number].offset);
}

int64_t fates_get(const struct fates *fates, size_t number)
{
    assert(number < FATES_COUNT);
    return *(const int64_t *)(const void *)((const char *)fates + counters[number].offset);
}

void fates_add(struct fates *into, const struct fates *from)
{
    for (size_t i = 0; i < FATES_COUNT; i++)
        *fates_at(into, i) += fates_get(from, i);
}

bool fates_are_closed(const struct fates *fates)
{
    return fates->consumed == fates->kept + fates->replaced + fates->duplicate + fates->deferred + fates->bad;
}

void ledger_merge(struct ledger *into, const struct ledger *from)
{
    fates_add(&into->fates, &from->fates);
    for (size_t i = 0; i < VIEWS_MAX; i++) {
        into->views[i].counted += from->views[i].counted;
        into->views[i].filtered += from->views[i].filtered;
        into->views[i].late += from->views[i].late;
        into->views[i].expired += from->views[i].expired;
    }
}

bool ledger_closes_view(const struct ledger *ledger, size_t view)
{
    return ledger->kept == ledger->views[view].counted + ledger->views[view].filtered + ledger->views[view].expired;
}

bool ledger_is_closed(const struct ledger *ledger, size_t view_count)
{
    if (!fates_are_closed(&ledger->fates))
        return false;
    for (size_t i = 0; i < view_count; i++)
        if (!ledger_closes_view(ledger, i))
            return false;
    return true;
}
