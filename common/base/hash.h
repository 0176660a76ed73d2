/* SPDX-License-Identifier: Apache-2.0
 * A hash for tables in memory whose keys come from messages and requests. Its seed is chance, another one in each
 * process, so that nobody can choose keys that all fall into one place. (XXH3, Y. Collet.) */
#ifndef TIDEMARK_BASE_HASH_H
#define TIDEMARK_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The same for the same bytes as long as the process lives: not to be stored, nor said to another one. */
uint64_t hash_bytes(const void *data, size_t length);

#endif
