/* SPDX-License-Identifier: Apache-2.0
 * The reference manual of the configuration. */
#ifndef TIDEMARK_CONFIG_REFERENCE_H
#define TIDEMARK_CONFIG_REFERENCE_H

#include <stdio.h>

/* Writes it (Markdown) from the tables of options. */
void settings_print_reference(FILE *out);

#endif
