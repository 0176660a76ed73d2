/* SPDX-License-Identifier: Apache-2.0 */
#include "check/published_check.h"

#include "check/verify.h"
#include "engine/engine.h"

bool published_check(struct source_run *run, struct error *ret_difference, struct error *error)
{
    const struct batch *batch = run->batch;
    bool same = true;
    *ret_difference = (struct error){0};
    if (!verify_published(run->batch, run->source, ret_difference)) {
        if (ret_difference->code == ERROR_DATA)
            return true;
        *error = *ret_difference;
        return false;
    }
    if (batch->engine->check_versions && !batch->engine->check_versions(run, &same, error))
        return false;
    if (!same)
        error_set(ret_difference, ERROR_DATA, "the live versions of its orders are not those of the master dataset");
    return true;
}
