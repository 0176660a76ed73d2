/* SPDX-License-Identifier: Apache-2.0 */
#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096 /* that wait to be accepted; the kernel may allow fewer */
#define SOCKET_KIND (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

bool listen_is_path(const struct listen_address *address)
{
    return *address->host == '/';
}

static bool fill_path(const char *path, struct sockaddr_un *ret_address, struct error *error)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof ret_address->sun_path)
        return error_set(error, ERROR_CONFIGURATION, "the path of a unix socket has at most %zu bytes: %s",
                         sizeof ret_address->sun_path - 1, path);
    memcpy(ret_address->sun_path, path, strlen(path) + 1);
    return true;
}

static bool connect_to(int descriptor, const struct sockaddr *address, socklen_t size)
{
    return connect(descriptor, address, size) == 0 || errno == EINPROGRESS || errno == EAGAIN;
}

/* What else has this name, also a link to a socket, is somebody's. */
static bool is_socket(const char *path)
{
    struct stat state;
    return lstat(path, &state) == 0 && S_ISSOCK(state.st_mode);
}

/* True where nobody listens any more at this socket, which is in the file system. */
static bool is_left_behind(const struct sockaddr_un *address)
{
    int descriptor = socket(AF_UNIX, SOCKET_KIND, 0);
    bool refused = descriptor >= 0 && !connect_to(descriptor, (const struct sockaddr *)address, sizeof *address) &&
                   errno == ECONNREFUSED;
    if (descriptor >= 0)
        close(descriptor);
    return refused;
}

static int bind_and_listen(int family, const struct sockaddr *address, socklen_t size)
{
    int descriptor = socket(family, SOCKET_KIND, 0), on = 1;
    if (descriptor < 0)
        return -1;
    if (family != AF_UNIX)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(descriptor, address, size) == 0 && listen(descriptor, BACKLOG) == 0)
        return descriptor;
    int cause = errno;
    close(descriptor);
    errno = cause;
    return -1;
}

/* The lock on the folder lets nobody else look at the socket between its binding and its listening. */
static int lock_folder(const char *path)
{
    char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    int descriptor = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0)
        flock(descriptor, LOCK_EX);
    return descriptor;
}

static bool open_path(const char *path, int *ret_descriptor, struct error *error)
{
    struct sockaddr_un address;
    if (!fill_path(path, &address, error))
        return false;
    int folder = lock_folder(path), descriptor = -1;
    if (folder >= 0) {
        descriptor = bind_and_listen(AF_UNIX, (struct sockaddr *)&address, sizeof address);
        if (descriptor < 0 && errno == EADDRINUSE) {
            if (!is_socket(path))
                errno = EEXIST;
            else if (is_left_behind(&address) && unlink(path) == 0)
                descriptor = bind_and_listen(AF_UNIX, (struct sockaddr *)&address, sizeof address);
            else
                errno = EADDRINUSE;
        }
    }
    int cause = errno;
    if (folder >= 0)
        close(folder);
    if (descriptor < 0)
        return error_set(error, ERROR_UNAVAILABLE, "can't listen at unix://%s: %s", path, strerror(cause));
    *ret_descriptor = descriptor;
    return true;
}

static bool look_up(const struct listen_address *address, int flags, struct addrinfo **ret_addresses,
                    struct error *error)
{
    char port[16];
    bool every = *address->host == '\0' || strcmp(address->host, "*") == 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    snprintf(port, sizeof port, "%d", address->port);
    int failed = getaddrinfo(every ? NULL : address->host, port, &hints, ret_addresses);
    return !failed || error_set(error, ERROR_CONFIGURATION, "can't listen at %s:%d: %s", address->host, address->port,
                                gai_strerror(failed));
}

bool listen_open(const struct listen_address *address, int *ret_descriptor, struct error *error)
{
    struct addrinfo *addresses = NULL;
    int descriptor = -1;
    if (listen_is_path(address))
        return open_path(address->host, ret_descriptor, error);
    if (!look_up(address, AI_PASSIVE, &addresses, error))
        return false;
    for (const struct addrinfo *at = addresses; at && descriptor < 0; at = at->ai_next)
        descriptor = bind_and_listen(at->ai_family, at->ai_addr, at->ai_addrlen);
    int cause = errno;
    freeaddrinfo(addresses);
    if (descriptor < 0)
        return error_set(error, ERROR_UNAVAILABLE, "can't listen at %s:%d: %s", address->host, address->port,
                         strerror(cause));
    *ret_descriptor = descriptor;
    return true;
}

int listen_port(int descriptor)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &size) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return address.ss_family == AF_INET ? ntohs(((struct sockaddr_in *)&address)->sin_port) : 0;
}

static const char *loopback_of(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

static int connect_at(int family, const struct sockaddr *address, socklen_t size)
{
    int descriptor = socket(family, SOCKET_KIND, 0);
    if (descriptor >= 0 && connect_to(descriptor, address, size))
        return descriptor;
    int cause = errno;
    if (descriptor >= 0)
        close(descriptor);
    errno = cause;
    return -1;
}

bool listen_connect(const struct listen_address *address, int *ret_descriptor, struct error *error)
{
    struct sockaddr_un path;
    struct addrinfo *addresses = NULL;
    const struct listen_address asked = {loopback_of(address->host), address->port};
    int descriptor = -1;
    if (listen_is_path(address)) {
        if (!fill_path(address->host, &path, error))
            return false;
        descriptor = connect_at(AF_UNIX, (struct sockaddr *)&path, sizeof path);
    } else if (look_up(&asked, 0, &addresses, error)) {
        for (const struct addrinfo *at = addresses; at && descriptor < 0; at = at->ai_next)
            descriptor = connect_at(at->ai_family, at->ai_addr, at->ai_addrlen);
    } else {
        return false;
    }
    int cause = errno;
    if (addresses)
        freeaddrinfo(addresses);
    if (descriptor < 0)
        return error_set(error, ERROR_UNAVAILABLE, "%s", strerror(cause));
    *ret_descriptor = descriptor;
    return true;
}
