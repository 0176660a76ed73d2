/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/hash_decode.h"

#include "base/clock.h"
#include "base/wide.h"
#include "redis/commit_codec.h"
#include "redis/msgpack.h"

#define START_MAX_S (INT64_MAX / US_PER_SECOND - 1)

static bool not_understood(struct error *error, const char *what)
{
    return error_set(error, ERROR_DATA, "%s isn't one of ours: tidemark-batch repair has the slot built again", what);
}

static bool take_text(struct hash_changes *changes, struct text *ret_text)
{
    if (changes->left == 0)
        return false;
    if (changes->packed) {
        changes->left--;
        return msgpack_read_string(changes->packed, ret_text);
    }
    const redisReply *element = changes->reply->element[changes->reply->elements - changes->left--];
    *ret_text = (struct text){element->str, element->len};
    return element->type == REDIS_REPLY_STRING;
}

bool hash_take_field(struct hash_changes *changes, struct text *ret_field, int64_t *ret_number)
{
    struct text value;
    if (changes->packed || changes->reply)
        return take_text(changes, ret_field) && take_text(changes, &value) && integer_parse(value, ret_number);
    const struct bytes_map_entry *entry = &changes->known->entries[changes->known->count - changes->left--];
    *ret_field = entry->key;
    *ret_number = *(const int64_t *)entry->value;
    return true;
}

bool hash_name_take_epoch(struct text *name, int64_t *ret_epoch)
{
    const char *colon = name->length ? memchr(name->data, ':', name->length) : NULL;
    if (!colon || !integer_parse((struct text){name->data, (size_t)(colon - name->data)}, ret_epoch))
        return false;
    *name = (struct text){colon + 1, name->length - (size_t)(colon + 1 - name->data)};
    return true;
}

static bool counter_is(struct text field, const char *name, const char *view)
{
    size_t length = strlen(name);
    if (!view)
        return text_equal(field, text_of(name));
    return field.length > length && memcmp(field.data, name, length) == 0 &&
           text_equal((struct text){field.data + length, field.length - length}, text_of(view));
}

/* The view of this name, or the number of views where it is none of them. */
static size_t view_named(const struct source *source, struct text name)
{
    size_t number = 0;
    while (number < source->view_count && !text_equal(name, text_of(source->views[number].name)))
        number++;
    return number;
}

/* "<key>#<counter>" */
static bool split_field(struct text field, struct text *ret_key, struct text *ret_counter)
{
    const char *hash = field.length ? memrchr(field.data, '#', field.length) : NULL;
    if (!hash)
        return false;
    *ret_key = (struct text){field.data, (size_t)(hash - field.data)};
    *ret_counter = (struct text){hash + 1, field.length - ret_key->length - 1};
    return true;
}

/* False where it comes to more messages than a partition can have held: then somebody has changed it by hand, and sums
 * over epochs, partitions and cells could overflow. */
static bool add_count(int64_t *count, int64_t change)
{
    const int64_t end = INT64_C(1) << 48;
    return !__builtin_add_overflow(*count, change, count) && *count > -end && *count < end;
}

/* A null is a version that counts and whose field doesn't, so each version counts for every sum first. */
static bool count(struct cell *cell, size_t sum_count, int64_t change)
{
    bool good = add_count(&cell->count, change);
    for (size_t i = 0; i < sum_count; i++)
        good = add_count(&cell->sums[i].count, change) && good;
    return good;
}

static bool add(struct cell *cell, size_t sum_count, struct text counter, int64_t change)
{
    if (text_equal(counter, text_of("c")))
        return count(cell, sum_count, change);
    int64_t number;
    if (counter.length < 2 || !integer_parse((struct text){counter.data, counter.length - 1}, &number) || number < 0 ||
        (uint64_t)number >= sum_count)
        return false;
    struct sum *sum = &cell->sums[number];
    switch (counter.data[counter.length - 1]) {
    case 'n':
        return change > INT64_MIN && add_count(&sum->count, -change);
    case 'b':
        sum->total += (wide)change * SUM_SPLIT;
        return true;
    case 'r':
        sum->total += change;
        return true;
    default:
        return false;
    }
}

/* "0x", "1x": false where it is another counter. */
static bool apply_checksum(struct cell_total *total, struct text counter, int64_t change)
{
    if (counter.length != 2 || counter.data[1] != 'x' || counter.data[0] < '0' ||
        counter.data[0] >= '0' + CELL_CHECKSUMS)
        return false;
    cell_total_add_checksum(total, (size_t)(counter.data[0] - '0'), change);
    return true;
}

static bool apply_total(const struct source *source, struct cell_total totals[], struct text field, int64_t change)
{
    const size_t prefix = sizeof TOTAL_PREFIX - 1;
    struct text key, counter;
    if (field.length < prefix || memcmp(field.data, TOTAL_PREFIX, prefix) != 0 || !split_field(field, &key, &counter))
        return false;
    size_t view = view_named(source, (struct text){key.data + prefix, key.length - prefix});
    if (view >= source->view_count)
        return false;
    return apply_checksum(&totals[view], counter, change) ||
           add(cell_total(&totals[view]), source->views[view].sum_count, counter, change);
}

static bool apply_counter(const struct source *source, struct epoch_cells *cells, struct text field, int64_t change)
{
    const char *name, *view;
    int64_t *counter;
    for (size_t i = 0; (counter = ledger_counter(&cells->ledger, source, i, &name, &view)) != NULL; i++)
        if (counter_is(field, name, view))
            return add_count(counter, change);
    return apply_total(source, cells->totals, field, change);
}

