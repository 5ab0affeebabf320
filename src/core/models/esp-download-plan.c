/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-download-plan.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "esp-installation.h"
#include "esp-json-member.h"
#include "esp-json-object.h"
#include "esp-model-facts.h"
#include "esp-json-text.h"
#include "esp-model-download.h"
#include "esp-model-offer-private.h"
#include "esp-model-tree.h"

/* Pieces: so many that several connections have enough to do, and little is lost with one. */
#define PIECES_WANTED 64
#define MIN_PIECE     (G_GINT64_CONSTANT (1) << 20)
#define MAX_PIECE     (G_GINT64_CONSTANT (64) << 20)

#define STATE_NAME "download.json"
#define FILES_NAME "files"

char *
_esp_download_plan_get_root (void)
{
  g_autofree char *models = esp_installation_get_user_models ();

  return g_build_filename (models, ".downloads", NULL);
}

char *
_esp_download_plan_dup_model (EspModelOffer *offer, const EspModelVariant *variant)
{
  return g_strdup_printf ("%s-%s", esp_model_offer_get_id (offer), variant->id);
}

static void
item_free (gpointer data)
{
  EspDownloadItem *item = data;

  if (item->fd >= 0)
    close (item->fd);
  _esp_model_file_free (item->file);
  g_free (item->tag);
  g_free (item->digest);
  g_free (item->have);
  g_free (item->busy);
  g_free (item->location);
  g_free (item);
}

EspDownloadPlan *
_esp_download_plan_new (EspModelOffer *offer, const EspModelVariant *variant)
{
  EspDownloadPlan *self = g_new0 (EspDownloadPlan, 1);
  g_autofree char *root = _esp_download_plan_get_root ();

  self->offer = g_strdup (esp_model_offer_get_id (offer));
  self->variant = g_strdup (variant->id);
  self->model = _esp_download_plan_dup_model (offer, variant);
  self->folder = g_build_filename (root, self->model, NULL);
  self->items = g_ptr_array_new_with_free_func (item_free);
  self->lock = -1;

  for (guint i = 0; i < variant->files->len; i++)
    {
      EspDownloadItem *item = g_new0 (EspDownloadItem, 1);

      item->file = _esp_model_file_copy (variant->files->pdata[i]);
      item->fd = -1;
      item->total = -1;
      g_ptr_array_add (self->items, item);
    }

  return self;
}

void
_esp_download_plan_free (EspDownloadPlan *self)
{
  if (self == NULL)
    return;

  if (self->lock >= 0)
    close (self->lock);
  g_free (self->offer);
  g_free (self->variant);
  g_free (self->model);
  g_free (self->folder);
  g_ptr_array_unref (self->items);
  g_free (self);
}

/* --- Pieces ----------------------------------------------------------------------------------- */

gint64
_esp_download_item_get_piece_size (const EspDownloadItem *item, guint piece)
{
  return MIN (item->piece, item->total - (gint64) piece * item->piece);
}

void
_esp_download_item_set_total (EspDownloadItem *item, gint64 total, gboolean ranges)
{
  if (item->total == total && item->ranges == ranges && (item->have != NULL || total == 0))
    return;

  item->generation++;
  item->total = total;
  item->ranges = ranges;
  item->piece = ranges ? CLAMP (total / PIECES_WANTED, MIN_PIECE, MAX_PIECE) : MAX (total, 1);
  item->n_pieces = (guint) ((total + item->piece - 1) / item->piece);
  g_free (item->have);
  g_free (item->busy);
  item->have = g_new0 (gint64, item->n_pieces + 1);
  item->busy = g_new0 (gboolean, item->n_pieces + 1);
}

gint64
_esp_download_item_get_done (const EspDownloadItem *item)
{
  gint64 done = 0;

  if (item->checked)
    return item->total;
  for (guint i = 0; i < item->n_pieces; i++)
    done += item->have[i];

  return done;
}

gboolean
_esp_download_item_is_whole (const EspDownloadItem *item)
{
  return item->checked || item->absent
         || (item->total >= 0 && item->have != NULL
             && _esp_download_item_get_done (item) == item->total);
}

int
_esp_download_item_find_piece (const EspDownloadItem *item)
{
  for (guint i = 0; i < item->n_pieces; i++)
    if (!item->busy[i] && item->have[i] < _esp_download_item_get_piece_size (item, i))
      return (int) i;

  return -1;
}

