/* SPDX-License-Identifier: Apache-2.0
 * How a reply goes out: the headers that every answer has, and its body made smaller where the client takes that. */
#ifndef TIDEMARK_HTTP_RESPONSE_H
#define TIDEMARK_HTTP_RESPONSE_H

#include <microhttpd.h>

#include "http/reply.h"

struct response_wishes {
    const char *accept_encoding; /* NULL: not given */
    const char *request_id;
    bool close_connection;
    struct stream *stream; /* which is the body; NULL: the reply has one */
};

/* Moves the body out of the reply, or has that of a kept one in common with it: such a reply is held until this has
 * been sent. NULL where memory is short; the caller destroys it, or, where it is like others, may put it back. */
struct MHD_Response *response_new(struct reply *reply, const struct response_wishes *wishes);

/* Whether the response to this request is like others to it, but for the request's id. */
bool response_is_kept(const struct reply *reply, const struct response_wishes *wishes);

#endif
