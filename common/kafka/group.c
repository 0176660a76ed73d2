/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/group.h"

#include <stdlib.h>
#include <string.h>

#include "kafka/assignment.h"

#define TIMEOUT_MS 2000

struct kafka_group {
    struct consumer_group group; /* first, so that one pointer is both */
    const struct kafka_access *access;
    rd_kafka_t *client;
};

static struct kafka_group *of(struct consumer_group *group)
{
    return (struct kafka_group *)(void *)group;
}

static bool is_settled(const struct rd_kafka_group_info *info)
{
    return strcmp(info->state, "Stable") == 0 || strcmp(info->state, "Empty") == 0 || strcmp(info->state, "Dead") == 0;
}

static bool copy_member(const struct rd_kafka_group_member_info *from, struct arena *arena, struct group_member *member)
{
    member->client_id = arena_copy(arena, text_of(from->client_id ? from->client_id : ""));
    member->host = arena_copy(arena, text_of(from->client_host ? from->client_host : ""));
    struct text bytes = {from->member_assignment, (size_t)from->member_assignment_size};
    return member->client_id && member->host &&
           assignment_parse(bytes, arena, &member->partitions, &member->partition_count);
}

static bool copy_members(const struct rd_kafka_group_info *info, struct group_members *members, struct error *error)
{
    struct group_member *copies = arena_allocate(&members->arena, (size_t)info->member_cnt * sizeof *copies);
    members->members = copies;
    members->is_settled = is_settled(info);
    for (int i = 0; copies && i < info->member_cnt; i++)
        if (!copy_member(&info->members[i], &members->arena, &copies[members->count++]))
            return error_set(error, ERROR_INTERNAL, "kafka: a member of the group %s can't be read", info->group);
    return copies || error_set(error, ERROR_INTERNAL, "out of memory");
}

/* The group among those that the brokers listed, or NULL. */
static const struct rd_kafka_group_info *find(const struct rd_kafka_group_list *list, const char *name)
{
    for (int i = 0; list && i < list->group_cnt; i++)
        if (strcmp(list->groups[i].group, name) == 0)
            return &list->groups[i];
    return NULL;
}

/* By the old interface: rd_kafka_DescribeConsumerGroups can end the program by an assertion in librdkafka 2.0.2 (its
 * issue 4605). Where some brokers don't answer, the one that knows the group may. */
static bool members(struct consumer_group *port, struct group_members *ret_members, struct error *error)
{
    struct kafka_group *group = of(port);
    const struct rd_kafka_group_list *list = NULL;
    struct group_members members = {.is_settled = true};
    rd_kafka_resp_err_t code = rd_kafka_list_groups(group->client, group->access->group, &list, TIMEOUT_MS);
    const struct rd_kafka_group_info *info = find(list, group->access->group);
    if (info)
        code = info->err;
    bool done = !code || kafka_error(error, code, "the members of the consumer group");
    done = done && (!info || copy_members(info, &members, error));
    if (list)
        rd_kafka_group_list_destroy(list);
    if (done)
        *ret_members = members;
    else
        group_members_clean_up(&members);
    return done;
}

static void destroy(struct consumer_group *port)
{
    if (!port)
        return;
    rd_kafka_destroy(of(port)->client);
    free(port);
}

static const struct consumer_group_operations operations = {members, destroy};

bool kafka_group_open(const struct kafka_access *access, struct consumer_group **ret_group, struct error *error)
{
    static const struct property none[] = {{0}};
    struct kafka_group *group = calloc(1, sizeof *group);
    if (!group)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    group->access = access;
    group->group.operations = &operations;
    group->client = kafka_client_new(RD_KAFKA_PRODUCER, access, none, NULL, NULL, error);
    if (!group->client) {
        free(group);
        return false;
    }
    *ret_group = &group->group;
    return true;
}
