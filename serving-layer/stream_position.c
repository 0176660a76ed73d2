/* SPDX-License-Identifier: Apache-2.0 */
#include "stream_position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wide.h"

#define OFFSETS_MAX 100000 /* no topic has as many partitions */

void stream_position_clean_up(struct stream_position *position)
{
    free(position->offsets);
    *position = (struct stream_position){0};
}

bool stream_position_copy(const struct stream_position *from, struct stream_position *ret_position)
{
    int64_t *offsets = malloc((from->count + 1) * sizeof *offsets);
    if (!offsets)
        return false;
    if (from->count)
        memcpy(offsets, from->offsets, from->count * sizeof *offsets);
    *ret_position = *from;
    ret_position->offsets = offsets;
    return true;
}

bool stream_position_equal(const struct stream_position *a, const struct stream_position *b)
{
    return a->process == b->process && a->question == b->question && a->state == b->state &&
           a->provenance == b->provenance && a->finality.complete == b->finality.complete &&
           a->finality.settled_us == b->finality.settled_us && a->expired_us == b->expired_us &&
           a->current == b->current && a->count == b->count &&
           (a->count == 0 || memcmp(a->offsets, b->offsets, a->count * sizeof *a->offsets) == 0);
}

void stream_position_append(const struct stream_position *position, struct buffer *out)
{
    const uint64_t numbers[] = {position->process,
                                position->question,
                                position->state,
                                position->provenance,
                                (uint64_t)position->finality.settled_us,
                                (uint64_t)position->expired_us};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        buffer_appendf(out, "%" PRIx64 "-", numbers[i]);
    buffer_appendf(out, "%d", position->finality.complete + 2 * position->current);
    for (size_t i = 0; i < position->count; i++)
        buffer_appendf(out, "%c%" PRId64, i ? '.' : '-', position->offsets[i]);
}

/* Takes a hexadecimal number and the dash behind it. */
static bool take_number(const char **text, uint64_t *ret_number)
{
    size_t digits = strspn(*text, "0123456789abcdef");
    if (digits == 0 || digits > 16 || (*text)[digits] != '-')
        return false;
    *ret_number = strtoull(*text, NULL, 16);
    *text += digits + 1;
    return true;
}

static bool take_offset(struct text text, struct stream_position *position)
{
    int64_t offset;
    if (!integer_parse(text, &offset) || offset < -1)
        return false;
    position->offsets[position->count++] = offset;
    return true;
}

/* What lies behind the flags: "-12.-1.7", or nothing. */
static bool take_offsets(const char *text, struct stream_position *position)
{
    size_t most = 1;
    if (*text == '\0')
        return true;
    for (const char *at = text; *at; at++)
        most += *at == '.';
    if (*text++ != '-' || most > OFFSETS_MAX || !(position->offsets = malloc(most * sizeof *position->offsets)))
        return false;
    for (;;) {
        size_t length = strcspn(text, ".");
        if (!take_offset((struct text){text, length}, position))
            return false;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}

bool stream_position_parse(const char *id, struct stream_position *ret_position)
{
    struct stream_position position = {0};
    uint64_t settled_us, expired_us;
    if (!take_number(&id, &position.process) || !take_number(&id, &position.question) ||
        !take_number(&id, &position.state) || !take_number(&id, &position.provenance) ||
        !take_number(&id, &settled_us) || !take_number(&id, &expired_us))
        return false;
    if (*id < '0' || *id > '3' || !take_offsets(id + 1, &position)) {
        stream_position_clean_up(&position);
        return false;
    }
    position.finality = (struct finality){.complete = (*id - '0') & 1, .settled_us = (int64_t)settled_us};
    position.expired_us = (int64_t)expired_us;
    position.current = *id - '0' >= 2;
    *ret_position = position;
    return true;
}

static bool grow(struct stream_position *position, size_t count)
{
    if (count <= position->count)
        return true;
    int64_t *offsets = realloc(position->offsets, count * sizeof *offsets);
    if (!offsets)
        return false;
    position->offsets = offsets;
    while (position->count < count)
        position->offsets[position->count++] = -1;
    return true;
}

bool stream_position_advance(struct stream_position *position, const struct snapshot *snapshot, bool *ret_behind)
{
    *ret_behind = position->count > snapshot->partition_count;
    if (!grow(position, snapshot->partition_count))
        return false;
    for (size_t i = 0; i < snapshot->partition_count; i++) {
        int64_t offset = snapshot->partitions[i].offset;
        *ret_behind |= offset < position->offsets[i];
        if (offset > position->offsets[i])
            position->offsets[i] = offset;
    }
    return true;
}
