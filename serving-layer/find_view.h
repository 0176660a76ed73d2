/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TIDEMARK_SERVING_FIND_VIEW_H
#define TIDEMARK_SERVING_FIND_VIEW_H

#include "routes.h"

/* The view of this name with its source's snapshot, or NULL with the problem: 403 where the visitor may not see it,
 * whether there is one or not, else 404. */
const struct view *find_view(const struct request *request, const char *name, struct snapshot **ret_snapshot,
                             struct problem *problem);

#endif
