/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/other_definitions.h"

#include <string.h>

bool definitions_are_read_elsewhere(const struct slot_definitions *definitions, const struct source *source)
{
    return *definitions->reader && strcmp(definitions->reader, source->fingerprint) != 0;
}

bool other_definitions_forget(struct realtime_store *store, const struct source *source, int32_t partition,
                              int64_t idle_s, size_t *ret_forgotten, struct error *error)
{
    struct slot_definitions definitions;
    *ret_forgotten = 0;
    if (!store->operations->definitions(store, source->name, partition, &definitions, error))
        return false;
    for (size_t i = 0; i < definitions.count; i++) {
        bool done = false;
        struct slot_id id = {source->name, partition, definitions.names[i]};
        if (strcmp(id.definition, source->fingerprint) != 0 &&
            !store->operations->forget(store, id, idle_s, &done, error))
            return false;
        *ret_forgotten += done;
    }
    return true;
}

static void add_slot(struct other_definitions *others, const struct slot *slot)
{
    if (!others->found || slot->first < others->first) {
        others->first = slot->first;
        others->partitions = slot->partitions;
    }
    if (slot->next > others->next)
        others->next = slot->next;
    others->found = true;
}

bool other_definitions_look(struct realtime_store *store, struct slot_id id, const char *cluster,
                            struct other_definitions *ret_others, struct error *error)
{
    struct slot_definitions definitions;
    *ret_others = (struct other_definitions){0};
    if (!store->operations->definitions(store, id.source, id.partition, &definitions, error))
        return false;
    for (size_t i = 0; i < definitions.count; i++) {
        struct slot slot;
        struct error damage = {0};
        struct slot_id other = {id.source, id.partition, definitions.names[i]};
        if (strcmp(other.definition, id.definition) == 0)
            continue;
        if (!store->operations->read_slot(store, other, &slot, &damage)) {
            if (damage.code == ERROR_DATA) /* it says nothing, then */
                continue;
            *error = damage;
            return false;
        }
        if (slot.exists && strcmp(slot.cluster, cluster) == 0)
            add_slot(ret_others, &slot);
    }
    return true;
}
