/* SPDX-License-Identifier: Apache-2.0
 * A name and its value, passed on as they are; and what whoever takes them says of them. */
#ifndef TIDEMARK_BASE_PROPERTY_H
#define TIDEMARK_BASE_PROPERTY_H

#include <stdbool.h>
#include <stddef.h>

struct property {
    const char *name, *value;
};

struct property_fault {
    bool is_unknown;  /* nothing has this name; else the value is wrong */
    char reason[256]; /* one line, which may repeat the name and the value */
};

/* True where the property would be taken; else *ret_fault says why not. Connects to nothing. */
typedef bool property_check(const struct property *property, struct property_fault *ret_fault);

/* True where properties, each of which would be taken, go together; else *ret_number says which is most to blame. */
typedef bool properties_check(const struct property properties[], size_t count, size_t *ret_number,
                              struct property_fault *ret_fault);

#endif
