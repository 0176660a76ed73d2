/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/readers.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "tidemark/"

void readers_client_id(const char *name_space, const struct source sources[], size_t source_count,
                       char ret_id[CLIENT_ID_SIZE])
{
    size_t length = (size_t)snprintf(ret_id, CLIENT_ID_SIZE, PREFIX "%s/", name_space);
    for (size_t i = 0; i < source_count; i++) {
        size_t needed = strlen(sources[i].name) + (i > 0);
        if (length + needed + sizeof ",…" > CLIENT_ID_SIZE) {
            (void)snprintf(ret_id + length, CLIENT_ID_SIZE - length, ",...");
            return;
        }
        length += (size_t)snprintf(ret_id + length, CLIENT_ID_SIZE - length, "%s%s", i ? "," : "", sources[i].name);
    }
}

/* Bytes of "tidemark/<namespace>/", or 0 where the id isn't of this form. */
static size_t installation_length(const char *client_id)
{
    const size_t prefix = sizeof PREFIX - 1;
    const char *slash = strncmp(client_id, PREFIX, prefix) == 0 ? strchr(client_id + prefix, '/') : NULL;
    return slash ? (size_t)(slash + 1 - client_id) : 0;
}

bool readers_is_foreign(const char *client_id, const char *own_client_id)
{
    if (strcmp(client_id, own_client_id) == 0 || strcmp(client_id, CLIENT_ID_DEFAULT) == 0)
        return false;
    size_t length = installation_length(own_client_id);
    return length == 0 || strncmp(client_id, own_client_id, length) != 0;
}

static bool holds(const struct group_member *member, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < member->partition_count; i++)
        if (member->partitions[i].partition == partition && strcmp(member->partitions[i].topic, topic) == 0)
            return true;
    return false;
}

bool readers_foreign(const struct group_members *members, const char *own_client_id, const char *topic,
                     int32_t partition, struct foreign_reader *ret_reader)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct group_member *member = &members->members[i];
        if (!readers_is_foreign(member->client_id, own_client_id) || !holds(member, topic, partition))
            continue;
        (void)snprintf(ret_reader->client_id, sizeof ret_reader->client_id, "%s", member->client_id);
        (void)snprintf(ret_reader->host, sizeof ret_reader->host, "%s", member->host);
        return true;
    }
    return false;
}
