/* SPDX-License-Identifier: Apache-2.0 */
#include "held.h"

#include <inttypes.h>

#define PARTITIONS_NAMED 4 /* in a message */

const char *held_by(const char *alarm)
{
    static const struct {
        const char *alarm, *holder;
    } holders[] = {
        {"breaker",
         "the breaker stopped it, for too many are bad; see tidemark-batch dead-letters list, and correct the "
         "configuration or whoever sends them"},
        {"foreign", "another installation is a member of the same consumer group and has it; give each its own "
                    "kafka.group"},
    };
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++)
        if (strcmp(alarm, holders[i].alarm) == 0)
            return holders[i].holder;
    return NULL;
}

bool held_check(const struct source_run *run, struct error *error)
{
    struct buffer held = {0};
    size_t count = 0;
    for (size_t i = 0; i < run->partition_count; i++) {
        const struct partition_state *partition = &run->partitions[i];
        if (partition->standing != STANDING_HELD)
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
