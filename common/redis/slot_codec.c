/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/slot_codec.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/wide.h"

#define START_PREFIX "start:"
#define CONSUMED_PREFIX "consumed:"

static const struct number_field {
    const char *name;
    size_t place;
    int64_t least;
    int since;        /* the format that brought it */
    bool is_optional; /* 0 where it is missing: not every writer of the format knows it */
} number_fields[] = {
    {"defined", offsetof(struct slot, defined_us), 0, 1, false},
    {"epoch", offsetof(struct slot, epoch), 0, 1, false},
    {"partitions", offsetof(struct slot, partitions), 0, 1, false},
    {"first", offsetof(struct slot, first), 0, 1, false},
    {"lost", offsetof(struct slot, lost), 0, 2, false},
    {"next", offsetof(struct slot, next), 0, 1, false},
    {"floor", offsetof(struct slot, floor), 0, 1, false},
    {"floor_time", offsetof(struct slot, floor_time_us), -1, 1, false},
    {"clock", offsetof(struct slot, clock_us), INT64_MIN, 1, false},
    {"tail", offsetof(struct slot, tail), -1, 2, false},
    {"tail_time", offsetof(struct slot, tail_time_us), -1, 1, false},
    {"end", offsetof(struct slot, end), LOG_END_UNKNOWN, 1, false},
    {"sequence", offsetof(struct slot, sequence), 0, 1, false},
    {"real_end", offsetof(struct slot, real_end), 0, 2, .is_optional = true},
};