/* The field that makes a long hash a table, see functions.c: a counter without a name. */
static bool makes_a_table(struct text field)
{
    return field.length > 0 && field.data[field.length - 1] == '#';
}

static bool apply_ledger(const struct source *source, struct epoch_cells *cells, struct hash_changes *changes,
                         struct error *error)
{
    while (changes->left > 0) {
        struct text field;
        int64_t change;
        if (!hash_take_field(changes, &field, &change) ||
            (!makes_a_table(field) && !apply_counter(source, cells, field, change)))
            return not_understood(error, "a counter of the ledger");
    }
    return true;
}

/* "cells:<view>:<day>": the view's number, or the number of views where it is none of them. */
static size_t view_of(const struct source *source, struct text name)
{
    static const char prefix[] = "cells:";
    const size_t length = sizeof prefix - 1;
    const char *end = name.length ? memrchr(name.data, ':', name.length) : NULL;
    if (!end || name.length <= length || memcmp(name.data, prefix, length) != 0 || end < name.data + length)
        return source->view_count;
    return view_named(source, (struct text){name.data + length, (size_t)(end - name.data) - length});
}

/* Changes to one pane that are being put together from its counters. */
struct gathered {
    struct slot_reader *reader;
    struct epoch_cells *cells;
    size_t view;
    bool announce;
    struct text key; /* "<window start>:<group>"; data NULL where nothing was gathered yet */
    _Alignas(struct cell) unsigned char bytes[sizeof(struct cell) + (SUMS_MAX + MEASURES_MAX) * sizeof(struct sum)];
};

static struct cell *gathered_cell(struct gathered *gathered)
{
    return (struct cell *)(void *)gathered->bytes;
}

/* As commit_codec.c writes it. */
static bool parse_start(struct text text, int64_t *ret_us)
{
    const char *point = text.length ? memchr(text.data, '.', text.length) : NULL;
    size_t whole = point ? (size_t)(point - text.data) : text.length;
    int64_t seconds, us = 0;
    if (!integer_parse((struct text){text.data, whole}, &seconds) || seconds > START_MAX_S || seconds < -START_MAX_S)
        return false;
    for (size_t i = whole + 1; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || us >= US_PER_SECOND / 10)
            return false;
        us = us * 10 + (text.data[i] - '0');
    }
    *ret_us = seconds * US_PER_SECOND + us;
    return !point || (text.length == whole + 7 && us > 0);
}

static bool parse_key(const struct view *view, struct text key, struct pane *ret_pane)
{
    struct value values[DIMENSIONS_MAX];
    const char *colon = key.length ? memchr(key.data, ':', key.length) : NULL;
    if (!colon || !parse_start((struct text){key.data, (size_t)(colon - key.data)}, &ret_pane->window_start_us))
        return false;
    ret_pane->group = (struct text){colon + 1, key.length - (size_t)(colon + 1 - key.data)};
    return group_parse(view, ret_pane->group, values);
}

static bool can_merge(const struct view *view, const struct cell *into, const struct cell *from)
{
    int64_t sum = into->count;
    bool can = add_count(&sum, from->count);
    for (size_t i = 0; can && i < view->sum_count; i++) {
        sum = into->sums[i].count;
        can = add_count(&sum, from->sums[i].count);
    }
    return can;
}

/* Adds what was gathered to its pane. */
static bool settle(struct gathered *gathered, struct error *error)
{
    struct panes *panes = &gathered->cells->panes[gathered->view];
    struct pane delta = {.cell = gathered_cell(gathered)};
    if (!gathered->key.data)
        return true;
    if (!parse_key(panes->view, gathered->key, &delta))
        return not_understood(error, "a cell");
    struct cell *cell = panes_at(panes, delta.window_start_us, delta.group);
    if (!cell)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (!can_merge(panes->view, cell, delta.cell))
        return not_understood(error, "a cell");
    cell_merge(panes->view, cell, delta.cell);
    if (gathered->announce && gathered->reader->changed)
        gathered->reader->changed(gathered->reader->context, gathered->reader, gathered->cells->epoch, gathered->view,
                                  delta);
    return true;
}

static bool begin(struct gathered *gathered, struct text key, struct error *error)
{
    if (gathered->key.data && text_equal(gathered->key, key))
        return true;
    if (!settle(gathered, error))
        return false;
    memset(gathered->bytes, 0, cell_size(&gathered->reader->source->views[gathered->view]));
    gathered->key = key;
    return true;
}

static bool apply_cells(struct gathered *gathered, struct hash_changes *changes, struct error *error)
{
    size_t sum_count = gathered->reader->source->views[gathered->view].sum_count;
    while (changes->left > 0) {
        struct text field;
        int64_t change;
        if (!hash_take_field(changes, &field, &change))
            return not_understood(error, "a cell");
        if (makes_a_table(field))
            continue;
        struct text key, counter;
        if (!split_field(field, &key, &counter))
            return not_understood(error, "a cell");
        if (!begin(gathered, key, error))
            return false;
        if (!add(gathered_cell(gathered), sum_count, counter, change))
            return not_understood(error, "a cell");
    }
    return settle(gathered, error);
}

bool hash_apply(struct slot_reader *reader, int64_t epoch, struct text name, struct hash_changes *changes,
                bool announce, struct error *error)
{
    struct epoch_cells *cells = slot_reader_epoch(reader, epoch);
    if (!cells)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (text_equal(name, text_of("ledger")))
        return apply_ledger(reader->source, cells, changes, error);
    struct gathered gathered = {
        .reader = reader, .cells = cells, .view = view_of(reader->source, name), .announce = announce};
    if (gathered.view == reader->source->view_count)
        return not_understood(error, "the name of a hash");
    return apply_cells(&gathered, changes, error);
}
