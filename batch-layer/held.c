/* SPDX-License-Identifier: Apache-2.0 */
#include "held.h"

#include <inttypes.h>

#include "kafka/group.h"
#include "ports/readers.h"

#define PARTITIONS_NAMED 4 /* in a message */

const char *held_by(const char *alarm)
{
    static const struct {
        const char *alarm, *holder;
    } holders[] = {
        {"breaker",
         "the breaker stopped it, for too many are bad; see tidemark-batch dead-letters list, and correct the "
         "configuration or whoever sends them"},
        {SLOT_ALARM_FOREIGN,
         "another installation is a member of the same consumer group and has it; give each its own "
         "kafka.group"},
    };
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++)
        if (strcmp(alarm, holders[i].alarm) == 0)
            return holders[i].holder;
    return NULL;
}

/* Who is in the group; none where it can't be asked. */
static struct group_members ask_members(const struct batch *batch)
{
    struct group_members members = {0};
    struct consumer_group *group = NULL;
    struct error error;
    if (batch->access && kafka_group_open(batch->access, &group, &error)) {
        if (!group->operations->members(group, &members, &error))
            members = (struct group_members){0};
        group->operations->destroy(group);
    }
    return members;
}

/* Names the other installation that has a partition; asks for the members of the group only once. */
static void append_foreign(const struct source_run *run, const struct partition_state *partition,
                           struct group_members *members, bool *asked, struct buffer *out)
{
    struct foreign_reader reader;
    if (partition->holder != held_by(SLOT_ALARM_FOREIGN))
        return;
    if (!*asked)
        *members = ask_members(run->batch);
    *asked = true;
    if (members->count > 0 &&
        readers_foreign(members, kafka_client_id(run->batch->access), run->source->topic, partition->number, &reader))
        buffer_appendf(out, " (client id %s, host %s)", reader.client_id, reader.host);
}

bool held_check(const struct source_run *run, struct error *error)
{
    struct buffer held = {0};
    struct group_members members = {0};
    bool asked = false;
    size_t count = 0;
    for (size_t i = 0; i < run->partition_count; i++) {
        const struct partition_state *partition = &run->partitions[i];
        if (partition->standing != STANDING_HELD)
            continue;
        if (count++ >= PARTITIONS_NAMED)
            continue;
        buffer_appendf(&held, "%sin partition %d %" PRId64 " messages wait: %s", count > 1 ? "; " : "",
                       (int)partition->number, partition->waiting, partition->holder);
        append_foreign(run, partition, &members, &asked, &held);
    }
    if (count > PARTITIONS_NAMED)
        buffer_appendf(&held, "; and so in %zu more", count - PARTITIONS_NAMED);
    bool none = count == 0 || error_set(error, ERROR_HELD, "source %s: %s", run->source->name, buffer_string(&held));
    group_members_clean_up(&members);
    buffer_clean_up(&held);
    return none;
}
