/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TIDEMARK_CONFIG_PLACE_H
#define TIDEMARK_CONFIG_PLACE_H

#include <stddef.h>

/* Where in the file, both from 1; a column is a character, not a byte. */
struct place {
    size_t line, column;
};

#endif
