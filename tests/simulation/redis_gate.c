/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_gate.h"

#include "chance.h"

static struct redis_gate *of(struct realtime_store *store)
{
    return (struct redis_gate *)(void *)store;
}

static bool begins(struct redis_gate *gate, struct error *error)
{
    bool done = call_begins(gate->actor, gate->service, error);
    gate->has_failed |= !done;
    return done;
}

static bool begins_to_write(struct redis_gate *gate, struct error *error)
{
    return begins(gate, error) && (!gate->service->takes_no_writes ||
                                   error_set(error, ERROR_UNAVAILABLE, "%s takes no writes", gate->service->name));
}

static bool ends(struct redis_gate *gate, struct error *error)
{
    bool done = call_ends(gate->actor, gate->service, error);
    gate->has_failed |= !done;
    return done;
}

#define MEMORY(gate) (gate)->memory->store.operations
#define STORE(gate) &(gate)->memory->store

static bool read_slot(struct realtime_store *store, struct slot_id id, struct slot *ret_slot, struct error *error)
{
    struct redis_gate *gate = of(store);
    return begins(gate, error) && MEMORY(gate)->read_slot(STORE(gate), id, ret_slot, error) && ends(gate, error);
}

static bool init(struct realtime_store *store, struct slot_id id, const char *seen_incarnation,
                 const struct slot *fresh, bool *ret_done, struct error *error)
{
    struct redis_gate *gate = of(store);
    return begins_to_write(gate, error) &&
           MEMORY(gate)->init(STORE(gate), id, seen_incarnation, fresh, ret_done, error) && ends(gate, error);
}

/* Some of those that are on their way are carried out, though nobody hears of it. */
static void commit_unheard(struct redis_gate *gate, const struct commit commits[], size_t count)
{
    size_t carried = chance_below(count + 1);
    struct commit_outcome outcome;
    struct error error;
    for (size_t i = 0; i < carried && begins_to_write(gate, &error); i++)
        if (!realtime_commit(STORE(gate), &commits[i], &outcome, &error))
            return;
}

static bool commit(struct realtime_store *store, const struct commit commits[], size_t count,
                   struct commit_outcome ret_outcomes[], size_t *ret_answered, struct error *error)
{
    struct redis_gate *gate = of(store);
    for (*ret_answered = 0; *ret_answered < count; ++*ret_answered) {
        size_t at = *ret_answered;
        if (!begins_to_write(gate, error) || !realtime_commit(STORE(gate), &commits[at], &ret_outcomes[at], error))
            return false;
        if (!ends(gate, error)) {
            commit_unheard(gate, commits + at + 1, count - at - 1);
            return false;
        }
    }
    return true;
}

static bool open_epoch(struct realtime_store *store, struct slot_id id, int64_t epoch, int64_t *ret_offset,
                       struct error *error)
{
    struct redis_gate *gate = of(store);
    return begins_to_write(gate, error) && MEMORY(gate)->open_epoch(STORE(gate), id, epoch, ret_offset, error) &&
           ends(gate, error);
}

static bool drop_epochs(struct realtime_store *store, struct slot_id id, int64_t last, struct error *error)
{
    struct redis_gate *gate = of(store);
    return begins_to_write(gate, error) && MEMORY(gate)->drop_epochs(STORE(gate), id, last, error) && ends(gate, error);
}

static bool forget(struct realtime_store *store, struct slot_id id, int64_t idle_s, bool *ret_done, struct error *error)
{
    struct redis_gate *gate = of(store);
    return begins_to_write(gate, error) && MEMORY(gate)->forget(STORE(gate), id, idle_s, ret_done, error) &&
           ends(gate, error);
}

static bool replace(struct realtime_store *store, struct slot_id id, const char *by, bool *ret_done,
                    struct error *error)
{
    struct redis_gate *gate = of(store);
    return begins_to_write(gate, error) && MEMORY(gate)->replace(STORE(gate), id, by, ret_done, error) &&
           ends(gate, error);
}

static bool definitions(struct realtime_store *store, const char *source, int32_t partition,
                        struct slot_definitions *ret_definitions, struct error *error)
{
    struct redis_gate *gate = of(store);
    return begins(gate, error) && MEMORY(gate)->definitions(STORE(gate), source, partition, ret_definitions, error) &&
           ends(gate, error);
}

static bool read_cells(struct realtime_store *store, struct slot_reader *reader, struct error *error)
{
    struct redis_gate *gate = of(store);
    bool done = begins(gate, error) && ends(gate, error) && MEMORY(gate)->read(STORE(gate), reader, error);
    const struct memory_slot *slot = memory_realtime_slot(gate->memory, reader->id);
    if (done)
        gate->seen[slot - gate->memory->slots] = (struct slot_seen){gate->pass, slot->written};
    return done;
}

static bool read_news(struct realtime_store *store, const char *source, char ret_news[SLOT_STATE_SIZE],
                      struct error *error)
{
    struct redis_gate *gate = of(store);
    gate->is_asked = true;
    return begins(gate, error) && MEMORY(gate)->read_news(STORE(gate), source, ret_news, error) && ends(gate, error);
}

static bool find_written(struct realtime_store *store, struct slot_reader *const readers[], size_t count,
                         bool ret_written[], struct error *error)
{
    struct redis_gate *gate = of(store);
    return begins(gate, error) && MEMORY(gate)->find_written(STORE(gate), readers, count, ret_written, error) &&
           ends(gate, error);
}

static void destroy(struct realtime_store *store)
{
    (void)store;
}

void redis_gate_init(struct redis_gate *gate, struct memory_realtime *memory, const struct service *service,
                     struct actor *actor)
{
    static const struct realtime_store_operations operations = {.read_slot = read_slot,
                                                                .init = init,
                                                                .commit = commit,
                                                                .open_epoch = open_epoch,
                                                                .drop_epochs = drop_epochs,
                                                                .forget = forget,
                                                                .replace = replace,
                                                                .definitions = definitions,
                                                                .read = read_cells,
                                                                .read_news = read_news,
                                                                .find_written = find_written,
                                                                .destroy = destroy};
    *gate = (struct redis_gate){.store = {&operations}, .memory = memory, .service = service, .actor = actor};
}
