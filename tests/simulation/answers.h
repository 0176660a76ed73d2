/* SPDX-License-Identifier: Apache-2.0
 * What a snapshot answers, against the oracle: rows at a range, of windows and groups by chance, where the answer says
 * that it is complete. */
#ifndef TIDEMARK_SIMULATION_ANSWERS_H
#define TIDEMARK_SIMULATION_ANSWERS_H

#include "definitions.h"
#include "merged/snapshot.h"

/* Asks each view that is shown once; ends the process where something is wrong. */
void answers_check(const struct definition *definition, const struct snapshot *snapshot);

#endif
