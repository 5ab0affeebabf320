/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composition.h: how the picture of a turn is put together of its source and what a backend
 * made: what was asked for, and what came of it. Plain data, stored with a node as JSON. */
#pragma once

#include "esp-region.h"
#include "esp-registration.h"

G_BEGIN_DECLS

typedef enum
{
  ESP_KEEP_OFF,     /* the result as it came (of a region: all of the region) */
  ESP_KEEP_AUTO,    /* untouched pixels are the source's, where the program finds them untouched */
  ESP_KEEP_PAINTED, /* the same with a mask that a person changed */
} EspKeep;

typedef struct
{
  /* Asked for, and changed by people afterwards. */
  EspKeep keep;
  EspRegion *region; /* or NULL: the whole picture */
  double grow;       /* px of the source: the mask is grown by it (< 0: shrunk) before composing */
  double feather;    /* px of the source; < 0: as the program finds best for this picture */

  /* What came of it. */
  gboolean made;                /* FALSE: no result yet; what follows means nothing */
  gboolean global;              /* the edit changed the picture as a whole: all of it was taken */
  EspCrop crop;                 /* what was sent; width 0: the whole picture */
  EspRegistration registration; /* of the result on its source (of the crop, where there is one) */
  double changed;               /* share of the source that is the result's, 0…1 */
  char *problem; /* why nothing could be kept, a sentence in the program's language then; or NULL */
} EspComposition;

EspComposition *esp_composition_new (EspKeep keep) G_GNUC_WARN_UNUSED_RESULT; /* feather −1 */
EspComposition *esp_composition_copy (const EspComposition *self) G_GNUC_WARN_UNUSED_RESULT;
void esp_composition_free (EspComposition *self);
/* What another turn that is to be the same asks for: without what came of this one. NULL where
 * nothing is asked for: ESP_KEEP_OFF and no region. `self` may be NULL. */
EspComposition *esp_composition_dup_asked (const EspComposition *self) G_GNUC_WARN_UNUSED_RESULT;
/* Do both ask for the same, whatever came of it? NULL asks for ESP_KEEP_OFF and no region. */
gboolean esp_composition_asks_same (const EspComposition *a, const EspComposition *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspComposition, esp_composition_free)

/* "off", "auto", "painted". */
const char *esp_keep_to_string (EspKeep keep);
gboolean esp_keep_from_string (const char *text, EspKeep *keep);

/* JSON object text as documents store it; reading takes anything and returns NULL for what is none
 * (numbers are brought into their range). */
char *esp_composition_to_json (const EspComposition *self) G_GNUC_WARN_UNUSED_RESULT;
EspComposition *esp_composition_from_json (const char *json) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
