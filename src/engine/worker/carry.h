/* SPDX-License-Identifier: MIT */
/* carry.h: the field `carry` of an edit: latents that an earlier one left, and where they still
 * count. */
#pragma once

#include <jansson.h>

#include "espalier-engine.h"
#include "status.h"

/* What a request says. */
typedef struct EspCarryField
{
  const char *path;       /* safetensors with `latents`; borrowed from the line; NULL: no carry */
  const char *model_hash; /* borrowed; or NULL */
  int width, height;      /* px */
  uint8_t *tokens;        /* [height/16 · width/16], 1 = carried; owned; NULL: all are */
} EspCarryField;

/* Checks the field; NULL and JSON null are none. The caller clears *carry in either case. */
EspStatus esp_carry_read (const json_t *value, EspCarryField *carry, EspError *error);
void esp_carry_clear (EspCarryField *carry);
