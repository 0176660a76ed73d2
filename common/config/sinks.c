/* SPDX-License-Identifier: Apache-2.0
 * `emit:` of the views: where their rows go in micro-batches. */
#include <stddef.h>

#include "base/clock.h"
#include "config/assembly_steps.h"
#include "config/words.h"

#define SINKS_MAX 256
#define EVERY_LEAST_US (10 * INT64_C(1000))
#define PLACE_NAME_MAX 63 /* of schemas and tables, as PostgreSQL has it */

struct written_sink {
    const struct yaml_node *to;
    int64_t every_us;
    size_t mode, wait_for;
};

enum { MODE_UPDATE, MODE_APPEND };
enum { WAIT_FOR_COMPLETE, WAIT_FOR_DATA };
static const char *const mode_words[] = {"update", "append", NULL};
static const char *const wait_for_words[] = {"complete", "data", NULL};

const struct option sink_options[] = {
    {.key = "to",
     .type = &option_scalar,
     .offset = offsetof(struct written_sink, to),
     .required = true,
     .meaning = "Where rows go: `console`, `kafka://TOPIC`, `postgres://SCHEMA.TABLE` of the configured database, or "
                "`redis://PREFIX/NAME`, the hash with the key `PREFIX:NAME` in the configured Redis. A topic, table or "
                "hash is written by one entry of all views.",
     .example = "redis://live-metrics/revenue"},
    {.key = "every",
     .type = &option_duration,
     .offset = offsetof(struct written_sink, every_us),
     .minimum = EVERY_LEAST_US,
     .maximum = SECONDS_PER_DAY * US_PER_SECOND,
     .fallback = "1 second",
     .meaning = "How often a state of the view is taken, and what changed since the last is written. The first is "
                "taken at once.",
     .example = "30 seconds"},
    {.key = "mode",
     .type = &option_word,
     .offset = offsetof(struct written_sink, mode),
     .words = mode_words,
     .fallback = "update",
     .meaning =
         "`update` writes the rows that changed. `append` (`console` and Kafka, of a view with `watermark`) "
         "writes each row once it is final, once; where it changes afterwards it comes again with `\"revision\": "
         "2` and so on, and where it vanishes with `\"removed\": true`.",
     .example = "append"},
    {.key = "wait_for",
     .type = &option_word,
     .offset = offsetof(struct written_sink, wait_for),
     .words = wait_for_words,
     .fallback = "complete",
     .meaning = "What a state has to be to be taken: `complete`, or `data`, which may lack messages that are deferred "
                "to the next batch run; what is written with the rows says so.",
     .example = "data"},
    {.key = NULL},
};

static void read_sinks(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                       void *base)
{
    if (!option_expect(reader, node, YAML_LIST, "a list of sinks"))
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next)
        if (!option_expect(reader, item, YAML_MAP, "a sink, such as { to: console, every: 30 seconds }"))
            return;
    *(const struct yaml_node **)(void *)((char *)base + option->offset) = node;
}

const struct option_type sinks_type = {.name = "list of sinks", .read = read_sinks};

/* --- Targets ----------------------------------------------------------------------------------------------------- */

static bool is_of(struct text text, const char *characters, size_t length_max)
{
    for (size_t i = 0; i < text.length; i++)
        if (!memchr(characters, text.data[i], strlen(characters)))
            return false;
    return text.length > 0 && text.length <= length_max;
}

