/* SPDX-License-Identifier: Apache-2.0
 * `detectors:` of the file. */
#include <stddef.h>

#include "base/clock.h"
#include "config/assembly_steps.h"
#include "config/quantity.h"
#include "config/setting_types.h"
#include "detect/alert.h"

#define MS_US INT64_C(1000)
#define DAY_US (SECONDS_PER_DAY * US_PER_SECOND)
#define MIB (INT64_C(1) << 20)
#define TIB (INT64_C(1) << 40)
#define DEAD_LETTERS "dead-letters" /* the group of their marks is named as a detector's would be */

struct written_velocity {
    const struct yaml_node *by;
    int64_t more_than, within_us;
};

struct written_rule {
    const struct yaml_node *velocity, *when, *message;
};

struct written_detector {
    const struct yaml_node *source, *rules;
    const char *alerts;
    size_t from;
    int64_t lateness_us, memory_bytes;
};

static const char *const from_words[] = {"end", "beginning", NULL};

static void set_node(const struct option *option, const struct yaml_node *node, void *base)
{
    *(const struct yaml_node **)(void *)((char *)base + option->offset) = node;
}

static void read_by(struct option_reader *reader, const struct option *option, const struct yaml_node *node, void *base)
{
    if (node->kind == YAML_LIST)
        option_list.read(reader, option, node, base);
    else if (option_expect(reader, node, YAML_SCALAR, "the name of a field, or a list of names"))
        set_node(option, node, base);
}

static const struct option_type by_type = {.name = "name of a field, or a list", .read = read_by};

static const struct option velocity_options[] = {
    {.key = "by",
     .type = &by_type,
     .offset = offsetof(struct written_velocity, by),
     .required = true,
     .meaning = "Text or integer fields, one to four: transactions with the same values are counted together, and have "
                "to be in one partition. Where one is null the rule doesn't apply.",
     .example = "customer_id"},
    {.key = "more_than",
     .type = &option_integer,
     .offset = offsetof(struct written_velocity, more_than),
     .minimum = 1,
     .maximum = MORE_THAN_MAX,
     .required = true,
     .meaning = "A transaction is alerted when it is one of more than so many.",
     .example = "5"},
    {.key = "within",
     .type = &option_duration,
     .offset = offsetof(struct written_velocity, within_us),
     .minimum = MS_US,
     .maximum = 30 * DAY_US,
     .required = true,
     .meaning = "The length of the window, which slides with each transaction and ends with it, by event time.",
     .example = "5 minutes"},
    {.key = NULL},
};

static const struct option rule_options[] = {
    {.key = "velocity",
     .type = &option_map,
     .offset = offsetof(struct written_rule, velocity),
     .options = velocity_options,
     .meaning = "Too many transactions in a sliding window. A rule has either this or `when`.",
     .example = "{ by: customer_id, more_than: 5, within: 5 minutes }"},
    {.key = "when",
     .type = &option_scalar,
     .offset = offsetof(struct written_rule, when),
     .meaning = "An expression, as a view's `where`: a transaction for which it is true is alerted.",
     .example = "amount > 10000"},
    {.key = "message",
     .type = &option_scalar,
     .offset = offsetof(struct written_rule, message),
     .required = true,
     .meaning = "What the alert says. Declared fields in braces stand for their values, in a velocity rule `{count}`, "
                "`{more_than}` and `{within}` too; `{{` is a brace.",
     .example = "\"Large transaction: {amount}\""},
    {.key = NULL},
};

static void read_rules(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                       void *base)
{
    if (!option_expect(reader, node, YAML_LIST, "a list of rules"))
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next)
        if (!option_expect(reader, item, YAML_MAP, "a rule: a map of \"velocity\" or \"when\", and \"message\""))
            return;
    set_node(option, node, base);
}

static const struct option_type rules_type = {.name = "list of rules", .read = read_rules};

