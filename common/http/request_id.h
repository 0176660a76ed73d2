/* SPDX-License-Identifier: Apache-2.0
 * A name for each request, by which a client's trouble is found in the log. */
#ifndef TIDEMARK_HTTP_REQUEST_ID_H
#define TIDEMARK_HTTP_REQUEST_ID_H

#include <stdbool.h>

#define REQUEST_ID_MAX 128

struct request_id {
    char text[REQUEST_ID_MAX + 1];
    bool given; /* by the client, or by a proxy before us */
};

/* What X-Request-Id says, where it is 1 to 128 visible characters of ASCII; else (and where it is NULL) one by chance.
 */
struct request_id request_id_take(const char *given);

#endif
