/* SPDX-License-Identifier: Apache-2.0
 * Who reads the log in our consumer group, and whether that is us. Two installations that have one group by mistake
 * share the partitions of a topic: each would count half of it. Every client says by its id whose it is, so a member of
 * another installation can be told from one of ours.
 *
 * To find out why nobody of ours commits to a partition, ask the group for its members (kafka/group.h opens one,
 * ports/group.h says how) and then, for the partition, readers_foreign() with kafka_client_id() of the access that the
 * group was opened with. While the members aren't settled, ask again a second later. */
#ifndef TIDEMARK_PORTS_READERS_H
#define TIDEMARK_PORTS_READERS_H

#include "ports/group.h"
#include "view/view.h"

#define CLIENT_ID_SIZE 256
#define CLIENT_ID_DEFAULT "tidemark" /* of earlier releases, which didn't say whose they are */

/* "tidemark/<namespace>/<source>,<source>,…"; cut where it would be too long. */
void readers_client_id(const char *name_space, const struct source sources[], size_t source_count,
                       char ret_id[CLIENT_ID_SIZE]);

/* Whether a member is of another installation: its id names another namespace, or it is no client of ours at all. */
bool readers_is_foreign(const char *client_id, const char *own_client_id);

struct foreign_reader {
    char client_id[CLIENT_ID_SIZE];
    char host[64];
};

/* True, with the member, where the group gave this partition to a foreign one. */
bool readers_foreign(const struct group_members *members, const char *own_client_id, const char *topic,
                     int32_t partition, struct foreign_reader *ret_reader);

#endif
