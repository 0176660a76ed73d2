/* SPDX-License-Identifier: Apache-2.0
 * Which messages make up a cell that differs. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check/verification.h"
#include "engine/native/reread.h"
#include "engine/native/versions.h"

#define SHOWN 5

/* A message that touched the cell: brought the version that counts there, or took one back from it. */
struct touch {
    int32_t partition;
    int64_t offset;
    struct text order; /* its key; empty where the source has none */
};

struct cell_trace {
    const struct source *source;
    size_t view;
    struct pane cell;
    int64_t from; /* earlier messages only prepare */
    int32_t partition;
    int64_t offset; /* of the message that is read */
    struct versions versions;
    struct arena texts;
    struct buffer group;
    struct touch shown[SHOWN];
    int64_t count;
};

static bool is_in_cell(struct cell_trace *trace, const struct record *record)
{
    const struct view *view = &trace->source->views[trace->view];
    buffer_clear(&trace->group);
    group_append(view, record->values, &trace->group);
    return window_start_us(&view->window, view->zone, record->event_time_us) == trace->cell.window_start_us &&
           text_equal(buffer_text(&trace->group), trace->cell.group);
}

/* False where memory is short. */
static bool note(struct cell_trace *trace, const struct record *record)
{
    size_t key = trace->source->schema.key;
    struct touch *last = trace->count && trace->count <= SHOWN ? &trace->shown[trace->count - 1] : NULL;
    if (last && last->offset == trace->offset && last->partition == trace->partition)
        return true; /* taken back and added again by the same message */
    if (trace->count++ >= SHOWN)
        return true;
    struct text order = {"", 0};
    if (key != FIELD_NONE)
        order = (struct text){arena_copy(&trace->texts, record->values[key].text), record->values[key].text.length};
    trace->shown[trace->count - 1] = (struct touch){trace->partition, trace->offset, order};
    return order.data != NULL;
}

static bool on_applied(void *context, size_t view, const struct record *record, int sign)
{
    struct cell_trace *trace = context;
    (void)sign;
    if (view != trace->view || trace->offset < trace->from)
        return true;
    bool is_noted = !is_in_cell(trace, record) || note(trace, record);
    return is_noted && !trace->group.failed;
}

static bool take(void *context, const struct master_row *message, struct error *error)
{
    struct cell_trace *trace = context;
    trace->offset = message->offset;
    return !message->record ||
           versions_add(&trace->versions, trace->partition, message->record, message->record_time_us, error);
}

static bool reread_all(struct verification *verification, struct cell_trace *trace, const struct side *side)
{
    struct error error;
    int64_t split;
    for (int32_t i = 0; i < verification->partition_count; i++) {
        const struct compared *compared = &verification->partitions[i];
        if ((side->partition >= 0 && side->partition != i) || compared->first >= compared->to)
            continue;
        trace->partition = i;
        trace->from = side->partition >= 0 ? side->from : compared->first;
        int64_t to = side->partition >= 0 ? side->to : strcmp(side->name, "published") ? compared->to : compared->cut;
        const struct reread reread = {verification->batch, verification->source, i, compared->first, to, take, trace};
        if (!reread_partition(&reread, &split, &error))
            return false;
    }
    return true;
}

static void append_touches(const struct cell_trace *trace, struct buffer *out)
{
    buffer_appendf(out, "; %" PRId64 " messages touch it", trace->count);
    for (int64_t i = 0; i < trace->count && i < SHOWN; i++) {
        const struct touch *touch = &trace->shown[i];
        buffer_appendf(out, "%s partition %d offset %" PRId64, i ? "," : ":", (int)touch->partition, touch->offset);
        if (touch->order.length)
            buffer_appendf(out, " (%.*s)", touch->order.length < 60 ? (int)touch->order.length : 60, touch->order.data);
    }
    if (trace->count > SHOWN)
        buffer_append_string(out, ", …");
}

void trace_cell(struct verification *verification, const struct side *side, size_t view, struct pane cell,
                struct buffer *out)
{
    const struct source *source = verification->source;
    struct cell_trace trace = {.source = source, .view = view, .cell = cell};
    struct ledger ledger = {0};
    struct panes *panes = calloc(source->view_count, sizeof *panes);
    if (!panes)
        return;
    for (size_t i = 0; i < source->view_count; i++)
        panes_init(&panes[i], &source->views[i]);
    versions_init(&trace.versions, source, panes, &ledger);
    trace.versions.applied = on_applied;
    trace.versions.context = &trace;
    if (source->schema.key != FIELD_NONE)
        trace.versions.used[source->schema.key] = true; /* so that what is taken back is named, too */
    if (reread_all(verification, &trace, side))
        append_touches(&trace, out);
    versions_clean_up(&trace.versions);
    for (size_t i = 0; i < source->view_count; i++)
        panes_clean_up(&panes[i]);
    free(panes);
    arena_clean_up(&trace.texts);
    buffer_clean_up(&trace.group);
}
