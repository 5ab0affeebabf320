/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-keep.c: what has come is kept beside the record until it is stored elsewhere.
 *
 * A result is paid for. Between the answer and the moment at which the caller has saved the image
 * the process may be killed, the disk may be full, a document may break; and what one answer
 * brought cannot always be asked for again. So images go to the disk before anything is done with
 * them, and a turn that is gone on with takes them from there: without the network, and without a
 * key.
 */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "esp-picture-work.h"

#define MAX_ITEMS 32

typedef struct
{
  EspRemoteTurn *turn; /* nothing else touches it meanwhile */
  EspRemoteNext next;
  gboolean stored; /* all that is in memory; and the record that says so */
  GError *error;
} Keep;

static void
keep_free (Keep *keep)
{
  g_clear_error (&keep->error);
  _esp_remote_turn_unref (keep->turn);
  g_free (keep);
}

static void
unref_bytes (gpointer bytes)
{
  if (bytes != NULL)
    g_bytes_unref (bytes);
}

/* --- In the record ---------------------------------------------------------------------------- */

/* "images": [{"link", "sha256"}, …]: "link" where it is behind one, "sha256" where it is in
 * UUID-N.image. */
static JsonArray *
get_entries (EspRecord *record)
{
  JsonNode *node = json_object_get_member (esp_record_get_members (record), "images");

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static const char *
get_text (JsonArray *entries, guint index, const char *name)
{
  JsonNode *node = json_array_get_element (entries, index);

  return JSON_NODE_HOLDS_OBJECT (node)
             ? json_object_get_string_member_with_default (json_node_get_object (node), name, NULL)
             : NULL;
}

void
_esp_remote_note_items (EspRemoteTurn *turn)
{
  JsonArray *entries = json_array_new ();

  for (guint i = 0; i < turn->items->len; i++)
    {
      const char *item = turn->items->pdata[i];
      JsonObject *entry = json_object_new ();

      if (_esp_remote_item_is_link (turn, item))
        json_object_set_string_member (entry, "link", item);
      json_array_add_object_element (entries, entry);
    }
  json_object_set_array_member (esp_record_get_members (turn->record), "images", entries);
}

/* Fills items with those of the record: their links, or NULL. */
static void
read_items (EspRemoteTurn *turn, JsonArray *entries, gboolean links_only)
{
  g_clear_pointer (&turn->items, g_ptr_array_unref);
  turn->items = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < MIN (json_array_get_length (entries), MAX_ITEMS); i++)
    {
      const char *link = get_text (entries, i, "link");

      if (link != NULL || !links_only)
        g_ptr_array_add (turn->items, g_strdup (link));
    }
  _esp_remote_clear_loaded (turn);
}

gboolean
_esp_remote_load_items (EspRemoteTurn *turn)
{
  JsonArray *entries = get_entries (turn->record);

  if (entries == NULL)
    return FALSE;
  read_items (turn, entries, TRUE);
  return turn->items->len > 0;
}

gboolean
_esp_remote_is_kept (EspRecord *record)
{
  JsonArray *entries = get_entries (record);

  if (entries == NULL || json_array_get_length (entries) == 0
      || json_array_get_length (entries) > MAX_ITEMS)
    return FALSE;
  for (guint i = 0; i < json_array_get_length (entries); i++)
    {
      if (get_text (entries, i, "sha256") == NULL || !esp_record_has_image (record, i))
        return FALSE;
    }
  return TRUE;
}

void
_esp_remote_clear_loaded (EspRemoteTurn *turn)
{
  g_clear_pointer (&turn->loaded, g_ptr_array_unref);
  turn->loaded = g_ptr_array_new_with_free_func (unref_bytes);
  g_ptr_array_set_size (turn->loaded, (int) turn->items->len);
  turn->item = 0;
}

/* --- To the disk ------------------------------------------------------------------------------ */

/* NULL: there is nothing in it. */
static GBytes *
decode (const char *item)
{
  const char *comma = _esp_remote_item_is_data_uri (item) ? strchr (item, ',') : NULL;
  const char *base64 = comma != NULL ? comma + 1 : item;
  gsize length;
  guchar *bytes;

  if (_esp_remote_item_is_data_uri (item) && comma == NULL)
    return NULL;
  if (comma != NULL && g_strstr_len (item, comma - item, ";base64") == NULL)
    return g_uri_unescape_bytes (base64, -1, NULL, NULL);

  bytes = g_base64_decode (base64, &length);
  return g_bytes_new_take (bytes, length);
}

static void
decode_items (EspRemoteTurn *turn)
{
  for (guint i = 0; i < turn->items->len; i++)
    {
      g_autofree char *item = NULL;
      g_autoptr (GBytes) bytes = NULL;

      if (turn->items->pdata[i] == NULL || turn->loaded->pdata[i] != NULL
          || _esp_remote_item_is_link (turn, turn->items->pdata[i]))
        continue;
      item = g_steal_pointer (&turn->items->pdata[i]);
      bytes = decode (item);
      if (bytes != NULL && g_bytes_get_size (bytes) > 0)
        turn->loaded->pdata[i] = g_steal_pointer (&bytes);
    }
}

