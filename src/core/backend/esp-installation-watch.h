/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-installation-watch.h: tells when the models on this computer may be others.
 *
 * Watches the folders of models, the file with the default, and the places elsewhere that models
 * have their files at: those on a disk that is unplugged are missed and seen when they are back,
 * within some seconds. "changed" () is emitted when there was quiet after something happened. In
 * the thread's main context in which it was made.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ESP_TYPE_INSTALLATION_WATCH (esp_installation_watch_get_type ())

G_DECLARE_FINAL_TYPE (EspInstallationWatch, esp_installation_watch, ESP, INSTALLATION_WATCH,
                      GObject)

EspInstallationWatch *esp_installation_watch_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Takes a list of esp_installation_list_models (): their places are watched, too. */
void esp_installation_watch_take (EspInstallationWatch *self, GPtrArray *models);

/* Who has just looked need not be told of what was before. */
void esp_installation_watch_settle (EspInstallationWatch *self);

G_END_DECLS
