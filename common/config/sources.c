/* SPDX-License-Identifier: Apache-2.0
 * `sources:` of the file. */
#include <stddef.h>

#include "base/clock.h"
#include "config/assembly_steps.h"
#include "config/setting_types.h"
#include "config/words.h"

#define EVENT_TIME_NAME_MAX 100
#define DAY_US (SECONDS_PER_DAY * US_PER_SECOND)

/* A source as its keys say it, before it is checked as a whole. */
struct written_source {
    const char *topic, *dead_letter, *key, *event_time;
    size_t event_time_unit, on_duplicate, speed, batch;
    int64_t horizon_us, max_future_us, idle_after_us, breaker;
    const struct yaml_node *fields;
};

static const char *const on_duplicate_words[] = {"replace", "ignore", "none", NULL};
static const char *const layer_words[] = {"layer", "none", NULL};
static const char *const time_unit_words[] = {"rfc3339", "seconds", "milliseconds", "microseconds", NULL};

static const struct option event_time_options[] = {
    {.key = "field",
     .type = &option_text,
     .offset = offsetof(struct written_source, event_time),
     .required = true,
     .meaning = "The field of the message that holds the event time.",
     .example = "ordered_at"},
    {.key = "unit",
     .type = &option_word,
     .offset = offsetof(struct written_source, event_time_unit),
     .words = time_unit_words,
     .fallback = "rfc3339",
     .meaning = "RFC 3339 text, or a number of this unit since 1970 in UTC.",
     .example = "milliseconds"},
    {.key = NULL},
};

static bool is_printable(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7F)
            return false;
    return text.length > 0 && text.length <= EVENT_TIME_NAME_MAX;
}

static void read_event_time(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                            void *base)
{
    if (node->kind == YAML_MAP)
        options_read(reader, event_time_options, node, node->key->location, base);
    else if (!option_expect(reader, node, YAML_SCALAR, "the name of a field, or a map of \"field\" and \"unit\""))
        return;
    else
        *(const char **)(void *)((char *)base + option->offset) = reader_copy(reader, node->text);
}

static const struct option_type event_time_type = {.name = "name of a field, or a map", .read = read_event_time};

