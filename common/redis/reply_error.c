/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/reply_error.h"

#include "state/slot.h"

static const struct meaning {
    const char *prefix;
    enum error_code code;
    const char *advice;
} meanings[] = {
    {"OOM ", ERROR_UNAVAILABLE, "its memory is full: give it more maxmemory, or drop what isn't needed"},
    {"MISCONF ", ERROR_UNAVAILABLE, "it can't save to disk and refuses writes"},
    {"READONLY ", ERROR_UNAVAILABLE, "it is a read-only replica"},
    {"LOADING ", ERROR_UNAVAILABLE, "it is loading its data"},
    {"BUSY ", ERROR_UNAVAILABLE, "a script keeps it busy"},
    {"NOREPLICAS ", ERROR_UNAVAILABLE, "it has too few replicas to write"},
    {"MASTERDOWN ", ERROR_UNAVAILABLE, "it is a replica without its master"},
    {"CLUSTERDOWN ", ERROR_UNAVAILABLE, "the cluster is down"},
    {"TRYAGAIN ", ERROR_UNAVAILABLE, "the cluster is moving these keys"},
    {"ERR max number of clients", ERROR_UNAVAILABLE, "it has too many clients"},
    {"NOAUTH ", ERROR_PERMISSION, "it asks for a password"},
    {"WRONGPASS ", ERROR_PERMISSION, "it refuses this user and password"},
    {"NOPERM ", ERROR_PERMISSION, "its access control list doesn't allow this"},
    {"ERR The user executing the script", ERROR_PERMISSION, "its access control list doesn't allow this"},
    {"ERR ACL failure in script", ERROR_PERMISSION, "its access control list doesn't allow this"}, /* from 7.2 on */
    {"ERR AUTH ", ERROR_PERMISSION, "it refuses the password"},
    {"ERR Client sent AUTH", ERROR_PERMISSION, "it refuses the password"},
    {"ERR DB index", ERROR_CONFIGURATION, "it has no database of this number"},
    {"ERR SELECT is not allowed", ERROR_CONFIGURATION, "a cluster has only database 0"},
    {"ERR unknown command", ERROR_CONFIGURATION, "it must be Redis 7 or later, with functions"},
    {"MOVED ", ERROR_CONFIGURATION, "it is part of a cluster, and these keys are elsewhere"},
    {"WRONGTYPE ", ERROR_DATA, "a key of this namespace holds something else: delete it, or choose another namespace"},
};

static bool begins_with(struct text text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.length >= length && memcmp(text.data, prefix, length) == 0;
}

bool reply_is_unknown_function(struct text reply)
{
    return begins_with(reply, "ERR Function not found");
}

/* The reply up to the end of its first line, at most 300 bytes. */
static int shown_length(struct text reply)
{
    int length = 0;
    while (length < 300 && (size_t)length < reply.length && (unsigned char)reply.data[length] >= ' ')
        length++;
    return length;
}

bool reply_error_set(struct error *error, struct text reply)
{
    int length = shown_length(reply);
    if (begins_with(reply, "FORMAT "))
        return error_set(error, ERROR_TRY_AGAIN,
                         "the slot has got format %.*s meanwhile, and this program knows up to format %d", length - 7,
                         reply.data + 7, REALTIME_FORMAT);
    if (begins_with(reply, "REQUIRES "))
        return error_set(error, ERROR_TRY_AGAIN,
                         "the slot requires \"%.*s\" meanwhile, of which this program doesn't know all", length - 9,
                         reply.data + 9);
    if (begins_with(reply, "DATA "))
        return error_set(error, ERROR_DATA, "%.*s", length - 5, reply.data + 5);
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (begins_with(reply, meanings[i].prefix))
            return error_set(error, meanings[i].code, "%s (%.*s)", meanings[i].advice, length, reply.data);
    return error_set(error, ERROR_INTERNAL, "it answered: %.*s", length, reply.data);
}
