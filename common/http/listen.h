/* SPDX-License-Identifier: Apache-2.0
 * Where a server listens: at an address and a port, or on a unix socket, which is a file. */
#ifndef TIDEMARK_HTTP_LISTEN_H
#define TIDEMARK_HTTP_LISTEN_H

#include "base/error.h"

struct listen_address {
    const char *host; /* an address, or a name of this machine, "" or "*" for every address; or the path of a unix
                       * socket, which begins with a slash */
    int port;         /* 0: any that is free; of a unix socket nothing */
};

bool listen_is_path(const struct listen_address *address);

/* A socket that listens there, and doesn't block. ERROR_CONFIGURATION where the address can't be one of this machine,
 * ERROR_UNAVAILABLE where it can't be had now: somebody else listens there. A unix socket that a process left behind is
 * taken over; its folder must exist. */
bool listen_open(const struct listen_address *address, int *ret_descriptor, struct error *error) MUST_CHECK;

int listen_port(int descriptor); /* where it listens; 0: at a unix socket */

/* Connects to whoever listens there, without waiting: a connection that isn't made at once is still being made.
 * Every address is asked at the loopback one. */
bool listen_connect(const struct listen_address *address, int *ret_descriptor, struct error *error) MUST_CHECK;

#endif
