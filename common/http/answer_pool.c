/* SPDX-License-Identifier: Apache-2.0 */
#include "http/answer_pool.h"

#include <pthread.h>
#include <stdlib.h>

struct answer_pool {
    answer_pool_work *work;
    pthread_t threads[ANSWER_POOL_THREADS_MAX];
    size_t thread_count, most;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool is_ending;
    size_t reserved; /* places taken: given, at work, or about to be given */
    void **items;    /* a ring of those that wait */
    size_t first, count;
};

/* The next one; false where it has ended. Called with the lock. */
static bool next_item(struct answer_pool *pool, void **ret_item)
{
    while (pool->count == 0) {
        if (pool->is_ending && pool->reserved == 0)
            return false;
        pthread_cond_wait(&pool->changed, &pool->lock);
    }
    *ret_item = pool->items[pool->first];
    pool->first = (pool->first + 1) % pool->most;
    pool->count--;
    return true;
}

static void *work(void *context)
{
    struct answer_pool *pool = context;
    void *item;
    pthread_mutex_lock(&pool->lock);
    while (next_item(pool, &item)) {
        bool is_ending = pool->is_ending;
        pthread_mutex_unlock(&pool->lock);
        pool->work(item, is_ending);
        pthread_mutex_lock(&pool->lock);
        pool->reserved--;
        pthread_cond_broadcast(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

bool answer_pool_start(size_t threads, size_t most, answer_pool_work *to_do, struct answer_pool **ret_pool,
                       struct error *error)
{
    struct answer_pool *pool = calloc(1, sizeof *pool);
    void **items = calloc(most, sizeof *items);
    if (!pool || !items) {
        free(pool);
        free(items);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    pool->work = to_do;
    pool->most = most;
    pool->items = items;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    for (; pool->thread_count < threads; pool->thread_count++)
        if (pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) != 0) {
            answer_pool_destroy(pool);
            return error_set(error, ERROR_INTERNAL, "can't start a thread");
        }
    *ret_pool = pool;
    return true;
}

bool answer_pool_reserve(struct answer_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool is_free = !pool->is_ending && pool->reserved < pool->most;
    pool->reserved += is_free;
    pthread_mutex_unlock(&pool->lock);
    return is_free;
}

void answer_pool_give(struct answer_pool *pool, void *item)
{
    pthread_mutex_lock(&pool->lock);
    pool->items[(pool->first + pool->count++) % pool->most] = item;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

void answer_pool_end(struct answer_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pool->thread_count = 0;
}

void answer_pool_destroy(struct answer_pool *pool)
{
    if (!pool)
        return;
    answer_pool_end(pool);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    free(pool->items);
    free(pool);
}
