/* SPDX-License-Identifier: Apache-2.0
 * Where the speed and the serving layer read what the batch layer has published. */
#ifndef TIDEMARK_PORTS_PUBLICATION_STORE_H
#define TIDEMARK_PORTS_PUBLICATION_STORE_H

#include "state/publication.h"

struct publication_store {
    const struct publication_store_operations *operations;
};
struct publication_store_operations {
    /* One snapshot. A database that is still empty, or has no row of this source, is epoch 0. */
    bool (*read)(struct publication_store *store, const struct source *source, struct publication *ret_publication,
                 struct error *error);
    void (*destroy)(struct publication_store *store);
};

#endif
