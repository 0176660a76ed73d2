/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/assignment.h"

struct byte_reader {
    const unsigned char *at, *end;
};

/* Takes a number of so many bytes, at most 4; false where the text is shorter. */
static bool take_number(struct byte_reader *reader, size_t bytes, int64_t *ret_number)
{
    if ((size_t)(reader->end - reader->at) < bytes)
        return false;
    uint32_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | *reader->at++;
    *ret_number = bytes == 2 ? (int64_t)(int16_t)number : (int64_t)(int32_t)number;
    return true;
}

static bool take_text(struct byte_reader *reader, struct text *ret_text)
{
    int64_t length;
    if (!take_number(reader, 2, &length) || length < 0 || length > reader->end - reader->at)
        return false;
    *ret_text = (struct text){(const char *)reader->at, (size_t)length};
    reader->at += length;
    return true;
}

/* Takes a count of what has at least `least` bytes each, so that no count is beyond what the text can hold. */
static bool take_count(struct byte_reader *reader, int64_t least, int64_t *ret_count)
{
    return take_number(reader, 4, ret_count) && *ret_count >= 0 && *ret_count <= (reader->end - reader->at) / least;
}

/* Takes a topic and its partitions; `partitions` NULL counts them only. */
static bool take_topic(struct byte_reader *reader, struct arena *arena, struct group_partition *partitions,
                       size_t *count)
{
    struct text name;
    int64_t more, number;
    if (!take_text(reader, &name) || !take_count(reader, 4, &more))
        return false;
    const char *topic = partitions ? arena_copy(arena, name) : NULL;
    if (partitions && !topic)
        return false;
    for (int64_t i = 0; i < more; i++, ++*count) {
        if (!take_number(reader, 4, &number))
            return false;
        if (partitions)
            partitions[*count] = (struct group_partition){topic, (int32_t)number};
    }
    return true;
}

static bool take_topics(struct text bytes, struct arena *arena, struct group_partition *partitions, size_t *ret_count)
{
    const unsigned char *data = (const unsigned char *)bytes.data;
    struct byte_reader reader = {data, data + bytes.length};
    int64_t version, topics;
    *ret_count = 0;
    if (!take_number(&reader, 2, &version) || version < 0 || !take_count(&reader, 6, &topics))
        return false;
    for (int64_t i = 0; i < topics; i++)
        if (!take_topic(&reader, arena, partitions, ret_count))
            return false;
    return true;
}

bool assignment_parse(struct text bytes, struct arena *arena, const struct group_partition **ret_partitions,
                      size_t *ret_count)
{
    size_t count = 0;
    if (bytes.length > 0 && !take_topics(bytes, arena, NULL, &count))
        return false;
    struct group_partition *partitions = arena_allocate(arena, count * sizeof *partitions);
    if (!partitions || (count > 0 && !take_topics(bytes, arena, partitions, &count)))
        return false;
    *ret_partitions = partitions;
    *ret_count = count;
    return true;
}
