/* SPDX-License-Identifier: Apache-2.0
 * Preloaded into a program under test: the wall clock that it reads is off by WALL_CLOCK_OFFSET seconds. What waits by
 * the wall clock, as librdkafka's conditions do, isn't touched, which libfaketime would do by half. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(clock, ret_time);
    const char *offset = getenv("WALL_CLOCK_OFFSET");
    if (code == 0 && clock == CLOCK_REALTIME && offset)
        ret_time->tv_sec += atol(offset);
    return code;
}
