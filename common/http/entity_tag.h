/* SPDX-License-Identifier: Apache-2.0
 * Entity tags: what an answer is of, so that a client that has it needn't get it again (RFC 9110, 8.8.3 and 13.1.2). */
#ifndef TIDEMARK_HTTP_ENTITY_TAG_H
#define TIDEMARK_HTTP_ENTITY_TAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTITY_TAG_SIZE 24

/* W/"0123456789abcdef": weak, for what is answered may be written in several ways. */
struct entity_tag {
    char text[ENTITY_TAG_SIZE];
};
struct entity_tag entity_tag_of(uint64_t number);

/* A hash that is the same in each process, and after a restart: answers of one state have one tag, whoever gives them.
 * (XXH3, Y. Collet.) */
uint64_t entity_hash(const void *data, size_t length);

/* Whether If-None-Match (NULL: not given) names the tag, or any. */
bool entity_tag_is_known(const char *if_none_match, const struct entity_tag *tag);

#endif
