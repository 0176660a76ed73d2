/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify.h"

static int listener;

/* Listens under this name, as systemd does, and puts it into the environment; "@" begins one outside of the file
 * system. */
static void listen_as(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, name, strlen(name));
    if (*name == '@')
        address.sun_path[0] = '\0';
    listener = socket(AF_UNIX, SOCK_DGRAM, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    setenv("NOTIFY_SOCKET", name, 1);
}

static void assert_told(const char *expected)
{
    char told[100] = "";
    assert_int_equal(recv(listener, told, sizeof told - 1, MSG_DONTWAIT), strlen(expected));
    assert_string_equal(told, expected);
}

static void what_is_told_arrives(void **state)
{
    (void)state;
    char names[2][60];
    snprintf(names[0], sizeof names[0], "/tmp/tidemark-notify-%d", (int)getpid());
    snprintf(names[1], sizeof names[1], "@tidemark-notify-%d", (int)getpid());
    for (size_t i = 0; i < 2; i++) {
        listen_as(names[i]);
        notify_ready();
        assert_told("READY=1");
        notify_alive();
        assert_told("WATCHDOG=1");
        notify_ending();
        assert_told("STOPPING=1");
        close(listener);
    }
    unlink(names[0]);
}

static void without_somebody_who_listens_nothing_happens(void **state)
{
    (void)state;
    static const char *const names[] = {"", "relative", "/tmp/tidemark/no/such/socket", "@tidemark-nobody"};
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        notify_ready();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_arrives),
        cmocka_unit_test(without_somebody_who_listens_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
