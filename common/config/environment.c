/* SPDX-License-Identifier: Apache-2.0 */
#include "config/environment.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/utf8.h"

#define VARIABLE_NAME_MAX 100

struct reference {
    char name[VARIABLE_NAME_MAX + 1];
    struct text fallback;
    bool has_fallback;
    size_t length; /* from the dollar to the closing brace */
};

static bool begins_with(struct text text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.length >= length && memcmp(text.data, prefix, length) == 0;
}

static struct text skip(struct text text, size_t length)
{
    return (struct text){text.data + length, text.length - length};
}

static size_t name_length(struct text text)
{
    size_t length = 0;
    while (length < text.length) {
        char c = text.data[length];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && !(length > 0 && c >= '0' && c <= '9'))
            break;
        length++;
    }
    return length;
}

static bool mentions_variable(struct text text)
{
    return text.length > 0 && memmem(text.data, text.length, "${", 2) != NULL;
}

/* Parses "${NAME}" or "${NAME:-default}" at the beginning of the text. */
static bool reference_parse(struct text text, struct reference *ret_reference)
{
    const char *end = memchr(text.data, '}', text.length);
    if (!end)
        return false;
    struct reference reference = {.length = (size_t)(end - text.data) + 1};
    struct text inside = {text.data + 2, reference.length - 3};
    size_t length = name_length(inside);
    if (length == 0 || length > VARIABLE_NAME_MAX)
        return false;
    memcpy(reference.name, inside.data, length);
    inside = skip(inside, length);
    reference.has_fallback = begins_with(inside, ":-");
    if (reference.has_fallback)
        reference.fallback = skip(inside, 2);
    if (reference.has_fallback ? mentions_variable(reference.fallback) : inside.length > 0)
        return false;
    *ret_reference = reference;
    return true;
}

static bool append_value(const struct reference *reference, struct location location, struct buffer *out,
                         struct problems *problems)
{
    const char *value = getenv(reference->name);
    bool is_set = value && (*value || !reference->has_fallback);
    if (!is_set && !reference->has_fallback) {
        problem_add(problems, location, "the environment has no %s, and no default is given (${%s:-default})",
                    reference->name, reference->name);
        return false;
    }
    struct text text = is_set ? text_of(value) : reference->fallback;
    if (!utf8_is_valid(text)) {
        problem_add(problems, location, "the value of %s in the environment is not UTF-8", reference->name);
        return false;
    }
    buffer_append_text(out, text);
    return true;
}

static bool expand_text(const struct yaml_node *node, struct buffer *out, struct problems *problems)
{
    struct text rest = node->text;
    while (rest.length > 0) {
        if (begins_with(rest, "$${")) {
            buffer_append_string(out, "${");
            rest = skip(rest, 3);
        } else if (begins_with(rest, "${")) {
            struct location location = yaml_location_at(node, node->text.length - rest.length);
            struct reference reference;
            if (!reference_parse(rest, &reference)) {
                problem_add(problems, location, "expected ${NAME} or ${NAME:-default}; a literal ${ is written $${");
                return false;
            }
            if (!append_value(&reference, location, out, problems))
                return false;
            rest = skip(rest, reference.length);
        } else {
            buffer_append_char(out, rest.data[0]);
            rest = skip(rest, 1);
        }
    }
    return true;
}

static void expand_scalar(struct yaml_node *node, struct arena *arena, struct problems *problems)
{
    struct buffer out = {0};
    bool fine = expand_text(node, &out, problems);
    char *copy = arena_copy(arena, buffer_text(&out));
    if (out.failed || !copy)
        problems->memory_is_short = true;
    else if (fine)
        node->text = (struct text){copy, out.length};
    node->expanded = true;
    node->in_place = false;
    if (out.data)
        explicit_bzero(out.data, out.length);
    buffer_clean_up(&out);
}

void environment_expand(struct yaml_node *root, struct arena *arena, struct problems *problems)
{
    if (root->kind == YAML_SCALAR) {
        if (mentions_variable(root->text))
            expand_scalar(root, arena, problems);
        return;
    }
    for (struct yaml_node *entry = root->first; entry; entry = entry->next)
        environment_expand(entry, arena, problems);
}