static bool is_sql_name(struct text text)
{
    return is_of(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789", PLACE_NAME_MAX) &&
           !(text.data[0] >= '0' && text.data[0] <= '9');
}

/* What stands before and behind the first `separator`; false where there is none. */
static bool split(struct text text, char separator, struct text *ret_first, struct text *ret_second)
{
    const char *at = text.length ? memchr(text.data, separator, text.length) : NULL;
    if (!at)
        return false;
    *ret_first = (struct text){text.data, (size_t)(at - text.data)};
    *ret_second = (struct text){at + 1, text.length - ret_first->length - 1};
    return true;
}

/* Whose topic it is already, or NULL. */
static const char *owner_of_topic(const struct assembly *assembly, const char *topic)
{
    for (size_t i = 0; i < assembly->settings.source_count; i++) {
        const struct source *source = &assembly->sources[i];
        if (source->topic && strcmp(source->topic, topic) == 0)
            return "a source reads this topic";
        if (source->dead_letter && strcmp(source->dead_letter, topic) == 0)
            return "dead letters go to this topic";
    }
    for (size_t i = 0; i < assembly->settings.detector_count; i++)
        if (strcmp(assembly->settings.detectors[i].alerts, topic) == 0)
            return "alerts go to this topic";
    return NULL;
}

static bool read_topic(struct assembly *assembly, const struct yaml_node *to, struct text topic, struct sink *sink)
{
    struct location location = yaml_location_at(to, (size_t)(topic.data - to->text.data));
    sink->kind = SINK_KAFKA;
    sink->name = reader_copy(&assembly->reader, topic);
    const char *owner = sink->name && is_topic_name(topic) ? owner_of_topic(assembly, sink->name) : NULL;
    if (!is_topic_name(topic))
        problem_add(assembly->reader.problems, location,
                    "a topic's name is of letters, digits, \".\", \"_\" and \"-\", at most %d", TOPIC_NAME_MAX);
    else if (owner)
        problem_add(assembly->reader.problems, location, "%s: name another one, that nobody else writes", owner);
    else
        return sink->name != NULL;
    return false;
}

static bool is_own_schema(struct text schema)
{
    static const char *const own[] = {"tidemark", "raw", "view", "information_schema", NULL};
    bool is_own = schema.length >= 3 && memcmp(schema.data, "pg_", 3) == 0;
    for (size_t i = 0; own[i]; i++)
        is_own |= text_equal(schema, text_of(own[i]));
    return is_own;
}

static bool read_table(struct assembly *assembly, const struct yaml_node *to, struct text place, struct sink *sink)
{
    struct location location = yaml_location_at(to, (size_t)(place.data - to->text.data));
    struct text schema, table;
    sink->kind = SINK_POSTGRES;
    if (!split(place, '.', &schema, &table) || !is_sql_name(schema) || !is_sql_name(table)) {
        problem_add(assembly->reader.problems, location,
                    "expected postgres://SCHEMA.TABLE, both of letters, digits and \"_\", not beginning with a digit, "
                    "at most %d; the database is the configured one",
                    PLACE_NAME_MAX);
        return false;
    }
    if (is_own_schema(schema)) {
        problem_add(assembly->reader.problems, location,
                    "the schema \"%.*s\" isn't for tables of yours: name another, which is made where it isn't there",
                    (int)schema.length, schema.data);
        return false;
    }
    sink->space = reader_copy(&assembly->reader, schema);
    sink->name = reader_copy(&assembly->reader, table);
    return sink->space && sink->name;
}

static bool read_hash(struct assembly *assembly, const struct yaml_node *to, struct text place, struct sink *sink)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    struct location location = yaml_location_at(to, (size_t)(place.data - to->text.data));
    const char *own = assembly->settings.redis.name_space;
    struct text prefix, name;
    sink->kind = SINK_REDIS;
    if (!split(place, '/', &prefix, &name) || !is_of(prefix, allowed, TOPIC_NAME_MAX) ||
        !is_of(name, allowed, TOPIC_NAME_MAX)) {
        problem_add(assembly->reader.problems, location,
                    "expected redis://PREFIX/NAME, both of letters, digits, \"_\", \".\" and \"-\"; the server is the "
                    "configured one, and the hash has the key PREFIX:NAME");
        return false;
    }
    if (own && text_equal(prefix, text_of(own))) {
        problem_add(assembly->reader.problems, location,
                    "keys that begin with \"%s:\" are the platform's own (redis.namespace): name another prefix", own);
        return false;
    }
    if (!settings_have_redis(&assembly->settings)) {
        problem_add(assembly->reader.problems, location,
                    "no source has a speed layer, and no Redis is configured: name it as redis.url, or another sink");
        return false;
    }
    sink->space = reader_copy(&assembly->reader, prefix);
    sink->name = reader_copy(&assembly->reader, name);
    return sink->space && sink->name;
}

