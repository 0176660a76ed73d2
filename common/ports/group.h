/* SPDX-License-Identifier: Apache-2.0
 * A consumer group as an observer sees it: who is in it, and which partitions each member was given. */
#ifndef TIDEMARK_PORTS_GROUP_H
#define TIDEMARK_PORTS_GROUP_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct group_partition {
    const char *topic;
    int32_t partition;
};

struct group_member {
    const char *client_id;
    const char *host; /* as the broker knows it: "/10.0.0.5" */
    const struct group_partition *partitions;
    size_t partition_count;
};

struct group_members {  /* all zero is none */
    struct arena arena; /* holds all below */
    bool is_settled;    /* false while the group shares the partitions out: who has which isn't known yet */
    const struct group_member *members;
    size_t count;
};
void group_members_clean_up(struct group_members *members);

struct consumer_group {
    const struct consumer_group_operations *operations;
};

/* One thread at a time. */
struct consumer_group_operations {
    /* Asks the brokers, for a few seconds at most. A group that nobody is in has no members and is settled. The result
     * is the caller's to clean up; untouched on failure. */
    bool (*members)(struct consumer_group *group, struct group_members *ret_members, struct error *error);
    void (*destroy)(struct consumer_group *group);
};

#endif
