/* SPDX-License-Identifier: Apache-2.0 */
#include "config/load.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "config/assembly_steps.h"
#include "config/config_file.h"
#include "config/environment.h"

/* A name may be any address, but for that which everybody knows. */
static bool is_of_this_machine(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    if (*host == '/' || strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static void check_exposure(struct assembly *assembly, const struct yaml_node *root)
{
    const struct settings *settings = &assembly->settings;
    const struct yaml_node *http = yaml_find(root, "http");
    if (http && settings->http.host && !settings->http.insecure && !settings->http.tokens_file &&
        !is_of_this_machine(settings->http.host))
        problem_add(assembly->reader.problems, option_location(http, "listen"),
                    "\"listen\" is beyond this machine, and whoever reaches it would be answered: where that is meant, "
                    "say insecure: true beside it, or who may ask with tokens_file");
}

/* That this process may run on. */
static int64_t count_processors(void)
{
    cpu_set_t processors;
    int count = sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
    return count < WORKERS_MAX ? count : WORKERS_MAX;
}

static void assemble(struct assembly *assembly, const struct yaml_node *root)
{
    struct location beginning = {1, 1};
    if (!option_expect(&assembly->reader, root, YAML_MAP, "a map of settings"))
        return;
    options_read(&assembly->reader, settings_options, root, beginning, assembly);
    struct settings *settings = &assembly->settings;
    if (!settings->kafka.group)
        settings->kafka.group = settings->redis.name_space;
    settings->processors = count_processors();
    if (settings->speed.workers == 0)
        settings->speed.workers = settings->processors;
    if (settings->time_zone &&
        !assembly_open_zone(assembly, settings->time_zone, option_location(root, "time_zone"), &settings->zone))
        settings->zone = NULL;
    const struct yaml_node *redis = yaml_find(root, "redis");
    settings->redis.is_named = redis && redis->kind == YAML_MAP && yaml_find(redis, "url");
    check_exposure(assembly, root);
    sources_assemble(assembly);
    /* What memory was too short for isn't there to be looked at. */
    if (!assembly->reader.problems->memory_is_short)
        views_assemble(assembly);
    if (!assembly->reader.problems->memory_is_short)
        detectors_assemble(assembly);
    if (!assembly->reader.problems->memory_is_short)
        jobs_assemble(assembly);
    if (!assembly->reader.problems->memory_is_short)
        sinks_assemble(assembly);
}

static void read_text(struct assembly *assembly, struct text text, struct arena *tree)
{
    struct problems *problems = assembly->reader.problems;
    struct yaml_node *root;
    if (!config_text_check(text, problems) || !yaml_tree_read(text, tree, problems, &root))
        return;
    size_t before = problems->count;
    environment_expand(root, tree, problems);
    if (problems->count == before) /* or what follows from a missing value would be told as well */
        assemble(assembly, root);
}

/* Takes over the settings of a load that went well. */
static bool hand_over(struct assembly *assembly, const char *path, struct settings **ret_settings, struct error *error)
{
    struct settings *settings = malloc(sizeof *settings);
    assembly->settings.path = arena_copy(&assembly->settings.arena, text_of(path));
    if (!settings || !assembly->settings.path) {
        free(settings);
        return error_set(error, ERROR_INTERNAL, "%s: memory is short", path);
    }
    *settings = assembly->settings;
    *ret_settings = settings;
    return true;
}

bool settings_load(const char *path, struct settings **ret_settings, struct error *error)
{
    struct arena tree = {0};
    struct problems problems = {0};
    struct assembly assembly = {.reader.problems = &problems};
    assembly.reader.arena = &assembly.settings.arena;
    struct text text;
    bool fine = config_file_read(path, &tree, &text, error);
    if (fine) {
        read_text(&assembly, text, &tree);
        fine = problems_report(&problems, path, error) && hand_over(&assembly, path, ret_settings, error);
    }
    if (!fine) {
        zone_list_clean_up(&assembly.settings.zones);
        arena_clean_up(&assembly.settings.arena);
    }
    arena_clean_up(&tree);
    return fine;
}
