/* SPDX-License-Identifier: Apache-2.0 */
#include "http/response.h"

#include <string.h>

#include "http/compress.h"
#include "http/kept_reply.h"

static struct text body_of(const struct reply *reply)
{
    return reply->constant ? text_of(reply->constant) : buffer_text(&reply->body);
}

/* Has the body replaced by a smaller one, where it is worth it. */
static void compress(struct reply *reply, const char *accept_encoding)
{
    struct buffer smaller = {0};
    if (reply->kept || reply->is_compressed || body_of(reply).length < COMPRESS_BYTES_MIN ||
        !gzip_is_wanted(accept_encoding) || !gzip_append(body_of(reply), &smaller)) {
        buffer_clean_up(&smaller);
        return;
    }
    buffer_clean_up(&reply->body);
    reply->body = smaller;
    reply->constant = NULL;
    reply->is_compressed = true;
}

#define STREAM_BLOCK_BYTES 1024 /* what the library sets aside for a stream, beside a connection's own buffer */

static struct MHD_Response *with_body(struct reply *reply, const struct response_wishes *wishes)
{
    if (wishes->stream)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, stream_read, wishes->stream,
                                                 NULL);
    if (reply->constant || reply->kept)
        return MHD_create_response_from_buffer(body_of(reply).length, (void *)(uintptr_t)body_of(reply).data,
                                               MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->body.length, reply->body.data, MHD_RESPMEM_MUST_FREE);
    if (response)
        reply->body = (struct buffer){0};
    return response;
}

#define REQUEST_ID "X-Request-Id"

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
    return !value || MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool add_headers(struct MHD_Response *response, const struct reply *reply, const struct response_wishes *wishes)
{
    bool done =
        add(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type) &&
        add(response, MHD_HTTP_HEADER_CONTENT_ENCODING, reply->is_compressed ? "gzip" : NULL) &&
        add(response, MHD_HTTP_HEADER_CACHE_CONTROL, reply->cache_control ? reply->cache_control : "no-store") &&
        add(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding, Authorization, Origin") &&
        add(response, "X-Content-Type-Options", "nosniff") && add(response, REQUEST_ID, wishes->request_id) &&
        add(response, MHD_HTTP_HEADER_CONNECTION, wishes->close_connection ? "close" : NULL);
    for (size_t i = 0; i < reply->header_count; i++)
        done = done && !reply->headers[i].value.failed &&
               add(response, reply->headers[i].name, buffer_string(&reply->headers[i].value));
    return done;
}

bool response_is_kept(const struct reply *reply, const struct response_wishes *wishes)
{
    return reply->kept && reply->header_count == reply->kept_headers && !wishes->close_connection;
}

/* One that another request has been sent. */
static struct MHD_Response *used_response(const struct reply *reply, const struct response_wishes *wishes)
{
    struct MHD_Response *response = response_is_kept(reply, wishes) ? kept_reply_take_response(reply->kept) : NULL;
    if (!response)
        return NULL;
    MHD_del_response_header(response, REQUEST_ID, MHD_get_response_header(response, REQUEST_ID));
    if (add(response, REQUEST_ID, wishes->request_id))
        return response;
    MHD_destroy_response(response);
    return NULL;
}

struct MHD_Response *response_new(struct reply *reply, const struct response_wishes *wishes)
{
    struct MHD_Response *response = used_response(reply, wishes);
    if (response)
        return response;
    compress(reply, wishes->accept_encoding);
    response = with_body(reply, wishes);
    if (response && !add_headers(response, reply, wishes)) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}
