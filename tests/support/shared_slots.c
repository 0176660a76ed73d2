/* SPDX-License-Identifier: Apache-2.0 */
#include "shared_slots.h"

#include <assert.h>
#include <string.h>

static struct shared_slots *store_of(struct realtime_store *store)
{
    return (struct shared_slots *)(void *)store;
}

static bool store_is_up(struct realtime_store *store, struct error *error)
{
    return !store_of(store)->down || error_set(error, ERROR_UNAVAILABLE, "the real-time store is down");
}

static bool read_slot(struct realtime_store *store, struct slot_id id, struct slot *ret_slot, struct error *error)
{
    if (!store_is_up(store, error))
        return false;
    *ret_slot = store_of(store)->slots[id.partition];
    slot_keep_known(ret_slot);
    return true;
}

static bool is_newer(const struct slot *slot, struct error *error)
{
    return slot->format > REALTIME_FORMAT && !error_set(error, ERROR_TRY_AGAIN, "the slot has got a newer format");
}

static struct epoch_start *find_epoch(struct slot *slot, int64_t epoch)
{
    for (size_t i = 0; i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch == epoch)
            return &slot->epochs[i];
    return NULL;
}

static bool open_epoch(struct realtime_store *store, struct slot_id id, int64_t epoch, int64_t *ret_offset,
                       struct error *error)
{
    if (!store_is_up(store, error))
        return false;
    struct slot *slot = &store_of(store)->slots[id.partition];
    if (is_newer(slot, error))
        return false;
    *ret_offset = -1;
    if (!slot->exists || slot->format != REALTIME_FORMAT)
        return true;
    if (!find_epoch(slot, epoch) && slot->epoch == epoch - 1) {
        assert(slot->epoch_count < LIVE_EPOCHS_MAX);
        slot->epochs[slot->epoch_count++] = (struct epoch_start){.epoch = epoch,
                                                                 .offset = slot->next,
                                                                 .last = slot->tail,
                                                                 .last_hash = slot->tail_hash,
                                                                 .idle_us = slot->idle_us};
        slot->epoch = epoch;
    }
    struct epoch_start *found = find_epoch(slot, epoch);
    if (found)
        *ret_offset = found->offset;
    return true;
}

static bool drop_epochs(struct realtime_store *store, struct slot_id id, int64_t last, struct error *error)
{
    if (!store_is_up(store, error))
        return false;
    struct slot *slot = &store_of(store)->slots[id.partition];
    size_t kept = 0;
    if (is_newer(slot, error))
        return false;
    if (slot->format != REALTIME_FORMAT)
        return true;
    for (size_t i = 0; i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch > last || slot->epochs[i].epoch == slot->epoch)
            slot->epochs[kept++] = slot->epochs[i];
    slot->epoch_count = kept;
    return true;
}

/* Slots without a cell: right where each was read up to where its epoch begins. */
static bool read_cells(struct realtime_store *store, struct slot_reader *reader, struct error *error)
{
    if (!store_is_up(store, error))
        return false;
    slot_reader_clear(reader);
    reader->slot = store_of(store)->slots[reader->id.partition];
    slot_keep_known(&reader->slot);
    for (size_t i = 0; i < reader->slot.epoch_count; i++)
        if (!slot_reader_epoch(reader, reader->slot.epochs[i].epoch))
            return error_set(error, ERROR_INTERNAL, "out of memory");
    return true;
}

/* Of a definition that the test gave, what was forgotten of any partition is gone. */
static bool forget(struct realtime_store *store, struct slot_id id, int64_t idle_s, bool *ret_done, struct error *error)
{
    if (!store_is_up(store, error))
        return false;
    struct slot_definitions *definitions = &store_of(store)->definitions;
    size_t number = 0;
    while (number < definitions->count && strcmp(definitions->names[number], id.definition) != 0)
        number++;
    *ret_done = number == definitions->count || idle_s == 0 || !store_of(store)->others_are_used;
    if (number == definitions->count)
        store_of(store)->slots[id.partition] = (struct slot){0};
    else if (*ret_done)
        memcpy(definitions->names[number], definitions->names[--definitions->count], FINGERPRINT_SIZE);
    return true;
}

static bool get_definitions(struct realtime_store *store, const char *source, int32_t partition,
                            struct slot_definitions *ret_definitions, struct error *error)
{
    (void)source;
    (void)partition;
    *ret_definitions = store_of(store)->definitions;
    return store_is_up(store, error);
}

static void store_destroy(struct realtime_store *store)
{
    (void)store; /* the test's own */
}

static const struct realtime_store_operations shared_slots_operations = {.read_slot = read_slot,
                                                                         .open_epoch = open_epoch,
                                                                         .drop_epochs = drop_epochs,
                                                                         .read = read_cells,
                                                                         .forget = forget,
                                                                         .definitions = get_definitions,
                                                                         .destroy = store_destroy};

void shared_slots_init(struct shared_slots *store)
{
    *store = (struct shared_slots){.store = {&shared_slots_operations}};
}

void shared_slots_begin(struct shared_slots *store, int32_t partition, int64_t first, int64_t epoch, int64_t offset)
{
    struct slot *slot = &store->slots[partition];
    *slot = (struct slot){.exists = true,
                          .format = REALTIME_FORMAT,
                          .epoch = epoch,
                          .epoch_count = 1,
                          .cluster = "memory",
                          .first = first,
                          .tail = -1,
                          .next = offset,
                          .epochs = {{.epoch = epoch, .offset = offset, .last = -1}}};
}
