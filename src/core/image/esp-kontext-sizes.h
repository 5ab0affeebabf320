/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-kontext-sizes.h: the sizes that FLUX.1 Kontext was trained with. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  int width, height;
} EspImageSize;

#define ESP_N_KONTEXT_SIZES 17

/* About 1 MP each, narrowest first (diffusers' pipeline_flux_kontext.py, ComfyUI's nodes_flux.py).
 */
extern const EspImageSize esp_kontext_sizes[ESP_N_KONTEXT_SIZES];

G_END_DECLS
