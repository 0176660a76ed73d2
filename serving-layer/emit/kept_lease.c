/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/kept_lease.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/ticker.h"

#define RENEW_EVERY_US (LEASE_MS * INT64_C(1000) / 5) /* several may fail before it ends */

struct kept_lease {
    struct lease lease; /* first, so that one pointer is both */
    struct ticker ticker;
    pthread_mutex_t lock; /* of what follows */
    struct lease *kept;
    bool is_held; /* when it was asked last */
};

static struct kept_lease *of(struct lease *lease)
{
    return (struct kept_lease *)lease;
}

/* With the lock. What can't be asked stays as it was said to be. */
static bool ask(struct kept_lease *lease, struct error *error)
{
    return lease->kept->operations->hold(lease->kept, &lease->is_held, error);
}

static bool hold(struct lease *base, bool *ret_held, struct error *error)
{
    struct kept_lease *lease = of(base);
    pthread_mutex_lock(&lease->lock);
    bool done = ask(lease, error);
    if (done)
        *ret_held = lease->is_held;
    pthread_mutex_unlock(&lease->lock);
    return done;
}

static int64_t renew(void *context)
{
    struct kept_lease *lease = context;
    struct error unused = {0};
    pthread_mutex_lock(&lease->lock);
    if (lease->is_held)
        (void)ask(lease, &unused); /* who works for it asks too, and says so */
    pthread_mutex_unlock(&lease->lock);
    return clock_monotonic_us() + RENEW_EVERY_US;
}

static void release(struct lease *base)
{
    struct kept_lease *lease = of(base);
    pthread_mutex_lock(&lease->lock);
    lease->is_held = false;
    lease->kept->operations->release(lease->kept);
    pthread_mutex_unlock(&lease->lock);
}

static void destroy(struct lease *base)
{
    struct kept_lease *lease = of(base);
    ticker_clean_up(&lease->ticker);
    lease->kept->operations->destroy(lease->kept);
    pthread_mutex_destroy(&lease->lock);
    free(lease);
}

bool kept_lease_open(struct lease *lease, struct lease **ret_lease, struct error *error)
{
    static const struct lease_operations operations = {.hold = hold, .release = release, .destroy = destroy};
    struct kept_lease *kept = malloc(sizeof *kept);
    if (!kept) {
        lease->operations->destroy(lease);
        return error_set(error, ERROR_INTERNAL, "out of memory");
    }
    *kept = (struct kept_lease){.lease = {&operations}, .kept = lease};
    pthread_mutex_init(&kept->lock, NULL);
    ticker_init(&kept->ticker, renew, kept);
    if (!ticker_start(&kept->ticker, 0, error)) {
        destroy(&kept->lease);
        return false;
    }
    *ret_lease = &kept->lease;
    return true;
}
