/* SPDX-License-Identifier: Apache-2.0
 * A folder that is replaced as a whole: whoever lists it finds the old one or the new one, and never a mixture, also
 * when the process is killed at any moment.
 *
 * It is made in `.tidemark/` beside its place, synced, and exchanged with the old one in one step. The old one stays in
 * `.tidemark/` for a minute, for those who have listed it; what killed runs left there, the next run removes. */
#ifndef TIDEMARK_BATCH_DAY_FOLDER_H
#define TIDEMARK_BATCH_DAY_FOLDER_H

#include <stddef.h>

#include "base/error.h"

#define RUN_ID_SIZE 32

struct day_folder {
    char *target; /* its place */
    char *beside; /* the .tidemark there */
    char *work;   /* this run's folder in it */
    char *made;   /* the new folder, in that */
    char *spill;  /* a place for files that only this run needs, in `work`; not made yet */
    int lock;     /* of `work`: says that the run lives */
    char run[RUN_ID_SIZE];
};

/* Makes the folders. ERROR_TRY_AGAIN where another process makes the same one. day_folder_clean_up takes a half-made
 * one too. */
bool day_folder_begin(const char *target, struct day_folder *ret_folder, struct error *error) MUST_CHECK;

/* What was made goes to its place. True: it is there for good. ERROR_CONFIGURATION where the file system can't exchange
 * two folders. */
bool day_folder_place(struct day_folder *folder, struct error *error) MUST_CHECK;

/* Where the error is that there was no room beside `target`: says so before it, and what to do. Returns false. */
bool day_folder_explain(const char *target, struct error *error);

/* Removes what wasn't placed. */
void day_folder_clean_up(struct day_folder *folder);

/* Removes what a minute and more ago was replaced beside `target`, and what killed runs left. */
void day_folder_sweep(const char *target);

/* A process of its own does so a minute from now, for those of `targets` that were replaced; this one may end. */
void day_folder_sweep_later(const char *const targets[], size_t count);

#endif
