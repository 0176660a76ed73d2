/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/row_version.h"

#include <string.h>

#include "base/wide.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t sink_row_hash(struct text text)
{
    return XXH3_64bits(text.length ? text.data : "", text.length);
}

static const char revision_words[] = ", \"revision\": ", removed_words[] = ", \"removed\": true";

void row_version_append(struct row_version version, struct buffer *json)
{
    if (version.revision < 2)
        return;
    json->length--; /* the brace */
    buffer_appendf(json, "%s%u%s}", revision_words, version.revision, version.is_gone ? removed_words : "");
}

static bool take_end(struct text *text, const char *end)
{
    size_t length = strlen(end);
    if (text->length < length || memcmp(text->data + text->length - length, end, length) != 0)
        return false;
    text->length -= length;
    return true;
}

/* Of the row as it was before the words took the place of its brace. */
static uint64_t hash_with_brace(struct text json)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, json.data, json.length);
    XXH3_64bits_update(&state, "}", 1);
    return XXH3_64bits_digest(&state);
}

struct row_version row_version_read(struct text json)
{
    struct row_version version = {.content = sink_row_hash(json), .revision = 1};
    int64_t revision;
    if (!json.data)
        return (struct row_version){.is_gone = true};
    bool is_whole = take_end(&json, "}"), is_removed = take_end(&json, removed_words);
    struct text digits = {json.data + json.length, 0};
    while (digits.data > json.data && digits.data[-1] >= '0' && digits.data[-1] <= '9')
        digits = (struct text){digits.data - 1, digits.length + 1};
    json.length -= digits.length;
    if (!is_whole || !integer_parse(digits, &revision) || revision < 2 || revision > REVISION_MAX ||
        !take_end(&json, revision_words))
        return version;
    return (struct row_version){hash_with_brace(json), (uint32_t)revision, is_removed};
}
