/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/address.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/wide.h"

#define DEFAULT_PORT 6379

static bool refuse(struct error *error, const char *what)
{
    return error_set(error, ERROR_CONFIGURATION,
                     "the Redis URL %s; it is redis://[user[:password]@]host[:port][/database] or "
                     "unix:///path[?db=number]",
                     what);
}

static struct text part(const char *from, const char *to)
{
    return (struct text){from, (size_t)(to - from)};
}

/* Splits at the first `separator`; without one, all is `ret_before`, and `ret_after` is empty. */
static bool split(struct text text, char separator, struct text *ret_before, struct text *ret_after)
{
    const char *end = text.data + text.length;
    const char *at = text.length ? memchr(text.data, separator, text.length) : NULL;
    *ret_before = part(text.data, at ? at : end);
    *ret_after = part(at ? at + 1 : end, end);
    return at != NULL;
}

/* Copies with a NUL behind; false where it doesn't fit, has a bad escape, or a NUL inside. */
static bool decode(struct text from, char *into, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < from.length; i++) {
        char character = from.data[i];
        if (character == '%') {
            bool is_whole = i + 2 < from.length;
            int high = is_whole ? hex_digit(from.data[i + 1]) : -1;
            int low = is_whole ? hex_digit(from.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            character = (char)(high * 16 + low);
            i += 2;
        }
        if (character == '\0' || length + 1 >= size)
            return false;
        into[length++] = character;
    }
    into[length] = '\0';
    return true;
}

static bool copy(struct text from, char *into, size_t size)
{
    if (from.length == 0 || from.length >= size)
        return false;
    memcpy(into, from.data, from.length);
    into[from.length] = '\0';
    return true;
}

static bool parse_number(struct text text, int64_t from, uint16_t *ret_number)
{
    int64_t number;
    if (!integer_parse(text, &number) || number < from || number > UINT16_MAX)
        return false;
    *ret_number = (uint16_t)number;
    return true;
}

static bool parse_socket(struct text rest, struct redis_address *address, struct error *error)
{
    struct text path, query;
    bool has_query = split(rest, '?', &path, &query);
    address->is_socket = true;
    if (path.length == 0 || path.data[0] != '/' || !decode(path, address->place, sizeof address->place))
        return refuse(error, "has no path of a socket that begins with a slash");
    struct text db = text_of("db=");
    if (has_query && (query.length < db.length || memcmp(query.data, db.data, db.length) != 0 ||
                      !parse_number(part(query.data + db.length, query.data + query.length), 0, &address->database)))
        return refuse(error, "has something other than db=number behind its question mark");
    return true;
}

/* The user's part may hold any character but a slash, so that the last @ ends it. */
static bool parse_login(struct text *authority, struct redis_address *address, struct error *error)
{
    const char *at = memrchr(authority->data, '@', authority->length);
    if (!at)
        return true;
    struct text user, password;
    split(part(authority->data, at), ':', &user, &password);
    if (!decode(user, address->user, sizeof address->user) ||
        !decode(password, address->password, sizeof address->password))
        return refuse(error, "has a user or password that is too long or has a bad % escape");
    *authority = part(at + 1, authority->data + authority->length);
    return true;
}

static bool parse_host(struct text authority, struct redis_address *address, struct error *error)
{
    struct text host, port;
    bool has_port;
    if (authority.length && authority.data[0] == '[') {
        struct text behind;
        if (!split(part(authority.data + 1, authority.data + authority.length), ']', &host, &behind))
            return refuse(error, "has a [ without a ]");
        has_port = behind.length > 0;
        struct text before;
        if (has_port && (!split(behind, ':', &before, &port) || before.length > 0))
            return refuse(error, "has something other than a port behind its ]");
    } else {
        has_port = split(authority, ':', &host, &port);
    }
    address->port = DEFAULT_PORT;
    if (!copy(host, address->place, sizeof address->place))
        return refuse(error, "has no host");
    if (has_port && !parse_number(port, 1, &address->port))
        return refuse(error, "has a port that isn't a number from 1 to 65535");
    return true;
}

static bool parse_network(struct text rest, struct redis_address *address, struct error *error)
{
    struct text authority, database;
    split(rest, '/', &authority, &database);
    if (!parse_login(&authority, address, error) || !parse_host(authority, address, error))
        return false;
    if (database.length > 0 && !parse_number(database, 0, &address->database))
        return refuse(error, "has a database that isn't a number");
    return true;
}

static bool skip(struct text *text, const char *scheme)
{
    size_t length = strlen(scheme);
    if (text->length < length || memcmp(text->data, scheme, length) != 0)
        return false;
    *text = part(text->data + length, text->data + text->length);
    return true;
}

bool redis_address_parse(const char *url, struct redis_address *ret_address, struct error *error)
{
    struct redis_address address = {0};
    struct text rest = text_of(url);
    bool parsed;
    if (skip(&rest, "redis://"))
        parsed = parse_network(rest, &address, error);
    else if (skip(&rest, "unix://"))
        parsed = parse_socket(rest, &address, error);
    else if (skip(&rest, "rediss://"))
        parsed = refuse(error, "asks for TLS, which isn't supported");
    else
        parsed = refuse(error, "begins with neither redis:// nor unix://");
    if (parsed)
        *ret_address = address;
    return parsed;
}

bool redis_address_make(const char *url, const char *password, struct redis_address *ret_address, struct error *error)
{
    struct redis_address address;
    if (!redis_address_parse(url, &address, error))
        return false;
    if (password && strlen(password) >= sizeof address.password)
        return error_set(error, ERROR_CONFIGURATION, "the Redis password is longer than %zu bytes",
                         sizeof address.password - 1);
    if (password)
        snprintf(address.password, sizeof address.password, "%s", password);
    *ret_address = address;
    return true;
}

bool redis_url_check(const char *url, struct error *error)
{
    struct redis_address address;
    bool is_fine = redis_address_parse(url, &address, error);
    explicit_bzero(&address, sizeof address);
    return is_fine;
}
