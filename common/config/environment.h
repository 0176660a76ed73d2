/* SPDX-License-Identifier: Apache-2.0
 * ${NAME} and ${NAME:-default} in the scalars of a tree, from the environment of the process.
 *
 * The default stands in where the variable is unset or empty, as in the shell, and ends at the first brace; it can't
 * have a variable in it. $${ is a literal ${. Keys of maps are left alone. */
#ifndef TIDEMARK_CONFIG_ENVIRONMENT_H
#define TIDEMARK_CONFIG_ENVIRONMENT_H

#include "config/yaml_tree.h"

/* Replaces in the whole tree; new text goes to the arena. A variable that is unset without a default, or a ${ that
 * isn't well formed, adds a problem. */
void environment_expand(struct yaml_node *root, struct arena *arena, struct problems *problems);

#endif
