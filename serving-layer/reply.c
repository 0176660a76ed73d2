/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include <assert.h>

void reply_clean_up(struct reply *reply)
{
    buffer_clean_up(&reply->body);
    for (size_t i = 0; i < reply->header_count; i++)
        buffer_clean_up(&reply->headers[i].value);
    *reply = (struct reply){0};
}

struct buffer *reply_header(struct reply *reply, const char *name)
{
    assert(reply->header_count < REPLY_HEADERS_MAX);
    reply->headers[reply->header_count] = (struct reply_header){.name = name};
    return &reply->headers[reply->header_count++].value;
}

void reply_with(struct reply *reply, unsigned status, const char *content_type, struct buffer *body)
{
    if (body->failed) {
        struct problem problem;
        buffer_clean_up(body);
        problem_set(&problem, 503, "memory is short");
        reply_problem(reply, &problem);
        return;
    }
    buffer_clean_up(&reply->body);
    reply->status = status;
    reply->content_type = content_type;
    reply->body = *body;
    *body = (struct buffer){0};
}

void reply_constant(struct reply *reply, const char *content_type, const char *text)
{
    reply->status = 200;
    reply->content_type = content_type;
    reply->constant = text;
}

void reply_problem(struct reply *reply, const struct problem *problem)
{
    buffer_clear(&reply->body);
    problem_append(problem, &reply->body);
    reply->constant = NULL;
    reply->status = problem->status;
    reply->content_type = "application/problem+json";
}
