/* SPDX-License-Identifier: Apache-2.0
 * The request line and the headers of a request, and whether it can be answered whatever it asks for. Knows nothing of
 * sockets.
 *
 * What others could take for another request, or for two, is refused, and its connection ended: a proxy before us may
 * have read it in the other way. */
#ifndef TIDEMARK_HTTP_REQUEST_HEAD_H
#define TIDEMARK_HTTP_REQUEST_HEAD_H

#include "base/error.h"
#include "http/reply.h"

#define HEAD_BYTES_MAX ((size_t)64 * 1024)

struct request_head {
    const char *method, *target, *version; /* as they came; the target may be cut behind TARGET_BYTES_MAX + 1 bytes */
    size_t bytes;                          /* of the request line and all headers */
    bool takes_preflight;                  /* whether pages of other origins are answered */
    bool may_wait;                         /* a thread answers that may wait for something: see struct reply */

    /* What request_head_note has seen. */
    const char *host, *length; /* NULL: not given */
    size_t hosts, lengths;     /* how often */
    bool encoding;             /* there is a Transfer-Encoding */
    size_t authorizations;
    const char *accept, *accept_encoding, *authorization, *if_none_match, *last_event_id, *origin,
        *request_id;              /* NULL: not given */
    const char *requested_method; /* of the request by which a browser asks first (CORS) */
    bool malformed;               /* the name of a header is none, or its value is not one line */

    struct buffer joined_accept, joined_accept_encoding, joined_if_none_match; /* of several lines, where there are */
};

/* Takes one header, without blanks around its value; the texts must live as long as the head. */
void request_head_note(struct request_head *head, const char *name, const char *value);
void request_head_clean_up(struct request_head *head);

/* It is the request by which a browser asks whether a page of another origin may. */
bool request_head_is_preflight(const struct request_head *head);

/* Where it is false the problem says why, *ret_close whether the connection must end, and the reply may have got a
 * header that belongs to the answer. */
bool request_head_check(const struct request_head *head, struct reply *reply, struct problem *problem,
                        bool *ret_close) MUST_CHECK;

#endif
