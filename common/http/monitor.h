/* SPDX-License-Identifier: Apache-2.0
 * The small server of a program that answers no queries: /livez, /readyz and /metrics, on one thread; and the probe
 * that asks it.
 *
 * Where no address is configured it is a unix socket in the runtime folder, named after the program and the path of its
 * configuration, so that `probe` with the same configuration finds it. Further processes of the same configuration get
 * numbers. */
#ifndef TIDEMARK_HTTP_MONITOR_H
#define TIDEMARK_HTTP_MONITOR_H

#include <stdint.h>

#include "http/health.h"
#include "http/listen.h"

struct monitor_place {
    const char *program;           /* "tidemark-speed" */
    const char *configuration;     /* path of the file */
    struct listen_address address; /* host NULL: the default */
};

struct monitor;

/* Errors are those of listen_open. What `health` holds outlives the monitor. */
bool monitor_start(const struct monitor_place *place, const struct health *health, struct monitor **ret_monitor,
                   struct error *error) MUST_CHECK;
const char *monitor_address(const struct monitor *monitor); /* "127.0.0.1:9101", "unix:///run/…" */
void monitor_stop(struct monitor *monitor);                 /* NULL is allowed */

/* True where a process of this configuration is alive, and each that is does its work; errors are those of
 * probe_ask. */
bool monitor_probe(const struct monitor_place *place, int64_t timeout_ms, struct error *error) MUST_CHECK;

#endif
