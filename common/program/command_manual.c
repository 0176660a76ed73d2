/* SPDX-License-Identifier: Apache-2.0 */
#include "program/command_manual.h"

#include <ctype.h>
#include <string.h>

/* roff takes a hyphen for a dash, a backslash for an escape, and a line that begins with a point for a request. */
static void print_roff(const char *text, FILE *out)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
}

static void print_capitals(const char *text, FILE *out)
{
    for (; *text; text++)
        putc(toupper((unsigned char)*text), out);
}

static void print_option_rows(const struct command_option options[], FILE *out)
{
    for (; options && options->name; options++) {
        fputs(".TP\n.B \\-\\-", out);
        print_roff(options->name, out);
        if (options->argument) {
            fputs(" \\fI", out);
            print_roff(options->argument, out);
            fputs("\\fR", out);
        }
        putc('\n', out);
        print_roff(options->summary, out);
        putc('\n', out);
    }
}

static void print_commands(const struct command commands[], FILE *out)
{
    fputs(".SH COMMANDS\n", out);
    for (; commands->name; commands++) {
        fputs(".SS ", out);
        print_roff(commands->name, out);
        if (commands->arguments) {
            putc(' ', out);
            print_roff(commands->arguments, out);
        }
        putc('\n', out);
        print_roff(commands->summary, out);
        putc('\n', out);
        print_option_rows(commands->options, out);
    }
}

void command_print_man(const struct program *program, const char *version, FILE *out)
{
    fputs(".TH ", out);
    print_capitals(program->name, out);
    fprintf(out, " 1 \"\" \"Tidemark %s\" \"Tidemark\"\n.SH NAME\n", version);
    print_roff(program->name, out);
    fputs(" \\- ", out);
    print_roff(program->summary, out);
    fputs("\n.SH SYNOPSIS\n.B ", out);
    print_roff(program->name, out);
    fputs("\n\\fICOMMAND\\fR [\\fIOPTION\\fR ...]\n", out);
    print_commands(program->commands, out);
    fputs(".SH OPTIONS\n", out);
    print_option_rows(program->options, out);
    fputs(".TP\n.B \\-\\-help\nprint help, of a command where one is named, and exit\n"
          ".TP\n.B \\-\\-version\nprint the version and exit\n"
          ".SH EXIT STATUS\n0 where it is done. 64: the command line is wrong. 65: a difference or damage was found. "
          "69: a dependency is down, or what is printed can't be written. 70: an error inside. 75: try again. 77: a "
          "password or a right is refused. 78: the "
          "configuration is wrong.\n",
          out);
}

static void print_words(const struct command_option options[], FILE *out)
{
    for (; options && options->name; options++)
        fprintf(out, "--%s ", options->name);
}

/* "tidemark_speed", for the name of a function. */
static void print_identifier(const char *name, FILE *out)
{
    for (; *name; name++)
        putc(*name == '-' ? '_' : *name, out);
}

static void print_file_options(const struct command_option options[], FILE *out)
{
    for (; options && options->name; options++)
        if (options->argument && strcmp(options->argument, "FILE") == 0)
            fprintf(out, "        --%s) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n", options->name);
}

void command_print_completion(const struct program *program, FILE *out)
{
    fprintf(out, "# bash completion of %s\n_", program->name);
    print_identifier(program->name, out);
    fputs("()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} at words=\"--help --version ", out);
    print_words(program->options, out);
    fputs("\" command=\n    case ${COMP_WORDS[COMP_CWORD-1]} in\n", out);
    print_file_options(program->options, out);
    fputs("    esac\n    for at in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n        case $at in\n", out);
    for (const struct command *row = program->commands; row->name; row++) {
        fprintf(out, "            %s) command=1 words+=\" ", row->name);
        print_words(row->options, out);
        fputs("\" ;;\n", out);
    }
    fputs("        esac\n    done\n    [ -n \"$command\" ] || words+=\" ", out);
    for (const struct command *row = program->commands; row->name; row++)
        fprintf(out, "%s ", row->name);
    fputs("\"\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\ncomplete -F _", out);
    print_identifier(program->name, out);
    fprintf(out, " %s\n", program->name);
}
