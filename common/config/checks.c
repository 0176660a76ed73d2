/* SPDX-License-Identifier: Apache-2.0 */
#include "config/checks.h"

#include <string.h>

#include "config/problems.h"

static bool repeats_environment(const struct property_list *list, const char *reason)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->locations[i].is_expanded && strstr(reason, list->entries[i].value))
            return true;
    return false;
}

/* A name may be a misplaced password, and a value from the environment a secret: what would repeat one isn't told. */
static void report_fault(struct problems *problems, const struct property_list *list, size_t number,
                         const struct property_fault *fault)
{
    const struct property_location *location = &list->locations[number];
    bool name_is_plain = shown_name(text_of(list->entries[number].name)).text[0] != '\0';
    bool may_be_told = name_is_plain && !repeats_environment(list, fault->reason);
    const char *plainly = fault->is_unknown ? "no such property" : "invalid value";
    problem_add(problems, fault->is_unknown ? location->name : location->value, "librdkafka: %s",
                may_be_told ? fault->reason : plainly);
}

static void check_properties(const struct property_list *list, property_check *check, struct problems *problems)
{
    for (size_t i = 0; i < list->count; i++) {
        struct property_fault fault;
        if (!check(&list->entries[i], &fault))
            report_fault(problems, list, i, &fault);
    }
}

/* Only where each is fine alone, for the reason would be the same. */
static void check_together(const struct property_list *list, properties_check *check, struct problems *problems)
{
    size_t number;
    struct property_fault fault;
    if (list->count > 0 && problems->count == 0 && !check(list->entries, list->count, &number, &fault))
        report_fault(problems, list, number, &fault);
}

static void check_url(const char *url, struct location location, bool (*check)(const char *, struct error *),
                      struct problems *problems)
{
    struct error error = {0};
    if (check(url, &error))
        return;
    problems->memory_is_short |= error.code == ERROR_INTERNAL;
    problem_add(problems, location, "%s", error.message);
}

static void check_certificate(const struct settings *settings, const struct settings_checks *checks,
                              struct problems *problems)
{
    struct error error = {0};
    bool key_is_wrong;
    if (checks->certificate(settings->http.tls.certificate, settings->http.tls.key, &key_is_wrong, &error))
        return;
    problems->memory_is_short |= error.code == ERROR_INTERNAL;
    problem_add(problems, key_is_wrong ? settings->http.tls.key_location : settings->http.tls.certificate_location,
                "%s", error.message);
}

bool settings_check(const struct settings *settings, const struct settings_checks *checks, struct error *error)
{
    struct problems problems = {0};
    if (checks->kafka_property)
        check_properties(&settings->kafka.properties, checks->kafka_property, &problems);
    if (checks->kafka_properties)
        check_together(&settings->kafka.properties, checks->kafka_properties, &problems);
    if (checks->redis_url)
        check_url(settings->redis.url, settings->redis.url_location, checks->redis_url, &problems);
    if (checks->postgres_url)
        check_url(settings->postgres.url, settings->postgres.url_location, checks->postgres_url, &problems);
    if (checks->certificate && settings->http.tls.certificate)
        check_certificate(settings, checks, &problems);
    return problems_report(&problems, settings->path, error) && (!checks->files || checks->files(settings, error));
}
