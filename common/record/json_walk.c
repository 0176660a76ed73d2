/* SPDX-License-Identifier: Apache-2.0 */
#include "record/json_walk.h"

#include "record/json_number.h"
#include "record/record.h"

bool json_walk_unescape(struct json_walk *walk, struct json_token *token)
{
    char *data = walk->data + (token->text.data - walk->data);
    return json_string_unescape(data, &token->text.length, &token->traits) ||
           json_walk_fail(walk, "invalid escape in a string");
}

static bool walk_array(struct json_walk *walk, unsigned depth)
{
    if (json_walk_take(walk, ']')) {
        return true;
    }
    do {
        if (!json_walk_value(walk, depth)) {
            return false;
        }
    } while (json_walk_take(walk, ','));
    return json_walk_take(walk, ']') || json_walk_fail(walk, json_not_json);
}

static bool walk_members(struct json_walk *walk, unsigned depth)
{
    do {
        struct json_key key;
        if (!json_walk_key(walk, &key)) {
            return false;
        }
        if (!json_key_stack_push(&walk->keys, key)) {
            return json_walk_fail(walk, NULL);
        }
        if (!json_walk_value(walk, depth)) {
            return false;
        }
    } while (json_walk_take(walk, ','));
    return json_walk_take(walk, '}') || json_walk_fail(walk, json_not_json);
}

static bool walk_object(struct json_walk *walk, unsigned depth)
{
    if (json_walk_take(walk, '}')) {
        return true;
    }
    size_t base = walk->keys.count;
    if (!walk_members(walk, depth)) {
        return false;
    }
    if (!json_key_stack_distinct(&walk->keys, base)) {
        return json_walk_fail(walk, "duplicate key");
    }
    walk->keys.count = base;
    return true;
}

static bool walk_scalar(struct json_walk *walk)
{
    struct json_token token;
    struct json_number number;
    if (!json_walk_token(walk, &token)) {
        return false;
    }
    if (token.type == JSON_STRING || json_number_parse(token.text, &number) ||
        text_equal(token.text, text_of("true")) || text_equal(token.text, text_of("false")) ||
        text_equal(token.text, text_of("null"))) {
        return true;
    }
    return json_walk_fail(walk, json_not_json);
}

bool json_walk_value(struct json_walk *walk, unsigned depth)
{
    bool array = json_walk_peek(walk) == '[';
    if (!array && json_walk_peek(walk) != '{') {
        return walk_scalar(walk);
    }
    if (depth == JSON_DEPTH_MAX) {
        return json_walk_fail(walk, "deeper than 64 levels");
    }
    walk->next++;
    return array ? walk_array(walk, depth + 1) : walk_object(walk, depth + 1);
}
