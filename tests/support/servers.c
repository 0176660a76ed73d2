/* SPDX-License-Identifier: Apache-2.0 */
#include "servers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
    fprintf(stderr, "test servers: %s\n", what);
    exit(99);
}

static void command(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void command(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (system(line) != 0)
        fail(line);
}

static pid_t spawn(const char *folder, const char *const arguments[])
{
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        char log[128];
        snprintf(log, sizeof log, "%s/log", folder);
        int descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        dup2(descriptor, 1);
        dup2(descriptor, 2);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    return pid;
}

/* Waits until `probe` succeeds as a shell command, or the server has died. */
static void wait_until(struct server *server, const char *probe)
{
    for (int attempt = 0; attempt < 1200; attempt++) {
        if (system(probe) == 0)
            return;
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            fail("the server ended at once; see its log");
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    fail(probe);
}

static void folder_make(struct server *server, const char *kind)
{
    snprintf(server->folder, sizeof server->folder, "/tmp/tidemark-test-%s-XXXXXX", kind);
    if (!mkdtemp(server->folder))
        fail("mkdtemp");
    chmod(server->folder, 0755);
}

static void redis_launch(struct server *server, const char *const extra[])
{
    char socket[100];
    snprintf(socket, sizeof socket, "%s/redis.sock", server->folder);
    const char *arguments[32] = {"redis-server", "--port", "0", "--unixsocket", socket, "--dir",
                                 server->folder, "--save", "",  "--appendonly", "no"};
    size_t count = 11;
    for (size_t i = 0; extra && extra[i] && count < 31; i++)
        arguments[count++] = extra[i];
    server->pid = spawn(server->folder, arguments);
    char probe[256];
    snprintf(probe, sizeof probe, "redis-cli -s %s ping 2>/dev/null | grep -q PONG", socket);
    wait_until(server, probe);
}

void redis_server_start(struct server *server, const char *const arguments[])
{
    folder_make(server, "redis");
    snprintf(server->url, sizeof server->url, "unix://%s/redis.sock", server->folder);
    redis_launch(server, arguments);
}

void redis_server_kill(struct server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
}

void redis_server_restart(struct server *server, const char *const arguments[])
{
    redis_launch(server, arguments);
}

void postgres_server_start(struct server *server)
{
    folder_make(server, "pg");
    const char *as = geteuid() == 0 ? "runuser -u postgres --" : "env";
    if (geteuid() == 0)
        command("chown postgres %s", server->folder);
    command("PATH=\"$PATH:$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)\"; cd %s && "
            "%s $(command -v initdb) -D %s/data -U tidemark -E UTF8 --locale=C -A trust >%s/initdb.log 2>&1",
            server->folder, as, server->folder, server->folder);
    char line[600];
    snprintf(line, sizeof line,
             "cd %s && exec %s $(ls -d /usr/lib/postgresql/*/bin | tail -n 1)/postgres -D %s/data -k %s "
             "-c listen_addresses= -c fsync=off",
             server->folder, as, server->folder, server->folder);
    const char *arguments[] = {"sh", "-c", line, NULL};
    server->pid = spawn(server->folder, arguments);
    char probe[256];
    snprintf(probe, sizeof probe, "psql -h %s -U tidemark -d postgres -qtc 'select 1' >/dev/null 2>&1", server->folder);
    wait_until(server, probe);
    command("psql -h %s -U tidemark -d postgres -qc 'create database tidemark template template0' >/dev/null",
            server->folder);
    snprintf(server->url, sizeof server->url, "host=%s user=tidemark dbname=tidemark", server->folder);
}

void server_stop(struct server *server)
{
    if (server->pid > 0) {
        /* PostgreSQL under runuser: the postmaster is a child, and INT is its fast shutdown. */
        char line[256];
        snprintf(line, sizeof line, "test -s %s/data/postmaster.pid && kill -INT $(head -n 1 %s/data/postmaster.pid)",
                 server->folder, server->folder);
        if (system(line) != 0)
            kill(server->pid, SIGTERM);
        waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }
    char line[100];
    snprintf(line, sizeof line, "rm -rf %s", server->folder);
    if (system(line) != 0)
        fail(line);
}
