/* SPDX-License-Identifier: Apache-2.0
 * Takes connections in while there is room, by a thread of its own, and gives them to the threads of the HTTP library
 * in turn: left to itself, the one that wakes first takes all that wait, and answers them alone. */
#ifndef TIDEMARK_HTTP_ACCEPTOR_H
#define TIDEMARK_HTTP_ACCEPTOR_H

#include <microhttpd.h>

#include "base/error.h"
#include "http/connections.h"

struct acceptor;

/* `descriptor` listens; it is the acceptor's where this succeeds. The daemons, of a thread each, which listen nowhere
 * and refuse nobody, get connections in turn. These and the connections, which each one is among before a daemon has
 * it, outlive it. False where memory is short, or there can't be a thread more. */
bool acceptor_start(int descriptor, struct MHD_Daemon *const daemons[], size_t daemon_count,
                    struct connections *connections, struct acceptor **ret_acceptor) MUST_CHECK;

/* Takes in no more, and listens no longer. NULL is allowed. */
void acceptor_stop(struct acceptor *acceptor);

#endif
