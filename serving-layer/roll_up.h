/* SPDX-License-Identifier: Apache-2.0
 * The rows in memory, merged into those that are asked for. */
#ifndef TIDEMARK_SERVING_ROLL_UP_H
#define TIDEMARK_SERVING_ROLL_UP_H

#include "merged/snapshot.h"
#include "view_query.h"

/* Adds the rows that the query takes to `rollup`, which was made for its question and range, and orders them. A row
 * with a real-time part touches what it is merged into. False with the problem. */
bool roll_up(const struct snapshot *snapshot, size_t view, const struct view_query *query, struct rollup *rollup,
             struct problem *problem);
/* The same without the order. */
bool roll_up_unordered(const struct snapshot *snapshot, size_t view, const struct view_query *query,
                       struct rollup *rollup, struct problem *problem);

#endif