static bool read_target(struct assembly *assembly, const struct yaml_node *to, struct sink *sink)
{
    struct text place;
    sink->to = reader_copy(&assembly->reader, to->text);
    if (text_equal(to->text, text_of("console")))
        return sink->to != NULL;
    if (text_after(to->text, "kafka://", &place))
        return read_topic(assembly, to, place, sink);
    if (text_after(to->text, "postgres://", &place))
        return read_table(assembly, to, place, sink);
    if (text_after(to->text, "redis://", &place))
        return read_hash(assembly, to, place, sink);
    static const char *const known[] = {"console"};
    problem_add(assembly->reader.problems, to->location,
                "expected console, kafka://TOPIC, postgres://SCHEMA.TABLE or redis://PREFIX/NAME%s",
                option_suggest(to->text, known, 1).text);
    return false;
}

/* --- Entries ----------------------------------------------------------------------------------------------------- */

static bool check_mode(struct assembly *assembly, const struct yaml_node *entry, const struct sink *sink)
{
    struct location location = option_location(entry, "mode");
    struct problems *problems = assembly->reader.problems;
    if (!sink->appends)
        return true;
    if (sink->kind == SINK_POSTGRES || sink->kind == SINK_REDIS)
        problem_add(problems, location,
                    "append is of console and Kafka: what a table or a hash holds are the rows as they are now, so "
                    "mode: update");
    else if (sink->view && sink->view->watermark_us == 0)
        problem_add(problems, location,
                    "append writes rows once they are final: give the view a \"watermark\", which says when, or "
                    "mode: update");
    else if (sink->takes_deferred)
        problem_add(problems, option_location(entry, "wait_for"),
                    "no row is final while messages are deferred, so that append would wait all the same: "
                    "wait_for: complete");
    else
        return true;
    return false;
}

static bool is_taken(const struct settings *settings, const struct sink *sink)
{
    for (size_t i = 0; sink->kind != SINK_CONSOLE && i < settings->sink_count; i++)
        if (strcmp(settings->sinks[i].to, sink->to) == 0)
            return true;
    return false;
}

static bool read_sink(struct assembly *assembly, const struct yaml_node *entry, struct sink *sink)
{
    struct written_sink written = {0};
    options_read(&assembly->reader, sink_options, entry, entry->location, &written);
    sink->every_us = written.every_us;
    sink->appends = written.mode == MODE_APPEND;
    sink->takes_deferred = written.wait_for == WAIT_FOR_DATA;
    if (!written.to || !read_target(assembly, written.to, sink) || !check_mode(assembly, entry, sink))
        return false;
    if (!is_taken(&assembly->settings, sink))
        return true;
    problem_add(assembly->reader.problems, written.to->location,
                "another entry writes to this target: give each a topic, table or hash of its own");
    return false;
}

static void read_list(struct assembly *assembly, const struct yaml_node *list, const char *view, struct sink sinks[])
{
    struct settings *settings = &assembly->settings;
    for (const struct yaml_node *entry = list->first; entry; entry = entry->next) {
        struct sink sink = {0};
        sink.view = settings_view(settings, text_of(view), &sink.source);
        if (entry->kind != YAML_MAP || !read_sink(assembly, entry, &sink))
            continue;
        sink.view = settings_view(settings, text_of(view), &sink.source);
        if (sink.kind == SINK_POSTGRES && sink.source && sink.source->is_stream_alone) {
            problem_add(assembly->reader.problems, yaml_find(entry, "to")->location,
                        "the source \"%s\" says batch: none, and is answered without PostgreSQL: give console, "
                        "kafka://TOPIC or redis://PREFIX/NAME",
                        sink.source->name);
            continue;
        }
        if (settings->sink_count == SINKS_MAX) {
            problem_add(assembly->reader.problems, entry->location, "at most %d sinks", SINKS_MAX);
            return;
        }
        sinks[settings->sink_count++] = sink;
    }
}

void sinks_assemble(struct assembly *assembly)
{
    const struct yaml_node *views = assembly->views_node;
    struct sink *sinks = reader_allocate(&assembly->reader, SINKS_MAX * sizeof *sinks);
    if (!sinks || !views)
        return;
    assembly->settings.sinks = sinks;
    for (const struct yaml_node *view = views->first; view; view = view->next) {
        const struct yaml_node *list = view->kind == YAML_MAP ? yaml_find(view, "emit") : NULL;
        if (list && list->kind == YAML_LIST)
            read_list(assembly, list, view->key->text.data, sinks);
    }
}
