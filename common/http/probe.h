/* SPDX-License-Identifier: Apache-2.0
 * Asks a process whether it does its work: GET /readyz of a server of this machine, as health checks do it. */
#ifndef TIDEMARK_HTTP_PROBE_H
#define TIDEMARK_HTTP_PROBE_H

#include <stdint.h>

#include "http/listen.h"
#include "http/tls.h"

#define PROBE_MS 1800 /* a probe has two seconds in all */

struct probe_target {
    struct listen_address address;
    bool encrypts;                    /* it is asked by TLS, */
    const struct certificate *pinned; /* and has to show this certificate; NULL: any */
};

/* Waits no longer than `timeout_ms`. True where it does its work; else the error is what it says hinders it
 * (ERROR_TRY_AGAIN), or why it didn't say anything (ERROR_UNAVAILABLE where nobody listens). */
bool probe_ask(const struct probe_target *target, int64_t timeout_ms, struct error *error) MUST_CHECK;

/* Says why not, one line on standard error, and gives the exit code of a probe: 0 or 1. */
int probe_report(const char *program, bool works, const struct error *error);

#endif
