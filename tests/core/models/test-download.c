/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Downloads as a window has them: lists, states, pausing, the next start. What comes over the wire,
 * and all that goes wrong there, is tried by tests/cli/test-models-download.py. */
#include <glib/gstdio.h>
#include <string.h>

#include "esp-model-download-private.h"
#include "esp-model-downloads.h"
#include "esp-model-library.h"
#include "models-fixture.h"

#define MIB  (1 << 20)
#define SIZE (6 * MIB)

typedef struct
{
  ModelsServer server;
  GListModel *offers;
  EspModelOffer *offer;
  const EspModelVariant *variant;
  EspModelDownloads *downloads;
  char *bytes;
} World;

static void
make_offer (World *self)
{
  g_autofree char *text = g_strdup_printf (
      "{\"schema\": \"espalier-model-offer-1\", \"id\": \"m\", \"name\": \"M\","
      "\"licence\": {\"name\": \"L\", \"url\": \"https://l.example/\", \"text\": \"T\"},"
      "\"source\": {\"name\": \"S\", \"url\": \"%s/{path}\", \"digests\": \"huggingface\"},"
      "\"variants\": [{\"id\": \"v\", \"name\": \"V\", \"format\": \"F\", \"memory\": 1, "
      "\"files\": ["
      "{\"path\": \"model_index.json\", \"url\": \"%s/small\"},"
      "{\"path\": \"large.bin\", \"url\": \"%s/large\", \"about\": %d}]}]}",
      self->server.url, self->server.url, self->server.url, SIZE + 5);
  g_autofree char *path = models_write ("offers/m.json", text, -1);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_setenv ("ESPALIER_OFFERS_DIR", folder, TRUE);
  self->offers = esp_model_offers_load ();
  self->offer = esp_model_offers_find (self->offers, "m");
  g_assert_nonnull (self->offer);
  self->variant = esp_model_offer_find_variant (self->offer, "v");
  g_assert_true (esp_model_offer_accept (self->offer, &error));
  g_assert_no_error (error);
}

static void
world_set_up (World *self, gconstpointer config)
{
  g_autofree char *large = NULL;
  g_autofree char *small = models_write ("small", "{}", 2);
  g_autofree char *text = NULL;

  self->bytes = g_malloc (SIZE);
  for (gsize i = 0; i < SIZE; i++)
    self->bytes[i] = (char) ((i * 2654435761u) >> 13);
  large = models_write ("large", self->bytes, SIZE);
  text = g_strdup_printf ("{\"files\": {\"/small\": \"%s\", \"/large\": \"%s\"}%s}", small, large,
                          (const char *) config);
  models_server_start (&self->server, text);
  make_offer (self);
  self->downloads = esp_model_downloads_new (self->offers);
}

static void
stop (World *self)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_model_downloads_stop_async (self->downloads, models_take, &result);
  models_wait (result != NULL);
  g_assert_true (esp_model_downloads_stop_finish (self->downloads, result, NULL));
}

static void
world_tear_down (World *self, gconstpointer config)
{
  g_autofree char *models = models_path ("share/espalier/models");
  g_autofree char *target = g_build_filename (models, "m-v", NULL);
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();
  EspLibraryModel *model = esp_model_library_find (library, "m-v");
  g_autoptr (GAsyncResult) result = NULL;
  EspModelDownload *left;

  stop (self);
  left = esp_model_downloads_find (self->downloads, self->offer, NULL);
  if (left != NULL)
    {
      esp_model_download_cancel (left);
      models_wait (esp_model_download_get_state (left) == ESP_MODEL_DOWNLOAD_CANCELLED);
    }
  if (model != NULL)
    {
      esp_model_library_remove_async (library, model, FALSE, NULL, models_take, &result);
      models_wait (result != NULL);
    }
  g_assert_false (g_file_test (target, G_FILE_TEST_EXISTS));

  g_clear_object (&self->downloads);
  g_clear_object (&self->offer);
  g_clear_object (&self->offers);
  models_server_stop (&self->server);
  g_free (self->bytes);
}