static const struct text_field {
    const char *name;
    size_t place, size;
    bool is_optional;
} text_fields[] = {
    {"incarnation", offsetof(struct slot, incarnation), INCARNATION_SIZE, false},
    {"cluster", offsetof(struct slot, cluster), CLUSTER_ID_MAX, false},
    {"definition", offsetof(struct slot, definition), FINGERPRINT_SIZE, false},
    {"commit", offsetof(struct slot, commit_id), COMMIT_ID_MAX, true},
    {"alarm", offsetof(struct slot, alarm), ALARM_SIZE, true},
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

static bool decode_texts(const redisReply *reply, struct slot *slot, struct error *error)
{
    for (size_t i = 0; i < LENGTH_OF(text_fields); i++) {
        const struct text_field *field = &text_fields[i];
        struct text value = {"", 0};
        if (!find(reply, field->name, &value) && !field->is_optional)
            return unreadable(error, field->name, "is missing");
        if (value.length >= field->size || (value.length && memchr(value.data, '\0', value.length)))
            return unreadable(error, field->name, "is not what it must be");
        memcpy((char *)slot + field->place, value.data, value.length);
    }
    return true;
}

static bool decode_numbers(const redisReply *reply, struct slot *slot, struct error *error)
{
    for (size_t i = 0; i < LENGTH_OF(number_fields); i++) {
        const struct number_field *field = &number_fields[i];
        struct text value;
        int64_t number;
        if (field->since > slot->format && field->since > 1) /* no format was before 1 */
            continue;
        if (!find(reply, field->name, &value)) {
            if (field->is_optional)
                continue;
            return unreadable(error, field->name, "is missing");
        }
        if (!integer_parse(value, &number) || number < field->least)
            return unreadable(error, field->name, "is not a number that it can be");
        memcpy((char *)slot + field->place, &number, sizeof number);
    }
    return true;
}

static bool decode_hash(const redisReply *reply, struct slot *slot, struct error *error)
{
    struct text value;
    if (!find(reply, "tail_hash", &value))
        return unreadable(error, "tail_hash", "is missing");
    uint64_t hash = 0;
    bool is_hash = value.length == 16;
    for (size_t i = 0; is_hash && i < value.length; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, value.data[i], 16);
        is_hash = digit != NULL;
        hash = hash << 4 | (digit ? (uint64_t)(digit - digits) : 0);
    }
    if (!is_hash)
        return unreadable(error, "tail_hash", "is not 16 hex digits");
    slot->tail_hash = hash;
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

static bool decode_gaps(const redisReply *reply, struct slot *slot, struct error *error)
{
    struct text left;
    struct gaps *gaps = &slot->gaps;
    if (!find(reply, "gaps", &left))
        return unreadable(error, "gaps", "is missing");
    while (left.length > 0) {
        const char *comma = memchr(left.data, ',', left.length);
        size_t length = comma ? (size_t)(comma - left.data) : left.length;
        struct offset_range *range = &gaps->ranges[gaps->count];
        if (gaps->count == GAPS_MAX || !decode_range((struct text){left.data, length}, range) ||
            range->to > slot->next || (gaps->count && range->from <= range[-1].to))
            return unreadable(error, "gaps", "is not a list of ranges that it can be");
        gaps->count++;
        size_t taken = comma ? length + 1 : length;
        left = (struct text){left.data + taken, left.length - taken};
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

static bool decode_epochs(const redisReply *reply, struct slot *slot, struct error *error)
{
    const size_t prefix = sizeof START_PREFIX - 1;
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        struct text name = element_text(reply, i);
        if (name.length < prefix || memcmp(name.data, START_PREFIX, prefix) != 0)
            continue;
        struct epoch_start start;
        if (slot->epoch_count == LIVE_EPOCHS_MAX)
            return unreadable(error, "start", "is there too often");
        if (!integer_parse((struct text){name.data + prefix, name.length - prefix}, &start.epoch) || start.epoch < 0 ||
            !integer_parse(element_text(reply, i + 1), &start.offset) || start.offset < 0 || start.offset > slot->next)
            return unreadable(error, "start", "is not an offset that it can be");
        if (!decode_consumed(reply, &start))
            return unreadable(error, "consumed", "is not a number that it can be");
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
    if (slot->format <= REALTIME_FORMAT && (!decode_texts(reply, slot, error) || !decode_numbers(reply, slot, error)))
        return false;
    if (slot->format != REALTIME_FORMAT) {
        slot_keep_known(slot);
        return true;
    }
    return decode_hash(reply, slot, error) && decode_epochs(reply, slot, error) && decode_gaps(reply, slot, error);
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

void gaps_encode(const struct gaps *gaps, char ret_text[GAPS_TEXT_SIZE])
{
    size_t length = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < gaps->count; i++)
        length += (size_t)snprintf(ret_text + length, GAPS_TEXT_SIZE - length, "%s%" PRId64 "-%" PRId64, i ? "," : "",
                                   gaps->ranges[i].from, gaps->ranges[i].to);
}

void slot_encode(const struct slot *fresh, struct slot_texts *texts, struct words *words)
{
    words_add(words, "format");
    words_add_number(words, REALTIME_FORMAT);
    for (size_t i = 0; i < LENGTH_OF(text_fields); i++)
        if (!text_fields[i].is_optional) {
            words_add(words, text_fields[i].name);
            words_add(words, (const char *)fresh + text_fields[i].place);
        }
    struct slot begun = *fresh;
    begun.sequence = 0;
    for (size_t i = 0; i < LENGTH_OF(number_fields); i++) {
        int64_t number;
        memcpy(&number, (const char *)&begun + number_fields[i].place, sizeof number);
        words_add(words, number_fields[i].name);
        words_add_number(words, number);
    }
    words_add(words, "tail_hash");
    words_add_hash(words, fresh->tail_hash);
    gaps_encode(&fresh->gaps, texts->gaps);
    words_add(words, "gaps");
    words_add(words, texts->gaps);
    snprintf(texts->start, sizeof texts->start, START_PREFIX "%" PRId64, fresh->epoch);
    words_add(words, texts->start);
    words_add_number(words, fresh->next);
    snprintf(texts->consumed, sizeof texts->consumed, CONSUMED_PREFIX "%" PRId64, fresh->epoch);
    words_add(words, texts->consumed);
    words_add(words, "0");
}
