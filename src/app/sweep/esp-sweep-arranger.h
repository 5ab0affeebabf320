/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-arranger.h: the popover in which the axes of a sweep are put on columns, rows and
 * pages, their values chosen, and lines sorted.
 *
 * Signal "changed" (): the arrangement is another one; the receiver updates and shows it. */
#pragma once

#include <adwaita.h>

#include "esp-sweep-arrangement.h"

G_BEGIN_DECLS

#define ESP_TYPE_SWEEP_ARRANGER (esp_sweep_arranger_get_type ())

G_DECLARE_FINAL_TYPE (EspSweepArranger, esp_sweep_arranger, ESP, SWEEP_ARRANGER, GtkPopover)

/* `arrangement` must outlive it. */
GtkWidget *esp_sweep_arranger_new (EspSweep *sweep,
                                   EspSweepArrangement *arrangement) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
