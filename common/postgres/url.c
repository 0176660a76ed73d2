/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/url.h"

#include <libpq-fe.h>
#include <string.h>

#include "base/spelling.h"
#include "base/text.h"
#include "base/wide.h"

#define OPTIONS_MAX 80 /* libpq 15 has 42 */
#define NAME_MAX_BYTES 40

/* What stands between the first quotation marks; "" where that is nothing, or too long for the name of an option. */
static void copy_quoted(const char *message, char ret_name[NAME_MAX_BYTES])
{
    const char *open = strchr(message, '"'), *close = open ? strchr(open + 1, '"') : NULL;
    size_t length = close ? (size_t)(close - open) - 1 : 0;
    if (length >= NAME_MAX_BYTES)
        length = 0;
    memcpy(ret_name, open ? open + 1 : "", length);
    ret_name[length] = '\0';
}

/* Only a name that is near to an option's is repeated: another may be a piece of a password. */
static bool refuse_option(const char *message, struct error *error)
{
    char name[NAME_MAX_BYTES];
    const char *names[OPTIONS_MAX];
    size_t count = 0;
    copy_quoted(message, name);
    PQconninfoOption *options = PQconndefaults();
    for (const PQconninfoOption *option = options; option && option->keyword && count < OPTIONS_MAX; option++)
        names[count++] = option->keyword;
    const char *near = nearest_word(name, names, count);
    if (near)
        error_set(error, ERROR_CONFIGURATION, "unknown option \"%s\" of libpq; did you mean \"%s\"?", name, near);
    else
        error_set(error, ERROR_CONFIGURATION, "an option that libpq doesn't know");
    PQconninfoFree(options);
    return false;
}

static bool refuse(const char *message, struct error *error)
{
    if (!message)
        return error_set(error, ERROR_INTERNAL, "memory is short");
    if (strstr(message, "invalid connection option") || strstr(message, "invalid URI query parameter"))
        return refuse_option(message, error);
    return error_set(error, ERROR_CONFIGURATION, "libpq can't read this connection string");
}

/* One for each host, with commas between; an empty one is the default. */
static bool check_ports(const char *ports, struct error *error)
{
    while (*ports) {
        size_t length = strcspn(ports, ",");
        int64_t port = 1;
        if (length > 0 && (!integer_parse((struct text){ports, length}, &port) || port < 1 || port > UINT16_MAX))
            return error_set(error, ERROR_CONFIGURATION, "the port of PostgreSQL must be 1 to 65535");
        ports += length + (ports[length] == ',');
    }
    return true;
}

static bool check_sslmode(const char *mode, struct error *error)
{
    static const char *const modes[] = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(mode, modes[i]) == 0)
            return true;
    const char *near = nearest_word(mode, modes, sizeof modes / sizeof modes[0]);
    return error_set(error, ERROR_CONFIGURATION,
                     "sslmode must be disable, allow, prefer, require, verify-ca or verify-full%s%s%s",
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool check_option(const PQconninfoOption *option, struct error *error)
{
    if (!option->val || !*option->val)
        return true;
    if (strcmp(option->keyword, "port") == 0)
        return check_ports(option->val, error);
    return strcmp(option->keyword, "sslmode") != 0 || check_sslmode(option->val, error);
}

bool postgres_url_check(const char *url, struct error *error)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &message);
    bool is_fine = options ? true : refuse(message, error);
    for (const PQconninfoOption *option = options; is_fine && option && option->keyword; option++)
        is_fine = check_option(option, error);
    PQconninfoFree(options);
    PQfreemem(message);
    return is_fine;
}
