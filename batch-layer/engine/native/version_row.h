/* SPDX-License-Identifier: Apache-2.0
 * A version of an order as a row of a store: which one of an order's counts, and, where it would count in the
 * view, what the view reads of it. */
#ifndef TIDEMARK_BATCH_VERSION_ROW_H
#define TIDEMARK_BATCH_VERSION_ROW_H

#include "config/settings.h"
#include "engine/native/row_store.h"
#include "lake/row_decoder.h"

/* What is kept of each. */
struct version_form {
    const struct view *view;
    bool keeps_last; /* of an order's versions, or the first */
    size_t version;  /* the field by which they are ordered, or FIELD_NONE */
    bool version_is_text;
    size_t used[FIELDS_MAX]; /* fields that dimensions and measures read */
    size_t used_count;
};

void version_form_init(struct version_form *form, const struct summary *summary);

struct version_facts {
    uint64_t position;
    bool counts, is_of_other_day; /* in the view; by its event time */
};

/* Adds a record of the decoder. */
bool version_row_add(const struct version_form *form, struct part_writer *writer, const struct row_decoder *decoder,
                     const struct record *record, struct version_facts facts, struct error *error) MUST_CHECK;

/* Whether both are of one order; and if so, whether `version` counts instead of `held`. */
bool version_row_is_same_order(const struct stored_row *a, const struct stored_row *b);
bool version_row_supersedes(const struct version_form *form, const struct stored_row *version,
                            const struct stored_row *held);

/* Whether it counts in the view; then values[field] of all that is kept, which point into it. */
bool version_row_read(const struct version_form *form, const struct stored_row *version, struct value values[],
                      bool *ret_is_of_other_day);

#endif