/* --- Files ------------------------------------------------------------------------------------ */

char *
_esp_download_item_dup_path (EspDownloadPlan *self, EspDownloadItem *item)
{
  return g_build_filename (self->folder, FILES_NAME, item->file->path, NULL);
}

char *
_esp_download_item_dup_part_path (EspDownloadPlan *self, EspDownloadItem *item)
{
  g_autofree char *path = _esp_download_item_dup_path (self, item);

  return g_strconcat (path, ".part", NULL);
}

static gboolean
fail (const char *path, GError **error)
{
  int reason = errno;
  gboolean full = reason == ENOSPC || reason == EDQUOT;

  g_set_error (error, ESP_MODEL_DOWNLOAD_ERROR,
               full ? ESP_MODEL_DOWNLOAD_ERROR_SPACE : ESP_MODEL_DOWNLOAD_ERROR_FILE,
               _ ("“%s” cannot be written: %s. What has come is kept."), path, g_strerror (reason));
  return FALSE;
}

gboolean
_esp_download_item_open (EspDownloadPlan *self, EspDownloadItem *item, GError **error)
{
  g_autofree char *path = _esp_download_item_dup_part_path (self, item);
  g_autofree char *folder = g_path_get_dirname (path);

  if (item->fd >= 0)
    return TRUE;

  if (g_mkdir_with_parents (folder, 0755) != 0)
    return fail (folder, error);
  item->fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  return item->fd >= 0 || fail (path, error);
}

void
_esp_download_item_restart (EspDownloadPlan *self, EspDownloadItem *item)
{
  g_autofree char *path = _esp_download_item_dup_path (self, item);
  g_autofree char *part = _esp_download_item_dup_part_path (self, item);

  if (item->fd >= 0)
    close (item->fd);
  item->fd = -1;
  g_unlink (path);
  g_unlink (part);
  g_clear_pointer (&item->have, g_free);
  g_clear_pointer (&item->busy, g_free);
  g_clear_pointer (&item->tag, g_free);
  g_clear_pointer (&item->digest, g_free);
  g_clear_pointer (&item->location, g_free);
  item->generation++;
  item->n_pieces = 0;
  item->total = -1;
  item->known = item->checked = item->absent = item->dirty = FALSE;
  item->hashed = 0;
}

gboolean
_esp_download_item_accept (EspDownloadPlan *self, EspDownloadItem *item, GError **error)
{
  g_autofree char *path = _esp_download_item_dup_path (self, item);
  g_autofree char *part = _esp_download_item_dup_part_path (self, item);

  if (item->fd < 0 && !_esp_download_item_open (self, item, error))
    return FALSE;
  if (fdatasync (item->fd) != 0)
    return fail (part, error);
  close (item->fd);
  item->fd = -1;
  if (g_rename (part, path) != 0)
    return fail (path, error);

  item->checked = TRUE;
  item->dirty = FALSE;
  return TRUE;
}

/* --- On the disk ------------------------------------------------------------------------------ */

static JsonObject *
read_state (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, STATE_NAME, NULL);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? esp_json_parse_object (text) : NULL;
}

gboolean
_esp_download_plan_identify (const char *folder, char **offer, char **variant)
{
  g_autoptr (JsonObject) state = read_state (folder);

  if (state == NULL || esp_json_get_string (state, "offer") == NULL
      || esp_json_get_string (state, "variant") == NULL)
    return FALSE;

  *offer = g_strdup (esp_json_get_string (state, "offer"));
  *variant = g_strdup (esp_json_get_string (state, "variant"));
  return TRUE;
}

gboolean
_esp_download_plan_is_over (const char *folder)
{
  g_autofree char *files = g_build_filename (folder, FILES_NAME, NULL);
  g_autofree char *models = esp_installation_get_user_models ();
  g_autofree char *name = g_path_get_basename (folder);
  g_autofree char *target = g_build_filename (models, name, NULL);

  return !g_file_test (files, G_FILE_TEST_EXISTS) && g_file_test (target, G_FILE_TEST_EXISTS);
}

/* Takes one noted interval [from, to) of the file. */
static void
take_interval (EspDownloadItem *item, gint64 from, gint64 to)
{
  for (guint i = 0; i < item->n_pieces; i++)
    {
      gint64 begin = (gint64) i * item->piece;
      gint64 size = _esp_download_item_get_piece_size (item, i);

      if (from <= begin && to > begin)
        item->have[i] = MAX (item->have[i], MIN (to - begin, size));
    }
}