static void
store_images (Keep *keep)
{
  EspRemoteTurn *turn = keep->turn;
  JsonArray *entries = get_entries (turn->record);

  for (guint i = 0; i < turn->items->len && keep->error == NULL; i++)
    {
      g_autofree char *sha256 = NULL;

      if (turn->loaded->pdata[i] == NULL || get_text (entries, i, "sha256") != NULL)
        continue;
      if (esp_record_store_image (turn->record, i, turn->loaded->pdata[i], &sha256, &keep->error))
        json_object_set_string_member (json_array_get_object_element (entries, i), "sha256",
                                       sha256);
    }
}

static void
keep_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Keep *keep = data;

  decode_items (keep->turn);
  store_images (keep);
  esp_record_write (keep->turn->record, ESP_RECORD_SUCCEEDED,
                    keep->error == NULL ? &keep->error : NULL);
  g_task_return_boolean (task, TRUE);
}

static void
on_kept (GObject *source, GAsyncResult *result, gpointer data)
{
  Keep *keep = data;
  EspRemoteTurn *turn = keep->turn;

  if (keep->error != NULL && !turn->keep_failed)
    {
      g_autofree char *note = g_strdup_printf (
          _ ("The result could not be kept on this computer before it is stored: "
             "%s"),
          keep->error->message);

      turn->keep_failed = TRUE;
      _esp_remote_turn_note (turn, note);
    }
  if (_esp_remote_turn_work_done (turn))
    keep->next (turn);
  keep_free (keep);
}

/* Nobody waits for the disk but the turn; a cancellation does, too. */
static void
run (EspRemoteTurn *turn, EspRemoteNext next, GTaskThreadFunc thread, GAsyncReadyCallback callback)
{
  g_autoptr (GTask) task = NULL;
  Keep *keep = g_new0 (Keep, 1);

  (void) _esp_remote_turn_work (turn);
  keep->turn = turn;
  keep->next = next;
  task = g_task_new (NULL, NULL, callback, keep);
  g_task_set_source_tag (task, run);
  g_task_set_task_data (task, keep, NULL);
  esp_picture_work_run (task, thread);
}

void
_esp_remote_keep (EspRemoteTurn *turn, EspRemoteNext next)
{
  run (turn, next, keep_in_thread, on_kept);
}

/* --- And back --------------------------------------------------------------------------------- */

static void
load_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Keep *keep = data;
  EspRemoteTurn *turn = keep->turn;
  JsonArray *entries = get_entries (turn->record);

  for (guint i = 0; i < turn->items->len; i++)
    {
      g_autoptr (GError) error = NULL;

      turn->loaded->pdata[i]
          = esp_record_load_image (turn->record, i, get_text (entries, i, "sha256"), &error);
      if (error != NULL && keep->error == NULL)
        keep->error = g_steal_pointer (&error);
    }
  g_task_return_boolean (task, TRUE);
}

/* Those that are whole, and no others. TRUE: there are some. The record stays as it is. */
static gboolean
drop_missing (EspRemoteTurn *turn)
{
  for (guint i = turn->items->len; i > 0; i--)
    {
      if (turn->loaded->pdata[i - 1] != NULL)
        continue;
      g_ptr_array_remove_index (turn->items, i - 1);
      g_ptr_array_remove_index (turn->loaded, i - 1);
    }
  return turn->items->len > 0;
}

/* Are those that are missing behind links? Then they are kept anew. */
static gboolean
forget_missing (EspRemoteTurn *turn)
{
  JsonArray *entries = get_entries (turn->record);

  for (guint i = 0; i < turn->items->len; i++)
    {
      if (turn->loaded->pdata[i] == NULL && turn->items->pdata[i] == NULL)
        return FALSE;
    }
  for (guint i = 0; i < turn->items->len; i++)
    {
      if (turn->loaded->pdata[i] == NULL)
        json_object_remove_member (json_array_get_object_element (entries, i), "sha256");
    }
  return TRUE;
}

/* What was kept is not whole: it is asked for once more where that can be. */
static void
load_elsewhere (EspRemoteTurn *turn, const GError *why)
{
  g_autoptr (GError) no_key = NULL;
  gboolean can_ask = _esp_remote_setup_check_key (&turn->setup, &no_key);

  g_message ("%s", why->message);
  if (can_ask && turn->setup.descriptor->flow == ESP_FLOW_POLL
      && _esp_remote_watch_is_possible (turn))
    _esp_remote_watch_begin (turn, TRUE);
  else if (forget_missing (turn))
    _esp_remote_download_begin (turn);
  else if (drop_missing (turn))
    {
      _esp_remote_turn_note (turn, why->message);
      _esp_remote_download_begin (turn);
    }
  else if (can_ask)
    _esp_remote_resume_in_doubt (turn);
  else
    _esp_remote_turn_fail_with (turn, _esp_remote_fault_kept (g_steal_pointer (&no_key)), TRUE);
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  Keep *keep = data;
  EspRemoteTurn *turn = keep->turn;

  if (_esp_remote_turn_work_done (turn))
    {
      if (keep->error == NULL)
        _esp_remote_download_begin (turn);
      else
        load_elsewhere (turn, keep->error);
    }
  keep_free (keep);
}

void
_esp_remote_load_kept (EspRemoteTurn *turn)
{
  read_items (turn, get_entries (turn->record), FALSE);
  _esp_remote_turn_set_phase (turn, ESP_PHASE_DOWNLOADING);
  run (turn, NULL, load_in_thread, on_loaded);
}
