/* SPDX-License-Identifier: Apache-2.0 */
#include "program/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/shutdown.h"
#include "config/load.h"
#include "program/command_manual.h"

struct common_options {
    const char *config, *check, *log_format, *print;
};

static atomic_int leave_code;

void program_leave_with(int code)
{
    atomic_store(&leave_code, code);
}

static void end_at_once(int number)
{
    (void)number;
    _exit(atomic_load(&leave_code));
}

/* A pipe that nobody reads, or memory that a thread which stands still has locked, mustn't hold it. */
void program_leave(void)
{
    signal(SIGALRM, end_at_once);
    alarm(1);
    log_warning("not ended %d s after it was asked to: leaving what isn't done; the next start goes on from what is "
                "committed",
                (int)(PROGRAM_LEAVE_US / US_PER_SECOND));
    _exit(atomic_load(&leave_code));
}

int program_fail(const struct error *error)
{
    int code = error_exit_code(error);
    log_error("%s", error->message);
    program_leave_with(code);
    return code;
}

/* Usage and configuration errors go to people at a terminal: plain lines, without time and level. */
static int fail_plainly(const char *program, const struct error *error)
{
    if (error->code == ERROR_CONFIGURATION)
        fprintf(stderr, "%s\n", error->message);
    else
        fprintf(stderr, "%s: %s\n", program, error->message);
    return error_exit_code(error);
}

static const char *configuration_path(const struct common_options *options)
{
    const char *path = options->config ? options->config : getenv("TIDEMARK_CONFIG");
    return path && *path ? path : "tidemark.yaml";
}

static bool choose_log_format(const char *program, const char *name, struct error *error)
{
    if (name && strcmp(name, "text") != 0 && strcmp(name, "json") != 0)
        return error_set(error, ERROR_USAGE, "--log-format is text or json, not %s", name);
    log_configure(program, name && strcmp(name, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    return true;
}

/* A signal may come at any time from here on. */
static void watch_for_the_end(const struct command *command)
{
    struct error interrupted = {.code = ERROR_TRY_AGAIN};
    program_leave_with(command && command_serves(command) ? 0 : error_exit_code(&interrupted));
    shutdown_install();
    if (!shutdown_watch(PROGRAM_LEAVE_US, program_leave))
        log_warning("no thread can be made: the end of this program may take long where a server is silent");
}

static bool load(const struct common_options *options, const struct settings_checks *checks,
                 struct settings **ret_settings, struct error *error)
{
    struct settings *settings;
    if (!settings_load(configuration_path(options), &settings, error))
        return false;
    if (!settings_check(settings, checks, error)) {
        settings_destroy(settings);
        return false;
    }
    *ret_settings = settings;
    return true;
}

static int run_command(const struct command_line *line, struct settings *settings)
{
    char *arguments[8];
    memcpy(arguments, line->arguments, sizeof arguments);
    return line->command->run(settings, arguments);
}

static int run(const struct program *program, const struct command_line *line, const struct common_options *options,
               const struct settings_checks *checks)
{
    struct error error = {0};
    if (!choose_log_format(program->name, options->log_format, &error))
        return fail_plainly(program->name, &error);
    watch_for_the_end(line->command);
    if (!line->command && !options->check) {
        error_set(&error, ERROR_USAGE, "which command? see %s --help", program->name);
        return fail_plainly(program->name, &error);
    }
    if (line->command && line->command->stands_alone && !options->check)
        return run_command(line, NULL);
    struct settings *settings;
    struct settings_checks asked = *checks;
    if (line->command && line->command->asks_another && !options->check) {
        asked.certificate = NULL;
        asked.files = NULL;
    }
    if (!load(options, &asked, &settings, &error))
        return fail_plainly(program->name, &error);
    int code = 0;
    if (options->check)
        printf("%s: ok\n", settings->path);
    else
        code = run_command(line, settings);
    settings_destroy(settings);
    return code;
}

static int print(const struct program *program, const char *what)
{
    struct error error;
    bool man = strcmp(what, "man") == 0;
    if (!man && strcmp(what, "completion") != 0) {
        error_set(&error, ERROR_USAGE, "--print is man or completion, not %s", what);
        return fail_plainly(program->name, &error);
    }
    if (man)
        command_print_man(program, TIDEMARK_VERSION, stdout);
    else
        command_print_completion(program, stdout);
    return 0;
}

/* The exit code where what was printed is all that was asked for. Whoever reads no further has enough. */
static int end_output(const char *program, int code)
{
    struct error error;
    bool lost = ferror(stdout) != 0;
    errno = 0;
    lost = fflush(stdout) != 0 || lost;
    if (code != 0 || !lost || errno == EPIPE)
        return code;
    error_set(&error, ERROR_UNAVAILABLE, "standard output can't be written");
    return fail_plainly(program, &error);
}

/* Where one of the three is closed, what is opened first would have its number, and lines for people would be sent to
 * Redis, say. What can't be written to fails like what is closed. */
static void hold_standard_descriptors(void)
{
    int descriptor;
    do
        descriptor = open("/dev/null", O_RDONLY);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0)
        close(descriptor);
}

int program_main(const struct program_description *description, int argc, char *argv[])
{
    struct common_options given = {0};
    const struct command_option options[] = {
        {"config", "FILE", "the configuration (else $TIDEMARK_CONFIG, else tidemark.yaml)", &given.config},
        {"check-config", NULL, "check the configuration and exit", &given.check},
        {"log-format", "text|json", "how log lines are written (text)", &given.log_format},
        {"print", "man|completion", "print the manual page, or the completion for bash, and exit", &given.print},
        {0},
    };
    const struct program program = {description->name, description->summary, description->commands, options};
    struct command_line line;
    struct error error = {0};
    hold_standard_descriptors();
    if (!command_parse(&program, argc, argv, &line, &error))
        return fail_plainly(program.name, &error);
    int code = 0;
    bool prints = true;
    if (line.version) {
        printf("%s %s\n", program.name, TIDEMARK_VERSION);
    } else if (line.help) {
        command_help(&program, line.command, stdout);
    } else if (given.print) {
        code = print(&program, given.print);
    } else {
        code = run(&program, &line, &given, &description->checks);
        prints = line.command && line.command->prints;
    }
    return prints ? end_output(program.name, code) : code;
}
