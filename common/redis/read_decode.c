/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/read_decode.h"

#include <stdlib.h>

#include "base/wide.h"
#include "redis/hash_decode.h"
#include "redis/msgpack.h"
#include "redis/slot_codec.h"
#include "redis/slot_parts.h"

static bool not_understood(struct error *error)
{
    return error_set(error, ERROR_DATA, "its cells can't be read: tidemark-batch repair has the slot built again");
}

static bool out_of_memory(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "out of memory");
}

static bool holds(const struct slot_reader *reader, int64_t epoch)
{
    for (size_t i = 0; i < reader->epoch_count; i++)
        if (reader->epochs[i].epoch == epoch)
            return true;
    return false;
}

bool reader_can_follow(const struct slot_reader *reader)
{
    for (size_t i = 0; i < reader->slot.epoch_count; i++)
        if (!holds(reader, reader->slot.epochs[i].epoch))
            return false;
    return reader->slot.exists;
}

/* Every epoch of `slot` is held, or is newer than all that the reader has seen, so that all its cells are changes. */
static bool covers(const struct slot_reader *reader, const struct slot *slot)
{
    for (size_t i = 0; i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch <= reader->slot.epoch && !holds(reader, slot->epochs[i].epoch))
            return false;
    return true;
}

static bool make_epochs(struct slot_reader *reader, struct error *error)
{
    for (size_t i = 0; i < reader->slot.epoch_count; i++)
        if (!slot_reader_epoch(reader, reader->slot.epochs[i].epoch))
            return out_of_memory(error);
    return true;
}

static void announce_replaced(struct slot_reader *reader)
{
    if (reader->replaced)
        reader->replaced(reader->context, reader);
}

static void empty(struct slot_reader *reader)
{
    slot_reader_hold(reader);
    slot_reader_clear(reader);
    reader->slot = (struct slot){0};
    announce_replaced(reader);
}

/* One remembered commit: "<epoch>:<id of the commit before>:<payload>". With `parts`, into what is read of them. */
static bool apply_commit(struct slot_reader *reader, struct slot_parts *parts, struct text entry, struct error *error)
{
    int64_t epoch;
    uint32_t items, changes;
    const char *colon;
    if (!hash_name_take_epoch(&entry, &epoch) || !(colon = entry.length ? memchr(entry.data, ':', entry.length) : NULL))
        return not_understood(error);
    if (!slot_is_live(&reader->slot, epoch))
        return true;
    struct text payload = {colon + 1, entry.length - (size_t)(colon + 1 - entry.data)};
    if (!msgpack_read_array(&payload, &items))
        return not_understood(error);
    for (uint32_t i = 0; i + 1 < items; i += 2) {
        struct text name;
        if (!msgpack_read_string(&payload, &name) || !msgpack_read_array(&payload, &changes))
            return not_understood(error);
        struct hash_changes list = {.packed = &payload, .left = changes};
        if (parts ? !slot_parts_change(parts, epoch, name, &list, error)
                  : !hash_apply(reader, epoch, name, &list, true, error))
            return false;
    }
    return true;
}

static bool apply_changes(struct slot_reader *reader, struct slot_parts *parts, const struct slot *slot,
                          const redisReply *list, struct error *error)
{
    size_t before = reader->epoch_count;
    slot_reader_hold(reader);
    reader->slot = *slot;
    bool is_other = slot_reader_trim(reader);
    if (!make_epochs(reader, error))
        return false;
    if (is_other || reader->epoch_count != before)
        announce_replaced(reader);
    for (size_t i = 0; i < list->elements; i++) {
        const redisReply *entry = list->element[i];
        if (entry->type != REDIS_REPLY_STRING)
            return not_understood(error);
        if (!apply_commit(reader, parts, (struct text){entry->str, entry->len}, error))
            return false;
    }
    return true;
}

/* What was read in parts becomes the reader's. */
static void replace(struct slot_reader *reader, struct slot_reader *by)
{
    slot_reader_hold(reader);
    slot_reader_clear(reader);
    memcpy(reader->epochs, by->epochs, sizeof reader->epochs);
    reader->epoch_count = by->epoch_count;
    reader->slot = by->slot;
    by->epoch_count = 0;
    announce_replaced(reader);
}

/* A part without anything would never come to an end. */
static bool apply_parts(struct slot_reader *reader, struct slot_parts *parts, const redisReply *list, bool *ret_more,
                        struct error *error)
{
    if (!slot_parts_are_whole(parts) && list->elements == 0)
        return not_understood(error);
    if (!slot_parts_take(parts, list, error))
        return false;
    *ret_more = !slot_parts_are_whole(parts);
    if (!*ret_more) {
        replace(reader, &parts->so_far);
        slot_parts_drop(parts);
    }
    return true;
}

static void apply_meta(struct slot_reader *reader, const struct slot *slot)
{
    bool held_any = reader->epoch_count > 0;
    slot_reader_hold(reader);
    slot_reader_clear(reader);
    reader->slot = *slot;
    if (held_any)
        announce_replaced(reader);
}

bool read_apply(struct slot_reader *reader, struct slot_parts *parts, const redisReply *reply, bool *ret_more,
                struct error *error)
{
    struct slot slot;
    *ret_more = false;
    reader->state[0] = '\0';
    if (!slot_decode_answer(reply, &slot, error))
        return false;
    bool follows = answer_is(reply, "changes"), applied = true;
    const redisReply *list = reply->element[2], *taken = reply->element[3];
    struct slot_reader *follower = parts->begun ? &parts->so_far : reader;
    if (follows && !covers(follower, &slot)) {
        slot_parts_drop(parts);
        parts->whole = *ret_more = true;
    } else if (follows && parts->begun)
        applied =
            apply_changes(follower, parts, &slot, list, error) && apply_parts(reader, parts, taken, ret_more, error);
    else if (follows)
        applied = apply_changes(reader, NULL, &slot, list, error);
    else if (answer_is(reply, "all"))
        applied = slot_parts_begin(parts, &slot, list, error) && make_epochs(&parts->so_far, error) &&
                  apply_parts(reader, parts, taken, ret_more, error);
    else {
        slot_parts_drop(parts);
        apply_meta(reader, &slot);
    }
    if (!applied)
        empty(reader);
    else if (!*ret_more)
        slot_decode_digest(reply, reader->state);
    return applied;
}
