/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-downloads-watch.h: downloads of models, as far as they concern the program as a whole. */
#pragma once

#include <gtk/gtk.h>

#include "esp-model-downloads.h"

G_BEGIN_DECLS

/* While models are fetched the program stays, without a window if need be; when the last one closes
 * a notification says so. That a model is there or cannot be had is told, too: in the window, or by
 * a notification; and at the start, with what was left unfinished ("app.resume-downloads"). */
void esp_downloads_watch_attach (GApplication *application, EspModelDownloads *downloads);

void esp_downloads_watch_detach (GApplication *application);

/* The program is to end: they pause, and go on from there at the next start. */
void esp_downloads_watch_quit (GApplication *application);

G_END_DECLS
