/* SPDX-License-Identifier: Apache-2.0
 * Answers about windows that memory doesn't hold. They are made like all others, from a snapshot: one of the view and
 * the range alone, which is read of PostgreSQL and Redis for this answer and then forgotten. */
#ifndef TIDEMARK_SERVING_OLD_WINDOWS_H
#define TIDEMARK_SERVING_OLD_WINDOWS_H

#include "answer.h"
#include "config/settings.h"

#define OLD_WINDOWS_AT_ONCE 2 /* each with connections of its own */
#define OLD_WINDOWS_RETRY "5" /* seconds */
/* A snapshot holds this part of http.memory, or so many bytes, at most. */
#define OLD_WINDOWS_SHARE 4
#define OLD_WINDOWS_BYTES ((size_t)64 << 20)

struct old_windows;
bool old_windows_open(const struct settings *settings, struct old_windows **ret_old, struct error *error) MUST_CHECK;
/* No answer is on its way any more. NULL is allowed. */
void old_windows_close(struct old_windows *old);

/* As answer_view; waits for the stores. 503 also where PostgreSQL doesn't answer, or as many as may be are at work. */
bool old_windows_answer(struct old_windows *old, const struct source *source, size_t view,
                        const struct view_query *query, const struct answer_wishes *wishes, struct answer *answer,
                        struct problem *problem) MUST_CHECK;

#endif