static EspModelDownload *
start (World *self)
{
  g_autoptr (GError) error = NULL;
  EspModelDownload *download
      = esp_model_downloads_start (self->downloads, self->offer, self->variant, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (download);
  return download;
}

static gboolean
is_whole (World *self)
{
  g_autofree char *path = models_path ("share/espalier/models/m-v/large.bin");
  g_autofree char *bytes = NULL;
  gsize length;

  return g_file_get_contents (path, &bytes, &length, NULL) && length == SIZE
         && memcmp (bytes, self->bytes, SIZE) == 0;
}

typedef struct
{
  gint64 done;
  double fraction;
  guint n;
} Seen;

/* It never goes backwards. */
static void
on_changed (EspModelDownload *download, Seen *seen)
{
  g_assert_cmpint (esp_model_download_get_done (download), >=, seen->done);
  g_assert_cmpfloat (esp_model_download_get_fraction (download), >=, seen->fraction - 1e-9);
  g_assert_cmpint (esp_model_download_get_done (download), <=,
                   esp_model_download_get_total (download));
  g_assert_cmpstr (esp_model_download_get_status (download), !=, "");
  seen->done = esp_model_download_get_done (download);
  seen->fraction = esp_model_download_get_fraction (download);
  seen->n++;
}

static void
test_whole (World *self, gconstpointer config)
{
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();
  EspModelDownload *download = start (self);
  g_autofree char *id = esp_model_download_dup_model_id (download);
  EspModelDownloadFile file;
  Seen seen = { 0, 0, 0 };

  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (self->downloads)), ==, 1);
  g_assert_cmpuint (esp_model_downloads_get_n_active (self->downloads), ==, 1);
  g_signal_connect (download, "changed", G_CALLBACK (on_changed), &seen);
  models_wait (esp_model_download_get_state (download) == ESP_MODEL_DOWNLOAD_DONE);
  g_assert_true (is_whole (self));
  g_assert_cmpuint (seen.n, >, 2);
  g_assert_cmpint (seen.done, ==, SIZE + 2);
  g_assert_cmpfloat (seen.fraction, ==, 1);
  g_assert_cmpuint (esp_model_downloads_get_n_active (self->downloads), ==, 0);
  g_assert_cmpuint (esp_model_download_get_n_files (download), ==, 2);
  esp_model_download_get_file (download, 1, &file);
  g_assert_cmpstr (file.path, ==, "large.bin");
  g_assert_cmpint (file.done, ==, SIZE);
  g_assert_true (file.checked);

  /* There at once, for everybody. */
  models_wait (esp_model_library_find (library, id) != NULL);
  g_assert_cmpstr (esp_library_model_get_format (esp_model_library_find (library, id)), ==, "F");
  esp_model_downloads_clear (self->downloads, download);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (self->downloads)), ==, 0);
}

static void
test_licence (World *self, gconstpointer config)
{
  g_autofree char *licences = models_path ("config/espalier/licences.json");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_unlink (licences), ==, 0);
  g_assert_null (
      esp_model_downloads_start (self->downloads, self->offer, self->variant, NULL, &error));
  g_assert_error (error, ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_LICENCE);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (self->downloads)), ==, 0);
}

/* Paused, forgotten, found at the next start, gone on with. */
static void
test_next_start (World *self, gconstpointer config)
{
  EspModelDownload *download;
  gint64 kept;

  esp_model_downloads_set_limit (self->downloads, 4 * MIB);
  download = start (self);
  models_wait (esp_model_download_get_done (download) > MIB
               && esp_model_download_get_rate (download) > 0
               && esp_model_download_get_seconds_left (download) > 0);
  esp_model_download_pause (download);
  models_wait (esp_model_download_get_state (download) == ESP_MODEL_DOWNLOAD_PAUSED);
  kept = esp_model_download_get_done (download);
  g_assert_cmpint (kept, >, MIB);
  g_assert_cmpint (kept, <, SIZE);
  g_assert_cmpfloat (esp_model_download_get_rate (download), ==, 0);
  g_assert_null (esp_model_download_get_error (download));
  g_assert_true (g_str_has_prefix (esp_model_download_get_status (download), "Paused"));

  g_object_unref (self->downloads);
  self->downloads = esp_model_downloads_new (self->offers);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (self->downloads)), ==, 1);
  download = esp_model_downloads_find (self->downloads, self->offer, NULL);
  g_assert_nonnull (download);
  g_assert_cmpint (esp_model_download_get_state (download), ==, ESP_MODEL_DOWNLOAD_PAUSED);
  g_assert_cmpint (esp_model_download_get_done (download), ==, kept);
  g_assert_cmpuint (esp_model_downloads_get_n_active (self->downloads), ==, 0);

  g_assert_true (start (self) == download);
  models_wait (esp_model_download_get_state (download) == ESP_MODEL_DOWNLOAD_DONE);
  g_assert_true (is_whole (self));
}

/* The program was killed when the model was in place, and the notes of its download were not gone:
 * it is not offered again, and they go. Somebody else's model under that name is no reason to throw
 * away what was downloaded. */
static void
test_next_start_whole (World *self, gconstpointer config)
{
  g_autofree char *notes = models_write ("share/espalier/models/.downloads/m-v/download.json",
                                         "{\"offer\": \"m\", \"variant\": \"v\"}", -1);
  g_autofree char *part
      = models_write ("share/espalier/models/.downloads/m-v/files/large.bin", "half", -1);
  g_autofree char *files = g_path_get_dirname (part);
  g_autofree char *model = models_install ("m-v", NULL);
  g_autofree char *removed = models_install (".removed-x", NULL);
  g_autoptr (EspModelDownloads) downloads = esp_model_downloads_new (self->offers);
  g_autoptr (EspModelLibrary) library = esp_model_library_new ();
  g_autoptr (EspModelLibrary) again = NULL;

  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (downloads)), ==, 1);
  models_wait (!g_file_test (removed, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (notes, G_FILE_TEST_EXISTS));

  g_assert_cmpint (g_unlink (part), ==, 0);
  g_assert_cmpint (g_rmdir (files), ==, 0);
  g_object_unref (downloads);
  downloads = esp_model_downloads_new (self->offers);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (downloads)), ==, 0);
  again = esp_model_library_new ();
  g_assert_nonnull (again);
  models_wait (!g_file_test (notes, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (model, G_FILE_TEST_EXISTS));
}

