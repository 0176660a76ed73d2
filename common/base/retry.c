/* SPDX-License-Identifier: Apache-2.0 */
#include "base/retry.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/shutdown.h"

static uint64_t random_number(void)
{
    uint64_t number;
    return random_bytes(&number, sizeof number) ? number : 0;
}

void retry_failed(struct retry *retry, int64_t now_us)
{
    int64_t wait_ms = retry->first_ms;
    for (unsigned i = 0; i < retry->attempts && wait_ms < retry->ceiling_ms; i++)
        wait_ms *= 2;
    if (wait_ms > retry->ceiling_ms)
        wait_ms = retry->ceiling_ms;
    int64_t half_us = wait_ms * 500;
    retry->attempts++;
    retry->next_us = now_us + half_us + (int64_t)(random_number() % (uint64_t)(half_us + 1));
}

void retry_succeeded(struct retry *retry)
{
    retry->attempts = 0;
    retry->next_us = 0;
}

int64_t retry_wait_us(const struct retry *retry, int64_t now_us)
{
    return retry->next_us > now_us ? retry->next_us - now_us : 0;
}

bool retry_sleep(struct retry *retry)
{
    retry_failed(retry, clock_monotonic_us());
    return shutdown_sleep(retry_wait_us(retry, clock_monotonic_us()) / 1000 + 1);
}
