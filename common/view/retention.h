/* SPDX-License-Identifier: Apache-2.0
 * How long windows are kept, by the clock of a partition: the latest event time, no later than its record's.
 *
 * Windows that begin before what is kept are not answered. In the slots of a source without a batch layer, which would
 * grow for ever, they leave: by whole days of UTC, so that none leaves that may still be answered. */
#ifndef TIDEMARK_VIEW_RETENTION_H
#define TIDEMARK_VIEW_RETENTION_H

#include "view/view.h"

/* Where the window begins that holds the clock less the view's retention: those before it are past it. INT64_MIN where
 * the view keeps all, or the clock is 0: nothing was seen yet. */
int64_t view_kept_from_us(const struct view *view, int64_t clock_us);

/* Panes that begin before this moment, a midnight of UTC, needn't be in a slot any more: none of them is part of what
 * is kept, nor judges where a session of it begins. INT64_MIN: all stay. */
int64_t view_leaves_before_us(const struct view *view, int64_t clock_us);

#endif
