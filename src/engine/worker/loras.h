/* SPDX-License-Identifier: MIT */
/* loras.h: LoRAs in requests and results. */
#pragma once

#include <jansson.h>

#include "espalier-engine.h"

/* Reads the edit's `loras`, an array of {"path", "strength", "sha256"}, into loras[ESP_LORAS_MAX];
 * strings are borrowed from `value`, which may be NULL or null: none. */
EspStatus esp_loras_read (const json_t *value, EspLora loras[ESP_LORAS_MAX], int *count,
                          EspError *error);

/* Those of a result: an array of {"path", "sha256", "strength", "modules", "used"}; NULL when
 * memory is out. */
json_t *esp_loras_json (const EspEditResult *result);
