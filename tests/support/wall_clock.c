/* SPDX-License-Identifier: Apache-2.0
 * Preloaded into a program under test: the wall clock that it reads is off by so many seconds as the file WALL_CLOCK
 * holds, an int64_t that may change at any time. What waits by the wall clock, as librdkafka's conditions do, isn't
 * touched, which libfaketime would do by half. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int (*real)(clockid_t, struct timespec *);
static const volatile int64_t *offset_s;

__attribute__((constructor)) static void prepare(void)
{
    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("WALL_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *memory = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED)
        abort();
    close(file);
    offset_s = memory;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    if (!real)
        prepare();
    int code = real(clock, ret_time);
    if (code == 0 && clock == CLOCK_REALTIME)
        ret_time->tv_sec += *offset_s;
    return code;
}
