/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml_tree.h"

#include <yaml.h>

#include "base/bytes_map.h"
#include "config/config_file.h"

/* Cron lines without quotes are the most of them. */
#define ALIAS_REFUSED "aliases (*) are not supported; a text that begins with * stands in quotes"

struct builder {
    yaml_parser_t parser;
    struct text file;
    struct arena *arena;
    struct problems *problems;
};

static struct location location_of(yaml_mark_t mark)
{
    return (struct location){mark.line + 1, mark.column + 1};
}

/* libyaml counts characters, so the byte has to be looked for. */
static char byte_at(struct text file, size_t character)
{
    for (size_t i = 0; i < file.length; i++) {
        if (((unsigned char)file.data[i] & 0xC0) != 0x80 && character-- == 0)
            return file.data[i];
    }
    return '\0';
}

/* True for ${NAME} in a flow map or list, where YAML takes the brace for one of its own. */
static bool is_variable_in_flow(const struct builder *builder)
{
    size_t index = builder->parser.problem_mark.index;
    return builder->parser.error == YAML_PARSER_ERROR && index > 0 && byte_at(builder->file, index) == '{' &&
           byte_at(builder->file, index - 1) == '$';
}

static bool report_syntax(struct builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        builder->problems->memory_is_short = true;
        return false;
    }
    struct location location = location_of(parser->problem_mark);
    const char *problem = parser->problem ? parser->problem : "this is not YAML";
    if (parser->error == YAML_SCANNER_ERROR && byte_at(builder->file, parser->problem_mark.index) == '\t')
        problem_add(builder->problems, location, "a tab can't indent: use blanks");
    else if (parser->context && strcmp(parser->context, "while scanning an alias") == 0)
        problem_add(builder->problems, location_of(parser->context_mark), ALIAS_REFUSED);
    else if (is_variable_in_flow(builder))
        problem_add(builder->problems, (struct location){location.line, location.column - 1},
                    "${NAME} inside braces or brackets has to stand in quotes");
    else if (parser->context)
        problem_add(builder->problems, location, "%s, %s (line %zu)", problem, parser->context,
                    parser->context_mark.line + 1);
    else
        problem_add(builder->problems, location, "%s", problem);
    return false;
}

static bool next_event(struct builder *builder, yaml_event_t *ret_event)
{
    if (yaml_parser_parse(&builder->parser, ret_event))
        return true;
    return report_syntax(builder);
}

static struct yaml_node *node_new(struct builder *builder, enum yaml_kind kind, const yaml_event_t *event)
{
    struct yaml_node *node = arena_allocate(builder->arena, sizeof *node);
    if (!node) {
        builder->problems->memory_is_short = true;
        return NULL;
    }
    node->kind = kind;
    node->location = location_of(event->start_mark);
    return node;
}

static enum yaml_style style_of(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return YAML_SINGLE_QUOTED;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return YAML_DOUBLE_QUOTED;
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE:
        return YAML_BLOCK;
    default:
        return YAML_PLAIN;
    }
}

static size_t count_quotes(struct text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == '\'';
    return count;
}

/* How many columns this much of a scalar takes in the file where nothing is escaped but quotes. */
static size_t columns_of(const struct yaml_node *node, struct text part)
{
    return utf8_count(part) + (node->style == YAML_SINGLE_QUOTED ? count_quotes(part) : 0);
}

static bool stands_in_place(const struct yaml_node *node, const yaml_event_t *event)
{
    if (node->style == YAML_BLOCK || event->start_mark.line != event->end_mark.line)
        return false;
    size_t quotes = node->style == YAML_PLAIN ? 0 : 2;
    return event->end_mark.column - event->start_mark.column == columns_of(node, node->text) + quotes;
}

static struct yaml_node *build_scalar(struct builder *builder, const yaml_event_t *event)
{
    struct yaml_node *node = node_new(builder, YAML_SCALAR, event);
    struct text text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    const char *copy = node ? arena_copy(builder->arena, text) : NULL;
    if (!copy) {
        builder->problems->memory_is_short = true;
        return NULL;
    }
    if (memchr(copy, '\0', text.length)) {
        problem_add(builder->problems, node->location, "a NUL is not allowed");
        return NULL;
    }
    node->text = (struct text){copy, text.length};
    node->style = style_of(event->data.scalar.style);
    node->in_place = stands_in_place(node, event);
    return node;
}

static void append_entry(struct yaml_node *parent, struct yaml_node ***tail, struct yaml_node *entry)
{
    **tail = entry;
    *tail = &entry->next;
    parent->count++;
}

static struct yaml_node *build_node(struct builder *builder, const yaml_event_t *event, unsigned depth);

/* The next node inside a list or map: true with NULL at the end of it. */
static bool build_next(struct builder *builder, yaml_event_type_t end, unsigned depth, struct yaml_node **ret_node)
{
    yaml_event_t event;
    if (!next_event(builder, &event))
        return false;
    bool is_end = event.type == end;
    struct yaml_node *node = is_end ? NULL : build_node(builder, &event, depth);
    yaml_event_delete(&event);
    if (!is_end && !node)
        return false;
    *ret_node = node;
    return true;
}

static bool fill_list(struct builder *builder, struct yaml_node *list, unsigned depth)
{
    struct yaml_node **tail = &list->first, *entry;
    for (;;) {
        if (!build_next(builder, YAML_SEQUENCE_END_EVENT, depth + 1, &entry))
            return false;
        if (!entry)
            return true;
        append_entry(list, &tail, entry);
    }
}

