/* SPDX-License-Identifier: Apache-2.0 */
#include "view/view.h"

#include <assert.h>

static bool is_text(const struct view *view, size_t dimension)
{
    return view->schema->fields[view->dimensions[dimension]].type == FIELD_TEXT;
}

/* Bytes that the group takes at most. */
static size_t group_bound(const struct view *view, const struct value values[])
{
    size_t bound = 0;
    for (size_t i = 0; i < view->dimension_count; i++) {
        const struct value *value = &values[view->dimensions[i]];
        bound += 2 + 2 * INTEGER_DIGITS;
        if (value->present && is_text(view, i))
            bound += value->text.length;
    }
    return bound;
}

static char *write_bytes(char *at, struct text bytes)
{
    *at++ = '+';
    at = integer_write(at, (int64_t)bytes.length);
    *at++ = ':';
    memcpy(at, bytes.data, bytes.length);
    return at + bytes.length;
}

static char *write_dimension(char *at, const struct value *value, bool text)
{
    if (!value->present) {
        *at++ = '-';
        return at;
    }
    if (text)
        return write_bytes(at, value->text);
    char digits[INTEGER_DIGITS];
    return write_bytes(at, (struct text){digits, (size_t)(integer_write(digits, value->number) - digits)});
}

void group_append(const struct view *view, const struct value values[], struct buffer *out)
{
    if (!buffer_reserve(out, group_bound(view, values)))
        return;
    char *at = out->data + out->length;
    for (size_t i = 0; i < view->dimension_count; i++)
        at = write_dimension(at, &values[view->dimensions[i]], is_text(view, i));
    *at = '\0';
    out->length = (size_t)(at - out->data);
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

bool member_parse(const struct view *hidden, struct text group, struct text *ret_group, struct value *ret_value)
{
    struct text rest = group;
    for (size_t i = 0; i < hidden->dimension_count; i++) {
        *ret_group = (struct text){group.data, group.length - rest.length};
        if (!take(&rest, is_text(hidden, i), ret_value))
            return false;
    }
    return rest.length == 0;
}

struct text member_group(const struct view *hidden, struct text group)
{
    struct text shown = group;
    struct value value;
    bool valid = member_parse(hidden, group, &shown, &value);
    assert(valid);
    return valid ? shown : group;
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
