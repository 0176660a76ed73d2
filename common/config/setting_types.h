/* SPDX-License-Identifier: Apache-2.0
 * Types of settings that are Tidemark's own. */
#ifndef TIDEMARK_CONFIG_SETTING_TYPES_H
#define TIDEMARK_CONFIG_SETTING_TYPES_H

#include "config/options.h"

/* Targets:
 * setting_brokers       const char *, host:port and more of them with commas between
 * setting_group         const char *, what a consumer group may be called
 * setting_topic         const char *, the name behind kafka://
 * setting_prefix        const char *, what keys in Redis may begin with
 * setting_redis_url     const char *, and its struct location as the second target; looked at, and never repeated in an
 *                       error, for it may hold a password
 * setting_postgres_url  the same
 * setting_located_path  const char *, and its struct location as the second target
 * setting_origins       const char *const *, and size_t as the second target: "https://host:port", or "*"
 * setting_properties    struct property_list */
extern const struct option_type setting_brokers, setting_group, setting_topic, setting_prefix, setting_redis_url,
    setting_postgres_url, setting_located_path, setting_origins, setting_properties;

#endif
