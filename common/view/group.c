/* SPDX-License-Identifier: Apache-2.0 */
#include "view/view.h"

#include <assert.h>

static bool is_text(const struct view *view, size_t dimension)
{
    return view->schema->fields[view->dimensions[dimension]].type == FIELD_TEXT;
}

static void append_value(struct buffer *out, struct text bytes)
{
    buffer_append_char(out, '+');
    buffer_append_integer(out, (int64_t)bytes.length);
    buffer_append_char(out, ':');
    buffer_append_text(out, bytes);
}

void group_append(const struct view *view, const struct value values[], struct buffer *out)
{
    for (size_t i = 0; i < view->dimension_count; i++) {
        const struct value *value = &values[view->dimensions[i]];
        if (!value->present) {
            buffer_append_char(out, '-');
        } else if (is_text(view, i)) {
            append_value(out, value->text);
        } else {
            char memory[32];
            struct buffer digits = {.data = memory, .capacity = sizeof memory};
            buffer_append_integer(&digits, value->number);
            append_value(out, buffer_text(&digits));
        }
    }
}

/* Takes one dimension off the front of *rest. */
static bool take(struct text *rest, bool text, struct value *ret_value)
{
    if (rest->length == 0)
        return false;
    *ret_value = (struct value){.present = rest->data[0] == '+'};
    const char *colon = ret_value->present ? memchr(rest->data, ':', rest->length) : NULL;
    if (rest->data[0] == '-') {
        *rest = (struct text){rest->data + 1, rest->length - 1};
        return true;
    }
    int64_t length;
    if (!colon || !integer_parse((struct text){rest->data + 1, (size_t)(colon - rest->data) - 1}, &length))
        return false;
    size_t left = rest->length - (size_t)(colon + 1 - rest->data);
    if (length < 0 || (size_t)length > left)
        return false;
    ret_value->text = (struct text){colon + 1, (size_t)length};
    *rest = (struct text){colon + 1 + length, left - (size_t)length};
    struct text digits = ret_value->text;
    return text || integer_parse(digits, &ret_value->number);
}

bool group_parse(const struct view *view, struct text group, struct value ret_values[])
{
    for (size_t i = 0; i < view->dimension_count; i++)
        if (!take(&group, is_text(view, i), &ret_values[i]))
            return false;
    return group.length == 0;
}

size_t member_field(const struct view *hidden)
{
    return hidden->dimensions[hidden->dimension_count - 1];
}

struct text member_group(const struct view *hidden, struct text group)
{
    struct text rest = group;
    struct value value;
    for (size_t i = 0; i + 1 < hidden->dimension_count; i++) {
        bool valid = take(&rest, is_text(hidden, i), &value);
        assert(valid);
        if (!valid)
            break;
    }
    return (struct text){group.data, group.length - rest.length};
}

int group_compare(const struct view *view, struct text a, struct text b)
{
    for (size_t i = 0; i < view->dimension_count; i++) {
        struct value left, right;
        bool text = is_text(view, i), valid = take(&a, text, &left) && take(&b, text, &right);
        assert(valid);
        if (!valid)
            return 0;
        if (left.present != right.present)
            return left.present ? 1 : -1;
        int order = !left.present ? 0
                    : text        ? text_compare(left.text, right.text)
                                  : (left.number > right.number) - (left.number < right.number);
        if (order)
            return order;
    }
    return 0;
}