static void
load_item (EspDownloadPlan *self, EspDownloadItem *item, JsonObject *noted)
{
  g_autofree char *path = _esp_download_item_dup_path (self, item);
  g_autofree char *part = _esp_download_item_dup_part_path (self, item);
  JsonArray *have = esp_json_get_array (noted, "have");
  double total = esp_json_get_number (noted, "total", -1);
  gboolean checked = esp_json_get_number (noted, "checked", 0) != 0;
  GStatBuf info;

  /* It got its name, and then there was no time left to note that down. */
  if (!checked && g_stat (part, &info) != 0)
    g_rename (path, part);

  /* What was fetched from elsewhere is not it. */
  if (g_strcmp0 (esp_json_get_string (noted, "url"), item->file->url) != 0 || total < 0
      || total > 1e15 || (item->file->size >= 0 && item->file->size != (gint64) total)
      || g_stat (checked ? path : part, &info) != 0)
    return;
  if (checked
      && (info.st_size != (gint64) total
          || (item->file->sha256 != NULL
              && g_strcmp0 (esp_json_get_string (noted, "digest"), item->file->sha256) != 0)))
    return;

  _esp_download_item_set_total (item, (gint64) total,
                                esp_json_get_number (noted, "ranges", 0) != 0);
  item->tag = g_strdup (esp_json_get_string (noted, "tag"));
  item->digest = g_strdup (esp_json_get_string (noted, "digest"));
  item->is_blob = esp_json_get_number (noted, "blob", 0) != 0;
  item->checked = checked;
  /* A server that gives no parts has to be asked for all of it again. */
  for (guint i = 0; item->ranges && have != NULL && i + 1 < json_array_get_length (have); i += 2)
    {
      JsonNode *from = json_array_get_element (have, i);
      JsonNode *to = json_array_get_element (have, i + 1);

      if (JSON_NODE_HOLDS_VALUE (from) && JSON_NODE_HOLDS_VALUE (to))
        take_interval (item, json_node_get_int (from),
                       MIN (json_node_get_int (to), (gint64) info.st_size));
    }
}

void
_esp_download_plan_load (EspDownloadPlan *self)
{
  g_autoptr (JsonObject) state = read_state (self->folder);
  JsonObject *files = state != NULL ? esp_json_get_object (state, "files") : NULL;

  for (guint i = 0; files != NULL && i < self->items->len; i++)
    {
      EspDownloadItem *item = self->items->pdata[i];
      JsonObject *noted = esp_json_get_object (files, item->file->path);

      if (noted != NULL)
        load_item (self, item, noted);
    }
}

gboolean
_esp_download_plan_lock (EspDownloadPlan *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, "lock", NULL);
  g_autofree char *files = g_build_filename (self->folder, FILES_NAME, NULL);

  if (g_mkdir_with_parents (files, 0755) != 0)
    return fail (files, error);

  self->lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (self->lock < 0)
    return fail (path, error);
  if (flock (self->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    {
      g_set_error_literal (error, ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_BUSY,
                           _ ("Another window or terminal is downloading this model just now."));
      return FALSE;
    }

  return TRUE;
}

static void
put_intervals (GString *json, const EspDownloadItem *item)
{
  gint64 from = -1, to = -1;

  esp_json_open (json, "have", '[');
  for (guint i = 0; i < item->n_pieces; i++)
    {
      gint64 begin = (gint64) i * item->piece;

      if (item->have[i] == 0)
        continue;
      if (to != begin)
        {
          if (from >= 0)
            {
              esp_json_put_uint (json, NULL, (guint64) from);
              esp_json_put_uint (json, NULL, (guint64) to);
            }
          from = begin;
        }
      to = begin + item->have[i];
    }
  if (from >= 0)
    {
      esp_json_put_uint (json, NULL, (guint64) from);
      esp_json_put_uint (json, NULL, (guint64) to);
    }
  esp_json_close (json, ']');
}

static char *
dup_state (EspDownloadPlan *self)
{
  g_autoptr (GString) json = g_string_new (NULL);
  g_autoptr (JsonObject) files = json_object_new ();

  for (guint i = 0; i < self->items->len; i++)
    {
      const EspDownloadItem *item = self->items->pdata[i];
      g_autoptr (GString) text = g_string_new (NULL);

      if (item->total < 0)
        continue;
      esp_json_open (text, NULL, '{');
      esp_json_put_string (text, "url", item->file->url, -1);
      esp_json_put_uint (text, "total", (guint64) item->total);
      esp_json_put_string (text, "tag", item->tag, -1);
      esp_json_put_string (text, "digest", item->digest, -1);
      esp_json_put_bool (text, "blob", item->is_blob);
      esp_json_put_bool (text, "ranges", item->ranges);
      esp_json_put_bool (text, "checked", item->checked);
      if (!item->checked)
        put_intervals (text, item);
      esp_json_close (text, '}');
      json_object_set_object_member (files, item->file->path, esp_json_parse_object (text->str));
    }

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "offer", self->offer, -1);
  esp_json_put_string (json, "variant", self->variant, -1);
  {
    g_autofree char *text = esp_json_dup_canonical (files);

    esp_json_put_raw (json, "files", text);
  }
  esp_json_close (json, '}');
  return g_strdup (json->str);
}

