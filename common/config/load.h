/* SPDX-License-Identifier: Apache-2.0
 * From the file to its settings. */
#ifndef TIDEMARK_CONFIG_LOAD_H
#define TIDEMARK_CONFIG_LOAD_H

#include "config/settings.h"

/* Reads and checks the file. Errors are ERROR_CONFIGURATION, "file:line:column: message" (several at once are given one
 * a line, up to the size of the message). `${NAME}` and `${NAME:-default}` come from the environment. */
bool settings_load(const char *path, struct settings **ret_settings, struct error *error) MUST_CHECK;

#endif
