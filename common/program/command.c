/* SPDX-License-Identifier: Apache-2.0 */
#include "program/command.h"

#include <stdio.h>
#include <string.h>

#include "base/spelling.h"

static const struct command_option *find_option(const struct command_option *options, const char *name, size_t length)
{
    for (; options && options->name; options++)
        if (strlen(options->name) == length && strncmp(options->name, name, length) == 0)
            return options;
    return NULL;
}

/* Options may stand before the command they belong to, so all commands' options are looked up. */
static const struct command_option *find_any_option(const struct program *program, const struct command **ret_owner,
                                                    const char *name, size_t length)
{
    *ret_owner = NULL;
    const struct command_option *option = find_option(program->options, name, length);
    for (const struct command *command = program->commands; !option && command->name; command++) {
        option = find_option(command->options, name, length);
        *ret_owner = command;
    }
    return option;
}

static bool unknown_option(const struct program *program, const char *argument, struct error *error)
{
    const char *names[64] = {"help", "version"};
    size_t count = 2;
    for (const struct command_option *option = program->options; option && option->name && count < 64; option++)
        names[count++] = option->name;
    for (const struct command *command = program->commands; command->name; command++)
        for (const struct command_option *option = command->options; option && option->name && count < 64; option++)
            names[count++] = option->name;
    const char *meant = strncmp(argument, "--", 2) == 0 ? nearest_word(argument + 2, names, count) : NULL;
    return meant ? error_set(error, ERROR_USAGE, "unknown option %s; did you mean --%s?", argument, meant)
                 : error_set(error, ERROR_USAGE, "unknown option %s; see %s --help", argument, program->name);
}

static bool unknown_command(const struct program *program, const char *word, struct error *error)
{
    const char *names[32];
    size_t count = 0;
    for (const struct command *command = program->commands; command->name && count < 32; command++)
        names[count++] = command->name;
    const char *meant = nearest_word(word, names, count);
    return meant ? error_set(error, ERROR_USAGE, "unknown command %s; did you mean %s?", word, meant)
                 : error_set(error, ERROR_USAGE, "unknown command %s; see %s --help", word, program->name);
}

struct parsing {
    const struct program *program;
    struct command_line line;
    size_t argument_count;
    const struct command *owners[16]; /* commands whose options were given */
    const char *owned[16];
    size_t owner_count;
};

/* Takes argv[*at], an option, and moves *at over its argument. */
static bool take_option(struct parsing *parsing, int argc, char *argv[], int *at, struct error *error)
{
    const char *argument = argv[*at];
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
        return parsing->line.help = true;
    if (strcmp(argument, "--version") == 0)
        return parsing->line.version = true;
    const char *name = strncmp(argument, "--", 2) == 0 ? argument + 2 : "";
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct command *owner;
    const struct command_option *option = find_any_option(parsing->program, &owner, name, length);
    if (!option)
        return unknown_option(parsing->program, argument, error);
    if (owner && parsing->owner_count < 16) {
        parsing->owners[parsing->owner_count] = owner;
        parsing->owned[parsing->owner_count++] = option->name;
    }
    if (!option->argument) {
        if (equals)
            return error_set(error, ERROR_USAGE, "--%s takes no argument", option->name);
        *option->value = "";
        return true;
    }
    if (!equals && *at + 1 >= argc)
        return error_set(error, ERROR_USAGE, "--%s needs %s", option->name, option->argument);
    *option->value = equals ? equals + 1 : argv[++*at];
    return true;
}

static bool take_word(struct parsing *parsing, char *word, struct error *error)
{
    if (parsing->line.command) {
        const struct command *command = parsing->line.command;
        if (parsing->argument_count >= command->argument_count + command->optional_count)
            return error_set(error, ERROR_USAGE, "%s: unexpected argument %s", command->name, word);
        parsing->line.arguments[parsing->argument_count++] = word;
        return true;
    }
    for (const struct command *command = parsing->program->commands; command->name; command++)
        if (strcmp(command->name, word) == 0) {
            parsing->line.command = command;
            return true;
        }
    return unknown_command(parsing->program, word, error);
}

