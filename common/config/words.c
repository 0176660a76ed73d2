/* SPDX-License-Identifier: Apache-2.0 */
#include "config/words.h"

#include "view/view.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_of(struct text text, size_t longest, const char *besides)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (!is_letter(c) && !(c >= '0' && c <= '9') && !(c && strchr(besides, c)))
            return false;
    }
    return text.length > 0 && text.length <= longest;
}

bool is_name(struct text text)
{
    return is_of(text, NAME_MAX_BYTES, "-") && is_letter(text.data[0]);
}

bool is_field_name(struct text text)
{
    return is_of(text, FIELD_NAME_MAX, "") && is_letter(text.data[0]);
}

bool is_taken_column(struct text name, const char **ret_why)
{
    static const char *const system_columns[] = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"};
    struct text rest;
    *ret_why = text_after(name, "tm_", &rest) ? "names that begin with tm_ are Tidemark's own" : NULL;
    for (size_t i = 0; i < sizeof system_columns / sizeof *system_columns; i++)
        if (text_equal(name, text_of(system_columns[i])))
            *ret_why = "every table of PostgreSQL has a column of this name already: call it otherwise";
    return *ret_why != NULL;
}

bool is_topic_name(struct text text)
{
    return is_of(text, TOPIC_NAME_MAX, "-.") && !text_equal(text, text_of(".")) && !text_equal(text, text_of(".."));
}

bool text_after(struct text text, const char *prefix, struct text *ret_rest)
{
    size_t length = strlen(prefix);
    if (text.length < length || memcmp(text.data, prefix, length) != 0)
        return false;
    *ret_rest = (struct text){text.data + length, text.length - length};
    return true;
}

static struct text trimmed(struct text text)
{
    while (text.length > 0 && text.data[0] == ' ') {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && text.data[text.length - 1] == ' ')
        text.length--;
    return text;
}

bool call_parse(struct text text, struct call *ret_call)
{
    text = trimmed(text);
    struct call call = {.word = text};
    const char *open = text.length ? memchr(text.data, '(', text.length) : NULL;
    if (open) {
        if (text.data[text.length - 1] != ')')
            return false;
        call.has_argument = true;
        call.word = trimmed((struct text){text.data, (size_t)(open - text.data)});
        call.argument = trimmed((struct text){open + 1, text.length - (size_t)(open - text.data) - 2});
    }
    if (!is_of(call.word, SIZE_MAX, ""))
        return false;
    *ret_call = call;
    return true;
}
