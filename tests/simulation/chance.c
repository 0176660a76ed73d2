/* SPDX-License-Identifier: Apache-2.0 */
#include "chance.h"

#include "base/clock.h"
#include "base/random.h"

static uint64_t state;
static int64_t now_us;

/* splitmix64, S. Vigna: as a generator, and to mix seed and step into its state. */
static uint64_t next(void)
{
    uint64_t mixed = state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

void chance_begin_step(uint64_t seed, uint64_t step)
{
    state = seed;
    state = next() ^ step * UINT64_C(0xd1342543de82ef95);
    next();
}

uint64_t chance_below(uint64_t limit)
{
    return next() % limit;
}

bool chance_one_in(uint64_t many)
{
    return chance_below(many) == 0;
}

bool random_bytes(void *bytes, size_t size)
{
    unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)next();
    return true;
}

void time_begin(void)
{
    now_us = US_PER_SECOND;
}

void time_pass(int64_t us)
{
    now_us += us;
}

int64_t clock_monotonic_us(void)
{
    return now_us;
}

int64_t clock_wall_us(void)
{
    return WALL_EPOCH_US + now_us;
}
