/* SPDX-License-Identifier: Apache-2.0
 * Named places at which a fault test makes the process end as if by kill -9: TIDEMARK_CRASH_AT=before_publish. */
#ifndef TIDEMARK_BASE_CRASH_H
#define TIDEMARK_BASE_CRASH_H

/* Ends the process at once where the environment names this place; else does nothing. */
void crash_point(const char *place);

#endif
