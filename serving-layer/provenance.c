/* SPDX-License-Identifier: Apache-2.0 */
#include "provenance.h"

#include <string.h>

#include "base/timestamp.h"
#include "http/entity_tag.h"

#define LAG "\"lag\": "

void append_time_or_null(int64_t at_us, struct buffer *out)
{
    if (at_us == 0) {
        buffer_append_string(out, "null");
        return;
    }
    buffer_append_char(out, '"');
    buffer_append_timestamp(out, at_us);
    buffer_append_char(out, '"');
}

void append_number_or_null(int64_t number, struct buffer *out)
{
    if (number < 0)
        buffer_append_string(out, "null");
    else
        buffer_append_integer(out, number);
}

/* Where the first window begins that the query asks for and has a part that is kept. Without `from` no window of the
 * view that is past the retention is asked for, but other ones that reach into what is kept are. */
static int64_t first_asked_us(const struct view_state *state, const struct view_query *query)
{
    if (query->has_from)
        return query->from_us;
    size_t kept = view_rows_window(&state->rows, state->expired_us);
    if (kept == state->rows.count || !question_has_other_windows(&query->question))
        return INT64_MAX;
    return question_first_start_us(&query->question, state->rows.windows[kept].start_us);
}

/* False, or where the range begins that is past the retention. */
static bool find_expired(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                         int64_t *ret_from_us)
{
    if (!query)
        return false;
    const struct view_state *state = &snapshot->views[view];
    *ret_from_us = first_asked_us(state, query);
    return *ret_from_us < state->expired_us && *ret_from_us < query->to_us;
}

bool query_is_expired(const struct snapshot *snapshot, size_t view, const struct view_query *query)
{
    int64_t from_us;
    return find_expired(snapshot, view, query, &from_us);
}

/* Writes what stands between the entries of a list. */
static void separate(bool *first, struct buffer *out)
{
    if (!*first)
        buffer_append_string(out, ", ");
    *first = false;
}

static void append_missing(int32_t partition, const char *reason, int64_t from, int64_t to, bool *first,
                           struct buffer *out)
{
    separate(first, out);
    buffer_appendf(out, "{\"partition\": %d, \"reason\": \"%s\"", (int)partition, reason);
    if (from >= 0)
        buffer_appendf(out, ", \"from\": %lld", (long long)from);
    if (to >= 0)
        buffer_appendf(out, ", \"to\": %lld", (long long)to);
    buffer_append_char(out, '}');
}

static void append_missing_partition(const struct snapshot *snapshot, size_t number, bool current, bool *first,
                                     struct buffer *out)
{
    const struct partition_provenance *state = &snapshot->partitions[number];
    struct offset_range gap;
    int64_t begins = state->cut >= 0 ? state->cut : state->first;
    if (!current && state->cut >= 0)
        append_missing(state->partition, "definition", state->first, state->cut, first, out);
    if (state->absence != ABSENT_NOT)
        append_missing(state->partition, absence_name(state->absence), begins, -1, first, out);
    if (state->added)
        append_missing(state->partition, "repartitioned", state->first, -1, first, out);
    if (state->deferred)
        append_missing(state->partition, "deferred", begins, state->next, first, out);
    for (size_t i = 0; snapshot_gap(snapshot, number, i, &gap); i++)
        append_missing(state->partition, "gap", gap.from, gap.to, first, out);
}

static void append_expired(const struct snapshot *snapshot, size_t view, const struct view_query *query, bool *first,
                           struct buffer *out)
{
    const struct zone *zone = snapshot->source->views[view].zone;
    int64_t from_us, expired_us = snapshot->views[view].expired_us;
    if (!find_expired(snapshot, view, query, &from_us))
        return;
    separate(first, out);
    buffer_append_string(out, "{\"partition\": null, \"reason\": \"expired\", \"from\": \"");
    buffer_append_local_time(out, zone, from_us);
    buffer_append_string(out, "\", \"to\": \"");
    buffer_append_local_time(out, zone, query->to_us < expired_us ? query->to_us : expired_us);
    buffer_append_string(out, "\"}");
}

