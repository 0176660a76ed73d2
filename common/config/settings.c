/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "config/assembly.h"
#include "config/config_file.h"
#include "config/environment.h"
#include "config/words.h"

/* What settings_destroy needs besides the settings. */
struct loaded {
    struct settings settings; /* the first, so that either pointer gives the other */
    struct zone_list zones;
};

void assembly_problem(struct assembly *assembly, struct place place, const struct error *error)
{
    if (error->code == ERROR_INTERNAL)
        assembly->reader.problems->memory_is_short = true;
    problem_add(assembly->reader.problems, place, "%s", error->message);
}

bool assembly_open_zone(struct assembly *assembly, const char *name, struct place place, const struct zone **ret_zone)
{
    struct error error = {0};
    if (zone_list_open(&assembly->zones, &assembly->settings.arena, name, ret_zone, &error))
        return true;
    assembly_problem(assembly, place, &error);
    return false;
}

bool assembly_check_name(struct assembly *assembly, const struct yaml_node *entry)
{
    if (is_name(entry->key->text))
        return true;
    problem_add(assembly->reader.problems, entry->key->place, "a name is of " NAME_RULE);
    return false;
}

size_t assembly_find_source(struct assembly *assembly, const struct yaml_node *name)
{
    const char *known[SOURCES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < assembly->settings.source_count; i++) {
        const char *candidate = assembly->sources[i].name;
        if (candidate && text_equal(name->text, text_of(candidate)))
            return i;
        if (candidate)
            known[count++] = candidate;
    }
    if (assembly->settings.source_count > 0)
        problem_add(assembly->reader.problems, name->place, "unknown source%s%s",
                    name->expanded ? "" : shown_reference(name->text).text,
                    option_suggest(name->text, known, count).text);
    return SIZE_MAX;
}

/* What was probably meant by the name of a field that isn't declared, or "". */
static struct suggestion suggest_field(const struct schema *schema, struct text name)
{
    const char *known[FIELDS_MAX];
    for (size_t i = 0; i < schema->field_count; i++)
        known[i] = schema->fields[i].name;
    struct suggestion suggestion = option_suggest(name, known, schema->field_count);
    const char *hint = "";
    if (name.length > 0 && name.data[0] == '$')
        hint = "; a variable of the environment is written ${NAME}";
    else if (name.length > 0 && strcspn(name.data, "*+/()") < name.length)
        hint = "; a declared field is expected, nothing is calculated";
    if (!suggestion.text[0])
        (void)snprintf(suggestion.text, sizeof suggestion.text, "%s", hint);
    return suggestion;
}

size_t assembly_find_field(struct assembly *assembly, const struct schema *schema, struct text name,
                           const struct yaml_node *node, struct place place)
{
    size_t number = schema_field(schema, name);
    if (number != FIELD_NONE)
        return number;
    struct shown shown = node->expanded ? shown_name(name) : shown_reference(name);
    problem_add(assembly->reader.problems, place, "unknown field%s%s", shown.text, suggest_field(schema, name).text);
    return FIELD_NONE;
}

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
        problem_add(assembly->reader.problems, option_place(http, "listen"),
                    "\"listen\" is beyond this machine, and whoever reaches it would be answered: where that is meant, "
                    "say insecure: true beside it, or who may ask with tokens_file");
}

static void assemble(struct assembly *assembly, const struct yaml_node *root)
{
    struct place beginning = {1, 1};
    if (!option_expect(&assembly->reader, root, YAML_MAP, "a map of settings"))
        return;
    options_read(&assembly->reader, settings_options, root, beginning, assembly);
    struct settings *settings = &assembly->settings;
    if (!settings->kafka.group)
        settings->kafka.group = settings->redis.name_space;
    if (settings->time_zone &&
        !assembly_open_zone(assembly, settings->time_zone, option_place(root, "time_zone"), &settings->zone))
        settings->zone = NULL;
    check_exposure(assembly, root);
    sources_assemble(assembly);
    /* What memory was too short for isn't there to be looked at. */
    if (!assembly->reader.problems->memory_is_short)
        views_assemble(assembly);
    if (!assembly->reader.problems->memory_is_short)
        detectors_assemble(assembly);
    if (!assembly->reader.problems->memory_is_short)
        jobs_assemble(assembly);
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

/* Takes over the settings and zones of a load that went well. */
static bool hand_over(struct assembly *assembly, const char *path, struct settings **ret_settings, struct error *error)
{
    struct loaded *loaded = malloc(sizeof *loaded);
    assembly->settings.path = arena_copy(&assembly->settings.arena, text_of(path));
    if (!loaded || !assembly->settings.path) {
        free(loaded);
        return error_set(error, ERROR_INTERNAL, "%s: memory is short", path);
    }
    *loaded = (struct loaded){.settings = assembly->settings, .zones = assembly->zones};
    *ret_settings = &loaded->settings;
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
        zone_list_clean_up(&assembly.zones);
        arena_clean_up(&assembly.settings.arena);
    }
    arena_clean_up(&tree);
    return fine;
}

void settings_destroy(struct settings *settings)
{
    if (!settings)
        return;
    struct loaded *loaded = (struct loaded *)(void *)settings;
    zone_list_clean_up(&loaded->zones);
    struct arena arena = loaded->settings.arena;
    free(loaded);
    arena_clean_up(&arena);
}

const struct source *settings_source(const struct settings *settings, struct text name)
{
    for (size_t i = 0; i < settings->source_count; i++)
        if (text_equal(name, text_of(settings->sources[i].name)))
            return &settings->sources[i];
    return NULL;
}

const struct view *settings_view(const struct settings *settings, struct text name, const struct source **ret_source)
{
    for (size_t i = 0; i < settings->source_count; i++) {
        const struct source *source = &settings->sources[i];
        for (size_t j = 0; j < source->view_count; j++) {
            if (!text_equal(name, text_of(source->views[j].name)))
                continue;
            if (ret_source)
                *ret_source = source;
            return &source->views[j];
        }
    }
    return NULL;
}

const struct detector *settings_detector(const struct settings *settings, struct text name)
{
    for (size_t i = 0; i < settings->detector_count; i++)
        if (text_equal(name, text_of(settings->detectors[i].name)))
            return &settings->detectors[i];
    return NULL;
}
