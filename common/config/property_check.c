/* SPDX-License-Identifier: Apache-2.0
 * What another library says of the properties that are passed on to it, told where they stand in the file. */
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

bool settings_check_properties(const struct settings *settings, property_check *check, struct error *error)
{
    const struct property_list *list = &settings->kafka.properties;
    struct problems problems = {0};
    for (size_t i = 0; i < list->count; i++) {
        struct property_fault fault;
        if (!check(&list->entries[i], &fault))
            report_fault(&problems, &list->entries[i], &list->places[i], &fault);
    }
    return problems_report(&problems, settings->path, error);
}
