/* SPDX-License-Identifier: Apache-2.0
 * GET /v1/status and /v1/ledger. */
#include "base/clock.h"
#include "provenance.h"
#include "routes.h"

static void append_gaps(const struct snapshot *snapshot, size_t partition, struct buffer *out)
{
    struct offset_range gap;
    buffer_append_string(out, ", \"gaps\": [");
    for (size_t i = 0; snapshot_gap(snapshot, partition, i, &gap); i++)
        buffer_appendf(out, "%s{\"from\": %lld, \"to\": %lld}", i ? ", " : "", (long long)gap.from, (long long)gap.to);
    buffer_append_string(out, "]}");
}

static void append_partition(const struct snapshot *snapshot, size_t number, struct buffer *out)
{
    const struct partition_provenance *state = &snapshot->partitions[number];
    buffer_appendf(out, "\"%d\": {\"first\": ", (int)state->partition);
    append_number_or_null(state->first, out);
    buffer_append_string(out, ", \"cut\": ");
    append_number_or_null(state->cut, out);
    buffer_append_string(out, ", \"next\": ");
    append_number_or_null(state->next, out);
    buffer_append_string(out, ", \"answered\": ");
    append_number_or_null(state->offset, out);
    buffer_appendf(out, ", \"fits\": %s, \"missing\": ", state->included ? "true" : "false");
    if (state->absence == ABSENT_NOT)
        buffer_append_string(out, "null");
    else
        buffer_appendf(out, "\"%s\"", absence_name(state->absence));
    buffer_append_string(out, ", \"lag\": ");
    append_number_or_null(snapshot_partition_lag(snapshot, number), out);
    buffer_appendf(out, ", \"unread\": %s", partition_is_unread(state) ? "true" : "false");
    buffer_append_string(out, ", \"uncommitted\": ");
    append_number_or_null(state->uncommitted, out);
    buffer_appendf(out, ", \"deferred\": %lld, \"clock\": ", (long long)state->deferred);
    append_time_or_null(state->clock_us, out);
    buffer_append_string(out, ", \"alarm\": ");
    if (*state->alarm)
        buffer_appendf(out, "\"%s\"", state->alarm);
    else
        buffer_append_string(out, "null");
    append_gaps(snapshot, number, out);
}

/* How long ago, in milliseconds, or null where it never was. */
static void append_age(int64_t at_us, struct buffer *out)
{
    append_number_or_null(at_us ? (clock_monotonic_us() - at_us) / 1000 : -1, out);
}

/* Of a view with a watermark: where that is, and how many messages came too late for it. */
static void append_lateness(const struct snapshot *snapshot, size_t view, struct buffer *out)
{
    if (snapshot->source->views[view].watermark_us == 0)
        return;
    int64_t watermark_us = snapshot_watermark_us(snapshot, view);
    buffer_append_string(out, ", \"watermark\": ");
    append_time_or_null(watermark_us == INT64_MIN ? 0 : watermark_us, out);
    buffer_append_string(out, ", \"late\": ");
    append_number_or_null(
        snapshot_view_ledger_is_known(snapshot, view) ? snapshot_ledger(snapshot).views[view].late : -1, out);
}

static void append_views(const struct snapshot *snapshot, struct buffer *out)
{
    for (size_t i = 0; i < source_shown_count(snapshot->source); i++) {
        const struct view_rows *rows = &snapshot->views[i].rows;
        buffer_appendf(out, "%s{\"name\": \"%s\", \"complete\": %s, \"definition\": \"%s\", ", i ? ", " : "",
                       snapshot->source->views[i].name,
                       snapshot->loaded && view_is_complete(snapshot, i) ? "true" : "false",
                       snapshot_view_is_current(snapshot, i) ? "current" : "unpublished");
        buffer_appendf(out, "\"rows\": %zu, \"bytes\": %zu", rows->row_count, snapshot_view_bytes(snapshot, i));
        append_lateness(snapshot, i, out);
        buffer_append_char(out, '}');
    }
}

/* What no speed layer reads, and how many messages wait there. */
static void append_unread(const struct snapshot *snapshot, struct buffer *out)
{
    const struct unread unread = snapshot_unread(snapshot);
    buffer_appendf(out, ", \"unread\": {\"partitions\": %lld, \"messages\": ", (long long)unread.partitions);
    append_number_or_null(unread.messages, out);
    buffer_append_char(out, '}');
}

/* Without a batch layer there is no epoch that is published. */
static void append_name(const struct snapshot *snapshot, struct buffer *out)
{
    const struct source *source = snapshot->source;
    buffer_appendf(out, "{\"name\": \"%s\", \"epoch\": ", source->name);
    append_number_or_null(snapshot->loaded && !source->is_stream_alone ? snapshot->publication.epoch : -1, out);
}

