/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/native/versions.h"

struct version {
    bool known;
    int64_t event_time_us;
    struct value values[];
};

void versions_init(struct versions *versions, const struct source *source, struct panes *panes, struct ledger *ledger)
{
    *versions = (struct versions){.source = source, .panes = panes, .ledger = ledger, .partition = -1};
    bytes_map_init(&versions->map, sizeof(struct version) + source->schema.field_count * sizeof(struct value));
    source_mark_used(source, versions->used);
}

void versions_clean_up(struct versions *versions)
{
    bytes_map_clean_up(&versions->map);
    arena_clean_up(&versions->texts);
    buffer_clean_up(&versions->key);
}

static bool out_of_memory(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "out of memory");
}

/* Adds (1) or takes back (-1) a version in all views. */
static bool apply(struct versions *versions, const struct record *record, int sign, struct error *error)
{
    for (size_t i = 0; i < versions->source->view_count; i++) {
        int counts = view_apply(&versions->panes[i], record, sign);
        if (counts < 0 || (counts && versions->applied && !versions->applied(versions->context, i, record, sign)))
            return out_of_memory(error);
        if (counts)
            versions->ledger->views[i].counted += sign;
        else
            versions->ledger->views[i].filtered += sign;
    }
    versions->ledger->kept += sign;
    return true;
}

/* Those that count when they come. */
static void count_late(struct versions *versions, const struct record *record)
{
    const struct source *source = versions->source;
    for (size_t i = 0; i < source->view_count; i++)
        if (view_is_late(&source->views[i], versions->clock_us, record->event_time_us))
            versions->ledger->views[i].late += view_counts(&source->views[i], record);
}

static bool keep(struct versions *versions, struct version *version, const struct record *record, struct error *error)
{
    const struct schema *schema = &versions->source->schema;
    version->known = true;
    version->event_time_us = record->event_time_us;
    for (size_t i = 0; i < schema->field_count; i++) {
        struct value value = versions->used[i] ? record->values[i] : (struct value){0};
        if (value.present && schema->fields[i].type == FIELD_TEXT) {
            value.text.data = arena_copy(&versions->texts, value.text);
            if (!value.text.data)
                return out_of_memory(error);
        }
        version->values[i] = value;
    }
    return true;
}

static bool add(struct versions *versions, const struct record *record, struct error *error)
{
    const struct schema *schema = &versions->source->schema;
    if (versions->source->on_duplicate == ON_DUPLICATE_NONE) {
        count_late(versions, record);
        return apply(versions, record, 1, error);
    }
    buffer_clear(&versions->key);
    buffer_append(&versions->key, &versions->partition, sizeof versions->partition);
    buffer_append_text(&versions->key, record->values[schema->key].text);
    struct version *version = versions->key.failed ? NULL : bytes_map_at(&versions->map, buffer_text(&versions->key));
    if (!version)
        return out_of_memory(error);
    if (version->known && versions->source->on_duplicate == ON_DUPLICATE_IGNORE) {
        versions->ledger->duplicate++;
        return true;
    }
    count_late(versions, record);
    if (version->known) {
        struct record before = {version->event_time_us, version->values};
        versions->ledger->replaced++;
        if (!apply(versions, &before, -1, error))
            return false;
    }
    return keep(versions, version, record, error) && apply(versions, record, 1, error);
}

bool versions_add(struct versions *versions, int32_t partition, const struct record *record, int64_t record_time_us,
                  struct error *error)
{
    if (partition != versions->partition)
        versions->clock_us = 0;
    versions->partition = partition;
    bool added = add(versions, record, error);
    versions->clock_us = clock_after(versions->clock_us, record->event_time_us, record_time_us);
    return added;
}