const struct option detector_options[] = {
    {.key = "source",
     .type = &option_scalar,
     .offset = offsetof(struct written_detector, source),
     .required = true,
     .meaning = "The source whose messages are judged; its `on_duplicate` is `none` or `ignore`.",
     .example = "transactions"},
    {.key = "alerts",
     .type = &setting_topic,
     .offset = offsetof(struct written_detector, alerts),
     .required = true,
     .meaning = "The topic that alerts go to. It is made where it isn't there.",
     .example = "kafka://fraud-alerts"},
    {.key = "from",
     .type = &option_word,
     .offset = offsetof(struct written_detector, from),
     .words = from_words,
     .fallback = "end",
     .meaning = "Where a first start begins to judge.",
     .example = "beginning"},
    {.key = "lateness",
     .type = &option_duration,
     .offset = offsetof(struct written_detector, lateness_us),
     .minimum = 0,
     .maximum = 7 * DAY_US,
     .fallback = "1 minute",
     .meaning = "How far behind the latest event time of its partition a transaction may come and still count for "
                "velocity rules.",
     .example = "5 minutes"},
    {.key = "memory",
     .type = &option_size,
     .offset = offsetof(struct written_detector, memory_bytes),
     .minimum = MIB,
     .maximum = TIB,
     .fallback = "256 MiB",
     .meaning = "Ceiling of what a process keeps of transactions for this detector. A partition that would exceed it "
                "stops, with an alarm, until it is started with more.",
     .example = "2 GiB"},
    {.key = "rules",
     .type = &rules_type,
     .offset = offsetof(struct written_detector, rules),
     .required = true,
     .options = rule_options,
     .meaning = "What is alerted: one to 16 rules, judged in their order; each alerts at most once for a transaction.",
     .example = "[{ when: amount > 10000, message: \"Large transaction: {amount}\" }]"},
    {.key = NULL},
};

/* --- Rules ------------------------------------------------------------------------------------------------------- */

static void add_by_field(struct assembly *assembly, const struct schema *schema, const struct yaml_node *name,
                         struct rule *rule)
{
    struct problems *problems = assembly->reader.problems;
    size_t field = assembly_find_field(assembly, schema, name->text, name, name->location);
    if (field == FIELD_NONE)
        return;
    if (schema->fields[field].type == FIELD_DECIMAL)
        problem_add(problems, name->location, "\"by\" needs text or integer fields");
    for (size_t i = 0; i < rule->by_count; i++)
        if (rule->by[i] == field)
            problem_add(problems, name->location, "the field \"%s\" is given twice", schema->fields[field].name);
    if (rule->by_count == BY_FIELDS_MAX)
        problem_add(problems, name->location, "\"by\" has at most %d fields", BY_FIELDS_MAX);
    else
        rule->by[rule->by_count++] = field;
}

static void read_by_fields(struct assembly *assembly, const struct schema *schema, const struct yaml_node *by,
                           struct rule *rule)
{
    if (by->kind == YAML_SCALAR) {
        add_by_field(assembly, schema, by, rule);
        return;
    }
    if (by->count == 0)
        problem_add(assembly->reader.problems, by->location, "\"by\" must not be empty");
    for (const struct yaml_node *item = by->first; item && rule->by_count < BY_FIELDS_MAX + 1; item = item->next)
        add_by_field(assembly, schema, item, rule);
}

static void read_velocity(struct assembly *assembly, const struct schema *schema, const struct yaml_node *node,
                          struct rule *rule, struct velocity_words *words)
{
    struct written_velocity written = {0};
    struct buffer within = {0};
    options_read(&assembly->reader, velocity_options, node, node->key->location, &written);
    if (written.by)
        read_by_fields(assembly, schema, written.by, rule);
    rule->more_than = written.more_than;
    rule->within_us = written.within_us;
    buffer_append_quantity(&within, written.within_us, duration_units);
    assembly->reader.problems->memory_is_short |= within.failed;
    *words = (struct velocity_words){written.more_than, reader_copy(&assembly->reader, buffer_text(&within))};
    buffer_clean_up(&within);
}

static void read_when(struct assembly *assembly, const struct schema *schema, const struct yaml_node *node,
                      struct rule *rule)
{
    size_t position = 0;
    struct error error = {0};
    if (!expression_compile(node->text, schema, &assembly->settings.arena, &rule->when, &position, &error))
        assembly_problem(assembly, yaml_location_at(node, position), &error);
}

static void read_message(struct assembly *assembly, const struct schema *schema, const struct yaml_node *node,
                         const struct velocity_words *words, struct rule *rule)
{
    size_t position = 0;
    struct error error = {0};
    if (node->text.length == 0)
        problem_add(assembly->reader.problems, node->location, "\"message\" must not be empty");
    else if (!rule_message_compile(node->text, schema, words, &assembly->settings.arena, &rule->message, &position,
                                   &error))
        assembly_problem(assembly, yaml_location_at(node, position), &error);
}

static void read_rule(struct assembly *assembly, const struct schema *schema, const struct yaml_node *item,
                      struct rule *rule)
{
    struct written_rule written = {0};
    struct velocity_words words = {0};
    size_t before = assembly->reader.problems->count;
    options_read(&assembly->reader, rule_options, item, item->location, &written);
    if (assembly->reader.problems->count > before)
        return;
    if (!written.velocity == !written.when) {
        problem_add(assembly->reader.problems, item->location, "a rule has either \"velocity\" or \"when\"");
        return;
    }
    if (written.velocity)
        read_velocity(assembly, schema, written.velocity, rule, &words);
    else
        read_when(assembly, schema, written.when, rule);
    if (words.within || written.when)
        read_message(assembly, schema, written.message, written.velocity ? &words : NULL, rule);
}

