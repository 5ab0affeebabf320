/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-work.h: work on many pictures, without the window noticing. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Like g_task_run_in_thread(), for what keeps a processor busy (decoding, encoding, hashing): on
 * about as many threads as there are processors, at a lower priority than who calls, in the order
 * asked for. Hundreds of results that come at once take longer then, and whoever draws does not
 * wait for them. What may wait for long (for a server, a person) would hold up others here and
 * belongs elsewhere.
 *
 * Unlike with g_task_run_in_thread(), the task and what it holds end in its main context and in no
 * thread; the callback may come while `function` has returned the task, but not ended yet. */
void esp_picture_work_run (GTask *task, GTaskThreadFunc function);

G_END_DECLS
