/* SPDX-License-Identifier: Apache-2.0
 * What the three programs have in common: their options, their help, loading and checking the configuration.
 *
 *     int main(int argc, char *argv[]) { return program_main(&program, argc, argv); }
 *
 * A command's `run` is called with the loaded `struct settings *` as its context and returns the exit code. */
#ifndef TIDEMARK_CONFIG_PROGRAM_H
#define TIDEMARK_CONFIG_PROGRAM_H

#include "base/command.h"
#include "config/settings.h"

/* Names and summary of a program, and its commands; the common options are added. */
struct program_description {
    const char *name;
    const char *summary;
    const struct command *commands; /* ended by a row without a name */
    struct settings_checks checks;  /* of the libraries that the program is linked to */
};

/* Parses the command line; handles --help, --version, --check-config and --log-format; loads the configuration
 * (--config, else TIDEMARK_CONFIG, else tidemark.yaml) and has it checked; installs the signal handlers;
 * runs the command. */
int program_main(const struct program_description *description, int argc, char *argv[]);

/* Logs the error and gives its exit code. */
int program_fail(const struct error *error);

#endif
