/* SPDX-License-Identifier: Apache-2.0
 * Whether what a slot says of itself agrees. */
#ifndef TIDEMARK_STATE_SLOT_AUDIT_H
#define TIDEMARK_STATE_SLOT_AUDIT_H

#include "state/slot_reader.h"

/* Whether the cells of each epoch are what its ledger says: ERROR_DATA names epoch and view where they aren't, for a
 * cell, a ledger or both were changed or deleted by somebody else than `commit`. ERROR_DATA too where the slot's format
 * is newer than this program's, so that nothing can be said of its cells. */
bool slot_reader_audit(struct slot_reader *reader, struct error *error) MUST_CHECK;

#endif
