/* SPDX-License-Identifier: Apache-2.0
 * What is wrong with a configuration file, gathered so that one look at the file can mend several mistakes. */
#ifndef TIDEMARK_CONFIG_PROBLEMS_H
#define TIDEMARK_CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "config/location.h"

#define PROBLEMS_MAX 20          /* more are counted only */
#define PROBLEM_MESSAGE_SIZE 300 /* longer messages are cut */

struct file_problem {
    struct location location;
    char message[PROBLEM_MESSAGE_SIZE];
};

struct problems { /* all zero is none */
    struct file_problem list[PROBLEMS_MAX];
    size_t count; /* of all, also those that found no room */
    bool memory_is_short;
};

/* Adds one. Messages begin small, have no final full stop and never hold a secret. */
void problem_add(struct problems *problems, struct location location, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* " 'name'" with its blank where the name is short and of letters, digits, blanks, '_', '-' and '.', else "": a
 * password that stands where a name is expected isn't repeated in a log. */
#define SHOWN_NAME_MAX 48
struct shown {
    char text[SHOWN_NAME_MAX + 4];
};
struct shown shown_name(struct text name);

/* The same for the name of a field or a source, which is no place for a password: with whatever can be printed. */
struct shown shown_reference(struct text name);

/* Returns true where there are none. Else sets the error: "path:line:column: message", one a line and in the order of
 * the file, as many whole lines as the error's message holds; the rest is counted in a last line. ERROR_INTERNAL where
 * memory is short, whatever else is wrong. */
bool problems_report(struct problems *problems, const char *path, struct error *error) MUST_CHECK;

#endif
