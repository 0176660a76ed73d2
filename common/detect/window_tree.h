/* SPDX-License-Identifier: Apache-2.0
 * Transactions of one value in the order of (event time, offset), and how many each has in its window.
 *
 * A treap (R. Seidel, C. R. Aragon, "Randomized Search Trees", 1996) whose nodes carry their subtree's size, so that a
 * window is counted by two descents, and how many transactions each one still lacks to be alerted, with additions
 * that are handed down only when needed: one that comes out of order adds to all windows that it falls in at once, and
 * those that it makes exceed are found without looking at the others. So neither a value with a million transactions
 * nor a limit of a million makes one slow. */
#ifndef TIDEMARK_DETECT_WINDOW_TREE_H
#define TIDEMARK_DETECT_WINDOW_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_NONE 0 /* an empty tree; no node */

struct window_node {
    int64_t event_time_us, offset;
    const void *fields; /* the owner's: what is needed to alert it later */
    uint32_t left, right;
    uint32_t size;
    int32_t lacking;       /* transactions until it is to be alerted; WINDOW_ALERTED: it was */
    int32_t least_lacking; /* of the subtree */
    int32_t add;           /* to `lacking` of all below it */
    uint32_t key, next;    /* the owner's */
};

#define WINDOW_ALERTED INT32_MAX

/* The nodes of many trees. */
struct window_pool {
    struct window_node **blocks; /* all zero is an empty pool */
    uint32_t block_count, block_capacity, taken, free;
};

#define WINDOW_BLOCK 1024 /* nodes */

static inline struct window_node *window_node(const struct window_pool *pool, uint32_t number)
{
    return &pool->blocks[number / WINDOW_BLOCK][number % WINDOW_BLOCK];
}

void window_pool_clean_up(struct window_pool *pool);
/* Bytes that the pool would take more to give one node more; 0 where it has room. */
size_t window_pool_growth(const struct window_pool *pool);
/* A node, unset but for being alone in its tree; WINDOW_NONE where memory is short. */
uint32_t window_take(struct window_pool *pool);
void window_give_back(struct window_pool *pool, uint32_t number);

/* How many have an event time at or before this. */
uint32_t window_count_until(const struct window_pool *pool, uint32_t root, int64_t event_time_us);

/* Called for a node that a later one made exceed. */
typedef bool window_exceeded(void *context, uint32_t number);

/* Adds a node, whose event time and offset are set. Where its window (`within_us` back from it, without what lies
 * exactly there) has more than `more_than` it counts as alerted, and *ret_count says how many. Those behind it in
 * whose windows it falls, and that exceed by it and weren't alerted, are given to `exceeded`, in their order. False
 * where that returned false. */
bool window_add(struct window_pool *pool, uint32_t *root, uint32_t number, int64_t within_us, int64_t more_than,
                int64_t *ret_count, window_exceeded *exceeded, void *context);

/* Cuts off all with an event time at or before this; their nodes stay taken. */
void window_cut(struct window_pool *pool, uint32_t *root, int64_t event_time_us);

/* The window of a node as it is now: calls `take` from the node backwards, until it returns false. */
void window_walk(struct window_pool *pool, uint32_t root, uint32_t number, int64_t within_us,
                 bool (*take)(void *context, const struct window_node *node), void *context);

#endif
