/* SPDX-License-Identifier: Apache-2.0
 * A reply that is sent again and again: its body and headers are there once, and so are the library's objects that it
 * is sent as, which differ in nothing but the id of the request. */
#ifndef TIDEMARK_HTTP_KEPT_REPLY_H
#define TIDEMARK_HTTP_KEPT_REPLY_H

#include <microhttpd.h>

#include "http/reply.h"

/* All from any thread. */

/* Takes body and headers out of the reply, which then is the first that was given. The caller releases what is made.
 * NULL where memory is short: the reply stays as it was. */
struct kept_reply *kept_reply_new(struct reply *reply) MUST_CHECK;
void kept_reply_release(struct kept_reply *kept); /* NULL is allowed; it stays as long as replies that were given */

/* The reply's body and headers are those that are kept, until it is cleaned up; more headers can be added to it. */
void kept_reply_give(struct kept_reply *kept, struct reply *ret_reply);

/* An object that the calling thread has put back, for the caller to destroy or to put back; NULL: there is none. */
struct MHD_Response *kept_reply_take_response(struct kept_reply *kept);
void kept_reply_put_response(struct kept_reply *kept, struct MHD_Response *response);

#endif
