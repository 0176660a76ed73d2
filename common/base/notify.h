/* SPDX-License-Identifier: Apache-2.0
 * Tells systemd how the program is, where that started it (sd_notify(3)); else nothing happens. Any thread. */
#ifndef TIDEMARK_BASE_NOTIFY_H
#define TIDEMARK_BASE_NOTIFY_H

void notify_ready(void);  /* it has started: it answers, or works */
void notify_alive(void);  /* to be called about once a second, or the watchdog ends the program */
void notify_ending(void); /* it was asked to end */

#endif
