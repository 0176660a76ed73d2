/* SPDX-License-Identifier: Apache-2.0
 * The time zones that a configuration names, each opened once. */
#ifndef TIDEMARK_CONFIG_ZONE_LIST_H
#define TIDEMARK_CONFIG_ZONE_LIST_H

#include "base/arena.h"
#include "base/zone.h"

struct zone_entry;

struct zone_list {
    struct zone_entry *first; /* all zero is empty */
};

/* The zone with this name, opened where it is new. The list owns it; the entry lies in the arena. */
bool zone_list_open(struct zone_list *list, struct arena *arena, const char *name, const struct zone **ret_zone,
                    struct error *error) MUST_CHECK;
/* Closes all zones; call it before the arena is cleaned up. */
void zone_list_clean_up(struct zone_list *list);

#endif