/* True where the key is new in its map; a second one is told with the location of the first. */
static bool key_is_new(struct builder *builder, struct bytes_map *keys, const struct yaml_node *key)
{
    struct location *first = bytes_map_at(keys, key->text);
    if (!first) {
        builder->problems->memory_is_short = true;
        return false;
    }
    if (first->line == 0) {
        *first = key->location;
        return true;
    }
    problem_add(builder->problems, key->location, "duplicate key%s, first given at %zu:%zu", shown_name(key->text).text,
                first->line, first->column);
    return false;
}

static bool fill_map(struct builder *builder, struct yaml_node *map, struct bytes_map *keys, unsigned depth)
{
    struct yaml_node **tail = &map->first, *key, *value;
    for (;;) {
        if (!build_next(builder, YAML_MAPPING_END_EVENT, depth + 1, &key))
            return false;
        if (!key)
            return true;
        if (key->kind != YAML_SCALAR) {
            problem_add(builder->problems, key->location, "a key must be a single word");
            return false;
        }
        if (!build_next(builder, YAML_NO_EVENT, depth + 1, &value))
            return false;
        value->key = key;
        if (key_is_new(builder, keys, key))
            append_entry(map, &tail, value);
    }
}

static bool refuse_extras(struct builder *builder, const yaml_event_t *event, const yaml_char_t *anchor,
                          const yaml_char_t *tag)
{
    if (anchor)
        problem_add(builder->problems, location_of(event->start_mark),
                    "anchors (&) are not supported; a text that begins with & stands in quotes");
    if (tag)
        problem_add(builder->problems, location_of(event->start_mark),
                    "tags (!) are not supported; a text that begins with ! stands in quotes");
    return anchor || tag;
}

static struct yaml_node *build_collection(struct builder *builder, const yaml_event_t *event, unsigned depth)
{
    bool is_map = event->type == YAML_MAPPING_START_EVENT;
    if (depth > YAML_DEPTH_MAX) {
        problem_add(builder->problems, location_of(event->start_mark), "more than %d levels deep", YAML_DEPTH_MAX);
        return NULL;
    }
    struct yaml_node *node = node_new(builder, is_map ? YAML_MAP : YAML_LIST, event);
    if (!node || !is_map)
        return node && fill_list(builder, node, depth) ? node : NULL;
    struct bytes_map keys;
    bytes_map_init(&keys, sizeof(struct location));
    bool fine = fill_map(builder, node, &keys, depth);
    bytes_map_clean_up(&keys);
    return fine ? node : NULL;
}

static struct yaml_node *build_node(struct builder *builder, const yaml_event_t *event, unsigned depth)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        if (refuse_extras(builder, event, event->data.scalar.anchor, event->data.scalar.tag))
            return NULL;
        return build_scalar(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        if (refuse_extras(builder, event, event->data.sequence_start.anchor, event->data.sequence_start.tag))
            return NULL;
        return build_collection(builder, event, depth);
    case YAML_MAPPING_START_EVENT:
        if (refuse_extras(builder, event, event->data.mapping_start.anchor, event->data.mapping_start.tag))
            return NULL;
        return build_collection(builder, event, depth);
    case YAML_ALIAS_EVENT:
        problem_add(builder->problems, location_of(event->start_mark), ALIAS_REFUSED);
        return NULL;
    default:
        problem_add(builder->problems, location_of(event->start_mark), "this is not YAML");
        return NULL;
    }
}

/* Skips what frames a document. Returns the type of the first event that doesn't, or YAML_NO_EVENT on failure. */
static yaml_event_type_t next_beyond_frame(struct builder *builder, yaml_event_t *ret_event)
{
    for (;;) {
        if (!next_event(builder, ret_event))
            return YAML_NO_EVENT;
        if (ret_event->type != YAML_STREAM_START_EVENT && ret_event->type != YAML_DOCUMENT_END_EVENT)
            return ret_event->type;
        yaml_event_delete(ret_event);
    }
}

static bool expect_document(struct builder *builder, bool wanted)
{
    yaml_event_t event;
    yaml_event_type_t type = next_beyond_frame(builder, &event);
    if (type == YAML_NO_EVENT)
        return false;
    bool is_there = type == YAML_DOCUMENT_START_EVENT;
    if (is_there && !wanted)
        problem_add(builder->problems, location_of(event.start_mark), "a second document is not supported");
    if (!is_there && wanted)
        problem_add(builder->problems, (struct location){1, 1}, "the file is empty");
    yaml_event_delete(&event);
    return is_there == wanted;
}

bool yaml_tree_read(struct text text, struct arena *arena, struct problems *problems, struct yaml_node **ret_root)
{
    struct builder builder = {.file = text, .arena = arena, .problems = problems};
    if (!yaml_parser_initialize(&builder.parser)) {
        problems->memory_is_short = true;
        return false;
    }
    yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)text.data, text.length);
    struct yaml_node *root = NULL;
    bool fine = expect_document(&builder, true) && build_next(&builder, YAML_NO_EVENT, 1, &root) &&
                expect_document(&builder, false);
    yaml_parser_delete(&builder.parser);
    if (fine)
        *ret_root = root;
    return fine;
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key)
{
    for (const struct yaml_node *entry = map->first; entry; entry = entry->next)
        if (text_equal(entry->key->text, text_of(key)))
            return entry;
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || node->style != YAML_PLAIN || node->expanded)
        return false;
    return node->text.length == 0 || text_equal(node->text, text_of("~")) || text_equal(node->text, text_of("null"));
}

struct location yaml_location_at(const struct yaml_node *node, size_t position)
{
    if (!node->in_place || position > node->text.length)
        return node->location;
    size_t quote = node->style == YAML_PLAIN ? 0 : 1;
    size_t columns = columns_of(node, (struct text){node->text.data, position});
    return (struct location){node->location.line, node->location.column + quote + columns};
}
