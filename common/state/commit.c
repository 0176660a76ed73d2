/* SPDX-License-Identifier: Apache-2.0 */
#include "state/commit.h"

#include <stdio.h>

void slot_follow(struct slot *slot, const struct commit *commit)
{
    slot->next = commit->next;
    slot->floor = commit->floor;
    slot->floor_time_us = commit->floor_time_us;
    slot->clock_us = commit->clock_us;
    slot->idle_us = commit->idle_us;
    slot->left_us = commit->left_us;
    slot->deferred_us = commit->deferred_us;
    slot->tail = commit->tail;
    slot->tail_time_us = commit->tail_time_us;
    slot->tail_hash = commit->tail_hash;
    slot->end = commit->end;
    slot->real_end = commit->real_end;
    slot->wanted_epoch = commit->wanted_epoch;
    slot->gaps = commit->gaps ? *commit->gaps : (struct gaps){0};
    if (commit->alarm != slot->alarm)
        snprintf(slot->alarm, sizeof slot->alarm, "%s", commit->alarm ? commit->alarm : "");
    snprintf(slot->commit_id, sizeof slot->commit_id, "%s", commit->commit_id);
}

const char *commit_answer_name(enum commit_answer answer)
{
    static const char *const names[] = {"OK", "ALREADY", "REWOUND", "AHEAD", "LOST", "FOREIGN"};
    return names[answer];
}
