/* SPDX-License-Identifier: Apache-2.0
 * Why a request isn't answered, as a problem document (RFC 9457): the status, and a sentence for the person who asked.
 */
#ifndef TIDEMARK_HTTP_PROBLEM_H
#define TIDEMARK_HTTP_PROBLEM_H

#include <stdbool.h>

#include "base/buffer.h"

struct problem {
    unsigned status; /* 0: none */
    char detail[800];
};

/* Sets the problem; returns false, so that `return problem_set(…)` ends a function. */
bool problem_set(struct problem *problem, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets the problem of a server without memory, 503; returns false. */
bool problem_memory(struct problem *problem);

/* The title of a status: "Not Found". */
const char *status_title(unsigned status);

void problem_append(const struct problem *problem, struct buffer *out);

/* The first bytes of what somebody sent, cut at a character, for a sentence: printf with "%.*s". */
int shown_length(const char *string);

#endif
