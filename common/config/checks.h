/* SPDX-License-Identifier: Apache-2.0
 * What other libraries say of the settings that are passed on to them. */
#ifndef TIDEMARK_CONFIG_CHECKS_H
#define TIDEMARK_CONFIG_CHECKS_H

#include "config/settings.h"

/* They connect to nothing, and what isn't given (NULL) isn't asked. */
struct settings_checks {
    property_check *kafka_property;
    properties_check *kafka_properties;
    bool (*redis_url)(const char *url, struct error *error);
    bool (*postgres_url)(const char *url, struct error *error);
    /* The files that http.tls names; where they are refused, *ret_key_is_wrong says which. */
    bool (*certificate)(const char *certificate, const char *key, bool *ret_key_is_wrong, struct error *error);
    bool (*files)(const struct settings *settings, struct error *error); /* others that the settings name */
};

/* Asks them. Errors are those of settings_load, told where the setting stands in the file. */
bool settings_check(const struct settings *settings, const struct settings_checks *checks,
                    struct error *error) MUST_CHECK;

#endif