static void append_layers(const struct source *source, struct buffer *out)
{
    buffer_appendf(out, ", \"layers\": [%s]",
                   source->is_batch_alone    ? "\"batch\""
                   : source->is_stream_alone ? "\"speed\""
                                             : "\"batch\", \"speed\"");
}

static void append_source(const struct snapshot *snapshot, struct buffer *out)
{
    const struct publication *publication = &snapshot->publication;
    append_name(snapshot, out);
    buffer_append_string(out, ", \"published_at\": ");
    append_time_or_null(publication->published_at_us, out);
    buffer_append_string(out, ", \"opened_at\": ");
    append_time_or_null(publication->opened_at_us, out);
    buffer_append_string(out, ", \"clock\": ");
    append_time_or_null(snapshot->clock_us, out);
    buffer_append_string(out, ", \"lag\": ");
    append_number_or_null(snapshot_lag(snapshot), out);
    append_unread(snapshot, out);
    buffer_append_string(out, ", \"uncommitted\": ");
    append_number_or_null(snapshot_uncommitted(snapshot), out);
    buffer_appendf(out, ", \"deferred\": %lld, \"split_orders\": %lld, \"redis\": {\"reachable\": %s, \"age_ms\": ",
                   (long long)snapshot_deferred(snapshot), (long long)publication->split_orders,
                   snapshot->live_reachable ? "true" : "false");
    append_age(snapshot->live_read_us, out);
    buffer_append_string(out, "}, \"postgres\": {\"age_ms\": ");
    append_age(snapshot->source->is_stream_alone ? 0 : snapshot->published_read_us, out);
    buffer_append_char(out, '}');
    append_layers(snapshot->source, out);
    buffer_append_string(out, ", \"partitions\": {");
    for (size_t i = 0; i < snapshot->partition_count; i++) {
        buffer_append_string(out, i ? ", " : "");
        append_partition(snapshot, i, out);
    }
    buffer_append_string(out, "}, \"views\": [");
    append_views(snapshot, out);
    buffer_append_string(out, "]}");
}

/* What is counted is null while it isn't known, and so is whether it adds up. */
static void append_figure(bool is_known, const char *name, int64_t messages, struct buffer *out)
{
    buffer_appendf(out, "\"%s\": ", name);
    if (is_known)
        buffer_append_integer(out, messages);
    else
        buffer_append_string(out, "null");
}

static void append_closed(bool is_known, bool closed, struct buffer *out)
{
    buffer_appendf(out, ", \"closed\": %s", !is_known ? "null" : closed ? "true" : "false");
}

static void append_fates(const struct snapshot *snapshot, const struct fates *fates, struct buffer *out)
{
    for (size_t i = 0; i < FATES_COUNT; i++) {
        if (i > 0)
            buffer_append_string(out, ", ");
        append_figure(snapshot->loaded, fates_name(i), fates_get(fates, i), out);
    }
}

static void append_view_ledgers(const struct snapshot *snapshot, const struct ledger *ledger, struct buffer *out)
{
    for (size_t i = 0; i < source_shown_count(snapshot->source); i++) {
        bool is_known = snapshot_view_ledger_is_known(snapshot, i);
        buffer_appendf(out, "%s{\"name\": \"%s\", ", i ? ", " : "", snapshot->source->views[i].name);
        append_figure(is_known, "counted", ledger->views[i].counted, out);
        buffer_append_string(out, ", ");
        append_figure(is_known, "filtered", ledger->views[i].filtered, out);
        if (snapshot->source->is_stream_alone) {
            buffer_append_string(out, ", ");
            append_figure(is_known, "expired", ledger->views[i].expired, out);
        }
        append_closed(is_known, ledger_closes_view(ledger, i), out);
        if (snapshot->source->views[i].watermark_us > 0) {
            buffer_append_string(out, ", ");
            append_figure(is_known, "late", ledger->views[i].late, out);
        }
        buffer_append_char(out, '}');
    }
}

static void append_partition_ledgers(const struct snapshot *snapshot, struct buffer *out)
{
    for (size_t i = 0; i < snapshot->partition_count; i++) {
        buffer_appendf(out, "%s\"%d\": {", i ? ", " : "", (int)snapshot->partitions[i].partition);
        append_fates(snapshot, &snapshot->partitions[i].fates, out);
        append_closed(snapshot->loaded, fates_are_closed(&snapshot->partitions[i].fates), out);
        buffer_append_char(out, '}');
    }
}

