/* SPDX-License-Identifier: Apache-2.0 */
#include "view/sessions.h"

void sessions_init(struct sessions *sessions, int64_t gap_us)
{
    sessions->gap_us = gap_us;
    bytes_map_init(&sessions->map, sizeof(struct session));
}

void sessions_clean_up(struct sessions *sessions)
{
    bytes_map_clean_up(&sessions->map);
}

struct session *sessions_of(struct sessions *sessions, struct text group)
{
    return bytes_map_at(&sessions->map, group);
}

bool session_reaches(const struct sessions *sessions, const struct session *session, int64_t at_us)
{
    return session->is_begun && at_us - session->last_us <= sessions->gap_us;
}

bool session_add(const struct sessions *sessions, struct session *session, int64_t at_us)
{
    if (!session_reaches(sessions, session, at_us))
        session->first_us = at_us;
    session->is_begun = true;
    session->last_us = at_us;
    return session->was_taken && at_us - session->taken_us <= sessions->gap_us;
}

bool session_take_back(const struct sessions *sessions, struct session *session, int64_t at_us)
{
    session->was_taken = true;
    session->taken_us = at_us;
    return session_reaches(sessions, session, at_us);
}
