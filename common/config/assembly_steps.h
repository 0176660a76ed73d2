/* SPDX-License-Identifier: Apache-2.0
 * From what is written to sources, views, detectors and jobs: the steps of a load, one file each. */
#ifndef TIDEMARK_CONFIG_ASSEMBLY_STEPS_H
#define TIDEMARK_CONFIG_ASSEMBLY_STEPS_H

#include "config/assembly.h"

extern const struct option settings_options[]; /* the whole file; targets are in struct assembly */
extern const struct option source_options[], view_options[], detector_options[], job_options[];

void sources_assemble(struct assembly *assembly);
/* After sources_assemble. Also makes the fingerprints. */
void views_assemble(struct assembly *assembly);
/* After sources_assemble. */
void detectors_assemble(struct assembly *assembly);
void jobs_assemble(struct assembly *assembly);

#endif
