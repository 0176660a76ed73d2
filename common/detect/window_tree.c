/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/window_tree.h"

#include <stdlib.h>

static struct window_node *at(const struct window_pool *pool, uint32_t number)
{
    return window_node(pool, number);
}

void window_pool_clean_up(struct window_pool *pool)
{
    for (uint32_t i = 0; i < pool->block_count; i++)
        free(pool->blocks[i]);
    free(pool->blocks);
    *pool = (struct window_pool){0};
}

size_t window_pool_growth(const struct window_pool *pool)
{
    bool has_capacity =
        pool->free != WINDOW_NONE || (pool->block_count > 0 && pool->taken < pool->block_count * WINDOW_BLOCK);
    return has_capacity ? 0 : WINDOW_BLOCK * sizeof(struct window_node);
}

static bool grow(struct window_pool *pool)
{
    if (pool->block_count == pool->block_capacity) {
        uint32_t capacity = pool->block_capacity ? 2 * pool->block_capacity : 16;
        struct window_node **blocks = realloc(pool->blocks, capacity * sizeof *blocks);
        if (!blocks)
            return false;
        pool->blocks = blocks;
        pool->block_capacity = capacity;
    }
    struct window_node *block = malloc(WINDOW_BLOCK * sizeof *block);
    if (!block)
        return false;
    pool->blocks[pool->block_count++] = block;
    if (pool->taken == 0) { /* number 0 is the empty tree */
        block[0] = (struct window_node){.lacking = WINDOW_ALERTED, .least_lacking = WINDOW_ALERTED};
        pool->taken = 1;
    }
    return true;
}

uint32_t window_take(struct window_pool *pool)
{
    uint32_t number = pool->free;
    if (window_pool_growth(pool) > 0 && !grow(pool))
        return WINDOW_NONE;
    if (number != WINDOW_NONE)
        pool->free = at(pool, number)->next;
    else
        number = pool->taken++;
    *at(pool, number) = (struct window_node){.size = 1, .lacking = WINDOW_ALERTED, .least_lacking = WINDOW_ALERTED};
    return number;
}

void window_give_back(struct window_pool *pool, uint32_t number)
{
    at(pool, number)->next = pool->free;
    pool->free = number;
}

/* The finaliser of MurmurHash3 (A. Appleby): a number's priority is as good as chance. */
static uint32_t priority(uint32_t number)
{
    number = (number ^ number >> 16) * 0x85EBCA6Bu;
    number = (number ^ number >> 13) * 0xC2B2AE35u;
    return number ^ number >> 16;
}

/* An alerted node goes down too where something is added: it has room for more than any tree has nodes. */
static void add_to(const struct window_pool *pool, uint32_t number, int32_t more)
{
    if (number == WINDOW_NONE)
        return;
    struct window_node *node = at(pool, number);
    node->lacking += more;
    node->least_lacking += more;
    node->add += more;
}

static void push(const struct window_pool *pool, struct window_node *node)
{
    if (node->add == 0)
        return;
    add_to(pool, node->left, node->add);
    add_to(pool, node->right, node->add);
    node->add = 0;
}

static void update(const struct window_pool *pool, struct window_node *node)
{
    const struct window_node *left = at(pool, node->left), *right = at(pool, node->right);
    int32_t least = left->least_lacking < right->least_lacking ? left->least_lacking : right->least_lacking;
    node->size = left->size + right->size + 1;
    node->least_lacking = node->lacking < least ? node->lacking : least;
}

static bool is_until(const struct window_node *node, int64_t event_time_us, int64_t offset)
{
    return node->event_time_us < event_time_us || (node->event_time_us == event_time_us && node->offset <= offset);
}

/* Those up to (event time, offset), and those behind. */
static void split(const struct window_pool *pool, uint32_t root, int64_t event_time_us, int64_t offset,
                  uint32_t *ret_until, uint32_t *ret_behind)
{
    if (root == WINDOW_NONE) {
        *ret_until = *ret_behind = WINDOW_NONE;
        return;
    }
    struct window_node *node = at(pool, root);
    push(pool, node);
    if (is_until(node, event_time_us, offset)) {
        split(pool, node->right, event_time_us, offset, &node->right, ret_behind);
        *ret_until = root;
    } else {
        split(pool, node->left, event_time_us, offset, ret_until, &node->left);
        *ret_behind = root;
    }
    update(pool, node);
}

