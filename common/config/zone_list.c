/* SPDX-License-Identifier: Apache-2.0 */
#include "config/zone_list.h"

struct zone_entry {
    struct zone *zone;
    struct zone_entry *next;
};

bool zone_list_open(struct zone_list *list, struct arena *arena, const char *name, const struct zone **ret_zone,
                    struct error *error)
{
    for (const struct zone_entry *entry = list->first; entry; entry = entry->next) {
        if (strcmp(zone_name(entry->zone), name) == 0) {
            *ret_zone = entry->zone;
            return true;
        }
    }
    struct zone_entry *entry = arena_allocate(arena, sizeof *entry);
    if (!entry)
        return error_set(error, ERROR_INTERNAL, "memory is short");
    if (!zone_open(name, &entry->zone, error))
        return false;
    entry->next = list->first;
    list->first = entry;
    *ret_zone = entry->zone;
    return true;
}

void zone_list_clean_up(struct zone_list *list)
{
    for (struct zone_entry *entry = list->first; entry; entry = entry->next)
        zone_close(entry->zone);
    list->first = NULL;
}
