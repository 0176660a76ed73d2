/* SPDX-License-Identifier: Apache-2.0
 * The serving layer: follows PostgreSQL and Redis, and answers over HTTP what both say together. */
#ifndef TIDEMARK_SERVING_SERVING_H
#define TIDEMARK_SERVING_SERVING_H

#include "config/settings.h"

/* Serves until a shutdown is requested; the exit code. */
int serving_run(const struct settings *settings);

/* Whether http.tls can be served with these files: see struct settings_checks. */
bool serving_check_certificate(const char *certificate, const char *key, bool *ret_key_is_wrong,
                               struct error *error) MUST_CHECK;
/* True where other files that the settings name are right. */
bool serving_check_files(const struct settings *settings, struct error *error) MUST_CHECK;

/* Asks the one that runs with this configuration whether it does its work; the exit code is 0 or 1. */
int serving_probe(const struct settings *settings);

#endif
