/* SPDX-License-Identifier: Apache-2.0
 * The files that the processes of a schedule run with, one definition of the source each: made by chance, the later
 * ones of the one before by views that are added, changed and removed, or by its speed layer: with one, or without. */
#ifndef TIDEMARK_SIMULATION_DEFINITIONS_H
#define TIDEMARK_SIMULATION_DEFINITIONS_H

#include "config/settings.h"

enum { ID, STATUS, CATEGORY, AMOUNT, FIELD_COUNT };
enum view_kind { BY_MINUTE, BY_DAY, BY_HOPS, SESSIONS, VIEW_KINDS }; /* all but the first also by category */
enum { VIEWS = VIEW_KINDS + 1 };                                     /* and the members of what BY_DAY measures */

struct view_plan {
    enum view_kind kind;
    int64_t pane_s, panes;  /* of a row; of sessions 0 */
    int64_t gap_s;          /* of sessions, else 0 */
    int64_t retention_s;    /* 0: none */
    int64_t watermark_s;    /* 0: none */
    bool takes_all_amounts; /* else only those above 0 */
};

struct definition {
    struct source source;
    struct view_plan plans[VIEW_KINDS]; /* of the views that are shown, in the order of the file */
    size_t plan_count;
    struct view views[VIEWS];
    const struct expression *wheres[2]; /* by takes_all_amounts */
    struct settings settings;
    struct source beside; /* as a replay has it, which builds slots of its own beside those of `source` */
};

/* Once a process. */
void definition_make(struct definition *definition, const struct zone *zone, struct arena *arena);
/* For a schedule: one by chance, or one made of another. */
void definition_choose(struct definition *definition, const struct definition *before, enum on_duplicate rule,
                       int64_t horizon_us, bool is_stream_alone);

#endif
