/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

bool error_set(struct error *error, enum error_code code, const char *format, ...)
{
    if (!error)
        return false;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return false;
}

bool error_context(struct error *error, const char *format, ...)
{
    if (!error)
        return false;
    char cause[sizeof error->message];
    memcpy(cause, error->message, sizeof cause);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof error->message)
        snprintf(error->message + length, sizeof error->message - (size_t)length, ": %.*s",
                 (int)(sizeof error->message - (size_t)length), cause);
    return false;
}

bool error_is_retriable(const struct error *error)
{
    return error->code == ERROR_UNAVAILABLE || error->code == ERROR_TRY_AGAIN;
}

int error_exit_code(const struct error *error)
{
    switch (error->code) {
    case ERROR_NONE:
        return EX_OK;
    case ERROR_USAGE:
        return EX_USAGE;
    case ERROR_DATA:
        return EX_DATAERR;
    case ERROR_UNAVAILABLE:
        return EX_UNAVAILABLE;
    case ERROR_TRY_AGAIN:
    case ERROR_HELD:
        return EX_TEMPFAIL;
    case ERROR_PERMISSION:
        return EX_NOPERM;
    case ERROR_CONFIGURATION:
        return EX_CONFIG;
    case ERROR_INTERNAL:
        break;
    }
    return EX_SOFTWARE;
}
