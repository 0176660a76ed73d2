/* SPDX-License-Identifier: Apache-2.0 */
#include "selection.h"

#include <string.h>

#define ALIGNMENT 16 /* of cells */

/* Lies before the cell, if any, and the bytes of the group. */
struct head {
    int64_t start_us, end_us;
    size_t group_length;
    bool final, has_cell;
};

static size_t padded(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

void selection_init(struct selection *selection, const struct view *rows)
{
    *selection = (struct selection){.rows = rows};
}

void selection_clean_up(struct selection *selection)
{
    buffer_clean_up(&selection->bytes);
    selection->count = 0;
}

static size_t cell_bytes(const struct selection *selection, bool has_cell)
{
    return has_cell ? cell_size(selection->rows) : 0;
}

void selection_add(struct selection *selection, const struct selected_row *row)
{
    const struct head head = {row->start_us, row->end_us, row->group.length, row->final, row->cell != NULL};
    size_t cell = cell_bytes(selection, head.has_cell);
    size_t size = padded(padded(sizeof head) + cell + row->group.length);
    if (!buffer_reserve(&selection->bytes, size))
        return;
    char *at = selection->bytes.data + selection->bytes.length;
    memcpy(at, &head, sizeof head);
    at += padded(sizeof head);
    if (cell)
        memcpy(at, row->cell, cell);
    if (row->group.length)
        memcpy(at + cell, row->group.data, row->group.length);
    selection->bytes.length += size;
    selection->bytes.data[selection->bytes.length] = '\0';
    selection->count++;
}

bool selection_next(const struct selection *selection, size_t *at, struct selected_row *ret_row)
{
    struct head head;
    if (*at >= selection->bytes.length)
        return false;
    const char *bytes = selection->bytes.data + *at;
    memcpy(&head, bytes, sizeof head);
    bytes += padded(sizeof head);
    size_t cell = cell_bytes(selection, head.has_cell);
    *ret_row = (struct selected_row){.start_us = head.start_us,
                                     .end_us = head.end_us,
                                     .final = head.final,
                                     .group = {bytes + cell, head.group_length},
                                     .cell = cell ? (const struct cell *)(const void *)bytes : NULL};
    *at += padded(padded(sizeof head) + cell + head.group_length);
    return true;
}
