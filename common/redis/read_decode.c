/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/read_decode.h"

#include <stdlib.h>

#include "base/wide.h"
#include "redis/hash_decode.h"
#include "redis/msgpack.h"
#include "redis/slot_codec.h"

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

static bool is_live(const struct slot *slot, int64_t epoch)
{
    for (size_t i = 0; i < slot->epoch_count; i++)
        if (slot->epochs[i].epoch == epoch)
            return true;
    return false;
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
    slot_reader_clear(reader);
    reader->slot = (struct slot){0};
    announce_replaced(reader);
}

/* Takes "<epoch>:" from the front. */
static bool take_epoch(struct text *from, int64_t *ret_epoch)
{
    const char *colon = from->length ? memchr(from->data, ':', from->length) : NULL;
    if (!colon || !integer_parse((struct text){from->data, (size_t)(colon - from->data)}, ret_epoch))
        return false;
    *from = (struct text){colon + 1, from->length - (size_t)(colon + 1 - from->data)};
    return true;
}

/* One remembered commit: "<epoch>:<id of the commit before>:<payload>". */
static bool apply_commit(struct slot_reader *reader, struct text entry, struct error *error)
{
    int64_t epoch;
    uint32_t items, changes;
    const char *colon;
    if (!take_epoch(&entry, &epoch) || !(colon = entry.length ? memchr(entry.data, ':', entry.length) : NULL))
        return not_understood(error);
    if (!is_live(&reader->slot, epoch))
        return true;
    struct text payload = {colon + 1, entry.length - (size_t)(colon + 1 - entry.data)};
    if (!msgpack_read_array(&payload, &items))
        return not_understood(error);
    for (uint32_t i = 0; i + 1 < items; i += 2) {
        struct text name;
        if (!msgpack_read_string(&payload, &name) || !msgpack_read_array(&payload, &changes))
            return not_understood(error);
        struct hash_changes list = {.packed = &payload, .left = changes};
        if (!hash_apply(reader, epoch, name, &list, true, error))
            return false;
    }
    return true;
}

static bool apply_changes(struct slot_reader *reader, const struct slot *slot, const redisReply *list,
                          struct error *error)
{
    size_t before = reader->epoch_count;
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
        if (!apply_commit(reader, (struct text){entry->str, entry->len}, error))
            return false;
    }
    return true;
}

/* One hash as [name, fields and values]. */
static bool apply_hash(struct slot_reader *reader, const redisReply *hash, struct error *error)
{
    if (hash->type != REDIS_REPLY_ARRAY || hash->elements != 2 || hash->element[0]->type != REDIS_REPLY_STRING ||
        hash->element[1]->type != REDIS_REPLY_ARRAY)
        return not_understood(error);
    struct text name = {hash->element[0]->str, hash->element[0]->len};
    int64_t epoch;
    if (!take_epoch(&name, &epoch))
        return not_understood(error);
    if (!is_live(&reader->slot, epoch))
        return true;
    struct hash_changes list = {.reply = hash->element[1], .left = hash->element[1]->elements};
    return hash_apply(reader, epoch, name, &list, false, error);
}

/* Into a reader of its own, so that the other stays what it is until all is read. */
static bool apply_all(struct slot_reader *reader, const struct slot *slot, const redisReply *list, struct error *error)
{
    struct slot_reader anew;
    slot_reader_init(&anew, reader->id, reader->source);
    anew.slot = *slot;
    bool read = make_epochs(&anew, error);
    for (size_t i = 0; read && i < list->elements; i++)
        read = apply_hash(&anew, list->element[i], error);
    if (!read) {
        slot_reader_clean_up(&anew);
        return false;
    }
    slot_reader_clear(reader);
    memcpy(reader->epochs, anew.epochs, sizeof reader->epochs);
    reader->epoch_count = anew.epoch_count;
    reader->slot = *slot;
    announce_replaced(reader);
    return true;
}

static void apply_meta(struct slot_reader *reader, const struct slot *slot)
{
    bool held_any = reader->epoch_count > 0;
    slot_reader_clear(reader);
    reader->slot = *slot;
    if (held_any)
        announce_replaced(reader);
}

bool read_apply(struct slot_reader *reader, const redisReply *reply, bool *ret_again, struct error *error)
{
    struct slot slot;
    if (!slot_decode_answer(reply, &slot, error))
        return false;
    const redisReply *list = reply->element[2];
    bool follows = answer_is(reply, "changes");
    *ret_again = follows && !covers(reader, &slot);
    if (*ret_again)
        return true;
    bool applied = true;
    if (follows)
        applied = apply_changes(reader, &slot, list, error);
    else if (answer_is(reply, "all"))
        applied = apply_all(reader, &slot, list, error);
    else
        apply_meta(reader, &slot);
    if (!applied)
        empty(reader);
    return applied;
}
