/* SPDX-License-Identifier: Apache-2.0
 * Whether a slot goes on where the batch views end. */
#ifndef TIDEMARK_STATE_FIT_H
#define TIDEMARK_STATE_FIT_H

#include "state/publication.h"
#include "state/slot.h"

/* The test that makes a wrong sum impossible: the slot's epoch published + 1 begins at the published cut (or, for a
 * partition that the cut doesn't name, at its first offset), and the slot has read what the batch layer has: of the
 * same cluster, from the same first offset on, without what was lost to it, and nothing else; and where both know the
 * message that the cut lies behind, it is the same one. Where nothing is ever published it begins wherever the log did
 * when it was begun. A database that came back from a backup may publish the same
 * epoch and cut again, without messages that the log has lost since: who still holds the publication of before has to
 * tell that a slot which was begun behind the second one isn't its own. */
bool slot_fits(const struct slot *slot, int32_t partition, const struct publication *publication);

#endif
