/* SPDX-License-Identifier: Apache-2.0
 * The rows of a view with what they rest on, taken from a snapshot under one read lock and written without it. */
#ifndef TIDEMARK_SERVING_ANSWER_H
#define TIDEMARK_SERVING_ANSWER_H

#include "http/entity_tag.h"
#include "provenance.h"

struct answer {
    uint64_t state; /* of the snapshot that everybody is answered from; 0: it is of another */
    struct buffer body;
    bool is_compressed;       /* the body is gzip */
    struct buffer provenance; /* JSON on one line; in the body too where that is JSON */
    struct buffer next;       /* cursor of the next page; empty: there is none */
    size_t rows;
    struct entity_tag tag; /* of the state and the question; what lags behind is no part of it */
    bool is_known;         /* who asks has it: there is no body */
    bool is_settled;       /* complete, and all rows of the range are final */
    bool is_beyond_memory; /* there is none, for memory doesn't hold all windows of the range */
};

void answer_clean_up(struct answer *answer);

/* What is asked, and what who asks has already. */
struct answer_wishes {
    const char *target;        /* as it came */
    const char *if_none_match; /* the header of that name; NULL: not given */
};

/* False with the problem where there is no answer: 503 where nothing was read yet or memory is short, 422 where the
 * range touches windows that aren't held in memory. The answer is to be cleaned up in any case. */
bool answer_view(struct snapshot *snapshot, size_t view, const struct view_query *query,
                 const struct answer_wishes *wishes, struct answer *answer, struct problem *problem) MUST_CHECK;

/* Makes a body that is large enough for it gzip; where memory is short it stays as it is. */
void answer_compress(struct answer *answer);

#endif
