/* SPDX-License-Identifier: Apache-2.0
 * Pages of other origins, and whether they may read answers (CORS, the Fetch standard, 3.2). */
#ifndef TIDEMARK_HTTP_CROSS_ORIGIN_H
#define TIDEMARK_HTTP_CROSS_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

struct reply;

struct origins {
    const char *const *names; /* "https://board.example", or "*" for all; outlive the server */
    size_t count;             /* 0: no other origin may */
};

/* Adds the headers that let a page of this origin read the answer, where it is one of those that may. */
void cross_origin_allow(const struct origins *origins, const char *origin, struct reply *reply);

/* Answers the request by which a browser asks first. */
void cross_origin_preflight(const struct origins *origins, const char *origin, struct reply *reply);

#endif
