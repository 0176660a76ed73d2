/* SPDX-License-Identifier: Apache-2.0 */
#include "state/slot.h"

#include <inttypes.h>
#include <string.h>

struct slot_id slot_id_of(const struct source *source, int32_t partition)
{
    return (struct slot_id){source->name, partition, source->fingerprint};
}

/* Whether each of the words is among those that are known. */
static bool are_known(const char *words, const char *known)
{
    size_t length;
    for (words += strspn(words, " "); *words; words += length + strspn(words + length, " ")) {
        length = strcspn(words, " ");
        const char *word = known;
        while (*word && (strcspn(word, " ") != length || memcmp(word, words, length) != 0)) {
            word += strcspn(word, " ");
            word += strspn(word, " ");
        }
        if (!*word)
            return false;
    }
    return true;
}

bool slot_has_checksums(const struct slot *slot)
{
    return are_known(REALTIME_CHECKSUMS, slot->requires);
}

bool slot_format_check(const struct slot *slot, struct error *error)
{
    if (!slot->exists || slot->format == REALTIME_FORMAT)
        return true;
    if (slot->format < REALTIME_FORMAT)
        return error_set(error, ERROR_TRY_AGAIN,
                         "it has format %" PRId64
                         ", and this program writes format %d: the speed layer builds it again",
                         slot->format, REALTIME_FORMAT);
    if (slot->format == FORMAT_BEYOND)
        return error_set(error, ERROR_DATA,
                         "it requires \"%s\", of which this program doesn't know all: run the newer release that wrote "
                         "it, or have it forgotten and built again by tidemark-batch repair --yes",
                         slot->requires);
    return error_set(error, ERROR_DATA,
                     "it has format %" PRId64
                     ", and this program knows up to format %d: run the newer release that wrote it, or have it "
                     "forgotten and built again by tidemark-batch repair --yes",
                     slot->format, REALTIME_FORMAT);
}

void slot_keep_known(struct slot *slot)
{
    if (slot->exists && slot->format == REALTIME_FORMAT && !are_known(slot->requires, REALTIME_KNOWN))
        slot->format = FORMAT_BEYOND;
    const struct slot all = *slot;
    if (!all.exists || all.format == REALTIME_FORMAT)
        return;
    *slot = (struct slot){.exists = true, .format = all.format, .tail = -1, .tail_time_us = -1};
    memcpy(slot->requires, all.requires, sizeof slot->requires);
    if (all.format > REALTIME_FORMAT)
        return;
    slot->partitions = all.partitions;
    slot->first = all.first;
    memcpy(slot->incarnation, all.incarnation, sizeof slot->incarnation);
    memcpy(slot->cluster, all.cluster, sizeof slot->cluster);
}

int64_t slot_uncommitted(const struct slot *slot)
{
    return slot->end != LOG_END_UNKNOWN && slot->real_end > slot->end ? slot->real_end - slot->end : 0;
}

const struct epoch_start *slot_epoch_start(const struct slot *slot, int64_t epoch)
{
    for (size_t i = 0; i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch == epoch)
            return &slot->epochs[i];
    return NULL;
}

bool slot_is_live(const struct slot *slot, int64_t epoch)
{
    return slot_epoch_start(slot, epoch) != NULL;
}