static void append_ledger(const struct snapshot *snapshot, struct buffer *out)
{
    struct ledger ledger = snapshot_ledger(snapshot);
    append_name(snapshot, out);
    buffer_append_string(out, ", ");
    append_fates(snapshot, &ledger.fates, out);
    append_closed(snapshot->loaded, snapshot_ledger_is_closed(snapshot), out);
    buffer_append_string(out, ", ");
    append_figure(snapshot->loaded, "lost", snapshot_gap_messages(snapshot), out);
    buffer_append_string(out, ", \"views\": [");
    append_view_ledgers(snapshot, &ledger, out);
    buffer_append_string(out, "], \"partitions\": {");
    append_partition_ledgers(snapshot, out);
    buffer_append_string(out, "}}");
}

static void append_by_source(const struct request *request,
                             void (*append)(const struct snapshot *snapshot, struct buffer *out), struct buffer *out)
{
    buffer_append_string(out, "{\"sources\": [");
    for (size_t i = 0; i < request->serving->source_count; i++) {
        struct snapshot *snapshot = request->serving->snapshots[i];
        buffer_append_string(out, i ? ",\n" : "");
        pthread_rwlock_rdlock(&snapshot->lock);
        append(snapshot, out);
        pthread_rwlock_unlock(&snapshot->lock);
    }
    buffer_append_char(out, ']');
}

static void reply_by_source(const struct request *request, struct reply *reply,
                            void (*append)(const struct snapshot *snapshot, struct buffer *out))
{
    struct buffer out = {0};
    append_by_source(request, append, &out);
    buffer_append_string(&out, "}\n");
    reply_with(reply, 200, "application/json", &out);
}

struct positions {
    struct buffer *out;
    bool has_any;
};

static void append_position(void *context, size_t partition, const struct detector_position *position)
{
    struct positions *positions = context;
    buffer_appendf(positions->out, "%s\"%zu\": {\"next\": %lld, \"gap\": %lld}", positions->has_any ? ", " : "",
                   partition, (long long)position->offset, (long long)position->gap);
    positions->has_any = true;
}

/* Where nothing is known of a detector's partitions, they are null. */
static void append_detector(const struct serving *serving, size_t number, struct buffer *out)
{
    const struct detector *detector = &serving->detectors[number];
    struct buffer known = {0};
    struct positions positions = {.out = &known};
    buffer_appendf(out, "{\"name\": \"%s\", \"source\": \"%s\", \"partitions\": ", detector->name,
                   detector->source->name);
    if (serving->detector_watch && detector_watch_visit(serving->detector_watch, number, append_position, &positions)) {
        buffer_append_char(out, '{');
        buffer_append_text(out, buffer_text(&known));
        buffer_append_char(out, '}');
    } else {
        buffer_append_string(out, "null");
    }
    buffer_append_char(out, '}');
    out->failed |= known.failed;
    buffer_clean_up(&known);
}

void route_status(const struct request *request, struct reply *reply)
{
    struct buffer out = {0};
    append_by_source(request, append_source, &out);
    buffer_append_string(&out, ",\n\"detectors\": [");
    for (size_t i = 0; i < request->serving->detector_count; i++) {
        buffer_append_string(&out, i ? ",\n" : "");
        append_detector(request->serving, i, &out);
    }
    buffer_append_string(&out, "],\n\"alarms\": ");
    if (request->serving->alarms)
        alarms_append(request->serving->alarms, &out);
    else
        buffer_append_string(&out, "[]");
    buffer_append_string(&out, "}\n");
    reply_with(reply, 200, "application/json", &out);
}

void route_ledger(const struct request *request, struct reply *reply)
{
    reply_by_source(request, reply, append_ledger);
}

static void append_list(const struct buffer *list, struct buffer *out)
{
    buffer_append_text(out, list->length ? buffer_text(list) : text_of("[]"));
}

static void append_runs(const struct snapshot *snapshot, struct buffer *out)
{
    buffer_appendf(out, "{\"name\": \"%s\", \"runs\": ", snapshot->source->name);
    append_list(&snapshot->runs, out);
    buffer_append_char(out, '}');
}

void route_runs(const struct request *request, struct reply *reply)
{
    struct buffer out = {0};
    struct snapshot *first = request->serving->snapshots[0];
    append_by_source(request, append_runs, &out);
    buffer_append_string(&out, ",\n\"jobs\": ");
    pthread_rwlock_rdlock(&first->lock);
    append_list(&first->job_runs, &out);
    pthread_rwlock_unlock(&first->lock);
    buffer_append_string(&out, "}\n");
    reply_with(reply, 200, "application/json", &out);
}