const struct option source_options[] = {
    {.key = "topic",
     .type = &setting_topic,
     .offset = offsetof(struct written_source, topic),
     .required = true,
     .meaning = "The Kafka topic that is followed. It must keep all messages: one with `compact` in its "
                "`cleanup.policy` is refused. "
                "No two sources may follow one topic.",
     .example = "kafka://orders"},
    {.key = "key",
     .type = &option_text,
     .offset = offsetof(struct written_source, key),
     .meaning =
         "The declared text field that identifies an order: messages with the same key are its versions, and have "
         "to be in one partition. Required unless `on_duplicate` is `none`.",
     .example = "order_id"},
    {.key = "event_time",
     .type = &event_time_type,
     .offset = offsetof(struct written_source, event_time),
     .required = true,
     .options = event_time_options,
     .meaning =
         "When it happened: the name of the field with RFC 3339 text, or a map that says the unit too. The field "
         "need not be declared under `fields`.",
     .example = "timestamp"},
    {.key = "on_duplicate",
     .type = &option_word,
     .offset = offsetof(struct written_source, on_duplicate),
     .words = on_duplicate_words,
     .fallback = "replace",
     .meaning =
         "Which version of an order counts: `replace` keeps the last in log order, `ignore` the first; `none` says "
         "that there are no versions, so that every message counts.",
     .example = "replace"},
    {.key = "speed",
     .type = &option_word,
     .offset = offsetof(struct written_source, speed),
     .words = layer_words,
     .fallback = "layer",
     .meaning =
         "`none` is batch alone: `tidemark-speed` leaves the topic alone, each batch run publishes up to the log's "
         "stable end, and what is answered is what is published. Where all sources say so, no Redis is needed. "
         "Bad messages are kept and listed, but not written to `dead_letter`, which the speed layer does.",
     .example = "none"},
    {.key = "batch",
     .type = &option_word,
     .offset = offsetof(struct written_source, batch),
     .words = layer_words,
     .fallback = "layer",
     .meaning =
         "`none` is stream alone (Kappa): there is no batch layer and no cut, and what is answered is what "
         "`tidemark-speed` keeps in Redis. Each view then needs a `retention`, and the topic has to keep what versions "
         "can still come for. Where all sources say so, no PostgreSQL is needed.",
     .example = "none"},
    {.key = "horizon",
     .type = &option_duration,
     .offset = offsetof(struct written_source, horizon_us),
     .minimum = 60 * US_PER_SECOND,
     .maximum = 3650 * DAY_US,
     .fallback = "48 hours",
     .meaning =
         "How far back the speed layer knows orders, by record time. A correction of an older order waits for the "
         "next batch run. Not of a source with `batch: none`, of which it knows all; with `speed: none` it does "
         "nothing.",
     .example = "7 days"},
    {.key = "max_future",
     .type = &option_duration,
     .offset = offsetof(struct written_source, max_future_us),
     .minimum = 0,
     .maximum = 365 * DAY_US,
     .fallback = "1 hour",
     .meaning = "A message whose event time is further than this after its record's time is bad.",
     .example = "10 minutes"},
    {.key = "idle_after",
     .type = &option_duration,
     .offset = offsetof(struct written_source, idle_after_us),
     .minimum = US_PER_SECOND,
     .maximum = 365 * DAY_US,
     .fallback = "1 minute",
     .meaning =
         "A partition that was read to its end, and in which nothing has come for so long, holds no view's "
         "`watermark` back: what comes next is taken to be no older than that. With `speed: none` it does nothing.",
     .example = "10 minutes"},
    {.key = "dead_letter",
     .type = &setting_topic,
     .offset = offsetof(struct written_source, dead_letter),
     .meaning = "The topic that bad messages go to, with the reason. Without it they are only counted.",
     .example = "kafka://orders-dead-letter"},
    {.key = "breaker",
     .type = &option_integer,
     .offset = offsetof(struct written_source, breaker),
     .minimum = 0,
     .maximum = 1000000,
     .fallback = "1000",
     .meaning =
         "A partition stops, with an alarm, when more than so many of its last two times so many messages are bad: "
         "then `fields` are wrong rather than the messages. 0 never stops.",
     .example = "100"},
    {.key = "fields",
     .type = &option_map,
     .offset = offsetof(struct written_source, fields),
     .required = true,
     .meaning =
         "The fields that views and the master dataset know: a name with `text`, `integer` or `decimal(n)`, where "
         "n is 0 to 3 digits after the point. A name is of letters, digits and `_`, at most 48, begins with a letter "
         "but not with `tm_`, and isn't one of PostgreSQL's system columns, such as `ctid`. Decimals are required in "
         "every message, the others may be null or absent.",
     .example = "{ order_id: text, amount: decimal(2) }"},
    {.key = NULL},
};

/* The type behind a field's name; false with the problem told. */
static bool read_field_type(struct assembly *assembly, const struct yaml_node *node, struct field *field)
{
    static const char *const types[] = {"text", "integer", "decimal(2)"};
    struct problems *problems = assembly->reader.problems;
    struct call call;
    if (!option_expect(&assembly->reader, node, YAML_SCALAR, "text, integer or decimal(n)"))
        return false;
    if (!call_parse(node->text, &call))
        call = (struct call){.word = node->text};
    bool is_decimal = text_equal(call.word, text_of("decimal"));
    bool is_digit = call.argument.length == 1 && call.argument.data[0] >= '0' && call.argument.data[0] <= '9';
    if (text_equal(node->text, text_of("text"))) {
        field->type = FIELD_TEXT;
    } else if (text_equal(node->text, text_of("integer"))) {
        field->type = FIELD_INTEGER;
    } else if (is_decimal && is_digit && call.argument.data[0] - '0' <= DECIMAL_SCALE_MAX) {
        field->type = FIELD_DECIMAL;
        field->scale = (unsigned)(call.argument.data[0] - '0');
    } else if (is_decimal) {
        problem_add(problems, node->location,
                    "a decimal has 0 to %d digits after the point, such as decimal(2): amounts have to fit 64 bits",
                    DECIMAL_SCALE_MAX);
        return false;
    } else {
        problem_add(problems, node->location, "expected text, integer or decimal(n), not%s%s",
                    option_shown(node).text[0] ? option_shown(node).text : " this",
                    option_suggest(node->text, types, 3).text);
        return false;
    }
    return true;
}

