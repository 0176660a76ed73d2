/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/sourced_store.h"

#include <stdlib.h>
#include <string.h>

#include "redis/redis_store.h"

struct sourced_store {
    struct realtime_store store;  /* first, so that the pointers are interchangeable */
    struct realtime_store *redis; /* NULL: no source is read */
    const struct source *sources;
    size_t source_count;
};

/* The store that has the slots of this source; NULL: there are none. */
static struct realtime_store *store_of(struct realtime_store *store, const char *source)
{
    const struct sourced_store *sourced = (const struct sourced_store *)(const void *)store;
    for (size_t i = 0; i < sourced->source_count; i++)
        if (strcmp(sourced->sources[i].name, source) == 0 && sourced->sources[i].is_batch_alone)
            return NULL;
    return sourced->redis;
}

static bool read_slot(struct realtime_store *store, struct slot_id id, struct slot *ret_slot, struct error *error)
{
    struct realtime_store *redis = store_of(store, id.source);
    *ret_slot = (struct slot){0};
    return !redis || redis->operations->read_slot(redis, id, ret_slot, error);
}

static bool refuse(struct slot_id id, struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "%s/%d has no speed layer", id.source, (int)id.partition);
}

static bool init(struct realtime_store *store, struct slot_id id, const char *seen_incarnation,
                 const struct slot *fresh, bool *ret_done, struct error *error)
{
    struct realtime_store *redis = store_of(store, id.source);
    return redis ? redis->operations->init(redis, id, seen_incarnation, fresh, ret_done, error) : refuse(id, error);
}

/* Nobody commits to a source without a speed layer. */
static bool commit(struct realtime_store *store, const struct commit commits[], size_t count,
                   struct commit_outcome ret_outcomes[], size_t *ret_answered, struct error *error)
{
    *ret_answered = 0;
    for (size_t i = 0; i < count; i++)
        if (!store_of(store, commits[i].id.source))
            return refuse(commits[i].id, error);
    struct realtime_store *redis = ((struct sourced_store *)(void *)store)->redis;
    return redis->operations->commit(redis, commits, count, ret_outcomes, ret_answered, error);
}

static bool open_epoch(struct realtime_store *store, struct slot_id id, int64_t epoch, int64_t *ret_offset,
                       struct error *error)
{
    struct realtime_store *redis = store_of(store, id.source);
    *ret_offset = -1;
    return !redis || redis->operations->open_epoch(redis, id, epoch, ret_offset, error);
}

static bool drop_epochs(struct realtime_store *store, struct slot_id id, int64_t last, struct error *error)
{
    struct realtime_store *redis = store_of(store, id.source);
    return !redis || redis->operations->drop_epochs(redis, id, last, error);
}

static bool forget(struct realtime_store *store, struct slot_id id, int64_t idle_s, bool *ret_done, struct error *error)
{
    struct realtime_store *redis = store_of(store, id.source);
    *ret_done = false;
    return !redis || redis->operations->forget(redis, id, idle_s, ret_done, error);
}

static bool replace(struct realtime_store *store, struct slot_id id, const char *by, bool *ret_done,
                    struct error *error)
{
    struct realtime_store *redis = store_of(store, id.source);
    *ret_done = false;
    return !redis || redis->operations->replace(redis, id, by, ret_done, error);
}

static bool definitions(struct realtime_store *store, const char *source, int32_t partition,
                        struct slot_definitions *ret_definitions, struct error *error)
{
    struct realtime_store *redis = store_of(store, source);
    *ret_definitions = (struct slot_definitions){0};
    return !redis || redis->operations->definitions(redis, source, partition, ret_definitions, error);
}

/* Readers of one source. */
static bool ask(struct realtime_store *store, struct slot_reader *const readers[], size_t count, struct error *error)
{
    struct realtime_store *redis = count > 0 ? store_of(store, readers[0]->id.source) : NULL;
    return !redis || redis->operations->ask(redis, readers, count, error);
}

static bool read_cells(struct realtime_store *store, struct slot_reader *reader, struct error *error)
{
    struct realtime_store *redis = store_of(store, reader->id.source);
    return !redis || redis->operations->read(redis, reader, error);
}

static bool read_news(struct realtime_store *store, const char *source, char ret_news[SLOT_STATE_SIZE],
                      struct error *error)
{
    struct realtime_store *redis = store_of(store, source);
    *ret_news = '\0';
    return !redis || redis->operations->read_news(redis, source, ret_news, error);
}

/* All are of one source. */
static bool find_written(struct realtime_store *store, struct slot_reader *const readers[], size_t count,
                         bool ret_written[], struct error *error)
{
    struct realtime_store *redis = count > 0 ? store_of(store, readers[0]->id.source) : NULL;
    memset(ret_written, false, count * sizeof *ret_written);
    return !redis || redis->operations->find_written(redis, readers, count, ret_written, error);
}

static void destroy(struct realtime_store *store)
{
    struct sourced_store *sourced = (struct sourced_store *)(void *)store;
    if (sourced->redis)
        sourced->redis->operations->destroy(sourced->redis);
    free(sourced);
}

static const struct realtime_store_operations operations = {.read_slot = read_slot,
                                                            .init = init,
                                                            .commit = commit,
                                                            .open_epoch = open_epoch,
                                                            .drop_epochs = drop_epochs,
                                                            .forget = forget,
                                                            .replace = replace,
                                                            .definitions = definitions,
                                                            .ask = ask,
                                                            .read = read_cells,
                                                            .read_news = read_news,
                                                            .find_written = find_written,
                                                            .destroy = destroy};

static bool has_reader(const struct source sources[], size_t source_count)
{
    for (size_t i = 0; i < source_count; i++)
        if (!sources[i].is_batch_alone)
            return true;
    return false;
}

bool sourced_store_open(const char *url, const char *password, const char *name_space, const struct source sources[],
                        size_t source_count, struct realtime_store **ret_store, struct error *error)
{
    struct sourced_store *sourced = calloc(1, sizeof *sourced);
    if (!sourced)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    *sourced = (struct sourced_store){.store = {&operations}, .sources = sources, .source_count = source_count};
    if (has_reader(sources, source_count) && !redis_store_open(url, password, name_space, &sourced->redis, error)) {
        free(sourced);
        return false;
    }
    *ret_store = &sourced->store;
    return true;
}
