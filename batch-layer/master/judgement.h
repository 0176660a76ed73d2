/* SPDX-License-Identifier: Apache-2.0
 * Kept bad messages are judged again by the rules that hold now: after `fields` were corrected, those that are good now
 * go into the master dataset, at their offsets. */
#ifndef TIDEMARK_BATCH_JUDGEMENT_H
#define TIDEMARK_BATCH_JUDGEMENT_H

#include "run/source_run.h"

struct judgement {
    int64_t judged, good;
    int64_t good_published; /* of those that are good now: below the published cuts, so that what is published lacks
                             * them */
};

/* Inside the publishing transaction, before merge_versions. */
bool judge_again(struct source_run *run, struct judgement *ret_judgement, struct error *error) MUST_CHECK;

#endif
