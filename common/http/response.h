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

/* Moves the body out of the reply. NULL where memory is short; the caller destroys it. */
struct MHD_Response *response_new(struct reply *reply, const struct response_wishes *wishes);

#endif