gboolean
_esp_download_plan_save (EspDownloadPlan *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, STATE_NAME, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) reason = NULL;

  /* Nothing is noted down that a power cut could take back. */
  for (guint i = 0; i < self->items->len; i++)
    {
      EspDownloadItem *item = self->items->pdata[i];

      if (item->fd >= 0 && item->dirty && fdatasync (item->fd) != 0)
        return fail (item->file->path, error);
      item->dirty = FALSE;
    }

  text = dup_state (self);
  if (g_file_set_contents_full (path, text, -1,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644,
                                &reason))
    return TRUE;

  g_set_error_literal (error, ESP_MODEL_DOWNLOAD_ERROR,
                       g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOSPC)
                           ? ESP_MODEL_DOWNLOAD_ERROR_SPACE
                           : ESP_MODEL_DOWNLOAD_ERROR_FILE,
                       reason->message);
  return FALSE;
}

/* --- The model -------------------------------------------------------------------------------- */

static char *
dup_manifest (EspDownloadPlan *self, EspModelOffer *offer, const EspModelVariant *variant)
{
  g_autoptr (GString) json = g_string_new (NULL);
  g_autofree char *name
      = g_strdup_printf ("%s (%s)", esp_model_offer_get_name (offer), variant->format);

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "id", self->model, -1);
  esp_json_put_string (json, "name", name, -1);
  esp_json_put_string (json, "licence", esp_model_offer_get_licence (offer)->name, -1);
  if (esp_model_offer_get_homepage (offer) != NULL)
    esp_json_put_string (json, "source", esp_model_offer_get_homepage (offer), -1);
  esp_json_put_string (json, "format", variant->format, -1);
  esp_json_put_string (json, "offer", self->offer, -1);
  esp_json_put_string (json, "variant", self->variant, -1);
  if (variant->components != NULL)
    {
      g_autofree char *text = esp_json_dup_canonical (variant->components);
      g_autofree char *files = g_build_filename (self->folder, FILES_NAME, NULL);
      g_autoptr (JsonObject) facts = _esp_model_facts_of (variant->components, files);
      g_autofree char *known = esp_json_dup_canonical (facts);

      esp_json_put_raw (json, "components", text);
      esp_json_put_raw (json, "files", known);
    }
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');
  return g_strdup (json->str);
}

gboolean
_esp_download_plan_install (EspDownloadPlan *self, EspModelOffer *offer,
                            const EspModelVariant *variant, GError **error)
{
  g_autofree char *files = g_build_filename (self->folder, FILES_NAME, NULL);
  g_autofree char *manifest = g_build_filename (files, "espalier.json", NULL);
  g_autofree char *models = esp_installation_get_user_models ();
  g_autofree char *target = g_build_filename (models, self->model, NULL);
  g_autofree char *text = dup_manifest (self, offer, variant);

  if (g_file_test (target, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_INSTALLED,
                   _ ("There is already a model in “%s”. Remove it first."), target);
      return FALSE;
    }
  if (!g_file_set_contents_full (manifest, text, -1,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644,
                                 error))
    return FALSE;

  _esp_tree_sync_folder (files);
  if (g_rename (files, target) != 0)
    return fail (target, error);
  _esp_tree_sync_folder (models);

  return _esp_tree_delete (self->folder, NULL) || TRUE;
}
