/* SPDX-License-Identifier: Apache-2.0 */
#include "state/cell_total.h"

#include <xxhash.h>

#include "base/clock.h"

struct cell *cell_total(struct cell_total *total)
{
    return (struct cell *)(void *)total->bytes;
}

static const int64_t primes[CELL_CHECKSUMS] = {2147483647, 2147483629}; /* the two largest below 2^31 */

static int64_t residue(wide number, int64_t prime)
{
    int64_t rest = (int64_t)(number % prime);
    return rest < 0 ? rest + prime : rest;
}

void cell_total_add_checksum(struct cell_total *total, size_t number, int64_t change)
{
    int64_t prime = primes[number];
    total->checksums[number] = (total->checksums[number] + residue(change, prime)) % prime;
}

/* `place` is a hash of window and group, `which` the number's place in the cell. */
static void add_number(struct cell_total *total, uint64_t place, uint64_t which, wide number)
{
    uint64_t hash = number == 0 ? 0 : XXH3_64bits_withSeed(&place, sizeof place, which);
    const int64_t halves[CELL_CHECKSUMS] = {(int64_t)(hash & UINT32_MAX), (int64_t)(hash >> 32)};
    for (size_t i = 0; i < CELL_CHECKSUMS; i++)
        cell_total_add_checksum(total, i, halves[i] % primes[i] * residue(number, primes[i]));
}

/* In seconds, as it always was; a start with a fraction is in microseconds, and no event time is so early that one
 * could be taken for the other. */
static uint64_t window_of(int64_t start_us)
{
    return (uint64_t)(start_us % US_PER_SECOND ? start_us : start_us / US_PER_SECOND);
}

static void add_checksums(struct cell_total *total, const struct view *view, struct pane pane)
{
    uint64_t window = window_of(pane.window_start_us);
    uint64_t place = XXH3_64bits_withSeed(pane.group.data, pane.group.length, window);
    add_number(total, place, 0, pane.cell->count);
    for (size_t i = 0; i < view->sum_count; i++) {
        add_number(total, place, 2 * i + 1, pane.cell->sums[i].count);
        add_number(total, place, 2 * i + 2, pane.cell->sums[i].total);
    }
}

void cell_total_add(struct cell_total *total, const struct panes *panes)
{
    for (size_t i = 0; i < panes_count(panes); i++) {
        struct pane pane = panes_get(panes, i);
        cell_merge(panes->view, cell_total(total), pane.cell);
        add_checksums(total, panes->view, pane);
    }
}

void cell_total_take_away(struct cell_total *total, const struct panes *panes)
{
    struct cell_total taken = {0};
    cell_total_add(&taken, panes);
    cell_take_away(panes->view, cell_total(total), cell_total(&taken));
    for (size_t i = 0; i < CELL_CHECKSUMS; i++)
        cell_total_add_checksum(total, i, -taken.checksums[i]);
}
