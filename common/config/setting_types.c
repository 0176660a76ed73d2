/* SPDX-License-Identifier: Apache-2.0 */
#include "config/setting_types.h"

#include "base/wide.h"
#include "config/settings.h"
#include "config/words.h"

#define PREFIX_MAX 100
#define GROUP_MAX 200 /* with what is put behind it, it names transactions and other groups */
#define REDIS_DATABASE_MAX 1000000

static void set_copy(struct option_reader *reader, const struct option *option, struct text text, void *base)
{
    const char *copy = reader_copy(reader, text);
    if (copy)
        *(const char **)(void *)((char *)base + option->offset) = copy;
}

static bool is_number(struct text text, int64_t lowest, int64_t highest)
{
    int64_t number;
    return text.length > 0 && text.length < 10 && integer_parse(text, &number) && number >= lowest && number <= highest;
}

/* Cuts at the last `separator`: *ret_tail is what follows it. False, with both untouched, where there is none. */
static bool cut_last(struct text *text, char separator, struct text *ret_tail)
{
    const char *at = text->length ? memrchr(text->data, separator, text->length) : NULL;
    if (!at)
        return false;
    size_t head = (size_t)(at - text->data);
    *ret_tail = (struct text){at + 1, text->length - head - 1};
    text->length = head;
    return true;
}

static bool is_host(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (strchr(": /,", text.data[i]))
            return false;
    return text.length > 0;
}

/* "[::1]" */
static bool is_host_in_brackets(struct text text)
{
    if (text.length < 4 || text.data[text.length - 1] != ']')
        return false;
    for (size_t i = 1; i < text.length - 1; i++)
        if (!memchr("0123456789abcdefABCDEF:.", text.data[i], 24))
            return false;
    return true;
}

/* host[:port] or [::1][:port] */
static bool is_authority(struct text text)
{
    struct text port, host = text;
    bool in_brackets = text.length > 0 && text.data[0] == '[' && memchr(text.data, ']', text.length) != NULL;
    if (in_brackets && text.data[text.length - 1] == ']')
        return is_host_in_brackets(text);
    if (cut_last(&host, ':', &port) && !is_number(port, 1, 65535))
        return false;
    if (in_brackets)
        return is_host_in_brackets(host);
    return is_host(host);
}

static struct text trimmed(struct text text)
{
    while (text.length > 0 && text.data[0] == ' ')
        text = (struct text){text.data + 1, text.length - 1};
    while (text.length > 0 && text.data[text.length - 1] == ' ')
        text.length--;
    return text;
}

/* librdkafka takes a protocol before the host. */
static struct text without_protocol(struct text text)
{
    static const char *const protocols[] = {"PLAINTEXT://", "SSL://", "SASL_PLAINTEXT://", "SASL_SSL://"};
    struct text rest;
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (text_after(text, protocols[i], &rest))
            return rest;
    return text;
}

/* Looks at one broker or several with commas between; false with the problem told. */
static bool check_brokers(struct option_reader *reader, const struct yaml_node *node)
{
    size_t begin = 0;
    while (begin <= node->text.length) {
        const char *at = node->text.data + begin, *comma = strchr(at, ',');
        struct text part = {at, comma ? (size_t)(comma - at) : node->text.length - begin};
        struct text broker = trimmed(part);
        if (!is_authority(without_protocol(broker))) {
            problem_add(reader->problems, yaml_location_at(node, (size_t)(broker.data - node->text.data)),
                        "a broker is host:port, with a port from 1 to 65535; several have commas between");
            return false;
        }
        begin += part.length + 1;
    }
    return true;
}

/* Items of a list as librdkafka takes them: with commas between. */
static void read_broker_list(struct option_reader *reader, const struct option *option, const struct yaml_node *list,
                             void *base)
{
    struct buffer joined = {0};
    if (list->count == 0)
        problem_add(reader->problems, list->location, "\"%s\" must not be empty", option->key);
    bool is_fine = list->count > 0;
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        if (!option_expect(reader, item, YAML_SCALAR, "a broker such as \"kafka-1:9092\"") ||
            !check_brokers(reader, item)) {
            is_fine = false;
            continue;
        }
        buffer_append_string(&joined, item == list->first ? "" : ",");
        buffer_append_text(&joined, item->text);
    }
    reader->problems->memory_is_short |= joined.failed;
    if (is_fine && !joined.failed)
        set_copy(reader, option, buffer_text(&joined), base);
    buffer_clean_up(&joined);
}

static void read_brokers(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                         void *base)
{
    if (node->kind == YAML_LIST)
        read_broker_list(reader, option, node, base);
    else if (option_expect(reader, node, YAML_SCALAR, "brokers such as \"kafka-1:9092,kafka-2:9092\"") &&
             check_brokers(reader, node))
        set_copy(reader, option, node->text, base);
}

/* As browsers write a host: in small letters, and what isn't ASCII in those of Punycode. */
static bool is_lower_host(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((text.data[i] >= 'A' && text.data[i] <= 'Z') || text.data[i] == '*' || (unsigned char)text.data[i] > 0x7F)
            return false;
    return true;
}

