/* SPDX-License-Identifier: Apache-2.0
 * Stands in for base's: a process that sleeps lets the others have their turns, and is woken by its death. Signals
 * there are none. */
#include "base/shutdown.h"

#include "actor.h"

void shutdown_install(void)
{
}

bool shutdown_requested(void)
{
    return false;
}

void shutdown_request(void)
{
}

int shutdown_descriptor(void)
{
    return -1;
}

bool shutdown_sleep(int64_t timeout_ms)
{
    (void)timeout_ms;
    return actor_sleep();
}
