/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/postgres/ranges.h"

#include <inttypes.h>

void append_ranges(struct buffer *sql, const struct source_run *run, enum reach reach, const char *partition,
                   const char *offset)
{
    const char *separator = "";
    buffer_append_char(sql, '(');
    for (size_t i = 0; i < run->partition_count; i++) {
        const struct run_partition *state = &run->partitions[i];
        int64_t from = reach == LATER ? state->cut : reach == BELOW_CUT ? state->first : state->begins;
        int64_t to = reach == LATER ? state->ingested : state->cut;
        if (from >= to)
            continue;
        buffer_appendf(sql, "%s(%s = %d and %s >= %" PRId64 " and %s < %" PRId64 ")", separator, partition,
                       (int)state->number, offset, from, offset, to);
        separator = " or ";
    }
    buffer_append_string(sql, *separator ? ")" : "false)");
}
