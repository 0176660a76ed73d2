/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/realtime_store.h"

bool realtime_commit(struct realtime_store *store, const struct commit *commit, struct commit_outcome *ret_outcome,
                     struct error *error)
{
    size_t answered;
    return store->operations->commit(store, commit, 1, ret_outcome, &answered, error);
}
