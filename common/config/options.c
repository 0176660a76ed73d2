/* SPDX-License-Identifier: Apache-2.0 */
#include "config/options.h"

#include <assert.h>

#include "base/spelling.h"

struct location option_location(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *value = yaml_find(map, key);
    if (value)
        return value->location;
    return map->key ? map->key->location : map->location;
}

struct shown option_shown(const struct yaml_node *node)
{
    return node->expanded ? (struct shown){""} : shown_name(node->text);
}

bool option_expect(struct option_reader *reader, const struct yaml_node *node, enum yaml_kind kind, const char *wanted)
{
    static const char *const kinds[] = {"a single value", "a list", "a map"};
    bool is_absent = yaml_is_null(node) && node->text.length == 0;
    if (yaml_is_null(node))
        problem_add(reader->problems, is_absent && node->key ? node->key->location : node->location,
                    "expected %s, but nothing is given", wanted);
    else if (node->kind != kind)
        problem_add(reader->problems, node->location, "expected %s, not %s", wanted, kinds[node->kind]);
    else
        return true;
    return false;
}

struct suggestion option_suggest(struct text word, const char *const candidates[], size_t count)
{
    struct suggestion suggestion = {""};
    char copy[64];
    if (word.length >= sizeof copy || word.length == 0)
        return suggestion;
    memcpy(copy, word.data, word.length);
    copy[word.length] = '\0';
    const char *near = nearest_word(copy, candidates, count);
    if (near)
        (void)snprintf(suggestion.text, sizeof suggestion.text, "; did you mean \"%s\"?", near);
    return suggestion;
}

const char *reader_copy(struct option_reader *reader, struct text text)
{
    const char *copy = arena_copy(reader->arena, text);
    if (!copy)
        reader->problems->memory_is_short = true;
    return copy;
}

void *reader_allocate(struct option_reader *reader, size_t size)
{
    void *memory = arena_allocate(reader->arena, size);
    if (!memory)
        reader->problems->memory_is_short = true;
    return memory;
}

static const struct option *find_option(const struct option options[], struct text key)
{
    for (; options->key; options++)
        if (text_equal(key, text_of(options->key)))
            return options;
    return NULL;
}

static void report_unknown(struct option_reader *reader, const struct option options[], const struct yaml_node *key)
{
    const char *known[OPTIONS_MAX];
    size_t count = 0;
    for (; options[count].key; count++) {
        assert(count < OPTIONS_MAX);
        known[count] = options[count].key;
    }
    problem_add(reader->problems, key->location, "unknown key%s%s", shown_name(key->text).text,
                option_suggest(key->text, known, count).text);
}

static void read_absent(struct option_reader *reader, const struct option *option, struct location location, void *base)
{
    if (option->required) {
        problem_add(reader->problems, location, "\"%s\" is missing", option->key);
    } else if (option->type->is_section) {
        options_read(reader, option->options, NULL, location, base);
    } else if (option->fallback) {
        struct yaml_node node = {.kind = YAML_SCALAR, .location = location, .style = YAML_DOUBLE_QUOTED};
        node.text = text_of(option->fallback);
        option->type->read(reader, option, &node, base);
    }
}

void options_read(struct option_reader *reader, const struct option options[], const struct yaml_node *map,
                  struct location location, void *base)
{
    for (const struct yaml_node *entry = map ? map->first : NULL; entry; entry = entry->next)
        if (!find_option(options, entry->key->text))
            report_unknown(reader, options, entry->key);
    for (const struct option *option = options; option->key; option++) {
        const struct yaml_node *node = map ? yaml_find(map, option->key) : NULL;
        if (node && option->type->may_be_empty && yaml_is_null(node))
            node = NULL;
        if (node)
            option->type->read(reader, option, node, base);
        else
            read_absent(reader, option, location, base);
    }
}
