/* SPDX-License-Identifier: Apache-2.0
 * What a copy of a view is of, as its reader knows it: the id of an event, which comes back as Last-Event-ID. */
#ifndef TIDEMARK_SERVING_STREAM_POSITION_H
#define TIDEMARK_SERVING_STREAM_POSITION_H

#include "pick.h"

struct stream_position {
    uint64_t process;         /* that gave the event: states of another one mean nothing here; 0: there is no copy */
    uint64_t question;        /* what was asked */
    uint64_t state;           /* of the feed */
    uint64_t provenance;      /* provenance_state of the event */
    struct finality finality; /* by which its rows are final */
    int64_t expired_us;       /* windows before it were past the retention */
    bool current;             /* the view's definition was the published one */
    size_t count;             /* of partitions */
    int64_t *offsets;         /* of each the highest that was ever said to this reader; -1: none */
};

void stream_position_clean_up(struct stream_position *position);
bool stream_position_copy(const struct stream_position *from, struct stream_position *ret_position) MUST_CHECK;
bool stream_position_equal(const struct stream_position *a, const struct stream_position *b);

/* As it stands in an event, without line ends. */
void stream_position_append(const struct stream_position *position, struct buffer *out);
/* What another process wrote is read too. False where it is none, or memory is short. */
bool stream_position_parse(const char *id, struct stream_position *ret_position) MUST_CHECK;

/* With the snapshot's read lock held: raises the offsets to those of the snapshot. *ret_behind: one of its partitions
 * stands below what was said before. False where memory is short. */
bool stream_position_advance(struct stream_position *position, const struct snapshot *snapshot,
                             bool *ret_behind) MUST_CHECK;

#endif
