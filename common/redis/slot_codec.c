/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/slot_codec.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/wide.h"

#define START_PREFIX "start:"
#define CONSUMED_PREFIX "consumed:"
#define IDLE_PREFIX "idle:" /* left away: 0 */
#define LAST_PREFIX "last:" /* of it "<offset>:<hash>"; a writer that doesn't know it leaves it away: unknown */

/* When a field is written, and whether it is read of a slot of an older format. */
enum use {
    OUTLIVES,      /* when the slot is begun; what is kept of an older one */
    BEGUN,         /* when the slot is begun, and by functions.c itself */
    FOLLOWS,       /* the same, and by each commit */
    FOLLOWS_LATER, /* the same, and not there where no writer has known it yet: then all zero */
};

/* A row for each field of meta but for those of epochs and those that only functions.c uses. A row that comes later,
 * within the format, has to say what it is where a writer that didn't know it left it away. */
static const struct meta_field {
    const char *name;
    enum { NUMBER, TEXT, HASH, RANGES } kind;
    size_t place;
    int64_t limit; /* the least number; the size of a text's room */
    enum use use;
} meta_fields[] = {
    {"incarnation", TEXT, offsetof(struct slot, incarnation), INCARNATION_SIZE, OUTLIVES},
    {"cluster", TEXT, offsetof(struct slot, cluster), CLUSTER_ID_MAX, OUTLIVES},
    {"partitions", NUMBER, offsetof(struct slot, partitions), 0, OUTLIVES},
    {"first", NUMBER, offsetof(struct slot, first), 0, OUTLIVES},
    {"requires", TEXT, offsetof(struct slot, requires), REQUIRES_SIZE, BEGUN},
    {"epoch", NUMBER, offsetof(struct slot, epoch), 0, BEGUN},
    {"lost", NUMBER, offsetof(struct slot, lost), 0, BEGUN},
    {"sequence", NUMBER, offsetof(struct slot, sequence), 0, BEGUN},
    {"commit", TEXT, offsetof(struct slot, commit_id), COMMIT_ID_MAX, FOLLOWS},
    {"next", NUMBER, offsetof(struct slot, next), 0, FOLLOWS},
    {"floor", NUMBER, offsetof(struct slot, floor), 0, FOLLOWS},
    {"floor_time", NUMBER, offsetof(struct slot, floor_time_us), -1, FOLLOWS},
    {"clock", NUMBER, offsetof(struct slot, clock_us), INT64_MIN, FOLLOWS},
    {"idle", NUMBER, offsetof(struct slot, idle_us), 0, FOLLOWS_LATER}, /* without it: never silent */
    {"tail", NUMBER, offsetof(struct slot, tail), -1, FOLLOWS},
    {"tail_time", NUMBER, offsetof(struct slot, tail_time_us), -1, FOLLOWS},
    {"tail_hash", HASH, offsetof(struct slot, tail_hash), 0, FOLLOWS},
    {"end", NUMBER, offsetof(struct slot, end), LOG_END_UNKNOWN, FOLLOWS},
    {"real_end", NUMBER, offsetof(struct slot, real_end), 0, FOLLOWS},
    {"wanted_epoch", NUMBER, offsetof(struct slot, wanted_epoch), 0, FOLLOWS_LATER},
    {"gaps", RANGES, offsetof(struct slot, gaps), 0, FOLLOWS}, /* after next, for they are below it */
    {"alarm", TEXT, offsetof(struct slot, alarm), ALARM_SIZE, FOLLOWS},
    {"left", NUMBER, offsetof(struct slot, left_us), 0, FOLLOWS_LATER},
    {"deferred_time", NUMBER, offsetof(struct slot, deferred_us), INT64_MIN, FOLLOWS_LATER},
};

#define LENGTH_OF(array) (sizeof(array) / sizeof *(array))

static bool unreadable(struct error *error, const char *field, const char *problem)
{
    return error_set(error, ERROR_DATA,
                     "the field %s of its meta key %s: tidemark-batch repair has the slot built again", field, problem);
}

static struct text element_text(const redisReply *reply, size_t number)
{
    const redisReply *element = reply->element[number];
    bool is_text = element->type == REDIS_REPLY_STRING;
    return (struct text){is_text ? element->str : "", is_text ? element->len : 0};
}