static bool check(const struct parsing *parsing, struct error *error)
{
    const struct command *command = parsing->line.command;
    if (parsing->line.help || parsing->line.version)
        return true;
    for (size_t i = 0; i < parsing->owner_count; i++)
        if (parsing->owners[i] != command &&
            !(command && find_option(command->options, parsing->owned[i], strlen(parsing->owned[i]))))
            return error_set(error, ERROR_USAGE, "--%s belongs to the command %s", parsing->owned[i],
                             parsing->owners[i]->name);
    if (command && parsing->argument_count < command->argument_count)
        return error_set(error, ERROR_USAGE, "%s needs %s", command->name, command->arguments);
    return true;
}

bool command_parse(const struct program *program, int argc, char *argv[], struct command_line *ret_line,
                   struct error *error)
{
    struct parsing parsing = {.program = program};
    for (int at = 1; at < argc; at++)
        if (argv[at][0] == '-' && argv[at][1] ? !take_option(&parsing, argc, argv, &at, error)
                                              : !take_word(&parsing, argv[at], error))
            return false;
    if (!check(&parsing, error))
        return false;
    *ret_line = parsing.line;
    return true;
}

bool command_serves(const struct command *command)
{
    return command->serves && !(command->finishes && *command->finishes);
}

static void print_option(const struct command_option *option, const char *of_command, FILE *out)
{
    char left[80];
    snprintf(left, sizeof left, "--%s%s%s", option->name, option->argument ? " " : "",
             option->argument ? option->argument : "");
    fprintf(out, "  %-26s %s%s%s\n", left, of_command, *of_command ? ": " : "", option->summary);
}

static void print_options(const struct command_option *options, FILE *out)
{
    for (; options && options->name; options++)
        print_option(options, "", out);
}

/* An option that commands share is printed once; one that they give another meaning, of each with the command's name.
 */
static void print_option_of_all(const struct program *program, const struct command *command,
                                const struct command_option *option, FILE *out)
{
    const char *of_command = "";
    for (const struct command *row = program->commands; row->name; row++) {
        const struct command_option *other = find_option(row->options, option->name, strlen(option->name));
        bool is_same = other && strcmp(other->summary, option->summary) == 0;
        if (row < command && is_same)
            return;
        if (other && !is_same)
            of_command = command->name;
    }
    print_option(option, of_command, out);
}

static void print_options_of_all(const struct program *program, FILE *out)
{
    for (const struct command *row = program->commands; row->name; row++)
        for (const struct command_option *option = row->options; option && option->name; option++)
            print_option_of_all(program, row, option, out);
}

void command_help(const struct program *program, const struct command *command, FILE *out)
{
    if (command) {
        fprintf(out, "usage: %s %s%s%s [OPTION …]\n\n%s\n\n", program->name, command->name,
                command->arguments ? " " : "", command->arguments ? command->arguments : "", command->summary);
    } else {
        fprintf(out, "usage: %s COMMAND [OPTION …]\n\n%s\n\nCommands:\n", program->name, program->summary);
        for (const struct command *row = program->commands; row->name; row++) {
            char left[80];
            snprintf(left, sizeof left, "%s%s%s", row->name, row->arguments ? " " : "",
                     row->arguments ? row->arguments : "");
            fprintf(out, "  %-26s %s\n", left, row->summary);
        }
        putc('\n', out);
    }
    fprintf(out, "Options:\n");
    if (command)
        print_options(command->options, out);
    else
        print_options_of_all(program, out);
    print_options(program->options, out);
    fprintf(out, "  %-26s %s\n  %-26s %s\n", "--help", "print this and exit", "--version",
            "print the version and exit");
}
