/* SPDX-License-Identifier: Apache-2.0
 * Private servers for tests: each in a temporary folder, on a unix socket only, ended by its process id. */
#ifndef TIDEMARK_TESTS_SERVERS_H
#define TIDEMARK_TESTS_SERVERS_H

#include <sys/types.h>

struct server {
    pid_t pid;
    char folder[64]; /* removed when it is stopped */
    char url[256];   /* as in the configuration */
};

/* redis-server, with these extra arguments (NULL-ended, may be NULL). Ends the test program where it can't start. */
void redis_server_start(struct server *server, const char *const arguments[]);
void redis_server_kill(struct server *server);                                   /* SIGKILL; the folder stays */
void redis_server_restart(struct server *server, const char *const arguments[]); /* in the same folder */

/* A PostgreSQL cluster of its own (initdb, run as user postgres where the test runs as root), database "tidemark". */
void postgres_server_start(struct server *server);

void server_stop(struct server *server);

#endif