static void read_all_rules(struct assembly *assembly, const struct yaml_node *list, struct detector *detector)
{
    if (list->count == 0 || list->count > RULES_MAX) {
        problem_add(assembly->reader.problems, list->location,
                    list->count ? "at most %d rules" : "at least one rule is needed", RULES_MAX);
        return;
    }
    struct rule *rules = reader_allocate(&assembly->reader, list->count * sizeof *rules);
    for (const struct yaml_node *item = list->first; item && rules; item = item->next)
        read_rule(assembly, &detector->source->schema, item, &rules[detector->rule_count++]);
    detector->rules = rules;
}

/* --- Detectors --------------------------------------------------------------------------------------------------- */

static void check_source(struct assembly *assembly, const struct yaml_node *entry, const struct source *source)
{
    struct problems *problems = assembly->reader.problems;
    struct location location = option_location(entry, "source");
    if (source->on_duplicate == ON_DUPLICATE_REPLACE)
        problem_add(problems, location,
                    "a detector judges each message once: the source \"%s\" has to have \"on_duplicate\" none or "
                    "ignore, not replace",
                    source->name);
    if (source->is_batch_alone)
        problem_add(problems, location,
                    "a detector reads in tidemark-speed, which leaves the source \"%s\" alone: take its line "
                    "\"speed: none\" away",
                    source->name);
    for (size_t i = 0; alert_members[i]; i++)
        if (schema_field(&source->schema, text_of(alert_members[i])) != FIELD_NONE ||
            strcmp(source->schema.event_time, alert_members[i]) == 0)
            problem_add(problems, location, "the source has a field \"%s\", which is an alert's own", alert_members[i]);
}

static void check_alerts(struct assembly *assembly, const struct yaml_node *entry, const char *topic)
{
    for (size_t i = 0; i < assembly->settings.source_count; i++) {
        const struct source *source = &assembly->sources[i];
        if (source->topic && strcmp(source->topic, topic) == 0)
            problem_add(assembly->reader.problems, option_location(entry, "alerts"),
                        "the source \"%s\" follows this topic", source->name);
        if (source->dead_letter && strcmp(source->dead_letter, topic) == 0)
            problem_add(assembly->reader.problems, option_location(entry, "alerts"),
                        "the bad messages of the source \"%s\" go to this topic", source->name);
    }
}

static void read_detector(struct assembly *assembly, const struct yaml_node *entry, struct detector *detector)
{
    struct written_detector written = {0};
    if (!assembly_check_name(assembly, entry) ||
        !option_expect(&assembly->reader, entry, YAML_MAP, "a map that describes the detector"))
        return;
    if (text_equal(entry->key->text, text_of(DEAD_LETTERS)))
        problem_add(assembly->reader.problems, entry->key->location, "a detector can't be named \"" DEAD_LETTERS "\"");
    options_read(&assembly->reader, detector_options, entry, entry->key->location, &written);
    size_t source = written.source ? assembly_find_source(assembly, written.source) : SIZE_MAX;
    if (source == SIZE_MAX || assembly->source_is_broken[source])
        return;
    *detector = (struct detector){.name = reader_copy(&assembly->reader, entry->key->text),
                                  .source = &assembly->sources[source],
                                  .alerts = written.alerts,
                                  .from_beginning = written.from == 1,
                                  .lateness_us = written.lateness_us,
                                  .memory_bytes = written.memory_bytes};
    check_source(assembly, entry, detector->source);
    if (written.alerts)
        check_alerts(assembly, entry, written.alerts);
    if (written.rules)
        read_all_rules(assembly, written.rules, detector);
    if (assembly->reader.problems->count == 0 && !assembly->reader.problems->memory_is_short)
        assembly->reader.problems->memory_is_short |= !detector_fingerprint(detector);
}

void detectors_assemble(struct assembly *assembly)
{
    const struct yaml_node *map = assembly->detectors_node;
    if (!map)
        return;
    if (map->count > DETECTORS_MAX) {
        problem_add(assembly->reader.problems, map->location, "at most %d detectors", DETECTORS_MAX);
        return;
    }
    struct detector *detectors = reader_allocate(&assembly->reader, map->count * sizeof *detectors);
    size_t number = 0;
    for (const struct yaml_node *entry = map->first; entry && detectors; entry = entry->next)
        read_detector(assembly, entry, &detectors[number++]);
    assembly->settings.detectors = detectors;
    assembly->settings.detector_count = number;
}
