/* SPDX-License-Identifier: Apache-2.0
 * What went wrong, said once where the cause is known, with context put before it on the way up.
 *
 * A function that can fail returns bool and takes a `struct error *` last. Where it returns false the error is set and
 * its outputs are untouched. Library code never logs and never exits: a program's loop does. */
#ifndef TIDEMARK_BASE_ERROR_H
#define TIDEMARK_BASE_ERROR_H

#include <stdbool.h>

enum error_code {
    ERROR_NONE,
    ERROR_USAGE,         /* the command line: exit 64 */
    ERROR_DATA,          /* an open ledger, a difference found: exit 65 */
    ERROR_UNAVAILABLE,   /* a dependency is down; retry with back-off: exit 69 */
    ERROR_INTERNAL,      /* out of memory, a broken contract of a dependency: exit 70 */
    ERROR_TRY_AGAIN,     /* another run is at work, a partition isn't ready: exit 75 */
    ERROR_HELD,          /* done, but for what somebody holds until an operator acts: exit 75, and not tried again */
    ERROR_PERMISSION,    /* a password or a right is refused; an operator must act: exit 77 */
    ERROR_CONFIGURATION, /* the configuration, or a schema or store it can't work with: exit 78 */
};

struct error {
    enum error_code code;
    char message[1000]; /* one line, no final full stop; never a secret */
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* Sets the error; returns false, so that `return error_set(…)` ends a function. A NULL error is allowed. */
bool error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the message; returns false. */
bool error_context(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True where waiting and trying again can help: ERROR_UNAVAILABLE and ERROR_TRY_AGAIN. */
bool error_is_retriable(const struct error *error);

/* The exit code of sysexits.h for this error; 0 for ERROR_NONE. */
int error_exit_code(const struct error *error);

#endif
