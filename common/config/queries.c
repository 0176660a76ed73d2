/* SPDX-License-Identifier: Apache-2.0
 * Jobs that run a query: what their keys mean together. */
#include "config/assembly_steps.h"
#include "config/statement.h"

/* The text as it is run, with the problem told where that can't be. */
static bool read_statement(struct assembly *assembly, const struct yaml_node *node, const char *key,
                           struct statement_rules rules, struct query *query, const char **ret_sql)
{
    struct day_statement statement;
    struct error error = {0};
    size_t position = 0;
    if (!statement_read(node->text, rules, assembly->reader.arena, &statement, &position, &error)) {
        error_context(&error, "\"%s\"", key);
        assembly_problem(assembly, yaml_location_at(node, position), &error);
        return false;
    }
    query->has_day |= statement.has_day;
    *ret_sql = statement.sql;
    return true;
}

static void read_replace(struct assembly *assembly, const struct yaml_node *entry, const struct written_query *written,
                         struct query *query)
{
    struct problems *problems = assembly->reader.problems;
    struct text schema;
    if (!written->table && !written->where) {
        if (!written->is_repeatable)
            problem_add(problems, entry->key->location,
                        "a query that runs once more must not add twice: give \"replace: { table: …, where: \\\"date = "
                        ":date\\\" }\", or \"repeatable: true\" where that changes nothing");
        return;
    }
    if (!written->table || !written->where) {
        problem_add(problems, option_location(entry, "replace"),
                    "\"replace\" needs both \"table\" and \"where\": which rows of it are the day's");
        return;
    }
    if (!table_name_read(written->table->text, &schema))
        problem_add(problems, written->table->location,
                    "\"table\" is a name as in SQL, such as analytics.daily_revenue");
    query->table = reader_copy(&assembly->reader, written->table->text);
    const struct statement_rules rules = {.is_condition = true, .takes_clocks = written->takes_clocks};
    if (!read_statement(assembly, written->where, "where", rules, query, &query->where))
        query->where = "";
}

/* What `create` makes, so that it can be seen whether it is there. */
static void read_create(struct assembly *assembly, const struct yaml_node *node, struct query *query)
{
    struct text name, schema;
    struct query unused = {0};
    if (!read_statement(assembly, node, "create", (struct statement_rules){.takes_clocks = true}, &unused,
                        &query->create))
        return;
    if (unused.has_day)
        problem_add(assembly->reader.problems, node->location, "\"create\" makes the table once, and is of no day");
    if (!created_table_find(node->text, &name) || !table_name_read(name, &schema)) {
        problem_add(assembly->reader.problems, node->location,
                    "\"create\" has to be a statement CREATE TABLE name (…)");
        return;
    }
    query->created = reader_copy(&assembly->reader, name);
    query->schema = schema.length ? reader_copy(&assembly->reader, schema) : NULL;
}

static void find_reads(struct assembly *assembly, const struct yaml_node *statement, struct query *query)
{
    size_t count = assembly->settings.source_count;
    struct query_read *reads = reader_allocate(&assembly->reader, count * sizeof *reads);
    for (size_t i = 0; reads && i < count; i++) {
        const struct source *source = &assembly->sources[i];
        if (!source->name)
            continue;
        bool is_raw = statement_names_table(query->statement, "raw", source->name);
        bool is_named = is_raw || statement_names_table(query->statement, "live", source->name);
        if (is_named && assembly_check_batch_layer(assembly, statement, source))
            reads[query->read_count++] = (struct query_read){source, is_raw};
    }
    query->reads = reads;
}

void query_read(struct assembly *assembly, const struct yaml_node *entry, const struct written_query *written,
                struct query *ret_query)
{
    const struct statement_rules rules = {.takes_clocks = written->takes_clocks};
    ret_query->location = written->statement->location;
    if (!read_statement(assembly, written->statement, "query", rules, ret_query, &ret_query->statement))
        return;
    read_replace(assembly, entry, written, ret_query);
    if (written->create)
        read_create(assembly, written->create, ret_query);
    find_reads(assembly, written->statement, ret_query);
}
