/* SPDX-License-Identifier: Apache-2.0 */
#include "config/tokens.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "config/config_file.h"
#include "config/options.h"
#include "config/words.h"
#include "record/event_time.h"

struct written_token {
    const struct yaml_node *digest, *views, *expires;
    bool operates;
};

static void read_views(struct option_reader *reader, const struct option *option, const struct yaml_node *node,
                       void *base)
{
    bool all = node->kind == YAML_SCALAR && text_equal(node->text, text_of("all"));
    if (!all && !option_expect(reader, node, YAML_LIST, "\"all\" or a list of views"))
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next)
        if (!option_expect(reader, item, YAML_SCALAR, "the name of a view"))
            return;
    *(const struct yaml_node **)((char *)base + option->offset) = node;
}

static const struct option_type views_type = {.name = "list of views, or all", .read = read_views};

static const struct option token_options[] = {
    {.key = "sha256",
     .type = &option_scalar,
     .offset = offsetof(struct written_token, digest),
     .required = true,
     .meaning = "SHA-256 of the token, 64 hexadecimal digits. `tidemark-serving token NAME` prints an entry.",
     .example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
    {.key = "views",
     .type = &views_type,
     .offset = offsetof(struct written_token, views),
     .meaning = "The views that it may ask for, or `all`. Without it: none.",
     .example = "[revenue_by_minute]"},
    {.key = "operator",
     .type = &option_boolean,
     .offset = offsetof(struct written_token, operates),
     .fallback = "false",
     .meaning = "Whether it may ask how the programs are: status, ledger, runs, metrics, and for alerts.",
     .example = "true"},
    {.key = "expires",
     .type = &option_scalar,
     .offset = offsetof(struct written_token, expires),
     .meaning = "From when on it is refused, as RFC 3339 time. Without it: never.",
     .example = "2027-01-01T00:00:00Z"},
    {.key = NULL},
};

static void take_digest(struct option_reader *reader, const struct yaml_node *node, struct access_token *token)
{
    bool is_digest = node && node->text.length == 2 * sizeof token->digest && hex_parse(node->text, token->digest);
    if (node && !is_digest)
        problem_add(reader->problems, node->location, "\"sha256\" must be 64 hexadecimal digits");
}

static void take_expiry(struct option_reader *reader, const struct yaml_node *node, struct access_token *token)
{
    int64_t expires_us;
    if (!node)
        return;
    if (rfc3339_parse(node->text, &expires_us) && expires_us > 0)
        token->expires_us = expires_us;
    else
        problem_add(reader->problems, node->location, "\"expires\" must be a time like 2027-01-01T00:00:00Z");
}

static void take_views(struct option_reader *reader, const struct settings *settings, const struct yaml_node *node,
                       struct access_token *token)
{
    token->all_views = node && node->kind == YAML_SCALAR;
    if (!node || token->all_views)
        return;
    const char **views = reader_allocate(reader, (node->count + 1) * sizeof *views);
    for (const struct yaml_node *item = node->first; views && item; item = item->next) {
        const struct source *source;
        if (settings_view(settings, item->text, &source))
            views[token->view_count++] = reader_copy(reader, item->text);
        else
            problem_add(reader->problems, item->location, "unknown view%s", shown_reference(item->text).text);
    }
    token->views = views;
}

static void read_token(struct option_reader *reader, const struct settings *settings, const struct yaml_node *entry,
                       struct access_token *token)
{
    struct written_token written = {0};
    if (!is_name(entry->key->text))
        problem_add(reader->problems, entry->key->location, "a name is of " NAME_RULE);
    if (!option_expect(reader, entry, YAML_MAP, "a map of what the token is and may"))
        return;
    options_read(reader, token_options, entry, entry->key->location, &written);
    token->name = reader_copy(reader, entry->key->text);
    token->operates = written.operates;
    take_digest(reader, written.digest, token);
    take_views(reader, settings, written.views, token);
    take_expiry(reader, written.expires, token);
}

static void read_all(struct option_reader *reader, const struct settings *settings, const struct yaml_node *root,
                     struct tokens *tokens)
{
    if (!option_expect(reader, root, YAML_MAP, "a map of tokens by name"))
        return;
    if (root->count > TOKENS_MAX) {
        problem_add(reader->problems, root->location, "at most %d tokens are taken", TOKENS_MAX);
        return;
    }
    struct access_token *list = reader_allocate(reader, (root->count + 1) * sizeof *list);
    for (const struct yaml_node *entry = root->first; list && entry; entry = entry->next) {
        list[tokens->count] = (struct access_token){0};
        read_token(reader, settings, entry, &list[tokens->count++]);
    }
    tokens->list = list;
}

bool tokens_read(const char *path, const struct settings *settings, struct tokens *ret_tokens, struct error *error)
{
    struct tokens tokens = {0};
    struct arena tree = {0};
    struct problems problems = {0};
    struct option_reader reader = {.arena = &tokens.arena, .problems = &problems};
    struct text text;
    struct yaml_node *root;
    bool done = config_file_read(path, &tree, &text, error);
    if (done) {
        if (config_text_check(text, &problems) && yaml_tree_read(text, &tree, &problems, &root))
            read_all(&reader, settings, root, &tokens);
        done = problems_report(&problems, path, error);
    }
    arena_clean_up(&tree);
    if (done)
        *ret_tokens = tokens;
    else
        tokens_clean_up(&tokens);
    return done;
}

void tokens_clean_up(struct tokens *tokens)
{
    arena_clean_up(&tokens->arena);
    *tokens = (struct tokens){0};
}

void tokens_print_reference(FILE *out)
{
    options_print_manual(token_options, out);
}
