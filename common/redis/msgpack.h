/* SPDX-License-Identifier: Apache-2.0
 * The part of MessagePack that commits are written in: strings, and arrays with a length of 32 bits. */
#ifndef TIDEMARK_REDIS_MSGPACK_H
#define TIDEMARK_REDIS_MSGPACK_H

#include <stdint.h>

#include "base/buffer.h"

void msgpack_append_string(struct buffer *out, struct text string);
/* Begins an array whose length isn't known yet; gives the place for msgpack_end_array. */
size_t msgpack_begin_array(struct buffer *out);
void msgpack_end_array(struct buffer *out, size_t place, uint32_t count);

/* Readers take from the front of `*from`; false where something else is there, or less than it says. */
bool msgpack_read_string(struct text *from, struct text *ret_string);
bool msgpack_read_array(struct text *from, uint32_t *ret_count);

#endif
