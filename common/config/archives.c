/* SPDX-License-Identifier: Apache-2.0
 * Jobs that archive a source's messages: what their keys mean together. */
#include "config/assembly_steps.h"

static void check_columns(struct assembly *assembly, const struct yaml_node *source, const struct schema *schema)
{
    const char *columns[FIELDS_MAX + 4] = {"timestamp", "tm_partition", "tm_offset", "tm_live"};
    for (size_t i = 0; i < schema->field_count; i++)
        columns[4 + i] = schema->fields[i].name;
    job_columns_check(assembly, source, columns, 4 + schema->field_count);
}

void archive_read(struct assembly *assembly, const struct yaml_node *entry, const struct yaml_node *source,
                  const struct yaml_node *write, struct archive *ret_archive)
{
    struct problems *problems = assembly->reader.problems;
    size_t number = assembly_find_source(assembly, source);
    if (!write && !yaml_find(entry, "write"))
        problem_add(problems, entry->key->location, "\"write\" is missing: the folder that the day's messages go to");
    if (write)
        ret_archive->write = job_path_read(assembly, write, "write", true);
    if (number == SIZE_MAX || !assembly_check_batch_layer(assembly, source, &assembly->sources[number]))
        return;
    ret_archive->source = &assembly->sources[number];
    check_columns(assembly, source, &ret_archive->source->schema);
    const char *field = schema_day_field(&ret_archive->source->schema);
    if (field)
        problem_add(
            problems, source->location,
            "an archive has each message's event time as the column timestamp, by whose date its days are told, "
            "and the source has a field \"%s\": leave it out of \"fields\" (event_time may name a field that isn't "
            "declared)",
            field);
}
