/* SPDX-License-Identifier: Apache-2.0
 * Bytes as hexadecimal digits. */
#ifndef TIDEMARK_BASE_HEX_H
#define TIDEMARK_BASE_HEX_H

#include "base/buffer.h"
#include "base/error.h"

/* 0 to 15, of a small letter or a capital too; -1 where it is no digit. */
int hex_digit(char character);

/* Reads two digits a byte; `bytes` has space for half as many as there are digits, and is left in any state on failure.
 * False where they are odd in number, or one is none. */
bool hex_parse(struct text digits, void *bytes) MUST_CHECK;

/* In small letters, two a byte, without a NUL; returns their end. */
char *hex_write(struct text bytes, char *at);
void hex_append(struct text bytes, struct buffer *out);

#endif
