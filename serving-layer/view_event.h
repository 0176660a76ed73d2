/* SPDX-License-Identifier: Apache-2.0
 * One event of a view's stream: from the position that a reader's copy has to the present one. */
#ifndef TIDEMARK_SERVING_VIEW_EVENT_H
#define TIDEMARK_SERVING_VIEW_EVENT_H

#include "stream_position.h"

struct view_event {
    struct selection rows; /* those without a cell are gone */
    struct buffer provenance;
    struct stream_position to; /* where the copy stands then */
    bool is_reset;             /* these are all */
    bool is_behind;            /* a partition stands below what the reader was told before */
    bool is_news;              /* there is something to tell */
};

/* Takes the snapshot's read lock. `since->process` other than `process`, or another question: there is no copy. False
 * with the problem, 400 where all rows are too many; the event is to be cleaned up in any case. */
bool view_event_take(struct snapshot *snapshot, size_t view, const struct view_query *query,
                     const struct stream_position *since, uint64_t process, uint64_t question, struct view_event *event,
                     struct problem *problem) MUST_CHECK;
/* The same for who holds the lock. */
bool view_event_pick(struct snapshot *snapshot, size_t view, const struct view_query *query,
                     const struct stream_position *since, uint64_t process, uint64_t question, struct view_event *event,
                     struct problem *problem) MUST_CHECK;
void view_event_clean_up(struct view_event *event);

/* As it is sent. */
void view_event_append(const struct view_event *event, struct buffer *out);

#endif
