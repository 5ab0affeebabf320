/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-keep.h"

#include <glib/gi18n.h>

#include "cli-options.h"
#include "cli-report.h"
#include "esp-json-text.h"
#include "esp-picture-scale.h"
#include "esp-untouched.h"

void
cli_keep_clear (CliKeep *self)
{
  g_clear_pointer (&self->keep_text, g_free);
  g_clear_pointer (&self->region_text, g_free);
  g_clear_pointer (&self->mask_out, g_free);
  g_clear_pointer (&self->asked, esp_composition_free);
}

gboolean
cli_keep_read (CliKeep *self, EspKeep otherwise, GError **error)
{
  EspKeep keep = self->region_text != NULL ? ESP_KEEP_AUTO : otherwise;

  if (self->keep_text != NULL
      && (!esp_keep_from_string (self->keep_text, &keep) || keep == ESP_KEEP_PAINTED))
    {
      g_autofree char *valid = g_utf8_make_valid (self->keep_text, -1);

      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                   _ ("--keep-untouched: expected auto or off, found “%s”"), valid);
      return FALSE;
    }
  if (keep == ESP_KEEP_OFF && self->region_text == NULL)
    {
      if (self->mask_out == NULL)
        return TRUE;
      g_set_error_literal (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                           _ ("--mask-out: there is a mask only with --keep-untouched auto or "
                              "--region"));
      return FALSE;
    }
  self->asked = esp_composition_new (keep);
  if (self->region_text == NULL)
    return TRUE;
  self->asked->region = esp_region_parse (self->region_text, error);
  if (self->asked->region != NULL)
    return TRUE;
  g_prefix_error (error, "--region: ");
  return FALSE;
}

gboolean
cli_keep_check (CliKeep *self, EspKeep otherwise)
{
  g_autoptr (GError) error = NULL;

  if (cli_keep_read (self, otherwise, &error))
    return self->mask_out == NULL || cli_option_target ("--mask-out", self->mask_out);
  cli_usage ("%s", error->message);
  return FALSE;
}

void
cli_keep_put (GString *json, const EspComposition *asked)
{
  const EspKeep keep = asked != NULL ? asked->keep : ESP_KEEP_OFF;

  esp_json_put_string (json, "keep_untouched", esp_keep_to_string (keep), -1);
  if (asked != NULL && asked->region != NULL)
    {
      g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

      json_node_take_object (node, esp_region_to_json (asked->region));
      esp_json_put_value (json, "region", node);
    }
}

/* --- The work --------------------------------------------------------------------------------- */

/* The same crop for the same region and picture, before and after. */
static gboolean
plan_crop (EspComposition *asked, EspPicture *source, GError **error)
{
  if (asked->region == NULL || asked->crop.width > 0)
    return TRUE;
  if (!esp_region_fit (asked->region, source->width, source->height, error))
    {
      g_prefix_error (error, "--region: ");
      return FALSE;
    }
  esp_region_plan (asked->region, source->width, source->height, 0, &asked->crop);
  return TRUE;
}

EspPicture *
cli_keep_cut (EspComposition *asked, EspPicture *source, GCancellable *cancellable, GError **error)
{
  if (asked == NULL || asked->region == NULL)
    return esp_picture_ref (source);
  if (!plan_crop (asked, source, error))
    return NULL;
  return esp_crop_cut (&asked->crop, source, cancellable, error);
}

void
cli_kept_free (CliKept *kept)
{
  if (kept == NULL)
    return;
  g_clear_pointer (&kept->image, esp_picture_unref);
  g_clear_pointer (&kept->mask, esp_mask_unref);
  g_clear_pointer (&kept->composition, esp_composition_free);
  g_free (kept);
}

static gboolean
make (CliKept *kept, EspComposition *asked, EspPicture *source, EspPicture *result,
      GCancellable *cancellable, GError **error)
{
  g_autoptr (EspUntouched) made = NULL;

  if (!plan_crop (asked, source, error))
    return FALSE;
  made = esp_untouched_make (source, result, asked, cancellable, error);
  if (made == NULL)
    return FALSE;
  kept->composition = esp_composition_copy (made->composition);
  kept->image = esp_picture_scale (made->image, source->width, source->height, cancellable, error);
  if (kept->image == NULL)
    return FALSE;
  kept->mask = esp_untouched_dup_effective_mask (source, kept->image, made->mask, kept->composition,
                                                 cancellable, error);
  if (kept->mask == NULL)
    return FALSE;
  if (!kept->composition->global)
    kept->composition->changed = esp_mask_get_fraction (kept->mask);
  return TRUE;
}

CliKept *
cli_kept_new_whole (const EspComposition *asked, EspPicture *result, const char *problem)
{
  CliKept *kept = g_new0 (CliKept, 1);

  kept->image = esp_picture_ref (result);
  kept->composition = esp_composition_copy (asked);
  if (asked == NULL)
    return kept;
  kept->composition->made = TRUE;
  kept->composition->changed = 1;
  kept->composition->problem = g_strdup (problem);
  return kept;
}

CliKept *
cli_keep_make (const EspComposition *asked, EspPicture *source, EspPicture *result,
               GCancellable *cancellable)
{
  g_autoptr (CliKept) kept = g_new0 (CliKept, 1);
  g_autoptr (EspComposition) planned = esp_composition_copy (asked);
  g_autoptr (GError) error = NULL;

  if (make (kept, planned, source, result, cancellable, &error))
    return g_steal_pointer (&kept);
  /* What was made, and may have been paid for, is not lost with it. */
  return cli_kept_new_whole (asked, result, error->message);
}

gboolean
cli_keep_write_mask (const CliKept *kept, const char *path, GError **error)
{
  g_autofree char *name = g_filename_display_name (path);
  g_autoptr (GBytes) bytes = kept->mask != NULL ? esp_mask_to_bytes (kept->mask, error) : NULL;

  if (kept->mask == NULL)
    g_set_error_literal (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                         kept->composition->problem);
  if (bytes == NULL)
    {
      g_prefix_error (error, "--mask-out: ");
      return FALSE;
    }
  if (g_file_set_contents_full (path, g_bytes_get_data (bytes, NULL),
                                (gssize) g_bytes_get_size (bytes), G_FILE_SET_CONTENTS_CONSISTENT,
                                0666, error))
    return TRUE;
  g_prefix_error (error, "--mask-out: %s: ", name);
  return FALSE;
}