static void append_all_missing(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                               struct buffer *out)
{
    bool first = true, current = snapshot_view_is_current(snapshot, view);
    if (snapshot->partition_count == 0) {
        separate(&first, out);
        buffer_appendf(out, "{\"partition\": null, \"reason\": \"%s\"}",
                       absence_name(snapshot->live_reachable ? ABSENT_REBUILDING : ABSENT_UNREACHABLE));
    }
    for (size_t i = 0; i < snapshot->partition_count; i++)
        append_missing_partition(snapshot, i, current, &first, out);
    append_expired(snapshot, view, query, &first, out);
}

static void append_offset(int32_t partition, int64_t offset, bool *first, struct buffer *out)
{
    separate(first, out);
    buffer_append_char(out, '"');
    buffer_append_integer(out, partition);
    buffer_append_string(out, "\": ");
    buffer_append_integer(out, offset);
}

static void append_cut(const struct snapshot *snapshot, struct buffer *out)
{
    bool first = true;
    for (size_t i = 0; i < snapshot->publication.partition_count; i++) {
        const struct published_partition *published = &snapshot->publication.partitions[i];
        append_offset(published->partition, published->cut, &first, out);
    }
}

static void append_known_offset(int32_t partition, int64_t offset, bool *first, struct buffer *out)
{
    if (offset >= 0)
        append_offset(partition, offset, first, out);
}

static void append_offsets(const struct snapshot *snapshot, struct buffer *out)
{
    bool first = true;
    for (size_t i = 0; i < snapshot->partition_count; i++)
        append_known_offset(snapshot->partitions[i].partition, snapshot->partitions[i].offset, &first, out);
}

/* Where there is a batch layer, its cut says it. */
static void append_beginnings(const struct snapshot *snapshot, struct buffer *out)
{
    bool first = true;
    if (!snapshot->source->is_stream_alone)
        return;
    buffer_append_string(out, "\"from\": {");
    for (size_t i = 0; i < snapshot->partition_count; i++)
        append_known_offset(snapshot->partitions[i].partition, snapshot->partitions[i].from, &first, out);
    buffer_append_string(out, "}, ");
}

static void append_watermark(const struct snapshot *snapshot, size_t view, struct buffer *out)
{
    int64_t watermark_us = snapshot_watermark_us(snapshot, view);
    if (snapshot->source->views[view].watermark_us == 0)
        return;
    buffer_append_string(out, ", \"watermark\": ");
    append_time_or_null(watermark_us == INT64_MIN ? 0 : watermark_us, out);
}

void provenance_append(const struct snapshot *snapshot, size_t view, const struct view_query *query, struct buffer *out)
{
    bool complete = view_is_complete(snapshot, view) && !query_is_expired(snapshot, view, query);
    buffer_appendf(out, "{\"complete\": %s, \"missing\": [", complete ? "true" : "false");
    append_all_missing(snapshot, view, query, out);
    buffer_appendf(out, "], \"batch\": {\"epoch\": %lld, \"published_at\": ", (long long)snapshot->publication.epoch);
    append_time_or_null(snapshot->publication.published_at_us, out);
    buffer_append_string(out, ", \"cut\": {");
    append_cut(snapshot, out);
    buffer_append_string(out, "}}, \"speed\": {");
    append_beginnings(snapshot, out);
    buffer_append_string(out, "\"offsets\": {");
    append_offsets(snapshot, out);
    buffer_append_string(out, "}, " LAG);
    append_number_or_null(snapshot_lag(snapshot), out);
    buffer_appendf(out, "}, \"deferred\": %lld", (long long)snapshot_deferred(snapshot));
    append_watermark(snapshot, view, out);
    buffer_append_char(out, '}');
}

uint64_t provenance_state(struct text provenance)
{
    const char *end = provenance.data + provenance.length;
    const char *lag = memmem(provenance.data, provenance.length, LAG, strlen(LAG));
    const char *rest = lag ? memchr(lag, '}', (size_t)(end - lag)) : end;
    const uint64_t parts[] = {entity_hash(provenance.data, (size_t)((lag ? lag : end) - provenance.data)),
                              entity_hash(rest, (size_t)(end - rest))};
    return entity_hash(parts, sizeof parts);
}
