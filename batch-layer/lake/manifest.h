/* SPDX-License-Identifier: Apache-2.0
 * What lies in a folder that a job made, beside its files: _tidemark.json says of what and how it was made. */
#ifndef TIDEMARK_BATCH_MANIFEST_H
#define TIDEMARK_BATCH_MANIFEST_H

#include "lake/lake_files.h"

struct manifest_count {
    const char *name; /* NULL ends the list */
    int64_t count;
};

struct manifest {
    const char *job, *run, *day;
    const char *definition; /* its fingerprint */
    const char *engine;
    const char *epoch, *cut; /* of what was read, as JSON; "null" where files were */
    const struct manifest_count *counts;
    const struct lake_folder *inputs;
    size_t input_count;
};

bool manifest_write(const struct manifest *manifest, const char *folder, struct error *error) MUST_CHECK;

/* A file of this name with this content in the folder. */
bool lake_file_write(const char *folder, const char *name, struct text content, struct error *error) MUST_CHECK;

#endif
