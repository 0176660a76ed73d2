/* SPDX-License-Identifier: Apache-2.0
 * UTF-8: what is a character of it, and what is written in the place of bytes that aren't. */
#ifndef TIDEMARK_BASE_UTF8_H
#define TIDEMARK_BASE_UTF8_H

#include "base/buffer.h"
#include "base/text.h"

/* Bytes of the character at the beginning of the text, or 0 where it isn't one. */
size_t utf8_length(struct text text);

bool utf8_is_valid(struct text text);

/* As buffer_append_json, of text that others have sent, or that may be cut within a character: each byte that is of no
 * character becomes U+FFFD, so that what is written is JSON whatever it was. */
void utf8_append_json(struct buffer *out, struct text text);

#endif