static uint32_t merge(const struct window_pool *pool, uint32_t first, uint32_t second)
{
    if (first == WINDOW_NONE || second == WINDOW_NONE)
        return first + second;
    bool first_is_root = priority(first) > priority(second);
    uint32_t root = first_is_root ? first : second;
    struct window_node *node = at(pool, root);
    push(pool, node);
    if (first_is_root)
        node->right = merge(pool, node->right, second);
    else
        node->left = merge(pool, first, node->left);
    update(pool, node);
    return root;
}

uint32_t window_count_until(const struct window_pool *pool, uint32_t root, int64_t event_time_us)
{
    uint32_t count = 0;
    while (root != WINDOW_NONE) {
        const struct window_node *node = at(pool, root);
        if (node->event_time_us > event_time_us) {
            root = node->left;
            continue;
        }
        count += at(pool, node->left)->size + 1;
        root = node->right;
    }
    return count;
}

/* Gives away those of the tree that lack nothing any more, in their order. */
static bool give_exceeded(const struct window_pool *pool, uint32_t root, window_exceeded *exceeded, void *context)
{
    struct window_node *node = at(pool, root);
    if (root == WINDOW_NONE || node->least_lacking > 0)
        return true;
    push(pool, node);
    bool going = give_exceeded(pool, node->left, exceeded, context);
    if (going && node->lacking <= 0) {
        node->lacking = WINDOW_ALERTED;
        going = exceeded(context, root);
    }
    going = going && give_exceeded(pool, node->right, exceeded, context);
    update(pool, node);
    return going;
}

bool window_add(struct window_pool *pool, uint32_t *root, uint32_t number, int64_t within_us, int64_t more_than,
                int64_t *ret_count, window_exceeded *exceeded, void *context)
{
    struct window_node *node = at(pool, number);
    uint32_t until, touched = WINDOW_NONE, behind;
    split(pool, *root, node->event_time_us, node->offset, &until, &behind);
    uint32_t out = window_count_until(pool, until, node->event_time_us - within_us);
    int64_t count = (int64_t)at(pool, until)->size - out + 1;
    node->lacking = count > more_than ? WINDOW_ALERTED : (int32_t)(more_than + 1 - count);
    update(pool, node);
    until = merge(pool, until, number);
    if (behind != WINDOW_NONE) {
        split(pool, behind, node->event_time_us + within_us - 1, INT64_MAX, &touched, &behind);
        add_to(pool, touched, -1);
        behind = merge(pool, touched, behind);
    }
    *root = merge(pool, until, behind);
    *ret_count = count;
    return touched == WINDOW_NONE || give_exceeded(pool, *root, exceeded, context);
}

void window_cut(struct window_pool *pool, uint32_t *root, int64_t event_time_us)
{
    uint32_t gone;
    split(pool, *root, event_time_us, INT64_MAX, &gone, root);
}

struct tree_walk {
    const struct window_node *from;
    int64_t after_us;
    bool (*take)(void *context, const struct window_node *node);
    void *context;
};

static bool walk_back(const struct window_pool *pool, uint32_t root, const struct tree_walk *walk)
{
    if (root == WINDOW_NONE)
        return true;
    const struct window_node *node = at(pool, root);
    if (!is_until(node, walk->from->event_time_us, walk->from->offset))
        return walk_back(pool, node->left, walk);
    return walk_back(pool, node->right, walk) && node->event_time_us > walk->after_us &&
           walk->take(walk->context, node) && walk_back(pool, node->left, walk);
}

void window_walk(struct window_pool *pool, uint32_t root, uint32_t number, int64_t within_us,
                 bool (*take)(void *context, const struct window_node *node), void *context)
{
    const struct window_node *from = at(pool, number);
    walk_back(pool, root, &(struct tree_walk){from, from->event_time_us - within_us, take, context});
}
