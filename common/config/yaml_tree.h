/* SPDX-License-Identifier: Apache-2.0
 * A YAML document as a small tree that knows where each node stands in the file.
 *
 * Only plain data is taken: one document of maps with scalar keys, lists and scalars, at most 64 levels deep. Aliases,
 * anchors, tags, a second document and duplicate keys are refused, for they hide what a configuration says. */
#ifndef TIDEMARK_CONFIG_YAML_TREE_H
#define TIDEMARK_CONFIG_YAML_TREE_H

#include "base/arena.h"
#include "config/problems.h"

#define YAML_DEPTH_MAX 64

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };
enum yaml_style { YAML_PLAIN, YAML_SINGLE_QUOTED, YAML_DOUBLE_QUOTED, YAML_BLOCK };

struct yaml_node {
    enum yaml_kind kind;
    struct location location;
    struct text text; /* of a scalar, with a NUL behind */
    enum yaml_style style;
    bool in_place;                  /* the text stands in the file as it is, in one line, but for doubled quotes */
    bool expanded;                  /* something from the environment was put in: may be a secret */
    const struct yaml_node *key;    /* of an entry of a map; else NULL */
    struct yaml_node *first, *next; /* the first entry of a list or map; the next entry of the one this is in */
    size_t count;                   /* entries */
};

/* Reads the text, which has to be valid UTF-8. False where a problem was added; duplicate keys alone don't stop the
 * reading, so that there may be a tree beside problems. The tree lies in the arena. */
bool yaml_tree_read(struct text text, struct arena *arena, struct problems *problems,
                    struct yaml_node **ret_root) MUST_CHECK;

/* The value of this key, or NULL. */
const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);

/* True for what YAML calls null: nothing, ~ or null, without quotes. */
bool yaml_is_null(const struct yaml_node *node);

/* Where byte `position` of a scalar's text stands in the file; the scalar's own location where that isn't known. */
struct location yaml_location_at(const struct yaml_node *node, size_t position);

#endif
