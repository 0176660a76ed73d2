/* SPDX-License-Identifier: Apache-2.0
 * What a route makes of a request. */
#ifndef TIDEMARK_HTTP_REPLY_H
#define TIDEMARK_HTTP_REPLY_H

#include "http/problem.h"
#include "http/streams.h"

#define REPLY_HEADERS_MAX 8

struct reply_header {
    const char *name;    /* static text */
    struct buffer value; /* without line breaks */
};

struct reply {
    bool waits; /* in place of all that follows: it is to be answered by a thread that may wait */
    unsigned status;
    const char *content_type;  /* static text; NULL: there is no body */
    const char *cache_control; /* static text; NULL: no-store */
    struct buffer body;
    bool is_compressed;          /* the body is gzip already, and who asks takes that */
    const char *constant;        /* static text in place of the body; NULL: the body */
    struct stream_source stream; /* in place of both; its context NULL: there is none */
    struct reply_header headers[REPLY_HEADERS_MAX];
    size_t header_count;
    struct kept_reply *kept; /* whose body and first headers these are; NULL: they are its own */
    size_t kept_headers;
    void (*release)(struct kept_reply *kept);
};

void reply_clean_up(struct reply *reply);

/* Room for the value of one more header; the caller appends to it. */
struct buffer *reply_header(struct reply *reply, const char *name);

/* False where memory was short for a header. */
bool reply_is_whole(const struct reply *reply);

/* Answers with a body of this type, or, where memory was short while it was made, with a problem. */
void reply_with(struct reply *reply, unsigned status, const char *content_type, struct buffer *body);

/* Answers with a stream of events; the reply closes it where it isn't begun. */
void reply_stream(struct reply *reply, const struct stream_source *source);

/* Answers with a text that is part of the program. */
void reply_constant(struct reply *reply, const char *content_type, const char *text);

/* Where memory is short for it, the problem is that. */
void reply_problem(struct reply *reply, const struct problem *problem);

#endif
