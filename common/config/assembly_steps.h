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
/* After views_assemble. */
void jobs_assemble(struct assembly *assembly);
/* After all of these: `emit:` of the views. */
void sinks_assemble(struct assembly *assembly);
/* A list of sinks, each read by `sink_options`. */
extern const struct option_type sinks_type;
extern const struct option sink_options[];

/* The keys of a job that summarises files, as they are written. */
struct written_summary {
    const struct yaml_node *view, *read, *write, *joins, *partition_by;
    const char *version;
    size_t engine;
    bool allow_empty;
};
/* A list of joins, each read by `summary_join_options`. */
extern const struct option_type summary_joins_type;
extern const struct option summary_join_options[];
extern const char *const summary_engine_words[];

/* Reads the summary of the job that `entry` describes; tells what is wrong with it. */
void summary_read(struct assembly *assembly, const struct yaml_node *entry, const struct written_summary *written,
                  struct summary *ret_summary);
/* Reads the archive of this source that the job that `entry` describes writes; tells what is wrong with it. */
void archive_read(struct assembly *assembly, const struct yaml_node *entry, const struct yaml_node *source,
                  const struct yaml_node *write, struct archive *ret_archive);

/* A path of files where it is one; else NULL, with the problem told. `key` is what it is of. */
const char *job_path_read(struct assembly *assembly, const struct yaml_node *node, const char *key, bool needs_date);
/* Whether one is the other, or lies below it, by the names as they are written. */
bool job_paths_meet(const char *a, const char *b);

/* Columns of a file are told apart by more than upper and lower case. */
void job_columns_check(struct assembly *assembly, const struct yaml_node *node, const char *const columns[],
                       size_t count);
/* The keys of a job that runs a query, as they are written. */
struct written_query {
    const struct yaml_node *statement, *create, *table, *where;
    bool is_repeatable, takes_clocks;
};
/* Reads the query of the job that `entry` describes; tells what is wrong with it. */
void query_read(struct assembly *assembly, const struct yaml_node *entry, const struct written_query *written,
                struct query *ret_query);

/* Reads which jobs come after which; what is unknown, given twice or goes round in a circle is told. */
void job_order_read(struct assembly *assembly, const struct yaml_node *map, struct job jobs[]);

/* Two jobs that write the same folders are told. */
void job_folders_check(struct assembly *assembly, const struct yaml_node *map, const struct job jobs[]);

#endif
