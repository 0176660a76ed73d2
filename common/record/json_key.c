/* SPDX-License-Identifier: Apache-2.0 */
#include "record/json_key.h"

#include <stdlib.h>

#define FIRST_CAPACITY 256
#define KEPT_CAPACITY 65536
#define PAIRWISE_MAX 64 /* up to here, comparing every pair costs less than sorting */

void json_key_stack_clean_up(struct json_key_stack *stack)
{
    free(stack->keys);
    *stack = (struct json_key_stack){0};
}

void json_key_stack_trim(struct json_key_stack *stack)
{
    if (stack->capacity > KEPT_CAPACITY) {
        json_key_stack_clean_up(stack);
    }
}

bool json_key_stack_push(struct json_key_stack *stack, struct json_key key)
{
    if ((stack->count + 1) * 2 > stack->capacity) {
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

/* Merges two sorted runs; false where a key is in both. */
static bool merge(const struct json_key *from, size_t middle, size_t count, struct json_key *to)
{
    size_t left = 0, right = middle;
    while (left < middle && right < count) {
        int order = compare(&from[left], &from[right]);
        if (order == 0) {
            return false;
        }
        *to++ = order < 0 ? from[left++] : from[right++];
    }
    memcpy(to, &from[left], (middle - left) * sizeof *to);
    memcpy(to + (middle - left), &from[right], (count - right) * sizeof *to);
    return true;
}

/* Merge sort: no choice of keys makes it slow, as it could a hash table, and neighbours in the result have been
 * compared with each other on the way. */
static bool distinct_by_sorting(struct json_key *keys, struct json_key *scratch, size_t count)
{
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t start = 0; start < count; start += 2 * run) {
            size_t left = count - start;
            if (!merge(keys + start, left < run ? left : run, left < 2 * run ? left : 2 * run, scratch + start)) {
                return false;
            }
        }
        struct json_key *merged = scratch;
        scratch = keys;
        keys = merged;
    }
    return true;
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
    return distinct_by_sorting(stack->keys + base, stack->keys + stack->count, count);
}
