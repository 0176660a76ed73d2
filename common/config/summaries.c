/* SPDX-License-Identifier: Apache-2.0
 * Jobs that summarise files: what their keys mean together. */
#include <stddef.h>

#include "base/clock.h"
#include "config/assembly_steps.h"
#include "config/words.h"

struct written_join {
    const struct yaml_node *read, *on;
};

const char *const summary_engine_words[] = {"duckdb", "native", "spark", NULL};

const struct option summary_join_options[] = {
    {.key = "read",
     .type = &option_scalar,
     .offset = offsetof(struct written_join, read),
     .required = true,
     .meaning = "A folder of files, in which `{date}` stands for the day; or `postgres://schema.table`, a table of the "
                "configured database.",
     .example = "lake/silver/products/"},
    {.key = "on",
     .type = &option_scalar,
     .offset = offsetof(struct written_join, on),
     .required = true,
     .meaning =
         "The text or integer field by which rows belong together, a column of both. Two rows of the folder with "
         "one value are an error; an order without a row, or without a value, has nulls.",
     .example = "product_id"},
    {.key = NULL},
};

static void read_joins(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                       void *base)
{
    if (!option_expect(reader, node, YAML_LIST, "a list of joins"))
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next)
        if (!option_expect(reader, item, YAML_MAP, "a join: a map of \"read\" and \"on\""))
            return;
    *(const struct yaml_node **)(void *)((char *)base + option->offset) = node;
}

const struct option_type summary_joins_type = {.name = "list of joins", .read = read_joins};

/* --- Folders and tables ------------------------------------------------------------------------------------------ */

/* What stands behind postgres:// is a schema and a table: no host, and nothing that is said of one. */
static const char *read_table(struct assembly *assembly, const struct yaml_node *node, struct text table)
{
    const char *dot = memchr(table.data, '.', table.length);
    bool is_table = dot && dot > table.data && dot + 1 < table.data + table.length &&
                    strcspn(table.data, "/:@?#") == table.length && !strchr(dot + 1, '.');
    if (is_table)
        return reader_copy(&assembly->reader, table);
    problem_add(assembly->reader.problems, node->location,
                "postgres:// names a table of the configured database, as postgres://schema.table, and no host");
    return NULL;
}

/* --- The view ---------------------------------------------------------------------------------------------------- */

static bool find_view(struct assembly *assembly, const struct yaml_node *name, struct summary *summary)
{
    const char *known[SOURCES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < assembly->settings.source_count; i++) {
        const struct source *source = &assembly->sources[i];
        for (size_t j = 0; j < source_shown_count(source); j++) {
            const struct view *view = &source->views[j];
            if (view->shown)
                continue;
            if (view->name && text_equal(name->text, text_of(view->name))) {
                summary->source = source;
                summary->view = view;
                return true;
            }
            if (view->name && count < SOURCES_MAX)
                known[count++] = view->name;
        }
    }
    /* Where views or sources are wrong that is told already. */
    if (assembly->reader.problems->count == 0)
        problem_add(assembly->reader.problems, name->location, "unknown view%s%s",
                    name->expanded ? "" : shown_reference(name->text).text,
                    option_suggest(name->text, known, count).text);
    return false;
}

static void check_window(struct assembly *assembly, const struct yaml_node *name, const struct view *view)
{
    const struct zone *zone = assembly->settings.zone;
    if (view->window.length_s != SECONDS_PER_DAY || view_merges_panes(view))
        problem_add(assembly->reader.problems, name->location,
                    "the window of a view that files are summarised by has to be \"tumbling 1 day\"");
    else if (view->zone && zone && strcmp(zone_name(view->zone), zone_name(zone)) != 0)
        problem_add(assembly->reader.problems, name->location,
                    "the view's days are those of %s, and the business day is of the file's \"time_zone\", %s",
                    zone_name(view->zone), zone_name(zone));
}

static void check_columns(struct assembly *assembly, const struct yaml_node *name, const struct view *view)
{
    const char *columns[FIELDS_MAX + DIMENSIONS_MAX + MEASURES_MAX];
    size_t count = 0, fields;
    for (size_t i = 0; i < view->schema->field_count; i++)
        columns[count++] = view->schema->fields[i].name;
    fields = count;
    for (size_t i = 0; i < view->dimension_count; i++)
        columns[count++] = view->schema->fields[view->dimensions[i]].name;
    for (size_t i = 0; i < view->measure_count; i++)
        columns[count++] = view->measures[i].name;
    job_columns_check(assembly, name, columns, fields);
    job_columns_check(assembly, name, columns + fields, count - fields);
}

