/* SPDX-License-Identifier: Apache-2.0
 * The state of one load, and what its steps have in common. */
#ifndef TIDEMARK_CONFIG_ASSEMBLY_H
#define TIDEMARK_CONFIG_ASSEMBLY_H

#include "config/options.h"
#include "config/settings.h"

#define SOURCES_MAX 64

struct assembly {
    struct settings settings;    /* becomes the result */
    struct option_reader reader; /* copies into settings.arena; used as it is written, before the settings move */

    const struct yaml_node *sources_node, *views_node, *detectors_node, *jobs_node; /* as written, or NULL */
    struct source *sources; /* settings.sources, while they are still being made */
    bool *source_is_broken; /* it has problems: what depends on it isn't checked */
};

/* The number of the source named by this scalar, or SIZE_MAX with the problem told. */
size_t assembly_find_source(struct assembly *assembly, const struct yaml_node *name);

/* Whether the source has a batch layer, whose jobs may name it as `node` does; else the problem is told there. */
bool assembly_check_batch_layer(struct assembly *assembly, const struct yaml_node *node,
                                const struct source *source) MUST_CHECK;

/* Opens the zone; tells the problem at `location`. */
bool assembly_open_zone(struct assembly *assembly, const char *name, struct location location,
                        const struct zone **ret_zone) MUST_CHECK;

/* True where the key of this entry is a name; else tells the problem. */
bool assembly_check_name(struct assembly *assembly, const struct yaml_node *entry) MUST_CHECK;

/* Tells what another library found wrong. */
void assembly_problem(struct assembly *assembly, struct location location, const struct error *error);

/* The number of the field, or FIELD_NONE with the problem told at `location`. The name stands in `node`. */
size_t assembly_find_field(struct assembly *assembly, const struct schema *schema, struct text name,
                           const struct yaml_node *node, struct location location);

#endif
