/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-turn-group.h: turns that differ by their seeds alone, and that a backend may make together.
 *
 * Whoever starts them makes a group of as many as it starts. Each comes, by
 * esp_backend_run_async () with the group in its request, or leaves (it was stopped before, or its
 * picture could not be read). A backend that wants to make them together waits until nobody is
 * missing any more; others need not look at the group. For the main thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _EspTurnGroup EspTurnGroup;

/* Of `size` turns, none of which has come. */
EspTurnGroup *esp_turn_group_new (guint size) G_GNUC_WARN_UNUSED_RESULT;
EspTurnGroup *esp_turn_group_ref (EspTurnGroup *self);
void esp_turn_group_unref (EspTurnGroup *self);

/* --- For who starts the turns ----------------------------------------------------------------- */

/* One of the turns will not come. */
void esp_turn_group_leave (EspTurnGroup *self);

/* --- For the backend -------------------------------------------------------------------------- */

/* One of the turns has come. `data` (taken over; freed with `destroy`) of the first one becomes the
 * group's, and `complete` is called with it, once: when the last one that was missing has come or
 * has left, maybe at once. */
void esp_turn_group_come (EspTurnGroup *self, void (*complete) (gpointer data), gpointer data,
                          GDestroyNotify destroy);

/* What the first one that came has brought, or NULL. */
gpointer esp_turn_group_get_data (EspTurnGroup *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspTurnGroup, esp_turn_group_unref)

G_END_DECLS
