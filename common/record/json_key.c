/* SPDX-License-Identifier: Apache-2.0 */
#include "record/json_key.h"

#include <stdlib.h>

#define FIRST_CAPACITY 128
#define PAIRWISE_MAX 64 /* up to here, comparing every pair costs less than sorting */

void json_key_stack_clean_up(struct json_key_stack *stack)
{
    free(stack->keys);
    *stack = (struct json_key_stack){0};
}

bool json_key_stack_push(struct json_key_stack *stack, struct json_key key)
{
    if (stack->count == stack->capacity) {
        size_t capacity = stack->capacity ? stack->capacity * 2 : FIRST_CAPACITY;
        struct json_key *keys = realloc(stack->keys, capacity * sizeof *keys);
        if (!keys) {
            return false;
        }
        stack->keys = keys;
        stack->capacity = capacity;
    }
    stack->keys[stack->count++] = key;
    return true;
}

/* Any total order in which equal keys are neighbours. */
static int compare(const struct json_key *a, const struct json_key *b)
{
    if (a->last != b->last) {
        return a->last < b->last ? -1 : 1;
    }
    if (a->first != b->first) {
        return a->first < b->first ? -1 : 1;
    }
    return text_compare((struct text){a->data, a->length}, (struct text){b->data, b->length});
}

static void sift_down(struct json_key *keys, size_t root, size_t count)
{
    struct json_key sifted = keys[root];
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        child += child + 1 < count && compare(&keys[child], &keys[child + 1]) < 0;
        if (compare(&sifted, &keys[child]) >= 0) {
            break;
        }
        keys[root] = keys[child];
        root = child;
    }
    keys[root] = sifted;
}

/* Heap sort: no memory, and no choice of keys makes it slow, as it could a hash table. */
static void sort(struct json_key *keys, size_t count)
{
    for (size_t root = count / 2; root-- > 0;) {
        sift_down(keys, root, count);
    }
    for (size_t end = count; end-- > 1;) {
        struct json_key largest = keys[0];
        keys[0] = keys[end];
        keys[end] = largest;
        sift_down(keys, 0, end);
    }
}

static bool distinct_pairwise(const struct json_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (json_key_equal(&keys[i], &keys[j])) {
                return false;
            }
        }
    }
    return true;
}

bool json_key_stack_distinct(struct json_key_stack *stack, size_t base)
{
    size_t count = stack->count - base;
    if (count <= PAIRWISE_MAX) {
        return count < 2 || distinct_pairwise(stack->keys + base, count);
    }
    struct json_key *keys = stack->keys + base;
    sort(keys, count);
    for (size_t i = 1; i < count; i++) {
        if (json_key_equal(&keys[i - 1], &keys[i])) {
            return false;
        }
    }
    return true;
}
