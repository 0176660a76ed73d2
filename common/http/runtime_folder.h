/* SPDX-License-Identifier: Apache-2.0
 * Where a program keeps sockets for as long as it runs: $RUNTIME_DIRECTORY, which systemd sets; /run/tidemark of root;
 * $XDG_RUNTIME_DIR/tidemark; else a folder of this user's own in /tmp. */
#ifndef TIDEMARK_HTTP_RUNTIME_FOLDER_H
#define TIDEMARK_HTTP_RUNTIME_FOLDER_H

#include "base/buffer.h"
#include "base/error.h"

/* Appends the path, without a slash behind it. */
void runtime_folder_append(struct buffer *out);

/* Makes the folder where it isn't there. ERROR_UNAVAILABLE where it can't be made or written to, or belongs to
 * somebody else. */
bool runtime_folder_make(const char *path, struct error *error) MUST_CHECK;

#endif
