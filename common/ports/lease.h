/* SPDX-License-Identifier: Apache-2.0
 * Says which of several processes does a piece of work. A lease only spares them from getting into each other's way:
 * what protects the work is compared where it is done. */
#ifndef TIDEMARK_PORTS_LEASE_H
#define TIDEMARK_PORTS_LEASE_H

#include <stdbool.h>

#include "base/error.h"

#define LEASE_MS 5000 /* without renewal it ends */

struct lease {
    const struct lease_operations *operations;
};

struct lease_operations {
    /* Takes or renews the lease; *ret_held says whether it is ours now. */
    bool (*hold)(struct lease *lease, bool *ret_held, struct error *error);
    /* Gives it up where it is ours; nothing where that can't be said. */
    void (*release)(struct lease *lease);
    void (*destroy)(struct lease *lease);
};

#endif
