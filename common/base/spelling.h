/* SPDX-License-Identifier: Apache-2.0
 * "Did you mean": the known word that was probably meant by one that isn't known. */
#ifndef TIDEMARK_BASE_SPELLING_H
#define TIDEMARK_BASE_SPELLING_H

#include <stddef.h>

/* The candidate nearest to `word` by edit distance, whatever the case, or NULL where none is near. */
const char *nearest_word(const char *word, const char *const candidates[], size_t count);

#endif
