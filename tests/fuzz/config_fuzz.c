/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a configuration file: the loader must refuse or take them, without a crash, a leak or undefined
 * behaviour, and what it takes must be whole. Build with -fsanitize=fuzzer,address,undefined. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct error *error, const char *path)
{
    if (error->code != ERROR_CONFIGURATION || strncmp(error->message, path, strlen(path)) != 0)
        abort();
}

static void check_settings(const struct settings *settings)
{
    if (settings->source_count == 0 || !settings->zone || !settings->kafka.brokers || !settings->redis.url)
        abort();
    for (size_t i = 0; i < settings->source_count; i++)
        if (settings_source(settings, text_of(settings->sources[i].name)) != &settings->sources[i])
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int descriptor = memfd_create("configuration", MFD_CLOEXEC);
    char path[64];
    if (descriptor < 0 || write(descriptor, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    struct settings *settings = NULL;
    struct error error = {0};
    if (settings_load(path, &settings, &error))
        check_settings(settings);
    else
        check_error(&error, path);
    settings_destroy(settings);
    (void)close(descriptor);
    return 0;
}
