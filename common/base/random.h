/* SPDX-License-Identifier: Apache-2.0
 * Chance, for names that must not repeat and for jitter. It stands alone in its file, so that a simulation can put a
 * seeded one in its place. */
#ifndef TIDEMARK_BASE_RANDOM_H
#define TIDEMARK_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

/* Fills `size` bytes, at most 256, from the kernel. False where it has none to give yet; then they are unset. */
bool random_bytes(void *bytes, size_t size);

#endif
