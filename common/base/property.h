/* SPDX-License-Identifier: Apache-2.0
 * A name and its value, passed on as they are. */
#ifndef TIDEMARK_BASE_PROPERTY_H
#define TIDEMARK_BASE_PROPERTY_H

struct property {
    const char *name, *value;
};

#endif
