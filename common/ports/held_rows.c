/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/held_rows.h"

#include <stdlib.h>

#include "base/hash.h"

#define LEAST_CAPACITY 64

void held_rows_clean_up(struct held_rows *held)
{
    free(held->places);
    *held = (struct held_rows){0};
}

uint64_t held_row_checksum(struct text name, uint64_t content)
{
    const uint64_t both[] = {sink_row_hash(name), content};
    return sink_row_hash((struct text){(const char *)both, sizeof both});
}

size_t held_rows_memory(const struct held_rows *held)
{
    return held->capacity * sizeof *held->places;
}

static struct held_row named(struct text name)
{
    return (struct held_row){.name = hash_bytes(name.data, name.length),
                             .name_rest = (uint32_t)sink_row_hash(name),
                             .is_used = true,
                             .is_gone = true};
}

static bool is_remembered(const struct held_row *row)
{
    return row->is_used && (!row->is_gone || row->revision > 0);
}

/* The place of the row, or the free one where it would stand. */
static struct held_row *place_of(const struct held_rows *held, const struct held_row *row)
{
    size_t at = (size_t)(row->name % held->capacity);
    while (held->places[at].is_used &&
           (held->places[at].name != row->name || held->places[at].name_rest != row->name_rest))
        at = at + 1 < held->capacity ? at + 1 : 0;
    return &held->places[at];
}

static size_t count_remembered(const struct held_rows *held)
{
    size_t count = 0;
    for (size_t i = 0; i < held->capacity; i++)
        count += is_remembered(&held->places[i]);
    return count;
}

/* Makes room for a fifth more than there are, where there is none: between five and six eighths of the places are
 * taken. Those that are gone are forgotten. */
static bool grow(struct held_rows *held)
{
    if (held->used < held->capacity / 4 * 3)
        return true;
    size_t count = count_remembered(held);
    size_t capacity = count * 8 / 5 < LEAST_CAPACITY ? LEAST_CAPACITY : count * 8 / 5;
    struct held_rows larger = {.places = calloc(capacity, sizeof *larger.places), .capacity = capacity};
    if (!larger.places)
        return false;
    for (size_t i = 0; i < held->capacity; i++)
        if (is_remembered(&held->places[i])) {
            *place_of(&larger, &held->places[i]) = held->places[i];
            larger.used++;
        }
    free(held->places);
    held->places = larger.places;
    held->capacity = larger.capacity;
    held->used = larger.used;
    return true;
}

struct held_row *held_rows_find(const struct held_rows *held, struct text name)
{
    if (held->capacity == 0)
        return NULL;
    const struct held_row row = named(name);
    struct held_row *place = place_of(held, &row);
    return is_remembered(place) ? place : NULL;
}

struct held_row *held_rows_set(struct held_rows *held, struct text name, struct row_version version)
{
    const struct held_row row = named(name);
    if (!grow(held))
        return NULL;
    struct held_row *place = place_of(held, &row);
    if (!place->is_used) {
        *place = row;
        held->used++;
    }
    if (!place->is_gone) {
        held->count--;
        held->checksum -= held_row_checksum(name, place->content);
    }
    place->is_gone = version.is_gone;
    place->is_seen = false;
    place->revision = version.revision & REVISION_MAX;
    place->content = version.content;
    if (!place->is_gone) {
        held->count++;
        held->checksum += held_row_checksum(name, place->content);
    }
    return place;
}

void held_rows_unsee(struct held_rows *held)
{
    for (size_t i = 0; i < held->capacity; i++)
        held->places[i].is_seen = false;
}
