/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of models on this computer: the first byte says whether the rest is the manifest of
 * an offer, what an earlier download of it noted down, or the manifest of a model's folder. */
#include "fuzz-core.h"

#include <glib/gstdio.h>

#include "esp-download-plan.h"
#include "esp-installation.h"
#include "esp-model-facts.h"
#include "esp-model-inspection.h"
#include "esp-model-offer-private.h"
#include "esp-model-parts.h"

static const char offer_text[]
    = "{\"schema\":\"espalier-model-offer-1\",\"id\":\"tiny\",\"name\":\"Tiny\","
      "\"licence\":{\"name\":\"L\",\"url\":\"https://example.org/l\",\"text\":\"T\"},"
      "\"source\":{\"name\":\"S\",\"url\":\"https://example.org/{path}\"},"
      "\"variants\":[{\"id\":\"a\",\"name\":\"A\",\"format\":\"bf16\",\"memory\":1000000000,"
      "\"quality\":50,\"files\":[{\"path\":\"one.bin\",\"about\":100000000},"
      "{\"path\":\"sub/two.bin\",\"size\":100000000}]}]}";

static EspModelOffer *
read_offer (const void *data, gsize size, GError **error)
{
  g_autofree char *path = fuzz_write_file ("offer.json", data, size);

  return esp_model_offer_new_from_file (path, error);
}

static void
look_at_offer (EspModelOffer *offer)
{
  const EspModelLicence *licence = esp_model_offer_get_licence (offer);

  PROMISE (licence != NULL && licence->name != NULL);
  PROMISE (esp_model_offer_get_n_variants (offer) > 0);
  esp_model_offer_is_accepted (offer);
  for (guint i = 0; i < esp_model_offer_get_n_variants (offer); i++)
    {
      const EspModelVariant *variant = esp_model_offer_get_variant (offer, i);
      g_autoptr (EspDownloadPlan) plan = _esp_download_plan_new (offer, variant);

      PROMISE (esp_model_offer_find_variant (offer, variant->id) != NULL);
      PROMISE (variant->files->len > 0 && plan->items->len == variant->files->len);
      for (guint j = 0; j < variant->files->len; j++)
        {
          const EspModelFile *file = g_ptr_array_index (variant->files, j);

          PROMISE (_esp_model_path_is_plain (file->path) && _esp_model_url_is_allowed (file->url));
          PROMISE (file->size >= -1 && file->about >= 0);
        }
    }
}

static void
load_plan (const FuzzInput *noted)
{
  static EspModelOffer *offer;
  g_autoptr (EspDownloadPlan) plan = NULL;
  g_autofree char *path = NULL;
  g_autofree char *part = NULL;
  g_autofree char *id = NULL;
  g_autofree char *variant = NULL;

  if (offer == NULL)
    offer = read_offer (offer_text, strlen (offer_text), NULL);
  PROMISE (offer != NULL);
  plan = _esp_download_plan_new (offer, esp_model_offer_get_variant (offer, 0));
  g_mkdir_with_parents (plan->folder, 0700);
  path = g_build_filename (plan->folder, "download.json", NULL);
  PROMISE (g_file_set_contents_full (path, (const char *) noted->data, (gssize) noted->size,
                                     G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  for (guint i = 0; i < plan->items->len; i++)
    {
      g_autofree char *file
          = _esp_download_item_dup_part_path (plan, g_ptr_array_index (plan->items, i));
      g_autofree char *folder = g_path_get_dirname (file);

      g_mkdir_with_parents (folder, 0700);
      if (!g_file_test (file, G_FILE_TEST_EXISTS))
        g_file_set_contents (file, "some bytes", -1, NULL);
    }
  _esp_download_plan_load (plan);
  for (guint i = 0; i < plan->items->len; i++)
    {
      EspDownloadItem *item = g_ptr_array_index (plan->items, i);
      gint64 done = _esp_download_item_get_done (item);

      PROMISE (done >= 0 && (item->total < 0 || done <= item->total));
      for (guint j = 0; j < item->n_pieces; j++)
        PROMISE (item->have[j] >= 0
                 && item->have[j] <= _esp_download_item_get_piece_size (item, j));
      _esp_download_item_find_piece (item);
      _esp_download_item_is_whole (item);
    }
  _esp_download_plan_identify (plan->folder, &id, &variant);
}

static void
read_installed (const FuzzInput *manifest)
{
  g_autofree char *folder = g_build_filename (fuzz_home (), "model", NULL);
  g_autofree char *path = NULL;
  g_autoptr (EspInstalledModel) model = NULL;

  g_mkdir_with_parents (folder, 0700);
  path = fuzz_write_file ("model/espalier.json", manifest->data, manifest->size);
  model = esp_installed_model_new (folder);
  if (model != NULL)
    {
      g_auto (GStrv) missing = esp_installed_model_find_missing (model);

      PROMISE (model->id != NULL && model->name != NULL && model->instructions != NULL);
      PROMISE (g_utf8_validate (model->name, -1, NULL));
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  guint how = fuzz_take_byte (&input) % 3;

  fuzz_home ();
  if (how == 0)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EspModelOffer) offer = read_offer (input.data, input.size, &error);

      fuzz_check_error (offer != NULL, &error);
      if (offer != NULL)
        look_at_offer (offer);
    }
  else if (how == 1)
    load_plan (&input);
  else
    read_installed (&input);
  return 0;
}
