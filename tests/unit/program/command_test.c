/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "program/command.h"

static const char *config, *fast, *day, *from;

static const struct command_option common_options[] = {{"config", "FILE", "the file", &config}, {0}};
static const struct command_option run_options[] = {{"fast", NULL, "be fast", &fast}, {"day", "D", "a day", &day}, {0}};
static const struct command_option explain_options[] = {
    {"day", "D", "a day", &day}, {"from", "D", "the first day", &from}, {0}};
static const struct command_option judge_options[] = {{"from", "T", "a time", &from}, {0}};
static const struct command commands[] = {
    {.name = "run", .summary = "runs", .options = run_options, .serves = true, .finishes = &fast},
    {.name = "explain", .arguments = "VIEW", .argument_count = 1, .summary = "explains", .options = explain_options},
    {.name = "judge", .summary = "judges", .options = judge_options},
    {0},
};
static const struct program program = {"tool", "a tool", commands, common_options};

static bool parse(const char *words, struct command_line *line, struct error *error)
{
    static char memory[200];
    char *argv[16] = {(char *)"tool"};
    int argc = 1;
    config = fast = day = NULL;
    snprintf(memory, sizeof memory, "%s", words);
    for (char *word = strtok(memory, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return command_parse(&program, argc, argv, line, error);
}

static void options_may_stand_before_or_after_the_command(void **state)
{
    (void)state;
    static const char *const lines[] = {"--config f --fast run --day=3", "run --day 3 --fast --config=f",
                                        "--day 3 --config f run --fast"};
    for (size_t i = 0; i < 3; i++) {
        struct command_line line;
        struct error error;
        assert_true(parse(lines[i], &line, &error));
        assert_string_equal(line.command->name, "run");
        assert_string_equal(config, "f");
        assert_string_equal(day, "3");
        assert_non_null(fast);
    }
}

static void a_wrong_word_names_the_one_that_was_probably_meant(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"rnu", "did you mean run?"},
        {"run --confg f", "did you mean --config?"},
        {"run --zzzzzzz", "see tool --help"},
        {"explain", "needs VIEW"},
        {"explain a b", "unexpected argument b"},
        {"explain a --fast", "belongs to the command run"},
        {"run --config", "--config needs FILE"},
        {"run --fast=1", "takes no argument"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct command_line line;
        struct error error = {0};
        assert_false(parse(cases[i].line, &line, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        if (!strstr(error.message, cases[i].words))
            fail_msg("%s gives: %s", cases[i].line, error.message);
    }
}

static void a_command_serves_unless_an_option_has_it_finish_something(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool serves;
    } cases[] = {
        {"run", true}, {"run --day 3", true}, {"run --fast", false}, {"--fast run", false}, {"explain a", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct command_line line;
        struct error error;
        assert_true(parse(cases[i].line, &line, &error));
        assert_int_equal(command_serves(line.command), cases[i].serves);
    }
}

static void help_and_version_need_no_command(void **state)
{
    (void)state;
    struct command_line line;
    struct error error;
    assert_true(parse("--help", &line, &error) && line.help && !line.command);
    assert_true(parse("--version", &line, &error) && line.version);
    assert_true(parse("explain --help", &line, &error) && line.help && line.command);
}

static char *printed_help(const struct command *command)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    command_help(&program, command, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void help_has_an_option_of_several_commands_once(void **state)
{
    (void)state;
    char *help = printed_help(NULL);
    const char *options = strstr(help, "Options:\n");
    assert_non_null(options);
    assert_string_equal(options, "Options:\n"
                                 "  --fast                     be fast\n"
                                 "  --day D                    a day\n"
                                 "  --from D                   explain: the first day\n"
                                 "  --from T                   judge: a time\n"
                                 "  --config FILE              the file\n"
                                 "  --help                     print this and exit\n"
                                 "  --version                  print the version and exit\n");
    free(help);
    help = printed_help(&commands[1]);
    assert_non_null(
        strstr(help, "Options:\n  --day D                    a day\n  --from D                   the first day\n"));
    free(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_before_or_after_the_command),
        cmocka_unit_test(a_wrong_word_names_the_one_that_was_probably_meant),
        cmocka_unit_test(a_command_serves_unless_an_option_has_it_finish_something),
        cmocka_unit_test(help_and_version_need_no_command),
        cmocka_unit_test(help_has_an_option_of_several_commands_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