static bool find(const redisReply *reply, const char *name, struct text *ret_value)
{
    for (size_t i = 0; i + 1 < reply->elements; i += 2)
        if (text_equal(element_text(reply, i), text_of(name))) {
            *ret_value = element_text(reply, i + 1);
            return true;
        }
    return false;
}

/* As it is written, for the functions compare it as text. */
static bool decode_format(const redisReply *reply, struct slot *slot, struct error *error)
{
    struct text value;
    char written[24];
    if (!find(reply, "format", &value))
        return unreadable(error, "format", "is missing");
    if (!integer_parse(value, &slot->format))
        return unreadable(error, "format", "is not a format");
    snprintf(written, sizeof written, "%" PRId64, slot->format);
    return text_equal(value, text_of(written)) || unreadable(error, "format", "is not a format");
}

static bool decode_text(struct text value, size_t size, char *ret_text)
{
    if (value.length >= size || (value.length && memchr(value.data, '\0', value.length)))
        return false;
    memcpy(ret_text, value.data, value.length);
    return true;
}

static bool decode_number(struct text value, int64_t least, int64_t *ret_number)
{
    int64_t number;
    if (!integer_parse(value, &number) || number < least)
        return false;
    *ret_number = number;
    return true;
}

static bool decode_hash(struct text value, uint64_t *ret_hash)
{
    unsigned char bytes[sizeof *ret_hash];
    if (value.length != 2 * sizeof bytes || !hex_parse(value, bytes))
        return false;
    *ret_hash = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        *ret_hash = *ret_hash << 8 | bytes[i];
    return true;
}

static int compare_starts(const void *left, const void *right)
{
    int64_t a = ((const struct epoch_start *)left)->epoch, b = ((const struct epoch_start *)right)->epoch;
    return (a > b) - (a < b);
}

static bool decode_range(struct text text, struct offset_range *ret_range)
{
    const char *dash = text.length ? memchr(text.data, '-', text.length) : NULL;
    return dash && integer_parse((struct text){text.data, (size_t)(dash - text.data)}, &ret_range->from) &&
           integer_parse((struct text){dash + 1, text.length - (size_t)(dash + 1 - text.data)}, &ret_range->to) &&
           ret_range->from >= 0 && ret_range->from < ret_range->to;
}

static bool decode_gaps(struct text left, int64_t next, struct gaps *gaps)
{
    while (left.length > 0) {
        const char *comma = memchr(left.data, ',', left.length);
        size_t length = comma ? (size_t)(comma - left.data) : left.length;
        struct offset_range *range = &gaps->ranges[gaps->count];
        if (gaps->count == GAPS_MAX || !decode_range((struct text){left.data, length}, range) || range->to > next ||
            (gaps->count && range->from <= range[-1].to))
            return false;
        gaps->count++;
        size_t taken = comma ? length + 1 : length;
        left = (struct text){left.data + taken, left.length - taken};
    }
    return true;
}

static bool decode_field(const struct meta_field *field, struct text value, struct slot *slot)
{
    void *place = (char *)slot + field->place;
    switch (field->kind) {
    case NUMBER:
        return decode_number(value, field->limit, place);
    case TEXT:
        return decode_text(value, (size_t)field->limit, place);
    case HASH:
        return decode_hash(value, place);
    case RANGES:
        return decode_gaps(value, slot->next, place);
    }
    return false;
}

/* Those that a slot of its format has. */
static bool decode_known(const redisReply *reply, struct slot *slot, struct error *error)
{
    static const char *const kinds[] = {"a number that it can be", "what it must be", "16 hex digits",
                                        "a list of ranges that it can be"};
    for (size_t i = 0; i < LENGTH_OF(meta_fields); i++) {
        const struct meta_field *field = &meta_fields[i];
        struct text value;
        if (slot->format < REALTIME_FORMAT && field->use != OUTLIVES)
            continue;
        if (!find(reply, field->name, &value)) {
            if (field->use == FOLLOWS_LATER)
                continue;
            return unreadable(error, field->name, "is missing");
        }
        if (!decode_field(field, value, slot))
            return error_set(error, ERROR_DATA,
                             "the field %s of its meta key is not %s: tidemark-batch repair has the slot built again",
                             field->name, kinds[field->kind]);
    }
    return true;
}

static bool decode_consumed(const redisReply *reply, struct epoch_start *start)
{
    char name[32];
    struct text value;
    snprintf(name, sizeof name, CONSUMED_PREFIX "%" PRId64, start->epoch);
    return find(reply, name, &value) && integer_parse(value, &start->consumed) && start->consumed >= 0;
}

