/* SPDX-License-Identifier: Apache-2.0
 * What other libraries say of the settings that are passed on to them, told where they stand in the file. */
#include <string.h>

#include "config/problems.h"
#include "config/settings.h"

/* False where the reason would repeat a name that may be a misplaced password, or a value from the environment. */
static bool may_be_told(const struct property *property, const struct property_place *place,
                        const struct property_fault *fault)
{
    bool name_is_plain = shown_name(text_of(property->name)).text[0] != '\0';
    bool hides_value = place->is_expanded && strstr(fault->reason, property->value);
    return name_is_plain && !hides_value;
}

static void report_fault(struct problems *problems, const struct property *property, const struct property_place *place,
                         const struct property_fault *fault)
{
    const char *plainly = fault->is_unknown ? "no such property" : "invalid value";
    problem_add(problems, fault->is_unknown ? place->name : place->value, "librdkafka: %s",
                may_be_told(property, place, fault) ? fault->reason : plainly);
}

static void check_properties(const struct property_list *list, property_check *check, struct problems *problems)
{
    for (size_t i = 0; i < list->count; i++) {
        struct property_fault fault;
        if (!check(&list->entries[i], &fault))
            report_fault(problems, &list->entries[i], &list->places[i], &fault);
    }
}

static void check_url(const char *url, struct place place, bool (*check)(const char *, struct error *),
                      struct problems *problems)
{
    struct error error = {0};
    if (check(url, &error))
        return;
    problems->memory_is_short |= error.code == ERROR_INTERNAL;
    problem_add(problems, place, "%s", error.message);
}

bool settings_check(const struct settings *settings, const struct settings_checks *checks, struct error *error)
{
    struct problems problems = {0};
    if (checks->kafka_property)
        check_properties(&settings->kafka.properties, checks->kafka_property, &problems);
    if (checks->redis_url)
        check_url(settings->redis.url, settings->redis.url_place, checks->redis_url, &problems);
    if (checks->postgres_url)
        check_url(settings->postgres.url, settings->postgres.url_place, checks->postgres_url, &problems);
    return problems_report(&problems, settings->path, error);
}
