/* SPDX-License-Identifier: Apache-2.0
 * The second half of a day, part by part: of each order the version that counts is added to the groups; then of each
 * group the different values are. */
#include <stdlib.h>

#include "engine/native/native_day.h"

#define SLOTS_MIN 1024
#define AHEAD 16
#define CACHE_LINE 64

static size_t slots_for(int64_t rows)
{
    size_t slots = SLOTS_MIN;
    while (slots < 2 * (size_t)rows)
        slots *= 2;
    return slots;
}

static bool clear_slots(struct native_worker *worker, size_t slots)
{
    if (slots > worker->slot_capacity) {
        free(worker->slots);
        worker->slots = malloc(slots * sizeof *worker->slots);
        worker->slot_capacity = worker->slots ? slots : 0;
    }
    worker->slot_count = slots;
    if (worker->slots)
        memset(worker->slots, 0, slots * sizeof *worker->slots);
    return worker->slots;
}

/* The slot of a row that is the same one, or a free one. */
static struct row_slot *find_slot(struct native_worker *worker, const struct stored_row *row)
{
    size_t at = row->hash & (worker->slot_count - 1);
    for (;; at = (at + 1) & (worker->slot_count - 1)) {
        struct row_slot *slot = &worker->slots[at];
        if (!slot->row || (slot->hash == row->hash && worker->counting->is_same(slot->row, row)))
            return slot;
    }
}

/* --- Versions ---------------------------------------------------------------------------------------------------- */

/* Of its order, the one that counts so far stays. */
static bool place_version(void *context, const struct stored_row *version)
{
    struct native_worker *worker = context;
    struct row_slot *slot = find_slot(worker, version);
    if (!slot->row || version_row_supersedes(&worker->native->form, version, slot->row))
        *slot = (struct row_slot){version->hash, version};
    return true;
}

static bool add_version(struct native_worker *worker, const struct stored_row *version, struct error *error)
{
    bool is_of_other_day;
    return !version_row_read(&worker->native->form, version, worker->values, &is_of_other_day) ||
           day_groups_add(&worker->groups, worker->values, is_of_other_day, error);
}

static const struct counting versions = {place_version, version_row_is_same_order, add_version};

/* --- Values to be told apart -------------------------------------------------------------------------------------- */

static bool place_member(void *context, const struct stored_row *member)
{
    struct row_slot *slot = find_slot(context, member);
    *slot = (struct row_slot){member->hash, member};
    return true;
}

static bool add_member(struct native_worker *worker, const struct stored_row *member, struct error *error)
{
    return day_groups_take_member(&worker->groups, member, error);
}

static const struct counting members = {place_member, day_groups_is_same_member, add_member};

/* --- Parts ------------------------------------------------------------------------------------------------------- */

/* Rows lie apart from each other: those that come soon are asked for ahead. */
static bool add_placed(struct native_worker *worker, struct error *error)
{
    for (size_t i = 0; i < worker->slot_count; i++) {
        const struct stored_row *soon = worker->slots[(i + AHEAD) & (worker->slot_count - 1)].row;
        if (soon) {
            __builtin_prefetch(soon);
            __builtin_prefetch((const char *)soon + CACHE_LINE);
        }
        if (worker->slots[i].row && !worker->counting->add(worker, worker->slots[i].row, error))
            return false;
    }
    return true;
}

static bool count_part(struct native_worker *worker, size_t part, struct error *error)
{
    struct row_store *store = worker->native->counted;
    struct part_size size = row_store_part(store, part);
    if (size.rows == 0)
        return true;
    bool done = clear_slots(worker, slots_for(size.rows)) || error_set(error, ERROR_INTERNAL, "out of memory");
    done = done && row_store_take(store, part, worker->counting->place, worker, error) && add_placed(worker, error);
    row_store_drop(store, part);
    return done;
}

static bool count_parts(struct native_worker *worker, struct error *error)
{
    struct native_day *native = worker->native;
    size_t part;
    while ((part = atomic_fetch_add(&native->next_part, 1)) < ROW_PARTS && !native_day_ends(native))
        if (!count_part(worker, part, error) || !native_day_check_groups(worker, (double)part + 1, ROW_PARTS, error))
            return false;
    return true;
}

static bool count_versions(struct native_worker *worker, struct error *error)
{
    worker->counting = &versions;
    return count_parts(worker, error) && (!worker->members || part_writer_end(worker->members, error));
}

static bool count_members(struct native_worker *worker, struct error *error)
{
    worker->counting = &members;
    return count_parts(worker, error);
}

/* What the largest part needs: what comes back from the file, and the table. */
static int64_t part_memory(const struct row_store *store)
{
    int64_t most = 0;
    for (size_t i = 0; i < ROW_PARTS; i++) {
        struct part_size size = row_store_part(store, i);
        int64_t needed = size.spilled_bytes + (int64_t)(slots_for(size.rows) * sizeof(struct row_slot));
        most = needed > most ? needed : most;
    }
    return most;
}

static bool count_store(struct native_day *native, struct row_store *store,
                        bool (*work)(struct native_worker *worker, struct error *error), struct error *error)
{
    int64_t allowed = native->day->settings->batch.memory_bytes / PARTS_SHARE, needed = part_memory(store);
    size_t threads = native->worker_count;
    while (threads > 1 && (int64_t)threads * needed > allowed)
        threads--;
    if (needed > allowed)
        return error_set(error, ERROR_CONFIGURATION,
                         "one part of 256 of the orders doesn't fit into \"batch.memory\": %lld MiB would do",
                         (long long)(PARTS_SHARE * needed / (1 << 20) + 1));
    native->counted = store;
    atomic_store(&native->next_part, 0);
    return native_day_run(native, threads, work, error);
}

bool native_day_count(struct native_day *native, struct error *error)
{
    return (!native->versions || count_store(native, native->versions, count_versions, error)) &&
           (!native->members || count_store(native, native->members, count_members, error));
}
