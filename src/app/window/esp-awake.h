/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-awake.h: what the desktop is told while work is under way. */
#pragma once

#include <gtk/gtk.h>

#include "esp-model-downloads.h"
#include "esp-queue.h"

G_BEGIN_DECLS

/* While a turn runs or a model is downloaded the computer neither suspends nor is the person logged
 * out without a question. When the last window goes meanwhile, the Background portal is asked, if
 * there is one, and told what is being done; should the person not want it, a window comes back. */
void esp_awake_attach (GtkApplication *application, EspQueue *queue, EspModelDownloads *downloads);

void esp_awake_detach (GtkApplication *application);

G_END_DECLS
