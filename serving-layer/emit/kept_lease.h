/* SPDX-License-Identifier: Apache-2.0
 * A lease that is renewed on a thread of its own from when it is taken until it is given up or lost, so that it lasts
 * as long as the work that it is for, and between one piece of work and the next. */
#ifndef TIDEMARK_EMIT_KEPT_LEASE_H
#define TIDEMARK_EMIT_KEPT_LEASE_H

#include "ports/lease.h"

/* `lease` is the kept one's from here on, also after an error; several threads may call it where it is kept. */
bool kept_lease_open(struct lease *lease, struct lease **ret_lease, struct error *error) MUST_CHECK;

#endif
