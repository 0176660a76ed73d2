/* SPDX-License-Identifier: Apache-2.0
 * The bytes of a configuration file: read whole, with a ceiling, and known to be text before anything parses them. */
#ifndef TIDEMARK_CONFIG_CONFIG_FILE_H
#define TIDEMARK_CONFIG_CONFIG_FILE_H

#include "base/arena.h"
#include "base/error.h"
#include "config/problems.h"

#define CONFIG_FILE_MAX ((size_t)1 << 20)

/* Reads the whole file into the arena. ERROR_CONFIGURATION, "path: reason", where it can't be read or is longer than
 * CONFIG_FILE_MAX; ERROR_INTERNAL where memory is short. A byte-order mark of UTF-8 is left away. */
bool config_file_read(const char *path, struct arena *arena, struct text *ret_text, struct error *error) MUST_CHECK;

/* Reads the first line of a file that holds a secret, without its line end. False with *ret_reason, a static text or
 * one of strerror(), where that fails or the line is empty or longer than SECRET_MAX; NULL where memory is short. NULL
 * in *ret_secret with true is never given. */
#define SECRET_MAX 4096
bool secret_file_read(const char *path, struct arena *arena, const char **ret_secret,
                      const char **ret_reason) MUST_CHECK;

/* True where the text is UTF-8 without control characters except tab and line ends, and without
 * a byte-order mark inside; else adds the problem. */
bool config_text_check(struct text text, struct problems *problems) MUST_CHECK;

/* How many characters the text, valid UTF-8, has. */
size_t utf8_count(struct text text);

#endif
