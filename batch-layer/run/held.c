/* SPDX-License-Identifier: Apache-2.0 */
#include "run/held.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "kafka/group.h"
#include "ports/readers.h"

#define PARTITIONS_NAMED 4 /* in a message */
#define OTHER_INSTALLATION "another installation is a member of the same consumer group and has it"
#define REMEDY "give each its own kafka.group"

const char *held_by(const char *alarm)
{
    static const struct {
        const char *alarm, *holder;
    } holders[] = {
        {"breaker",
         "the breaker stopped it, for too many are bad; see tidemark-batch dead-letters list, and correct the "
         "configuration or whoever sends them"},
        {SLOT_ALARM_FOREIGN, OTHER_INSTALLATION "; " REMEDY},
    };
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++)
        if (strcmp(alarm, holders[i].alarm) == 0)
            return holders[i].holder;
    return NULL;
}

/* Of those that are held by an alarm, too, the member's name is what an operator looks for. */
static void look_for_member(struct source_run *run, struct run_partition *partition,
                            const struct group_members *members)
{
    struct foreign_reader reader;
    const char *own = kafka_client_id(run->batch->access);
    bool is_held = partition->standing == STANDING_HELD;
    if ((!is_held && partition->standing != STANDING_WATCHED) ||
        !readers_foreign(members, own, run->source->topic, partition->number, &reader))
        return;
    partition->standing = STANDING_HELD;
    snprintf(partition->holder, sizeof partition->holder, OTHER_INSTALLATION "; " REMEDY " (client id %s, host %s)",
             reader.client_id, reader.host);
}

bool held_by_members(struct source_run *run)
{
    struct batch *batch = run->batch;
    struct group_members members = {0};
    struct error error = {0};
    if (!batch->access)
        return true;
    if ((!batch->group && !kafka_group_open(batch->access, &batch->group, &error)) ||
        !batch->group->operations->members(batch->group, &members, &error)) {
        log_warning("source %s: whether another installation has the partitions that nobody commits to isn't known: %s",
                    run->source->name, error.message);
        return true;
    }
    for (size_t i = 0; members.is_settled && i < run->partition_count; i++)
        look_for_member(run, &run->partitions[i], &members);
    bool settled = members.is_settled;
    group_members_clean_up(&members);
    return settled;
}

bool held_check(const struct source_run *run, struct error *error)
{
    struct buffer held = {0};
    size_t count = 0;
    for (size_t i = 0; i < run->partition_count; i++) {
        const struct run_partition *partition = &run->partitions[i];
        if (partition->standing != STANDING_HELD || partition->waiting == 0)
            continue;
        if (count++ < PARTITIONS_NAMED)
            buffer_appendf(&held, "%sin partition %d %" PRId64 " messages wait: %s", count > 1 ? "; " : "",
                           (int)partition->number, partition->waiting, partition->holder);
    }
    if (count > PARTITIONS_NAMED)
        buffer_appendf(&held, "; and so in %zu more", count - PARTITIONS_NAMED);
    bool none = count == 0 || error_set(error, ERROR_HELD, "source %s: %s", run->source->name, buffer_string(&held));
    buffer_clean_up(&held);
    return none;
}
