/* SPDX-License-Identifier: Apache-2.0
 * The types of settings that any program could have. */
#include "base/wide.h"
#include "config/config_file.h"
#include "config/options.h"
#include "config/quantity.h"

#define WORDS_MAX 16 /* of an enumeration */
#define SOCKET_PATH_MAX ((size_t)107)

static void *target_of(void *base, size_t offset)
{
    return (char *)base + offset;
}

static void set_text(void *base, size_t offset, const char *value)
{
    if (value)
        *(const char **)target_of(base, offset) = value;
}

static void read_text(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                      void *base)
{
    if (!option_expect(reader, node, YAML_SCALAR, "a text"))
        return;
    if (node->text.length == 0)
        problem_add(reader->problems, node->location, "\"%s\" must not be empty", option->key);
    else
        set_text(base, option->offset, reader_copy(reader, node->text));
}

const struct option_type option_text = {.name = "text", .read = read_text};

static void report_range(struct option_reader *reader, const struct option *option, struct location location)
{
    struct buffer range = {0};
    option->type->append_range(option, &range);
    problem_add(reader->problems, location, "\"%s\" must be %s", option->key, buffer_string(&range));
    reader->problems->memory_is_short |= range.failed;
    buffer_clean_up(&range);
}

static void set_number(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                       int64_t number, void *base)
{
    if (number < option->minimum || number > option->maximum)
        report_range(reader, option, node->location);
    else
        *(int64_t *)target_of(base, option->offset) = number;
}

static void read_integer(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                         void *base)
{
    if (!option_expect(reader, node, YAML_SCALAR, "a whole number"))
        return;
    int64_t number;
    if (integer_parse(node->text, &number))
        set_number(reader, option, node, number, base);
    else
        problem_add(reader->problems, node->location, "expected a whole number, not%s%s", option_shown(node).text,
                    option_shown(node).text[0] ? "" : " this");
}

static void append_integer_range(const struct option *option, struct buffer *out)
{
    buffer_appendf(out, "%lld to %lld", (long long)option->minimum, (long long)option->maximum);
}

const struct option_type option_integer = {
    .name = "integer", .read = read_integer, .append_range = append_integer_range};

