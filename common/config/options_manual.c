/* SPDX-License-Identifier: Apache-2.0
 * The reference manual, from the tables that the reader uses. */
#include "config/options.h"

static void print_cell(const char *text, FILE *out)
{
    if (text)
        fprintf(out, "`%s`", text);
    else
        fputs("–", out);
}

static void print_type(const struct option *option, FILE *out)
{
    if (option->words) {
        for (size_t i = 0; option->words[i]; i++)
            fprintf(out, "%s`%s`", i == 0 ? "" : option->words[i + 1] ? ", " : " or ", option->words[i]);
        return;
    }
    fputs(option->type->name, out);
    if (option->type->append_range) {
        struct buffer range = {0};
        option->type->append_range(option, &range);
        fprintf(out, ", %s", buffer_string(&range));
        buffer_clean_up(&range);
    }
}

static void print_row(const struct option *option, FILE *out)
{
    fprintf(out, "| `%s` | ", option->key);
    print_type(option, out);
    fputs(" | ", out);
    if (option->required)
        fputs("required", out);
    else
        print_cell(option->fallback, out);
    fprintf(out, " | %s | ", option->meaning);
    print_cell(option->example, out);
    fputs(" |\n", out);
}

static bool is_row(const struct option *option)
{
    bool is_section = option->type == &option_section || option->type == &option_optional_section;
    return !is_section && !option->entry;
}

static void print_table(const struct option options[], FILE *out)
{
    bool has_head = false;
    for (const struct option *option = options; option->key; option++) {
        if (!is_row(option))
            continue;
        if (!has_head)
            fputs("\n| Key | Type | Default | Meaning | Example |\n|---|---|---|---|---|\n", out);
        has_head = true;
        print_row(option, out);
    }
}

static void print_sections(const struct option options[], const char *path, FILE *out)
{
    for (const struct option *option = options; option->key; option++) {
        if (!option->options)
            continue;
        struct buffer own = {0};
        buffer_appendf(&own, "%s%s%s%s%s", path, *path ? "." : "", option->key, option->entry ? "." : "",
                       option->entry ? option->entry : "");
        fprintf(out, "\n## `%s`\n", buffer_string(&own));
        if (!is_row(option))
            fprintf(out, "\n%s%s\n", option->meaning, option->required ? " Required." : "");
        print_table(option->options, out);
        print_sections(option->options, buffer_string(&own), out);
        buffer_clean_up(&own);
    }
}

void options_print_manual(const struct option options[], FILE *out)
{
    print_table(options, out);
    print_sections(options, "", out);
}
