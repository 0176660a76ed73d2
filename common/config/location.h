/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TIDEMARK_CONFIG_LOCATION_H
#define TIDEMARK_CONFIG_LOCATION_H

#include <stddef.h>

/* Where in the file, both from 1; a column is a character, not a byte. */
struct location {
    size_t line, column;
};

#endif
