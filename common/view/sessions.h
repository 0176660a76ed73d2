/* SPDX-License-Identifier: Apache-2.0
 * Sessions: moments of one group that lie at most a gap apart, one after the other. They are found when they are asked
 * for, of moments in ascending order, so that a moment that was taken back shortens or splits one as if it had never
 * been. */
#ifndef TIDEMARK_VIEW_SESSIONS_H
#define TIDEMARK_VIEW_SESSIONS_H

#include "base/bytes_map.h"

struct sessions {
    int64_t gap_us;
    struct bytes_map map; /* the latest session of each group */
};

struct session {
    bool is_begun;
    int64_t first_us, last_us; /* of its moments so far */
    bool was_taken;            /* something was taken back of the group … */
    int64_t taken_us;          /* … last at this moment, of which nothing is left */
};

void sessions_init(struct sessions *sessions, int64_t gap_us);
void sessions_clean_up(struct sessions *sessions);

/* The latest session of a group, to be told of the group's next moment; NULL where memory is short. */
struct session *sessions_of(struct sessions *sessions, struct text group);
/* Whether a moment, no earlier than those before, belongs to the session. */
bool session_reaches(const struct sessions *sessions, const struct session *session, int64_t at_us);
/* The next moment: of this session, or the first of the one that begins. Returns whether what was taken back before it
 * would have joined it to what lay before that. */
bool session_add(const struct sessions *sessions, struct session *session, int64_t at_us);
/* The next moment is one of which nothing is left. Returns whether it would belong to the session. */
bool session_take_back(const struct sessions *sessions, struct session *session, int64_t at_us);

#endif
