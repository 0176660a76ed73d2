/* SPDX-License-Identifier: Apache-2.0
 * A definition is printed in one canonical form, and the form is hashed. */
#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

#include "base/clock.h"
#include "view/view.h"

#define DEFINITION_FORMAT "1" /* raise it where the meaning of the same definition changes */

void schema_print(const struct schema *schema, struct buffer *out)
{
    buffer_appendf(out, "event_time %s %d\nkey %s\n", schema->event_time, (int)schema->event_time_unit,
                   schema->key == FIELD_NONE ? "" : schema->fields[schema->key].name);
    for (size_t i = 0; i < schema->field_count; i++)
        buffer_appendf(out, "field %s %d %u\n", schema->fields[i].name, (int)schema->fields[i].type,
                       schema->fields[i].scale);
}

static void print_source(const struct source *source, struct buffer *out)
{
    const struct schema *schema = &source->schema;
    buffer_appendf(out, "format %s\nsource %s topic %s duplicate %d max_future %" PRId64 "\n", DEFINITION_FORMAT,
                   source->name, source->topic, (int)source->on_duplicate, schema->max_future_us);
    schema_print(schema, out);
}

/* Only these have changed: before, they were cut with the offset of each moment, and overlapped where clocks change. */
static bool was_cut_otherwise(const struct window *window)
{
    return !window_is_of_days(window) && window->length_s > 60;
}

static void print_view(const struct view *view, struct buffer *out)
{
    const struct schema *schema = view->schema;
    buffer_appendf(out, "view %s zone %s window %" PRId64 "%s\n", view->name, zone_name(view->zone),
                   view->window.length_s, was_cut_otherwise(&view->window) ? " one after the other" : "");
    if (view_hops(view)) /* others keep the form that they had */
        buffer_appendf(out, "of %" PRId64 " windows\n", view->panes);
    if (view->window.hop_days)
        buffer_append_string(out, "days from 1970-01-01\n");
    if (view_is_of_sessions(view))
        buffer_appendf(out, "sessions %" PRId64 "\n", view->window.gap_s);
    if (view->where)
        expression_print_sql(view->where, schema, "", out);
    for (size_t i = 0; i < view->dimension_count; i++)
        buffer_appendf(out, "\ndimension %s", schema->fields[view->dimensions[i]].name);
    for (size_t i = 0; i < view->measure_count; i++)
        buffer_appendf(out, "\nmeasure %s %d %s", view->measures[i].name, (int)view->measures[i].kind,
                       view->measures[i].field == FIELD_NONE ? "" : schema->fields[view->measures[i].field].name);
    if (view->watermark_us > 0)
        buffer_appendf(out, "\nwatermark %" PRId64, view->watermark_us);
    buffer_append_char(out, '\n');
}

bool fingerprint_of(struct buffer *form, char ret_fingerprint[FINGERPRINT_SIZE])
{
    bool whole = !form->failed;
    XXH64_hash_t number = XXH3_64bits(buffer_string(form), form->length);
    if (whole)
        snprintf(ret_fingerprint, FINGERPRINT_SIZE, "%016" PRIx64, (uint64_t)number);
    buffer_clean_up(form);
    return whole;
}

bool view_fingerprint(struct view *view, const struct source *source)
{
    struct buffer form = {0};
    print_source(source, &form);
    print_view(view, &form);
    return fingerprint_of(&form, view->fingerprint);
}

bool source_fingerprint(struct source *source)
{
    struct buffer form = {0};
    print_source(source, &form);
    if (source->is_stream_alone)
        buffer_append_string(&form, "batch none\n");
    for (size_t i = 0; i < source->view_count; i++) {
        if (source->views[i].shown) /* the measures of its shown view say that it is there */
            continue;
        print_view(&source->views[i], &form);
        if (source->is_stream_alone) /* what lies behind it isn't in the slots any more */
            buffer_appendf(&form, "retention %" PRId64 "\n", source->views[i].retention_s);
    }
    return fingerprint_of(&form, source->fingerprint);
}
