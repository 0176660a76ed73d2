/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request_head.h"

#include <string.h>
#include <strings.h>

#include "http/target.h"

#define DIGITS "0123456789"
#define BLANKS " \t"

static bool is_letter_or_digit(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9');
}

static bool is_token(const char *text)
{
    const char *at = text;
    while (is_letter_or_digit(*at) || (*at && strchr("!#$%&'*+-.^_`|~", *at)))
        at++;
    return at > text && *at == '\0';
}

/* Without line ends and other control characters, which some take for the end of a header. */
static bool is_line(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7F)
            return false;
    return true;
}

/* One more line of a list. Where memory is short the list stays as it is. */
static void join(struct buffer *joined, const char **list, const char *more)
{
    if (joined->length == 0)
        buffer_append_string(joined, *list);
    buffer_append_string(joined, ", ");
    buffer_append_string(joined, more);
    if (!joined->failed)
        *list = buffer_string(joined);
}

/* Headers that the head only keeps; of two with a name the first, but where their lines make up a list. */
static void note_wish(struct request_head *head, const char *name, const char *value)
{
    const struct {
        const char *name, **value;
        struct buffer *joined; /* NULL: it is no list */
    } wishes[] = {
        {"Accept", &head->accept, &head->joined_accept},
        {"Accept-Encoding", &head->accept_encoding, &head->joined_accept_encoding},
        {"Access-Control-Request-Method", &head->requested_method, NULL},
        {"If-None-Match", &head->if_none_match, &head->joined_if_none_match},
        {"Last-Event-ID", &head->last_event_id, NULL},
        {"Origin", &head->origin, NULL},
        {"X-Request-Id", &head->request_id, NULL},
    };
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        if (strcasecmp(name, wishes[i].name) != 0)
            continue;
        if (!*wishes[i].value)
            *wishes[i].value = value;
        else if (wishes[i].joined)
            join(wishes[i].joined, wishes[i].value, value);
    }
}

void request_head_note(struct request_head *head, const char *name, const char *value)
{
    head->malformed = head->malformed || !is_token(name) || !is_line(value);
    if (strcasecmp(name, "Host") == 0) {
        head->host = value;
        head->hosts++;
    } else if (strcasecmp(name, "Content-Length") == 0) {
        head->length = value;
        head->lengths++;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        head->encoding = true;
    } else if (strcasecmp(name, "Authorization") == 0) {
        head->authorization = value;
        head->authorizations++;
    } else {
        note_wish(head, name, value);
    }
}

void request_head_clean_up(struct request_head *head)
{
    buffer_clean_up(&head->joined_accept);
    buffer_clean_up(&head->joined_accept_encoding);
    buffer_clean_up(&head->joined_if_none_match);
    *head = (struct request_head){0};
}

bool request_head_is_preflight(const struct request_head *head)
{
    return head->takes_preflight && strcmp(head->method, "OPTIONS") == 0 && head->origin && head->requested_method;
}

/* Only blanks are left. */
static bool is_end(const char *text)
{
    return text[strspn(text, BLANKS)] == '\0';
}

/* Behind the digits and whatever else a host may be made of (RFC 3986). */
static const char *skip_host(const char *text, const char *more)
{
    for (;;) {
        if (is_letter_or_digit(*text) || (*text && (strchr("-._~!$&'()*+,;=", *text) || strchr(more, *text))))
            text++;
        else if (*text == '%' && strspn(text + 1, DIGITS "abcdefABCDEF") >= 2)
            text += 3;
        else
            return text;
    }
}

/* A name or an address, which may be empty, and a port. */
static bool is_host(const char *text)
{
    bool bracketed = *text == '[';
    text = skip_host(text + bracketed, bracketed ? ":" : "");
    if (bracketed && *text++ != ']')
        return false;
    if (*text == ':')
        text += 1 + strspn(text + 1, DIGITS);
    return is_end(text);
}

static bool is_length(const char *text)
{
    size_t digits = strspn(text, DIGITS);
    return digits > 0 && is_end(text + digits);
}

static bool has_body(const struct request_head *head)
{
    return head->encoding || (head->length && !is_end(head->length + strspn(head->length, "0")));
}

/* Blanks part the request line, and some take other control characters for blanks. */
static bool is_one_word(const char *target)
{
    for (; *target; target++)
        if ((unsigned char)*target <= ' ' || *target == 0x7F)
            return false;
    return true;
}

/* One reading only, and where it ends is certain. */
static bool check_ambiguity(const struct request_head *head, struct problem *problem)
{
    if (head->malformed)
        return problem_set(problem, 400, "a header must be a name, a colon right behind it, and a value of one line");
    if (!is_one_word(head->target))
        return problem_set(problem, 400, "the address must not have blanks or control characters");
    if (head->encoding && head->length)
        return problem_set(problem, 400, "Transfer-Encoding and Content-Length must not both be given");
    if (head->lengths > 1 || head->hosts > 1 || head->authorizations > 1)
        return problem_set(problem, 400, "Content-Length, Host and Authorization must not be given twice");
    if (head->length && !is_length(head->length))
        return problem_set(problem, 400, "Content-Length must be a number, not %.*s", shown_length(head->length),
                           head->length);
    if (head->host && !is_host(head->host))
        return problem_set(problem, 400, "Host must be a name or an address, and may have a port, not %.*s",
                           shown_length(head->host), head->host);
    return head->host || strcmp(head->version, "HTTP/1.0") == 0 ||
           problem_set(problem, 400, "Host must be given in a request of %.*s", shown_length(head->version),
                       head->version);
}

static bool is_get(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* An address that is too long has its own problem, with the route. */
static bool is_too_large(const struct request_head *head)
{
    return head->bytes > HEAD_BYTES_MAX && strlen(head->target) <= TARGET_BYTES_MAX;
}

bool request_head_check(const struct request_head *head, struct reply *reply, struct problem *problem, bool *ret_close)
{
    *ret_close = true;
    if (!check_ambiguity(head, problem))
        return false;
    if (is_too_large(head))
        return problem_set(problem, 431, "address and headers are longer than %zu bytes", HEAD_BYTES_MAX);
    *ret_close = has_body(head);
    if (!is_get(head->method) && !request_head_is_preflight(head)) {
        buffer_append_string(reply_header(reply, "Allow"), "GET, HEAD");
        return problem_set(problem, 405, "only GET and HEAD are answered, not %.*s", shown_length(head->method),
                           head->method);
    }
    return !has_body(head) || problem_set(problem, 400, "a request that only asks has no body");
}
