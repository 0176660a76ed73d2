/* SPDX-License-Identifier: Apache-2.0 */
#include "config/assembly.h"

#include "config/words.h"

void assembly_problem(struct assembly *assembly, struct location location, const struct error *error)
{
    if (error->code == ERROR_INTERNAL)
        assembly->reader.problems->memory_is_short = true;
    problem_add(assembly->reader.problems, location, "%s", error->message);
}

bool assembly_open_zone(struct assembly *assembly, const char *name, struct location location,
                        const struct zone **ret_zone)
{
    struct error error = {0};
    if (zone_list_open(&assembly->settings.zones, &assembly->settings.arena, name, ret_zone, &error))
        return true;
    assembly_problem(assembly, location, &error);
    return false;
}

bool assembly_check_name(struct assembly *assembly, const struct yaml_node *entry)
{
    if (is_name(entry->key->text))
        return true;
    problem_add(assembly->reader.problems, entry->key->location, "a name is of " NAME_RULE);
    return false;
}

size_t assembly_find_source(struct assembly *assembly, const struct yaml_node *name)
{
    const char *known[SOURCES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < assembly->settings.source_count; i++) {
        const char *candidate = assembly->sources[i].name;
        if (candidate && text_equal(name->text, text_of(candidate)))
            return i;
        if (candidate)
            known[count++] = candidate;
    }
    if (assembly->settings.source_count > 0)
        problem_add(assembly->reader.problems, name->location, "unknown source%s%s",
                    name->expanded ? "" : shown_reference(name->text).text,
                    option_suggest(name->text, known, count).text);
    return SIZE_MAX;
}

/* What was probably meant by the name of a field that isn't declared, or "". */
static struct suggestion suggest_field(const struct schema *schema, struct text name)
{
    const char *known[FIELDS_MAX];
    for (size_t i = 0; i < schema->field_count; i++)
        known[i] = schema->fields[i].name;
    struct suggestion suggestion = option_suggest(name, known, schema->field_count);
    const char *advice = "";
    if (name.length > 0 && name.data[0] == '$')
        advice = "; a variable of the environment is written ${NAME}";
    else if (name.length > 0 && strcspn(name.data, "*+/()") < name.length)
        advice = "; a declared field is expected, nothing is calculated";
    if (!suggestion.text[0])
        (void)snprintf(suggestion.text, sizeof suggestion.text, "%s", advice);
    return suggestion;
}

size_t assembly_find_field(struct assembly *assembly, const struct schema *schema, struct text name,
                           const struct yaml_node *node, struct location location)
{
    size_t number = schema_field(schema, name);
    if (number != FIELD_NONE)
        return number;
    struct shown shown = node->expanded ? shown_name(name) : shown_reference(name);
    problem_add(assembly->reader.problems, location, "unknown field%s%s", shown.text, suggest_field(schema, name).text);
    return FIELD_NONE;
}

bool assembly_check_batch_layer(struct assembly *assembly, const struct yaml_node *node, const struct source *source)
{
    if (source->is_stream_alone)
        problem_add(assembly->reader.problems, node->location,
                    "the source \"%s\" says batch: none, so no job has anything of it: leave that line out of the "
                    "source, or this out of the job",
                    source->name);
    return !source->is_stream_alone;
}
