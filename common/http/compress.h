/* SPDX-License-Identifier: Apache-2.0
 * Bodies made smaller for the way. */
#ifndef TIDEMARK_HTTP_COMPRESS_H
#define TIDEMARK_HTTP_COMPRESS_H

#include "base/buffer.h"
#include "base/error.h"

/* Below it a smaller body saves no packet. */
#define COMPRESS_BYTES_MIN 1400

/* Whether a body is to go as gzip to a client that accepts these encodings (NULL: it hasn't said). */
bool gzip_is_wanted(const char *accept_encoding);

/* Appends `plain` as gzip (RFC 1952), made fast rather than small. False, and `out` as it was, where memory is short or
 * the body is 2 GiB and more: it goes as it is. */
bool gzip_append(struct text plain, struct buffer *out) MUST_CHECK;

#endif