static void read_quantity(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                          const struct unit units[], const char *wanted, void *base)
{
    if (!option_expect(reader, node, YAML_SCALAR, wanted))
        return;
    int64_t number;
    const char *reason;
    if (quantity_parse(node->text, units, &number, &reason)) {
        set_number(reader, option, node, number, base);
        return;
    }
    const char *meant = quantity_meant_unit(node->text, units);
    problem_add(reader->problems, node->location, "expected %s, not%s: %s%s%s%s", wanted,
                option_shown(node).text[0] ? option_shown(node).text : " this", reason,
                meant ? "; did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
}

static void read_duration(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                          void *base)
{
    read_quantity(reader, option, node, duration_units,
                  "a duration such as \"48 hours\" (ms, seconds, minutes, hours, days)", base);
}

static void read_size(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                      void *base)
{
    read_quantity(reader, option, node, size_units, "a size such as \"1 GiB\" (bytes, KiB, MiB, GiB, TiB)", base);
}

static void append_quantity_range(const struct option *option, const struct unit units[], struct buffer *out)
{
    buffer_append_quantity(out, option->minimum, units);
    buffer_append_string(out, " to ");
    buffer_append_quantity(out, option->maximum, units);
}

static void append_duration_range(const struct option *option, struct buffer *out)
{
    append_quantity_range(option, duration_units, out);
}

static void append_size_range(const struct option *option, struct buffer *out)
{
    append_quantity_range(option, size_units, out);
}

const struct option_type option_duration = {
    .name = "duration", .read = read_duration, .append_range = append_duration_range};
const struct option_type option_size = {.name = "size", .read = read_size, .append_range = append_size_range};

static bool is_host_name(struct text host)
{
    for (size_t i = 0; i < host.length; i++) {
        char c = host.data[i];
        bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_';
        if (!is_fine)
            return false;
    }
    return host.length > 0;
}

static bool is_address_of_six(struct text host)
{
    for (size_t i = 0; i < host.length; i++)
        if (!memchr("0123456789abcdefABCDEF:.", host.data[i], 24))
            return false;
    return host.length > 1;
}

/* "host:port" or "[::1]:port". */
static bool address_parse(struct text text, struct text *ret_host, int *ret_port)
{
    const char *colon = text.length ? memrchr(text.data, ':', text.length) : NULL;
    if (!colon)
        return false;
    struct text host = {text.data, (size_t)(colon - text.data)};
    struct text digits = {colon + 1, text.length - host.length - 1};
    int64_t port;
    if (digits.length > 5 || !integer_parse(digits, &port) || port < 1 || port > 65535)
        return false;
    bool in_brackets = host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']';
    if (in_brackets)
        host = (struct text){host.data + 1, host.length - 2};
    if (!(in_brackets ? is_address_of_six(host) : is_host_name(host)))
        return false;
    *ret_host = host;
    *ret_port = (int)port;
    return true;
}

/* "unix:///path"; the path begins with a slash, which no host does. */
static bool socket_path_parse(struct text text, struct text *ret_path)
{
    static const char scheme[] = "unix://";
    size_t length = sizeof scheme - 1;
    if (text.length <= length + 1 || memcmp(text.data, scheme, length) != 0 || text.data[length] != '/')
        return false;
    struct text path = {text.data + length, text.length - length};
    if (path.length > SOCKET_PATH_MAX || path.data[path.length - 1] == '/' || memchr(path.data, '\0', path.length))
        return false;
    *ret_path = path;
    return true;
}

static void read_address(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                         void *base)
{
    static const char wanted[] = "an address and a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\", or "
                                 "unix:///path of at most 107 bytes";
    if (!option_expect(reader, node, YAML_SCALAR, wanted))
        return;
    struct text host;
    int port = 0;
    if (!socket_path_parse(node->text, &host) && !address_parse(node->text, &host, &port)) {
        problem_add(reader->problems, node->location, "expected %s", wanted);
        return;
    }
    set_text(base, option->offset, reader_copy(reader, host));
    *(int *)target_of(base, option->second_offset) = port;
}

const struct option_type option_address = {.name = "host:port or unix:///path", .read = read_address};

static void read_boolean(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                         void *base)
{
    bool yes = text_equal(node->text, text_of("true")), no = text_equal(node->text, text_of("false"));
    if (!option_expect(reader, node, YAML_SCALAR, "true or false"))
        return;
    if (yes || no)
        *(bool *)target_of(base, option->offset) = yes;
    else
        problem_add(reader->problems, node->location, "expected true or false, not%s%s", option_shown(node).text,
                    option_shown(node).text[0] ? "" : " this");
}

const struct option_type option_boolean = {.name = "true or false", .read = read_boolean};

static void read_word(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                      void *base)
{
    struct buffer wanted = {0};
    size_t count = 0;
    for (; option->words[count] && count < WORDS_MAX; count++)
        buffer_appendf(&wanted, "%s%s",
                       count == 0                 ? ""
                       : option->words[count + 1] ? ", "
                                                  : " or ",
                       option->words[count]);
    if (option_expect(reader, node, YAML_SCALAR, buffer_string(&wanted))) {
        size_t number = 0;
        while (number < count && !text_equal(node->text, text_of(option->words[number])))
            number++;
        if (number < count)
            *(size_t *)target_of(base, option->offset) = number;
        else
            problem_add(reader->problems, node->location, "expected %s%s", buffer_string(&wanted),
                        option_suggest(node->text, option->words, count).text);
    }
    reader->problems->memory_is_short |= wanted.failed;
    buffer_clean_up(&wanted);
}

const struct option_type option_word = {.name = "word", .read = read_word};

static void read_secret(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                        void *base)
{
    if (!option_expect(reader, node, YAML_SCALAR, "the path of a file"))
        return;
    const char *secret, *reason;
    if (node->text.length == 0)
        problem_add(reader->problems, node->location, "\"%s\" must not be empty", option->key);
    else if (secret_file_read(node->text.data, reader->arena, &secret, &reason))
        set_text(base, option->offset, secret);
    else if (!reason)
        reader->problems->memory_is_short = true;
    else
        problem_add(reader->problems, node->location, "\"%s\" can't be read from %s: %s", option->key,
                    node->expanded ? "the file that it names" : node->text.data, reason);
}

const struct option_type option_secret = {.name = "path of a file", .read = read_secret};

static void read_section(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                         void *base)
{
    if (option_expect(reader, node, YAML_MAP, "a map of settings"))
        options_read(reader, option->options, node, node->key ? node->key->location : node->location, base);
}

const struct option_type option_section = {
    .name = "section", .read = read_section, .may_be_empty = true, .is_section = true};

const struct option_type option_optional_section = {.name = "section", .read = read_section};

static void set_node(void *base, size_t offset, const struct yaml_node *node)
{
    *(const struct yaml_node **)target_of(base, offset) = node;
}

static void read_map(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                     void *base)
{
    if (option_expect(reader, node, YAML_MAP, "a map"))
        set_node(base, option->offset, node);
}

const struct option_type option_map = {.name = "map", .read = read_map, .may_be_empty = true};

static void read_list(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                      void *base)
{
    if (!option_expect(reader, node, YAML_LIST, "a list"))
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next)
        if (!option_expect(reader, item, YAML_SCALAR, "a name"))
            return;
    set_node(base, option->offset, node);
}

const struct option_type option_list = {.name = "list of names", .read = read_list, .may_be_empty = true};

static void read_scalar(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                        void *base)
{
    if (option_expect(reader, node, YAML_SCALAR, "a text"))
        set_node(base, option->offset, node);
}

const struct option_type option_scalar = {.name = "text", .read = read_scalar};
