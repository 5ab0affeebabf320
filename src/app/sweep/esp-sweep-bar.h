/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-bar.h: two widgets side by side, or one above the other where there is no room. The
 * first takes what is left. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define ESP_TYPE_SWEEP_BAR (esp_sweep_bar_get_type ())

G_DECLARE_FINAL_TYPE (EspSweepBar, esp_sweep_bar, ESP, SWEEP_BAR, GtkWidget)

G_END_DECLS