static bool decode_last(const redisReply *reply, struct epoch_start *start)
{
    char name[32];
    struct text value;
    snprintf(name, sizeof name, LAST_PREFIX "%" PRId64, start->epoch);
    start->last = -1;
    if (!find(reply, name, &value))
        return true;
    const char *colon = value.length ? memchr(value.data, ':', value.length) : NULL;
    size_t length = colon ? (size_t)(colon - value.data) : 0;
    return colon && decode_number((struct text){value.data, length}, -1, &start->last) &&
           decode_hash((struct text){colon + 1, value.length - length - 1}, &start->last_hash);
}

static bool decode_idle(const redisReply *reply, struct epoch_start *start)
{
    char name[32];
    struct text value;
    snprintf(name, sizeof name, IDLE_PREFIX "%" PRId64, start->epoch);
    return !find(reply, name, &value) || decode_number(value, 0, &start->idle_us);
}

static bool decode_epochs(const redisReply *reply, struct slot *slot, struct error *error)
{
    const size_t prefix = sizeof START_PREFIX - 1;
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        struct text name = element_text(reply, i);
        if (name.length < prefix || memcmp(name.data, START_PREFIX, prefix) != 0)
            continue;
        struct epoch_start start = {0};
        if (slot->epoch_count == LIVE_EPOCHS_MAX)
            return unreadable(error, "start", "is there too often");
        if (!integer_parse((struct text){name.data + prefix, name.length - prefix}, &start.epoch) || start.epoch < 0 ||
            !integer_parse(element_text(reply, i + 1), &start.offset) || start.offset < 0 || start.offset > slot->next)
            return unreadable(error, "start", "is not an offset that it can be");
        if (!decode_consumed(reply, &start))
            return unreadable(error, "consumed", "is not a number that it can be");
        if (!decode_last(reply, &start))
            return unreadable(error, "last", "is not an offset with a hash");
        if (!decode_idle(reply, &start))
            return unreadable(error, "idle", "is not a time that it can be");
        slot->epochs[slot->epoch_count++] = start;
    }
    qsort(slot->epochs, slot->epoch_count, sizeof *slot->epochs, compare_starts);
    if (slot->epoch_count == 0 || slot->epochs[slot->epoch_count - 1].epoch != slot->epoch)
        return unreadable(error, "epoch", "is not the last of the epochs that began");
    return true;
}

static bool decode_fields(const redisReply *reply, struct slot *slot, struct error *error)
{
    if (!decode_format(reply, slot, error))
        return false;
    if (slot->format <= REALTIME_FORMAT && !decode_known(reply, slot, error))
        return false;
    slot_keep_known(slot);
    return slot->format != REALTIME_FORMAT || decode_epochs(reply, slot, error);
}

bool slot_decode(const redisReply *reply, struct slot *ret_slot, struct error *error)
{
    struct slot slot = {.exists = true};
    if (reply->type != REDIS_REPLY_ARRAY)
        return error_set(error, ERROR_INTERNAL, "a reply that isn't a list");
    if (reply->elements == 0)
        slot.exists = false;
    else if (!decode_fields(reply, &slot, error))
        return false;
    *ret_slot = slot;
    return true;
}

bool answer_is(const redisReply *reply, const char *word)
{
    return text_equal(element_text(reply, 1), text_of(word));
}

bool slot_decode_answer(const redisReply *reply, struct slot *ret_slot, struct error *error)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4 || reply->element[1]->type != REDIS_REPLY_STRING ||
        reply->element[2]->type != REDIS_REPLY_ARRAY || reply->element[3]->type != REDIS_REPLY_ARRAY)
        return error_set(error, ERROR_INTERNAL, "a reply that isn't one to a read");
    struct slot slot;
    if (!slot_decode(reply->element[0], &slot, error))
        return false;
    if (answer_is(reply, "edited"))
        return error_set(error, ERROR_DATA,
                         "its meta key was changed by something else than this program: tidemark-batch repair has the "
                         "slot built again");
    *ret_slot = slot;
    return true;
}

void slot_decode_digest(const redisReply *reply, char ret_digest[SLOT_STATE_SIZE])
{
    struct text digest = {0};
    ret_digest[0] = '\0';
    if (find(reply->element[0], "digest", &digest) && digest.length == SLOT_STATE_SIZE - 1 &&
        decode_text(digest, SLOT_STATE_SIZE, ret_digest))
        ret_digest[digest.length] = '\0';
}

