/* SPDX-License-Identifier: Apache-2.0 */
#include "http/entity_tag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

struct entity_tag entity_tag_of(uint64_t number)
{
    struct entity_tag tag;
    snprintf(tag.text, sizeof tag.text, "W/\"%016" PRIx64 "\"", number);
    return tag;
}

uint64_t entity_hash(const void *data, size_t length)
{
    return XXH3_64bits(data, length);
}

/* Weak and strong spellings of a tag mean the same here. */
static const char *without_weakness(const char *tag)
{
    return strncmp(tag, "W/", 2) == 0 ? tag + 2 : tag;
}

bool entity_tag_is_known(const char *if_none_match, const struct entity_tag *tag)
{
    const char *opaque = without_weakness(tag->text);
    size_t length = strlen(opaque);
    if (!if_none_match)
        return false;
    for (const char *at = if_none_match + strspn(if_none_match, " \t,"); *at; at += strspn(at, " \t,")) {
        at = without_weakness(at);
        if (*at == '*' || strncmp(at, opaque, length) == 0)
            return true;
        if (*at != '"' || !strchr(at + 1, '"'))
            return false; /* what isn't a tag says nothing */
        at = strchr(at + 1, '"') + 1;
    }
    return false;
}
