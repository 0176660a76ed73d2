/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/group.h"

void group_members_clean_up(struct group_members *members)
{
    arena_clean_up(&members->arena);
    *members = (struct group_members){0};
}