/* "https://host:port" as browsers write it, without a path: another spelling would never be that of a page. */
static bool is_origin(struct text text)
{
    struct text host, port;
    bool encrypts = text_after(text, "https://", &host);
    if (!encrypts && !text_after(text, "http://", &host))
        return text_equal(text, text_of("*"));
    struct text name = host;
    bool is_usual = cut_last(&name, ':', &port) && text_equal(port, text_of(encrypts ? "443" : "80"));
    return is_authority(host) && is_lower_host(host) && !is_usual;
}

static void read_origins(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                         void *base)
{
    if (!option_expect(reader, node, YAML_LIST, "a list of origins such as [\"https://board.example.com\"]"))
        return;
    const char **names = reader_allocate(reader, (node->count + 1) * sizeof *names);
    size_t count = 0;
    for (const struct yaml_node *item = node->first; names && item; item = item->next) {
        if (!option_expect(reader, item, YAML_SCALAR, "an origin such as \"https://board.example.com\""))
            continue;
        if (!is_origin(item->text))
            problem_add(
                reader->problems, item->location,
                "an origin is https://host in small letters, with its port where it isn't 443 (or 80 of http://), and "
                "without a path or a star; or \"*\" alone");
        names[count++] = reader_copy(reader, item->text);
    }
    *(const char *const **)((char *)base + option->offset) = names;
    *(size_t *)((char *)base + option->second_offset) = names ? count : 0;
}

const struct option_type setting_origins = {.name = "list of origins", .read = read_origins};

const struct option_type setting_brokers = {.name = "list of host:port", .read = read_brokers};

static bool is_printable(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7F)
            return false;
    return true;
}

static void read_group(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                       void *base)
{
    if (!option_expect(reader, node, YAML_SCALAR, "a text"))
        return;
    if (node->text.length == 0)
        problem_add(reader->problems, node->location, "\"%s\" must not be empty", option->key);
    else if (node->text.length > GROUP_MAX || !is_printable(node->text))
        problem_add(reader->problems, node->location, "\"%s\" must be without control characters, at most %d bytes",
                    option->key, GROUP_MAX);
    else
        set_copy(reader, option, node->text, base);
}

const struct option_type setting_group = {.name = "text", .read = read_group};

static void read_topic(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                       void *base)
{
    static const char wanted[] = "a topic such as \"kafka://orders\"";
    if (!option_expect(reader, node, YAML_SCALAR, wanted))
        return;
    struct text name;
    if (!text_after(node->text, "kafka://", &name))
        problem_add(reader->problems, node->location, "expected %s", wanted);
    else if (!is_topic_name(name))
        problem_add(reader->problems, yaml_location_at(node, strlen("kafka://")),
                    "a topic's name is of letters, digits, \".\", \"_\" and \"-\", at most %d", TOPIC_NAME_MAX);
    else
        set_copy(reader, option, name, base);
}

const struct option_type setting_topic = {.name = "topic", .read = read_topic};

/* Braces would break the hash tag that keeps the keys of a partition together, blanks the patterns of operators. */
static bool is_prefix(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        bool is_fine =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_.:-", c));
        if (!is_fine)
            return false;
    }
    return text.length > 0 && text.length <= PREFIX_MAX;
}

static void read_prefix(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                        void *base)
{
    if (!option_expect(reader, node, YAML_SCALAR, "a name"))
        return;
    if (is_prefix(node->text))
        set_copy(reader, option, node->text, base);
    else
        problem_add(reader->problems, node->location,
                    "\"%s\" must be of letters, digits, \"_\", \"-\", \".\" and \":\", at most %d", option->key,
                    PREFIX_MAX);
}

const struct option_type setting_prefix = {.name = "name", .read = read_prefix};

/* A character that a URL gives a meaning to, in what has to be a password because an @ stands behind. */
static bool has_raw_character(struct text rest, char character)
{
    const char *at = rest.length ? memchr(rest.data, character, rest.length) : NULL;
    return at && memchr(at, '@', rest.length - (size_t)(at - rest.data));
}

#define IN_A_PASSWORD "in a password # is written %23, ? %3F and / %2F; or the password goes to `password_file`"

/* NULL where the URL is fine, else what is wrong with it. */
static const char *redis_url_fault(struct text url)
{
    struct text rest, path, user_and_host;
    if (text_after(url, "unix://", &rest))
        return rest.length > 1 && rest.data[0] == '/' ? NULL : "the path behind unix:// must be absolute";
    if (text_after(url, "rediss://", &rest))
        return "rediss:// (TLS) is not supported";
    if (!text_after(url, "redis://", &rest))
        return "it begins with neither redis:// nor unix://";
    if (has_raw_character(rest, '#') || has_raw_character(rest, '?') || has_raw_character(rest, '/'))
        return IN_A_PASSWORD;
    if (memchr(url.data, '?', url.length) || memchr(url.data, '#', url.length))
        return "parameters behind ? or # are not supported";
    if (rest.length > 0 && rest.data[rest.length - 1] == '/')
        rest.length--;
    user_and_host = rest;
    if (cut_last(&user_and_host, '/', &path) && !is_number(path, 0, REDIS_DATABASE_MAX))
        return "the database behind the last / must be a number";
    struct text host = user_and_host, after_user;
    if (cut_last(&user_and_host, '@', &after_user))
        host = after_user;
    return is_authority(host) ? NULL : "the host or the port is wrong";
}

