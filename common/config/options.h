/* SPDX-License-Identifier: Apache-2.0
 * Settings as rows of a table: what a key is called, what it may be, what it means and where it goes.
 *
 * One reader fills structs from a YAML map by such a table, and reports what the table doesn't know. The reference
 * manual is printed from the same rows, so that it can't be out of date. */
#ifndef TIDEMARK_CONFIG_OPTIONS_H
#define TIDEMARK_CONFIG_OPTIONS_H

#include <stdint.h>
#include <stdio.h>

#include "base/buffer.h"
#include "config/yaml_tree.h"

#define OPTIONS_MAX 40 /* rows of a table */

struct option;

struct option_reader {
    struct arena *arena; /* what outlives the tree is copied here */
    struct problems *problems;
};

/* A type is a row too, so a subject can add its own. */
struct option_type {
    const char *name; /* as the manual says it: "duration" */
    /* Reads the node into `base` + option->offset, or adds problems and leaves the target alone. */
    void (*read)(struct option_reader *reader, const struct option *option, const struct yaml_node *node, void *base);
    /* Writes the range of a type that has one, for the manual and for errors; else NULL. */
    void (*append_range)(const struct option *option, struct buffer *out);
    bool may_be_empty; /* a key with nothing behind it is as if it weren't there */
    bool is_section;   /* what isn't there is read all the same: as a map with nothing in it */
};

struct option {
    const char *key; /* NULL ends a table */
    const struct option_type *type;
    size_t offset;        /* of the target */
    size_t second_offset; /* of types that fill two targets: the port of an address, a count */
    const char *fallback; /* the default, as it would be written in the file; NULL is none */
    bool required;
    int64_t minimum, maximum;     /* of numbers, in the unit of the target */
    const char *const *words;     /* of an enumeration, NULL-ended */
    const struct option *options; /* of a section, or of each entry of a map */
    const char *entry;            /* what an entry of a map is called in the manual: "<source>" */
    const char *meaning;          /* a sentence or two, in Markdown */
    const char *example;          /* as it would be written in the file */
};

/* Targets:
 * option_text       const char *, never empty
 * option_integer    int64_t
 * option_duration   int64_t, microseconds
 * option_size       int64_t, bytes
 * option_address    const char * host (brackets of an IPv6 address left away) and int port; of unix:///path the path,
 *                   which begins with a slash, and 0
 * option_boolean    bool
 * option_word       size_t, the number of the word
 * option_secret     const char *, the first line of the file named
 * option_section    none: `options` have offsets from the same base
 * option_optional_section   the same; where it isn't there, none of them is read, and a required one isn't missing
 * option_map        const struct yaml_node *, a map of which the entries are read later by `options`
 * option_list       const struct yaml_node *, a list of scalars
 * option_scalar     const struct yaml_node *, a scalar that is parsed later */
extern const struct option_type option_text, option_integer, option_duration, option_size, option_address,
    option_boolean, option_word, option_secret, option_section, option_optional_section, option_map, option_list,
    option_scalar;

/* Fills `base` by the table. Unknown keys, missing ones and wrong values are problems; where the map is NULL all is as
 * by default. `location` is where a missing key is reported. */
void options_read(struct option_reader *reader, const struct option options[], const struct yaml_node *map,
                  struct location location, void *base);

/* Where a problem with this key of the map is told: the value, or the map where it isn't given. */
struct location option_location(const struct yaml_node *map, const char *key);

/* True where the node is of this kind; else adds the problem, which says that `wanted` was expected. */
bool option_expect(struct option_reader *reader, const struct yaml_node *node, enum yaml_kind kind,
                   const char *wanted) MUST_CHECK;

/* " 'value'" for an error where it is harmless to repeat the value, else "". */
struct shown option_shown(const struct yaml_node *node);

/* "; did you mean 'word'?" where a candidate is near, else "". */
struct suggestion {
    char text[100];
};
struct suggestion option_suggest(struct text word, const char *const candidates[], size_t count);

/* A copy that lives as long as what is read; NULL, with the problem noted, where memory is short. */
const char *reader_copy(struct option_reader *reader, struct text text);
void *reader_allocate(struct option_reader *reader, size_t size);

/* Prints the table as Markdown: a heading and a table of keys for each section. */
void options_print_manual(const struct option options[], FILE *out);

#endif
