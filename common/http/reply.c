/* SPDX-License-Identifier: Apache-2.0 */
#include "http/reply.h"

#include <assert.h>

void reply_clean_up(struct reply *reply)
{
    if (!reply->kept)
        buffer_clean_up(&reply->body);
    if (reply->stream.context)
        reply->stream.close(reply->stream.context);
    for (size_t i = reply->kept_headers; i < reply->header_count; i++)
        buffer_clean_up(&reply->headers[i].value);
    if (reply->kept)
        reply->release(reply->kept);
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
        problem_memory(&problem);
        reply_problem(reply, &problem);
        return;
    }
    buffer_clean_up(&reply->body);
    reply->status = status;
    reply->content_type = content_type;
    reply->body = *body;
    reply->is_compressed = false;
    *body = (struct buffer){0};
}

bool reply_is_whole(const struct reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (reply->headers[i].value.failed)
            return false;
    return true;
}

void reply_stream(struct reply *reply, const struct stream_source *source)
{
    reply->status = 200;
    reply->content_type = "text/event-stream";
    reply->cache_control = "no-cache";
    reply->stream = *source;
    buffer_append_string(reply_header(reply, "X-Accel-Buffering"), "no"); /* nginx would keep it to itself */
}

void reply_constant(struct reply *reply, const char *content_type, const char *text)
{
    reply->status = 200;
    reply->content_type = content_type;
    reply->constant = text;
}

/* What is said where there is no memory to say anything else. */
static const char memory_is_short[] = "{\"type\": \"about:blank\", \"title\": \"Service Unavailable\", "
                                      "\"status\": 503, \"detail\": \"memory is short\"}\n";

void reply_problem(struct reply *reply, const struct problem *problem)
{
    buffer_clear(&reply->body);
    reply->is_compressed = false;
    problem_append(problem, &reply->body);
    reply->constant = reply->body.failed ? memory_is_short : NULL;
    reply->status = reply->body.failed ? 503 : problem->status;
    reply->content_type = "application/problem+json";
}
