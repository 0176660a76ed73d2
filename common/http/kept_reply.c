/* SPDX-License-Identifier: Apache-2.0 */
#include "http/kept_reply.h"

#include <stdatomic.h>
#include <stdlib.h>

#define PLACES 16 /* for an object each that waits to be sent again; threads beyond have them in common */

struct kept_reply {
    atomic_size_t holds;
    struct reply reply;
    _Atomic(struct MHD_Response *) responses[PLACES];
};

/* A thread finds again what it has put there, whose bytes its core's cache holds. */
static size_t place_of_thread(void)
{
    static atomic_size_t threads;
    static _Thread_local size_t number; /* from 1 */
    if (number == 0)
        number = atomic_fetch_add(&threads, 1) + 1;
    return number % PLACES;
}

struct kept_reply *kept_reply_new(struct reply *reply)
{
    struct kept_reply *kept = calloc(1, sizeof *kept);
    if (!kept)
        return NULL;
    kept->holds = 1;
    kept->reply = *reply;
    kept_reply_give(kept, reply);
    return kept;
}

void kept_reply_release(struct kept_reply *kept)
{
    if (!kept || atomic_fetch_sub(&kept->holds, 1) > 1)
        return;
    for (size_t i = 0; i < PLACES; i++)
        MHD_destroy_response(kept->responses[i]);
    reply_clean_up(&kept->reply);
    free(kept);
}

void kept_reply_give(struct kept_reply *kept, struct reply *ret_reply)
{
    atomic_fetch_add_explicit(&kept->holds, 1, memory_order_relaxed);
    *ret_reply = kept->reply;
    ret_reply->kept = kept;
    ret_reply->kept_headers = kept->reply.header_count;
    ret_reply->release = kept_reply_release;
}

struct MHD_Response *kept_reply_take_response(struct kept_reply *kept)
{
    return atomic_exchange(&kept->responses[place_of_thread()], NULL);
}

void kept_reply_put_response(struct kept_reply *kept, struct MHD_Response *response)
{
    MHD_destroy_response(atomic_exchange(&kept->responses[place_of_thread()], response));
}