static void read_partitions(struct assembly *assembly, const struct yaml_node *list, struct summary *summary)
{
    const struct view *view = summary->view;
    struct problems *problems = assembly->reader.problems;
    const char *known[DIMENSIONS_MAX];
    for (size_t i = 0; i < view->dimension_count; i++)
        known[i] = view->schema->fields[view->dimensions[i]].name;
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        size_t number = 0;
        while (number < view->dimension_count && !text_equal(item->text, text_of(known[number])))
            number++;
        bool is_double = false;
        for (size_t i = 0; i < summary->partition_count; i++)
            is_double |= summary->partition_by[i] == number;
        if (number == view->dimension_count)
            problem_add(problems, item->location, "\"partition_by\" has dimensions of the view, and%s is none%s",
                        shown_reference(item->text).text,
                        option_suggest(item->text, known, view->dimension_count).text);
        else if (is_double)
            problem_add(problems, item->location, "the dimension \"%s\" is given twice", known[number]);
        else
            summary->partition_by[summary->partition_count++] = number;
    }
}

static void read_join(struct assembly *assembly, const struct yaml_node *item, const struct schema *schema,
                      struct summary_join *join)
{
    struct written_join written = {0};
    options_read(&assembly->reader, summary_join_options, item, item->location, &written);
    struct text table;
    join->is_table = written.read && text_after(written.read->text, "postgres://", &table);
    if (join->is_table)
        join->read = read_table(assembly, written.read, table);
    else if (written.read)
        join->read = job_path_read(assembly, written.read, "read", false);
    if (!written.on)
        return;
    join->on = assembly_find_field(assembly, schema, written.on->text, written.on, written.on->location);
    if (join->on != FIELD_NONE && schema->fields[join->on].type == FIELD_DECIMAL)
        problem_add(assembly->reader.problems, written.on->location, "\"on\" needs a text or integer field");
}

static void read_all_joins(struct assembly *assembly, const struct yaml_node *list, struct summary *summary)
{
    if (list->count > JOINS_MAX) {
        problem_add(assembly->reader.problems, list->location, "at most %d joins", JOINS_MAX);
        return;
    }
    struct summary_join *joins = reader_allocate(&assembly->reader, list->count * sizeof *joins);
    for (const struct yaml_node *item = list->first; item && joins; item = item->next)
        read_join(assembly, item, &summary->source->schema, &joins[summary->join_count++]);
    summary->joins = joins;
}

static void read_paths(struct assembly *assembly, const struct yaml_node *entry, const struct written_summary *written,
                       struct summary *summary)
{
    struct problems *problems = assembly->reader.problems;
    if (!written->read && !yaml_find(entry, "read"))
        problem_add(problems, entry->key->location, "\"read\" is missing: the folder of the day's files");
    if (!written->write && !yaml_find(entry, "write"))
        problem_add(problems, entry->key->location, "\"write\" is missing: the folder that the summary goes to");
    if (written->read)
        summary->read = job_path_read(assembly, written->read, "read", true);
    if (written->write)
        summary->write = job_path_read(assembly, written->write, "write", true);
    if (summary->read && summary->write && job_paths_meet(summary->read, summary->write))
        problem_add(problems, option_location(entry, "write"),
                    "\"write\" is the folder that is read, or one in it or around it: name a folder beside it");
    for (size_t i = 0; i < summary->join_count; i++)
        if (summary->write && summary->joins[i].read && !summary->joins[i].is_table &&
            job_paths_meet(summary->joins[i].read, summary->write))
            problem_add(problems, option_location(entry, "write"),
                        "\"write\" is a folder that is joined, or one in it or around it: name a folder beside it");
}

static void read_engine(struct assembly *assembly, const struct yaml_node *entry, const struct written_summary *written,
                        struct summary *summary)
{
    static const enum summary_engine_choice choices[] = {SUMMARY_BY_DUCKDB, SUMMARY_BY_NATIVE, SUMMARY_BY_SPARK};
    if (!yaml_find(entry, "engine"))
        return;
    summary->engine = choices[written->engine];
    summary->engine_location = option_location(entry, "engine");
    if (summary->engine == SUMMARY_BY_NATIVE && written->joins)
        problem_add(assembly->reader.problems, summary->engine_location,
                    "the engine native reads NDJSON and CSV without joins: say duckdb, or leave \"engine\" out");
}

static void check_tables(struct assembly *assembly, const struct summary *summary)
{
    for (size_t i = 0; i < summary->join_count && summary->engine == SUMMARY_BY_SPARK; i++)
        if (summary->joins[i].is_table)
            problem_add(assembly->reader.problems, summary->engine_location,
                        "the engine spark joins folders of Parquet and no tables: say duckdb, or leave \"engine\" out");
}

void summary_read(struct assembly *assembly, const struct yaml_node *entry, const struct written_summary *written,
                  struct summary *ret_summary)
{
    read_engine(assembly, entry, written, ret_summary);
    ret_summary->version = written->version;
    ret_summary->allow_empty = written->allow_empty;
    if (!find_view(assembly, written->view, ret_summary))
        return;
    check_window(assembly, written->view, ret_summary->view);
    check_columns(assembly, written->view, ret_summary->view);
    if (written->joins)
        read_all_joins(assembly, written->joins, ret_summary);
    check_tables(assembly, ret_summary);
    if (written->partition_by)
        read_partitions(assembly, written->partition_by, ret_summary);
    read_paths(assembly, entry, written, ret_summary);
}
