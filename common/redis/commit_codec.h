/* SPDX-License-Identifier: Apache-2.0
 * What a commit adds, as counters of hashes. The payload is a MessagePack array: the name of a hash, then an array of
 * its fields and what to add to each as decimal text, and so on.
 *
 * Names: "ledger", with the counters of ledger_counter and "total:<view>#<counter>", the sum over all cells of the
 * view; and "cells:<view>:<day>" with the UTC day of the window's start, counted from 1970. Fields of cells: "<window
 * start>:<group>#<counter>". Counters: "c" is the cell's count; of sum i "<i>n" is how many of those were null, "<i>b"
 * the billions of the sum and "<i>r" the rest, both with the sum's sign. So a cell without nulls and with sums below a
 * billion is one counter and one a sum, and neither can overflow. "0x" and "1x" of a total are the checksums of struct
 * cell_total, of which only the residues matter: each commit adds less than 2^31 to them. Where the counter is empty,
 * the field counts nothing. "leaving:<view>" is no hash: its list is a day, and the hashes of the view's cells of the
 * days before that go.
 */
#ifndef TIDEMARK_REDIS_COMMIT_CODEC_H
#define TIDEMARK_REDIS_COMMIT_CODEC_H

#include "state/commit.h"

#define SUM_SPLIT INT64_C(1000000000)

/* The ledger's counters by number, with their names; NULL behind the last. `ret_view` is the view that the name is
 * followed by, or NULL. */
int64_t *ledger_counter(struct ledger *ledger, const struct source *source, size_t number, const char **ret_name,
                        const char **ret_view);

#define TOTAL_PREFIX "total:"
#define LEAVING_PREFIX "leaving:"

bool commit_encode(const struct commit *commit, struct buffer *out, struct error *error) MUST_CHECK;

#endif
