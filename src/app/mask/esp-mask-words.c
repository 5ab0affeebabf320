/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-words.c: what is to be said of a mask. */
#define G_LOG_DOMAIN "espalier-mask"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-mask-editor-private.h"

/* Shares near the ends are not rounded to all or nothing. */
static char *
dup_share (double share)
{
  const double percent = share * 100;

  if (percent < 1)
    return g_strdup (_ ("Less than a hundredth of the picture is the result’s"));
  /* Translators: %d%% is as in "12%". */
  return g_strdup_printf (_ ("%d%% of the picture is the result’s"),
                          MIN ((int) lround (percent), 99));
}

static char *
dup_words_of_made (EspMaskEditor *self, const EspComposition *made)
{
  const gboolean has_raw = esp_node_has_picture (self->node, ESP_NODE_PICTURE_RAW);

  if (made->problem != NULL)
    return g_strdup (made->problem);
  if (made->global && made->keep != ESP_KEEP_OFF)
    return g_strdup (_ ("The whole picture was changed: nothing was kept"));
  if (made->keep == ESP_KEEP_OFF)
    return g_strdup (made->region != NULL ? _ ("All of the result was taken in the region")
                                          : _ ("All of the result was taken"));
  if (!has_raw || !esp_node_has_picture (self->node, ESP_NODE_PICTURE_MASK))
    return g_strdup (_ ("The mask was forgotten: only the picture is left"));
  if (made->changed <= 0)
    return g_strdup (made->keep == ESP_KEEP_PAINTED ? _ ("Nothing of the result was taken")
                                                    : _ ("Nothing was changed"));
  if (made->changed >= 1)
    return g_strdup (_ ("All of the result was taken"));
  return dup_share (made->changed);
}

char *
esp_mask_editor_dup_words (EspMaskEditor *self)
{
  const EspComposition *made;

  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), NULL);

  if (self->node == NULL)
    return g_strdup ("");
  if (esp_node_get_state (self->node) != ESP_NODE_DONE)
    return g_strdup (_ ("This turn has no picture yet"));
  if (esp_node_get_kind (self->node) == ESP_NODE_IMPORTED)
    return g_strdup (_ ("This picture was imported: no model has changed it"));
  made = esp_node_get_composition (self->node);
  if (made != NULL && made->made)
    return dup_words_of_made (self, made);
  return g_strdup (_esp_mask_editor_find_source (self, NULL) != NULL
                           && esp_node_has_picture (self->node, ESP_NODE_PICTURE_RAW)
                       ? _ ("All of the result was taken")
                       : _ ("The mask was forgotten: only the picture is left"));
}

gboolean
esp_mask_editor_has_veil (EspMaskEditor *self)
{
  g_return_val_if_fail (ESP_IS_MASK_EDITOR (self), FALSE);

  return self->node != NULL && (self->touched || _esp_mask_editor_is_masked (self));
}
