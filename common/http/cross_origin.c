/* SPDX-License-Identifier: Apache-2.0 */
#include "http/cross_origin.h"

#include <string.h>

#include "http/reply.h"

#define PREFLIGHT_SECONDS "600" /* for which a browser needn't ask again */

/* What Access-Control-Allow-Origin has to say, or NULL. Nothing is granted to credentials of the browser's own, so
 * that a star is harmless: whoever may ask sends his token himself. */
static const char *allowed(const struct origins *origins, const char *origin)
{
    for (size_t i = 0; i < origins->count; i++) {
        if (strcmp(origins->names[i], "*") == 0)
            return "*";
        if (strcmp(origins->names[i], origin) == 0)
            return origins->names[i];
    }
    return NULL;
}

void cross_origin_allow(const struct origins *origins, const char *origin, struct reply *reply)
{
    const char *value = origin ? allowed(origins, origin) : NULL;
    if (!value)
        return;
    buffer_append_string(reply_header(reply, "Access-Control-Allow-Origin"), value);
    buffer_append_string(reply_header(reply, "Access-Control-Expose-Headers"),
                         "ETag, Retry-After, Tidemark-Next, Tidemark-Provenance, X-Request-Id");
}

void cross_origin_preflight(const struct origins *origins, const char *origin, struct reply *reply)
{
    reply->status = 204;
    if (!origin || !allowed(origins, origin))
        return;
    buffer_append_string(reply_header(reply, "Access-Control-Allow-Methods"), "GET, HEAD");
    buffer_append_string(reply_header(reply, "Access-Control-Allow-Headers"),
                         "Authorization, If-None-Match, Last-Event-ID, X-Request-Id");
    buffer_append_string(reply_header(reply, "Access-Control-Max-Age"), PREFLIGHT_SECONDS);
}
