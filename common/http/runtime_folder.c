/* SPDX-License-Identifier: Apache-2.0 */
#include "http/runtime_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NULL where it isn't an absolute path. Of several that systemd names it is the first. */
static const char *folder_from(const char *name)
{
    const char *value = getenv(name);
    return value && *value == '/' ? value : NULL;
}

void runtime_folder_append(struct buffer *out)
{
    const char *given = folder_from("RUNTIME_DIRECTORY"), *user = folder_from("XDG_RUNTIME_DIR");
    if (given)
        buffer_append(out, given, strcspn(given, ":"));
    else if (geteuid() == 0)
        buffer_append_string(out, "/run/tidemark");
    else if (user)
        buffer_appendf(out, "%s/tidemark", user);
    else
        buffer_appendf(out, "/tmp/tidemark-%u", (unsigned)geteuid());
}

bool runtime_folder_make(const char *path, struct error *error)
{
    struct stat found;
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return error_set(error, ERROR_UNAVAILABLE, "can't make the folder %s: %s", path, strerror(errno));
    if (lstat(path, &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != geteuid())
        return error_set(error, ERROR_UNAVAILABLE, "%s isn't a folder of this user", path);
    if (access(path, W_OK) != 0)
        return error_set(error, ERROR_UNAVAILABLE, "can't write to the folder %s: %s", path, strerror(errno));
    return true;
}
