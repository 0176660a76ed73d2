/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/slot_parts.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buffer.h"

#define NAMES_AT_ONCE 48 /* a command has no room for many more */

void slot_parts_init(struct slot_parts *parts, struct slot_id id, const struct source *source)
{
    *parts = (struct slot_parts){.cursor = "0"};
    slot_reader_init(&parts->so_far, id, source);
    bytes_map_init(&parts->names, sizeof(size_t));
    bytes_map_init(&parts->fields, sizeof(int64_t));
}

void slot_parts_clean_up(struct slot_parts *parts)
{
    slot_reader_clean_up(&parts->so_far);
    bytes_map_clean_up(&parts->names);
    bytes_map_clean_up(&parts->fields);
}

static bool not_understood(struct error *error)
{
    return error_set(error, ERROR_DATA, "its cells can't be read: tidemark-batch repair has the slot built again");
}

static bool out_of_memory(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "out of memory");
}

static struct text text_in(const redisReply *reply)
{
    return (struct text){reply->str, reply->len};
}

void slot_parts_drop(struct slot_parts *parts)
{
    slot_reader_clean_up(&parts->so_far);
    bytes_map_clear(&parts->names);
    bytes_map_clear(&parts->fields);
    snprintf(parts->cursor, sizeof parts->cursor, "0");
    parts->next = 0;
    parts->begun = false;
}

static bool add_name(struct slot_parts *parts, const redisReply *name, struct error *error)
{
    size_t number = parts->names.count;
    if (name->type != REDIS_REPLY_STRING)
        return not_understood(error);
    size_t *place = bytes_map_at(&parts->names, text_in(name));
    if (!place)
        return out_of_memory(error);
    if (parts->names.count == number)
        return not_understood(error); /* twice the same */
    *place = number;
    return true;
}

bool slot_parts_begin(struct slot_parts *parts, const struct slot *slot, const redisReply *names, struct error *error)
{
    slot_parts_drop(parts);
    parts->begun = true;
    parts->beginnings++;
    parts->so_far.slot = *slot;
    for (size_t i = 0; i < names->elements; i++)
        if (!add_name(parts, names->element[i], error))
            return false;
    return true;
}

void slot_parts_ask(const struct slot_parts *parts, struct words *words)
{
    words_add(words, parts->cursor);
    for (size_t i = parts->next; i < parts->names.count && i < parts->next + NAMES_AT_ONCE; i++)
        words_add_text(words, parts->names.entries[i].key);
}

bool slot_parts_are_whole(const struct slot_parts *parts)
{
    return parts->next == parts->names.count;
}

/* Adds the hash of this full name to what was read. */
static bool apply(struct slot_parts *parts, struct text name, struct hash_changes *list, struct error *error)
{
    int64_t epoch;
    if (!hash_name_take_epoch(&name, &epoch))
        return not_understood(error);
    return !slot_is_live(&parts->so_far.slot, epoch) || hash_apply(&parts->so_far, epoch, name, list, false, error);
}

static bool keep_fields(struct slot_parts *parts, struct hash_changes *list, bool is_change, struct error *error)
{
    while (list->left > 0) {
        struct text field;
        int64_t number;
        if (!hash_take_field(list, &field, &number))
            return not_understood(error);
        int64_t *known = bytes_map_at(&parts->fields, field);
        if (!known)
            return out_of_memory(error);
        if (!is_change)
            *known = number;
        else if (__builtin_add_overflow(*known, number, known))
            return not_understood(error);
    }
    return true;
}

static bool end_hash(struct slot_parts *parts, struct error *error)
{
    struct hash_changes list = {.known = &parts->fields, .left = parts->fields.count};
    bool applied = apply(parts, parts->names.entries[parts->next].key, &list, error);
    bytes_map_clear(&parts->fields);
    snprintf(parts->cursor, sizeof parts->cursor, "0");
    parts->next++;
    return applied;
}

static bool take_part(struct slot_parts *parts, struct text cursor, struct hash_changes *list, struct error *error)
{
    bool ends = text_equal(cursor, text_of("0"));
    if (ends && parts->fields.count == 0)
        return apply(parts, parts->names.entries[parts->next++].key, list, error);
    if (!keep_fields(parts, list, false, error))
        return false;
    if (ends)
        return end_hash(parts, error);
    snprintf(parts->cursor, sizeof parts->cursor, "%.*s", (int)cursor.length, cursor.data);
    return true;
}

static bool take_hash(struct slot_parts *parts, const redisReply *hash, struct error *error)
{
    if (hash->type != REDIS_REPLY_ARRAY || hash->elements != 3 || hash->element[0]->type != REDIS_REPLY_STRING ||
        hash->element[1]->type != REDIS_REPLY_STRING || hash->element[2]->type != REDIS_REPLY_ARRAY)
        return not_understood(error);
    struct text cursor = text_in(hash->element[1]);
    if (slot_parts_are_whole(parts) || cursor.length == 0 || cursor.length >= CURSOR_SIZE ||
        !text_equal(text_in(hash->element[0]), parts->names.entries[parts->next].key))
        return not_understood(error);
    struct hash_changes list = {.reply = hash->element[2], .left = hash->element[2]->elements};
    return take_part(parts, cursor, &list, error);
}

bool slot_parts_take(struct slot_parts *parts, const redisReply *list, struct error *error)
{
    for (size_t i = 0; i < list->elements; i++)
        if (!take_hash(parts, list->element[i], error))
            return false;
    return true;
}

static bool leave_out(struct hash_changes *changes, struct error *error)
{
    struct text field;
    int64_t number;
    while (changes->left > 0)
        if (!hash_take_field(changes, &field, &number))
            return not_understood(error);
    return true;
}

bool slot_parts_change(struct slot_parts *parts, int64_t epoch, struct text name, struct hash_changes *changes,
                       struct error *error)
{
    struct buffer full = {0};
    buffer_appendf(&full, "%" PRId64 ":", epoch);
    buffer_append_text(&full, name);
    const size_t *number = full.failed ? NULL : bytes_map_find(&parts->names, buffer_text(&full));
    bool failed = full.failed;
    buffer_clean_up(&full);
    if (failed)
        return out_of_memory(error);
    if (!number || *number < parts->next)
        return hash_apply(&parts->so_far, epoch, name, changes, false, error);
    if (*number > parts->next)
        return leave_out(changes, error);
    return keep_fields(parts, changes, true, error);
}
