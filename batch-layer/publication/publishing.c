/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "publication/publisher.h"

bool publishing_init(struct publishing *publishing, struct source_run *run, struct error *error)
{
    *publishing = (struct publishing){.run = run};
    publishing->ledgers = calloc(run->partition_count + 1, sizeof *publishing->ledgers);
    return publishing->ledgers || error_set(error, ERROR_INTERNAL, "out of memory");
}

void publishing_clean_up(struct publishing *publishing)
{
    for (size_t i = 0; i < VIEWS_MAX; i++) {
        buffer_clean_up(&publishing->changes[i].windows);
        buffer_clean_up(&publishing->changes[i].refusal);
    }
    free(publishing->ledgers);
}

int64_t publishing_rows(const struct publishing *publishing)
{
    int64_t rows = 0;
    for (size_t i = 0; i < publishing->run->source->view_count; i++)
        rows += publishing->changes[i].rows;
    return rows;
}

int64_t publishing_moved(const struct publishing *publishing)
{
    int64_t moved = 0;
    for (size_t i = 0; i < publishing->run->partition_count; i++)
        moved += publishing->ledgers[i].moved;
    return moved;
}
