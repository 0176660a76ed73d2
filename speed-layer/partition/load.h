/* SPDX-License-Identifier: Apache-2.0
 * How much a slot holds after what is published, beside what it may. Exact when it was counted last; since then each
 * commit adds all of its groups, also those that were there. */
#ifndef TIDEMARK_SPEED_LOAD_H
#define TIDEMARK_SPEED_LOAD_H

#include "state/slot_reader.h"

#define LIVE_GROUP_BYTES 100 /* that a group takes in Redis beside its text, about */

/* The ceilings; 0: none. */
struct load_limits {
    int64_t groups; /* of a view */
    int64_t bytes;  /* of all views together */
};

struct load {
    int64_t groups[VIEWS_MAX], bytes;
};

/* Thousandths of a ceiling. A partition that stopped goes on where less than SHARE_LOW is taken; from SHARE_HALF on
 * room is asked for, and what is there is counted again after each SHARE_STEP. */
enum { SHARE_STEP = 125, SHARE_HALF = 500, SHARE_LOW = 900, SHARE_FULL = 1000 };

/* Adds the panes of a source's views. */
void load_add(struct load *load, const struct panes panes[], size_t view_count);
/* Counts what the epochs after this one hold. */
void load_count(struct load *load, const struct slot_reader *reader, int64_t published_epoch);
/* The largest share of a ceiling that is taken, in thousandths, rounded up. */
int64_t load_share(const struct load *load, const struct load_limits *limits);

#endif
