/* SPDX-License-Identifier: Apache-2.0
 * Which messages make up a cell that differs. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check/verification.h"
#include "engine/native/replay.h"
#include "engine/native/versions.h"

#define SHOWN 5

/* A message that touched the cell: brought the version that counts there, or took one back from it. */
struct touch {
    int32_t partition;
    int64_t offset;
    struct text order; /* its key; empty where the source has none */
};

struct explanation {
    const struct source *source;
    size_t view;
    struct pane cell;
    int64_t from; /* earlier messages only prepare */
    int32_t partition;
    int64_t offset; /* of the message that is replayed */
    struct versions versions;
    struct arena texts;
    struct buffer group;
    struct touch shown[SHOWN];
    int64_t count;
};

static bool is_in_cell(struct explanation *explanation, const struct record *record)
{
    const struct view *view = &explanation->source->views[explanation->view];
    buffer_clear(&explanation->group);
    group_append(view, record->values, &explanation->group);
    return window_start(&view->window, view->zone, record->event_time_us / US_PER_SECOND) ==
               explanation->cell.window_start_s &&
           text_equal(buffer_text(&explanation->group), explanation->cell.group);
}

/* False where memory is short. */
static bool note(struct explanation *explanation, const struct record *record)
{
    size_t key = explanation->source->schema.key;
    struct touch *last =
        explanation->count && explanation->count <= SHOWN ? &explanation->shown[explanation->count - 1] : NULL;
    if (last && last->offset == explanation->offset && last->partition == explanation->partition)
        return true; /* taken back and added again by the same message */
    if (explanation->count++ >= SHOWN)
        return true;
    struct text order = {"", 0};
    if (key != FIELD_NONE)
        order =
            (struct text){arena_copy(&explanation->texts, record->values[key].text), record->values[key].text.length};
    explanation->shown[explanation->count - 1] = (struct touch){explanation->partition, explanation->offset, order};
    return order.data != NULL;
}

static bool on_applied(void *context, size_t view, const struct record *record, int sign)
{
    struct explanation *explanation = context;
    (void)sign;
    if (view != explanation->view || explanation->offset < explanation->from)
        return true;
    bool is_noted = !is_in_cell(explanation, record) || note(explanation, record);
    return is_noted && !explanation->group.failed;
}

static bool take(void *context, int64_t offset, const struct record *record, struct error *error)
{
    struct explanation *explanation = context;
    explanation->offset = offset;
    return !record || versions_add(&explanation->versions, explanation->partition, record, error);
}

static bool replay_all(struct verification *verification, struct explanation *explanation, const struct part *part)
{
    struct error error;
    int64_t split;
    for (int32_t i = 0; i < verification->partition_count; i++) {
        const struct compared *compared = &verification->partitions[i];
        if ((part->partition >= 0 && part->partition != i) || compared->first >= compared->to)
            continue;
        explanation->partition = i;
        explanation->from = part->partition >= 0 ? part->from : compared->first;
        int64_t to = part->partition >= 0 ? part->to : strcmp(part->name, "published") ? compared->to : compared->cut;
        const struct replay replay = {verification->batch, verification->source, i, compared->first, to, take,
                                      explanation};
        if (!replay_partition(&replay, &split, &error))
            return false;
    }
    return true;
}

static void append_touches(const struct explanation *explanation, struct buffer *out)
{
    buffer_appendf(out, "; %" PRId64 " messages touch it", explanation->count);
    for (int64_t i = 0; i < explanation->count && i < SHOWN; i++) {
        const struct touch *touch = &explanation->shown[i];
        buffer_appendf(out, "%s partition %d offset %" PRId64, i ? "," : ":", (int)touch->partition, touch->offset);
        if (touch->order.length)
            buffer_appendf(out, " (%.*s)", touch->order.length < 60 ? (int)touch->order.length : 60, touch->order.data);
    }
    if (explanation->count > SHOWN)
        buffer_append_string(out, ", …");
}

void explain_cell(struct verification *verification, const struct part *part, size_t view, struct pane cell,
                  struct buffer *out)
{
    const struct source *source = verification->source;
    struct explanation explanation = {.source = source, .view = view, .cell = cell};
    struct ledger ledger = {0};
    struct panes *panes = calloc(source->view_count, sizeof *panes);
    if (!panes)
        return;
    for (size_t i = 0; i < source->view_count; i++)
        panes_init(&panes[i], &source->views[i]);
    versions_init(&explanation.versions, source, panes, &ledger);
    explanation.versions.applied = on_applied;
    explanation.versions.context = &explanation;
    if (source->schema.key != FIELD_NONE)
        explanation.versions.used[source->schema.key] = true; /* so that what is taken back is named, too */
    if (replay_all(verification, &explanation, part))
        append_touches(&explanation, out);
    versions_clean_up(&explanation.versions);
    for (size_t i = 0; i < source->view_count; i++)
        panes_clean_up(&panes[i]);
    free(panes);
    arena_clean_up(&explanation.texts);
    buffer_clean_up(&explanation.group);
}