/* Fingers that cannot decide. */
static void
test_to_and_fro (World *self, gconstpointer config)
{
  EspModelDownload *download;

  esp_model_downloads_set_limit (self->downloads, 3 * MIB);
  download = start (self);
  for (int i = 0; i < 5; i++)
    {
      esp_model_download_pause (download);
      esp_model_download_resume (download, NULL);
      esp_model_download_resume (download, NULL);
      g_main_context_iteration (NULL, FALSE);
    }
  esp_model_downloads_set_limit (self->downloads, 0);
  models_wait (esp_model_download_get_state (download) == ESP_MODEL_DOWNLOAD_DONE);
  g_assert_true (is_whole (self));
  /* What is done stays done. */
  esp_model_download_cancel (download);
  esp_model_download_resume (download, NULL);
  g_assert_cmpint (esp_model_download_get_state (download), ==, ESP_MODEL_DOWNLOAD_DONE);
}

static void
test_cancel (World *self, gconstpointer config)
{
  g_autofree char *folder = models_path ("share/espalier/models/.downloads/m-v");
  EspModelDownload *download;

  esp_model_downloads_set_limit (self->downloads, 2 * MIB);
  download = start (self);
  models_wait (esp_model_download_get_done (download) > MIB / 2);
  g_assert_true (g_file_test (folder, G_FILE_TEST_IS_DIR));
  esp_model_download_cancel (download);
  models_wait (esp_model_download_get_state (download) == ESP_MODEL_DOWNLOAD_CANCELLED);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (esp_model_downloads_get_n_active (self->downloads), ==, 0);
  g_assert_null (esp_model_downloads_find (self->downloads, self->offer, NULL));
}

/* The end of the program waits for what is to be noted down. */
static void
test_stop (World *self, gconstpointer config)
{
  EspModelDownload *download;

  esp_model_downloads_set_limit (self->downloads, 2 * MIB);
  download = start (self);
  models_wait (esp_model_download_get_done (download) > MIB / 2);
  stop (self);
  g_assert_cmpint (esp_model_download_get_state (download), ==, ESP_MODEL_DOWNLOAD_PAUSED);
}

/* Trouble that lasts: it waits, says why, and in the end gives up; resumed, it tries again. */
static void
test_trouble (World *self, gconstpointer config)
{
  EspModelDownload *download;
  gboolean waited = FALSE;

  /* Attempts follow each other at once. */
  download = start (self);
  esp_model_download_pause (download);
  models_wait (esp_model_download_get_state (download) == ESP_MODEL_DOWNLOAD_PAUSED);
  _esp_model_download_set_patience (download, 0.02);
  esp_model_download_resume (download, NULL);
  models_wait (
      (waited = waited || esp_model_download_get_state (download) == ESP_MODEL_DOWNLOAD_WAITING,
       esp_model_download_get_state (download) == ESP_MODEL_DOWNLOAD_FAILED));
  g_assert_true (waited);
  g_assert_error (esp_model_download_get_error (download), ESP_MODEL_DOWNLOAD_ERROR,
                  ESP_MODEL_DOWNLOAD_ERROR_NETWORK);
  g_assert_nonnull (strstr (esp_model_download_get_status (download), "large.bin"));

  /* The server is well again after so many questions. */
  esp_model_download_resume (download, NULL);
  models_wait (esp_model_download_get_state (download) == ESP_MODEL_DOWNLOAD_DONE);
  g_assert_true (is_whole (self));
}

#define ADD(name, config, function)                                                                \
  g_test_add ("/models/download/" name, World, config, world_set_up, function, world_tear_down)

int
main (int argc, char **argv)
{
  int status;

  models_home ();
  g_test_init (&argc, &argv, NULL);
  ADD ("whole", "", test_whole);
  ADD ("licence", "", test_licence);
  ADD ("next-start", "", test_next_start);
  ADD ("next-start-whole", "", test_next_start_whole);
  ADD ("to-and-fro", "", test_to_and_fro);
  ADD ("cancel", "", test_cancel);
  ADD ("stop", "", test_stop);
  ADD (
      "trouble",
      ", \"faults\": [{\"kind\": \"status\", \"path\": \"large\", \"times\": 10, \"status\": 503}]",
      test_trouble);
  status = g_test_run ();
  models_home_clear ();
  return status;
}