static void set_located(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                        void *base)
{
    set_copy(reader, option, node->text, base);
    *(struct location *)(void *)((char *)base + option->second_offset) = node->location;
}

static void read_redis_url(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                           void *base)
{
    static const char wanted[] = "redis://[user:password@]host[:port][/database] or unix:///path";
    if (!option_expect(reader, node, YAML_SCALAR, wanted))
        return;
    const char *fault = redis_url_fault(node->text);
    if (fault)
        problem_add(reader->problems, node->location, "expected %s: %s", wanted, fault);
    else
        set_located(reader, option, node, base);
}

const struct option_type setting_redis_url = {.name = "URL", .read = read_redis_url};

static void read_located_path(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                              void *base)
{
    if (!option_expect(reader, node, YAML_SCALAR, "the path of a file"))
        return;
    if (node->text.length > 0)
        set_located(reader, option, node, base);
    else
        problem_add(reader->problems, node->location, "\"%s\" must be the path of a file", option->key);
}

const struct option_type setting_located_path = {.name = "path of a file", .read = read_located_path};

/* The text has a NUL behind, as those of nodes have. */
static bool is_postgres_url(struct text text)
{
    struct text rest;
    if (text_after(text, "postgresql://", &rest) || text_after(text, "postgres://", &rest))
        return true;
    return strchr(text.data, '=') && !strstr(text.data, "://");
}

static void read_postgres_url(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                              void *base)
{
    static const char wanted[] = "postgresql://user@host/database, or a line of libpq such as \"host=/run/postgresql\"";
    if (!option_expect(reader, node, YAML_SCALAR, wanted))
        return;
    if (is_postgres_url(node->text))
        set_located(reader, option, node, base);
    else
        problem_add(reader->problems, node->location, "expected %s", wanted);
}

const struct option_type setting_postgres_url = {.name = "URL", .read = read_postgres_url};

/* Properties that exactly-once rests on, or that have a key of their own. */
static const struct {
    const char *name, *reason;
} owned_properties[] = {
    {"group.id", "it is kafka.group"},
    {"bootstrap.servers", "it is kafka.brokers"},
    {"metadata.broker.list", "it is kafka.brokers"},
    {"group.instance.id", "each worker is a member of its own"},
    {"enable.auto.commit", "offsets live beside the aggregates"},
    {"enable.auto.offset.store", "offsets live beside the aggregates"},
    {"auto.offset.reset", "a gap in the log must be seen, not skipped"},
    {"enable.partition.eof", "where the log ends must be seen"},
    {"isolation.level", "only committed messages count"},
    {"partition.assignment.strategy", "the assignment is the program's"},
    {"transactional.id", "each partition's writer of dead letters has its own"},
    {"enable.idempotence", "dead letters are written exactly once"},
};

static const char *owned_reason(struct text name)
{
    for (size_t i = 0; i < sizeof owned_properties / sizeof owned_properties[0]; i++)
        if (text_equal(name, text_of(owned_properties[i].name)))
            return owned_properties[i].reason;
    return NULL;
}

static bool read_property(struct option_reader *reader, const struct yaml_node *node, struct property *property,
                          struct property_location *location)
{
    const char *reason = owned_reason(node->key->text);
    if (reason) {
        problem_add(reader->problems, node->key->location, "the property%s can't be set: %s",
                    shown_name(node->key->text).text, reason);
        return false;
    }
    if (!option_expect(reader, node, YAML_SCALAR, "the value of a property"))
        return false;
    property->name = reader_copy(reader, node->key->text);
    property->value = reader_copy(reader, node->text);
    *location = (struct property_location){node->key->location, node->location, node->expanded};
    return true;
}

static void read_properties(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                            void *base)
{
    if (!option_expect(reader, node, YAML_MAP, "a map of properties"))
        return;
    struct property *properties = reader_allocate(reader, node->count * sizeof *properties);
    struct property_location *locations = reader_allocate(reader, node->count * sizeof *locations);
    if (!properties || !locations)
        return;
    size_t count = 0;
    for (const struct yaml_node *entry = node->first; entry; entry = entry->next)
        if (read_property(reader, entry, &properties[count], &locations[count]))
            count++;
    struct property_list *list = (struct property_list *)(void *)((char *)base + option->offset);
    *list = (struct property_list){properties, locations, count};
}

const struct option_type setting_properties = {.name = "map of texts", .read = read_properties, .may_be_empty = true};
