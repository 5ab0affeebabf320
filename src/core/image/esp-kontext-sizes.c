/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-kontext-sizes.c: see esp-kontext-sizes.h. */
#include "esp-kontext-sizes.h"

const EspImageSize esp_kontext_sizes[ESP_N_KONTEXT_SIZES] = {
  { 672, 1568 }, { 688, 1504 }, { 720, 1456 },  { 752, 1392 }, { 800, 1328 }, { 832, 1248 },
  { 880, 1184 }, { 944, 1104 }, { 1024, 1024 }, { 1104, 944 }, { 1184, 880 }, { 1248, 832 },
  { 1328, 800 }, { 1392, 752 }, { 1456, 720 },  { 1504, 688 }, { 1568, 672 },
};