static bool check_field_name(struct assembly *assembly, const struct yaml_node *key)
{
    const char *why;
    if (!is_field_name(key->text))
        problem_add(assembly->reader.problems, key->location, "a field's name is of " FIELD_NAME_RULE);
    else if (is_taken_column(key->text, &why))
        problem_add(assembly->reader.problems, key->location, "%s", why);
    else
        return true;
    return false;
}

static void read_fields(struct assembly *assembly, const struct yaml_node *node, struct schema *schema)
{
    if (node->count > FIELDS_MAX) {
        problem_add(assembly->reader.problems, node->location, "at most %d fields", FIELDS_MAX);
        return;
    }
    struct field *fields = reader_allocate(&assembly->reader, node->count * sizeof *fields);
    for (const struct yaml_node *entry = node->first; entry && fields; entry = entry->next) {
        struct field *field = &fields[schema->field_count];
        if (!check_field_name(assembly, entry->key) || !read_field_type(assembly, entry, field))
            continue;
        field->name = reader_copy(&assembly->reader, entry->key->text);
        schema->field_count += field->name != NULL;
    }
    schema->fields = fields;
}

static void read_key(struct assembly *assembly, const struct written_source *written, const struct yaml_node *entry,
                     struct source *source)
{
    struct problems *problems = assembly->reader.problems;
    source->schema.key = FIELD_NONE;
    if (!written->key) {
        if (source->on_duplicate != ON_DUPLICATE_NONE && !yaml_find(entry, "key"))
            problem_add(problems, entry->key->location,
                        "\"key\" is missing: it tells which messages are versions of one order "
                        "(or say on_duplicate: none)");
        return;
    }
    struct location location = option_location(entry, "key");
    size_t key =
        assembly_find_field(assembly, &source->schema, text_of(written->key), yaml_find(entry, "key"), location);
    if (key != FIELD_NONE && source->schema.fields[key].type != FIELD_TEXT)
        problem_add(problems, location, "the key must be a text field");
    source->schema.key = key;
}

/* A name that can be printed in one line; and where it is declared as a field too, both declarations have to allow some
 * message. */
static void check_event_time(struct assembly *assembly, const struct yaml_node *entry, const struct schema *schema)
{
    struct text name = text_of(schema->event_time);
    if (!is_printable(name)) {
        problem_add(assembly->reader.problems, option_location(entry, "event_time"),
                    "the event time must be the name of a field, at most %d bytes", EVENT_TIME_NAME_MAX);
        return;
    }
    size_t number = schema_field(schema, name);
    if (number == FIELD_NONE)
        return;
    bool is_text = schema->fields[number].type == FIELD_TEXT;
    if (is_text != (schema->event_time_unit == TIME_RFC3339))
        problem_add(assembly->reader.problems, option_location(entry, "event_time"),
                    "the event time is %s, but the field is declared as %s", is_text ? "a number" : "RFC 3339 text",
                    is_text ? "text" : "a number");
}

