/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sighting.h"

#include <stdio.h>
#include <string.h>

static bool is_same(const struct sighting *sighting, const struct slot *slot,
                    const struct slot_definitions *definitions)
{
    return strcmp(sighting->reader_id, definitions->reader_id) == 0 && sighting->exists == slot->exists &&
           strcmp(sighting->incarnation, slot->incarnation) == 0 && strcmp(sighting->commit_id, slot->commit_id) == 0;
}

void sighting_note(struct sighting *sighting, const struct slot *slot, const struct slot_definitions *definitions,
                   int64_t now_us)
{
    if (sighting->since_us) {
        sighting->moved = sighting->moved || !is_same(sighting, slot, definitions);
        return;
    }
    *sighting = (struct sighting){.since_us = now_us, .exists = slot->exists};
    snprintf(sighting->incarnation, sizeof sighting->incarnation, "%s", slot->incarnation);
    snprintf(sighting->commit_id, sizeof sighting->commit_id, "%s", slot->commit_id);
    snprintf(sighting->reader_id, sizeof sighting->reader_id, "%s", definitions->reader_id);
}

bool sighting_is_old(const struct sighting *sighting, int64_t for_ms, int64_t now_us)
{
    return now_us - sighting->since_us >= for_ms * 1000;
}

bool sighting_is_quiet(const struct sighting *sighting, int64_t for_ms, int64_t now_us)
{
    return !sighting->moved && sighting_is_old(sighting, for_ms, now_us);
}