#define READER_FIELD "reader"

static bool is_fingerprint(struct text text)
{
    return text.length == FINGERPRINT_SIZE - 1 && strspn(text.data, "0123456789abcdef") >= text.length;
}

/* "<definition>:<id>" */
static void decode_reader(struct text value, struct slot_definitions *definitions)
{
    const size_t length = FINGERPRINT_SIZE - 1;
    if (value.length <= length || value.data[length] != ':' || value.length - length > COMMIT_ID_MAX ||
        !is_fingerprint((struct text){value.data, length}))
        return;
    snprintf(definitions->reader, sizeof definitions->reader, "%.*s", (int)length, value.data);
    snprintf(definitions->reader_id, sizeof definitions->reader_id, "%.*s", (int)(value.length - length - 1),
             value.data + length + 1);
}

static void add_definition(struct slot_definitions *definitions, struct text name)
{
    if (definitions->count < DEFINITIONS_MAX)
        snprintf(definitions->names[definitions->count++], FINGERPRINT_SIZE, "%.*s", (int)name.length, name.data);
}

bool definitions_decode(const redisReply *reply, struct slot_definitions *ret_definitions)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || reply->element[0]->type != REDIS_REPLY_ARRAY ||
        reply->element[1]->type != REDIS_REPLY_INTEGER)
        return false;
    const redisReply *fields = reply->element[0];
    *ret_definitions = (struct slot_definitions){0};
    if (reply->element[1]->integer)
        add_definition(ret_definitions, (struct text){"", 0});
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        struct text name = element_text(fields, i);
        if (text_equal(name, text_of(READER_FIELD)))
            decode_reader(element_text(fields, i + 1), ret_definitions);
        else if (is_fingerprint(name))
            add_definition(ret_definitions, name);
    }
    return true;
}

static void gaps_encode(const struct gaps *gaps, char ret_text[GAPS_TEXT_SIZE])
{
    size_t length = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < gaps->count; i++)
        length += (size_t)snprintf(ret_text + length, GAPS_TEXT_SIZE - length, "%s%" PRId64 "-%" PRId64, i ? "," : "",
                                   gaps->ranges[i].from, gaps->ranges[i].to);
}

/* Adds the fields that are written then or more often. */
static void add_fields(struct slot_texts *texts, enum use use, struct words *words)
{
    for (size_t i = 0; i < LENGTH_OF(meta_fields); i++) {
        const struct meta_field *field = &meta_fields[i];
        const void *place = (const char *)&texts->slot + field->place;
        if (field->use < use)
            continue;
        words_add(words, field->name);
        switch (field->kind) {
        case NUMBER:
            words_add_number(words, *(const int64_t *)place);
            break;
        case TEXT:
            words_add(words, place);
            break;
        case HASH:
            words_add_hash(words, *(const uint64_t *)place);
            break;
        case RANGES:
            gaps_encode(place, texts->gaps);
            words_add(words, texts->gaps);
            break;
        }
    }
}

void slot_encode(const struct slot *fresh, struct slot_texts *texts, struct words *words)
{
    words_add(words, "format");
    words_add_number(words, REALTIME_FORMAT);
    texts->slot = *fresh;
    texts->slot.sequence = 0; /* nothing was committed to it yet */
    texts->slot.commit_id[0] = texts->slot.alarm[0] = '\0';
    add_fields(texts, OUTLIVES, words);
    snprintf(texts->start, sizeof texts->start, START_PREFIX "%" PRId64, fresh->epoch);
    words_add(words, texts->start);
    words_add_number(words, fresh->next);
    snprintf(texts->consumed, sizeof texts->consumed, CONSUMED_PREFIX "%" PRId64, fresh->epoch);
    words_add(words, texts->consumed);
    words_add(words, "0");
    snprintf(texts->last, sizeof texts->last, LAST_PREFIX "%" PRId64, fresh->epoch);
    words_add(words, texts->last);
    snprintf(texts->last_value, sizeof texts->last_value, "%" PRId64 ":%016" PRIx64, fresh->tail, fresh->tail_hash);
    words_add(words, texts->last_value);
}

void slot_encode_commit(const struct commit *commit, struct slot_texts *texts, struct words *words)
{
    texts->slot = (struct slot){0};
    slot_follow(&texts->slot, commit);
    add_fields(texts, FOLLOWS, words);
}