/* What a source lacks that has one layer alone. */
static void check_layers(struct assembly *assembly, const struct yaml_node *entry, const struct source *source)
{
    struct problems *problems = assembly->reader.problems;
    if (source->is_batch_alone && source->is_stream_alone)
        problem_add(problems, option_location(entry, "batch"),
                    "with speed: none and batch: none nothing would be computed: leave one of them out");
    if (source->is_stream_alone && yaml_find(entry, "horizon"))
        problem_add(problems, option_location(entry, "horizon"),
                    "there is no horizon with batch: none: without a batch layer to correct what is older, the index "
                    "knows every order, within speed.index_memory; leave it out");
}

static void read_source(struct assembly *assembly, const struct yaml_node *entry, struct source *source)
{
    struct written_source written = {0};
    if (!option_expect(&assembly->reader, entry, YAML_MAP, "a map that describes the source"))
        return;
    options_read(&assembly->reader, source_options, entry, entry->key->location, &written);
    source->name = reader_copy(&assembly->reader, entry->key->text);
    source->topic = written.topic;
    source->dead_letter = written.dead_letter;
    source->on_duplicate = (enum on_duplicate)written.on_duplicate;
    source->is_batch_alone = written.speed > 0;
    source->is_stream_alone = written.batch > 0;
    check_layers(assembly, entry, source);
    source->horizon_us = written.horizon_us;
    source->idle_after_us = written.idle_after_us;
    source->breaker = written.breaker;
    source->schema.event_time = written.event_time;
    source->schema.event_time_unit = (enum time_unit)written.event_time_unit;
    source->schema.max_future_us = written.max_future_us;
    size_t before = assembly->reader.problems->count;
    if (!written.fields)
        return;
    read_fields(assembly, written.fields, &source->schema);
    if (assembly->reader.problems->count > before)
        return;
    read_key(assembly, &written, entry, source);
    if (source->schema.event_time)
        check_event_time(assembly, entry, &source->schema);
}

/* Consumer groups assign partitions by topic, and what is written to a dead-letter topic must not come back. */
static void check_topics(struct assembly *assembly)
{
    const struct yaml_node *entry = assembly->sources_node->first;
    for (size_t i = 0; i < assembly->settings.source_count; i++, entry = entry->next) {
        const struct source *source = &assembly->sources[i];
        for (size_t j = 0; j < assembly->settings.source_count; j++) {
            const struct source *other = &assembly->sources[j];
            if (j < i && source->topic && other->topic && strcmp(source->topic, other->topic) == 0)
                problem_add(assembly->reader.problems, option_location(entry, "topic"),
                            "the source \"%s\" follows this topic already", other->name);
            if (source->dead_letter && other->topic && strcmp(source->dead_letter, other->topic) == 0)
                problem_add(assembly->reader.problems, option_location(entry, "dead_letter"),
                            "the source \"%s\" follows this topic: bad messages would come back", other->name);
        }
    }
}

static bool allocate_sources(struct assembly *assembly, size_t count)
{
    assembly->sources = reader_allocate(&assembly->reader, count * sizeof *assembly->sources);
    assembly->source_is_broken = reader_allocate(&assembly->reader, count * sizeof *assembly->source_is_broken);
    if (!assembly->sources || !assembly->source_is_broken)
        return false;
    assembly->settings.sources = assembly->sources;
    assembly->settings.source_count = count;
    return true;
}

void sources_assemble(struct assembly *assembly)
{
    const struct yaml_node *map = assembly->sources_node;
    struct problems *problems = assembly->reader.problems;
    if (!map)
        return;
    if (map->count == 0 || map->count > SOURCES_MAX) {
        problem_add(problems, map->location, map->count ? "at most %d sources" : "at least one source is needed",
                    SOURCES_MAX);
        return;
    }
    if (!allocate_sources(assembly, map->count))
        return;
    size_t number = 0;
    for (const struct yaml_node *entry = map->first; entry; entry = entry->next, number++) {
        size_t before = problems->count;
        if (assembly_check_name(assembly, entry))
            read_source(assembly, entry, &assembly->sources[number]);
        assembly->source_is_broken[number] = problems->count > before;
    }
    if (!problems->memory_is_short)
        check_topics(assembly);
}
