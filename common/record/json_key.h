/* SPDX-License-Identifier: Apache-2.0
 * Keys of JSON objects: compared by two words that hold both ends of a key, which decides all keys of up to 16 bytes,
 * and a stack of the keys of the objects that are open, which finds duplicates. */
#ifndef TIDEMARK_RECORD_JSON_KEY_H
#define TIDEMARK_RECORD_JSON_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct json_key {
    uint64_t first, last; /* the first and the last eight bytes; of shorter keys all bytes between them */
    const char *data;     /* unescaped */
    uint32_t length;
    uint32_t number; /* the owner's number for this key */
};

#define JSON_KEY_WORDS 16 /* bytes that `first` and `last` hold */

/* The key with number 0; the bytes stay the caller's. */
static inline struct json_key json_key_of(struct text text)
{
    struct json_key key = {.data = text.data, .length = (uint32_t)text.length};
    const char *end = text.data + text.length;
    if (text.length >= 8) {
        memcpy(&key.first, text.data, 8);
        memcpy(&key.last, end - 8, 8);
    } else if (text.length >= 4) {
        uint32_t first, last; /* not copied into the words directly, which would be read again before they are whole */
        memcpy(&first, text.data, 4);
        memcpy(&last, end - 4, 4);
        key.first = first;
        key.last = last;
    } else if (text.length > 0) {
        key.first = (uint64_t)(unsigned char)text.data[0] << 8 | (unsigned char)text.data[text.length / 2];
        key.last = (unsigned char)end[-1];
    }
    return key;
}

static inline bool json_key_equal(const struct json_key *a, const struct json_key *b)
{
    return a->first == b->first && a->last == b->last && a->length == b->length &&
           (a->length <= JSON_KEY_WORDS || memcmp(a->data, b->data, a->length) == 0);
}

struct json_key_stack {
    struct json_key *keys; /* all zero is an empty stack */
    size_t count;
    size_t capacity; /* at least twice the count, for sorting */
};

void json_key_stack_clean_up(struct json_key_stack *stack);
/* Gives the memory back where a message had uncommonly many keys; the stack is empty then. */
void json_key_stack_trim(struct json_key_stack *stack);
/* False where memory is short. */
bool json_key_stack_push(struct json_key_stack *stack, struct json_key key);
/* True where no two keys from number `base` on are equal. Changes their order where they are more than 64. */
bool json_key_stack_distinct(struct json_key_stack *stack, size_t base);

#endif
