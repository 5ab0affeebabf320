/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-incoming.c: see esp-incoming.h.
 *
 * Cancelling a read does not help while the other program is silent: GDK on X11 waits for the
 * answer all the same. So the task ends by itself, and what GDK still holds (the Reading, by
 * reference) is let go of whenever the answer comes. */
#define G_LOG_DOMAIN "espalier-incoming"

#include "esp-incoming.h"

#include <glib/gi18n-lib.h>

#include "esp-picture.h"

/* Names of files, or the key under which the portal has them. */
#define MAX_LIST_BYTES ((guint64) 1 << 20)
#define PIECE          ((gsize) 256 << 10)

const EspIncomingLimits esp_incoming_limits = {
  .max_bytes = ESP_PICTURE_MAX_FILE_SIZE,
  .silence = 15 * 1000,
  .patience = 180 * 1000,
};

/* Best first: without loss, then what every installation can read. */
static const char *const image_types[] = {
  "image/png",      "image/tiff", "image/webp", "image/jpeg", "image/bmp",  "image/x-bmp",
  "image/x-ms-bmp", "image/gif",  "image/avif", "image/heic", "image/heif", "image/jxl",
};

typedef struct
{
  GTask *task;             /* NULL: it is over */
  GdkClipboard *clipboard; /* or */
  GdkDrop *drop;
  const char *type; /* of what is read, interned */
  gboolean is_list;
  EspIncomingLimits limits;
  gint64 begun; /* µs, monotonic */
  GSource *deadline;
  GSource *cancelled;
  GCancellable *inner; /* of what GDK does */
  GInputStream *stream;
  GByteArray *bytes;
} Reading;

/* --- What is on offer ------------------------------------------------------------------------- */

/* What GDK makes lists of files of: names, one a line, or the portal's key. */
static GdkContentFormats *
create_list_types (void)
{
  GdkContentFormats *type = gdk_content_formats_new_for_gtype (GDK_TYPE_FILE_LIST);

  return gdk_content_formats_union_deserialize_mime_types (type);
}

/* The media types that can be asked for. GDK adds what it would decode to what a program offers;
 * what that in turn could be encoded as is there only where the program is this one. */
static GdkContentFormats *
dup_offered (gpointer source)
{
  GdkContentProvider *own = NULL;

  if (GDK_IS_CLIPBOARD (source))
    own = gdk_clipboard_get_content (source);
  else if (gdk_drop_get_drag (source) != NULL)
    own = gdk_drag_get_content (gdk_drop_get_drag (source));
  if (own != NULL)
    return gdk_content_formats_union_serialize_mime_types (gdk_content_provider_ref_formats (own));
  return gdk_content_formats_ref (GDK_IS_CLIPBOARD (source) ? gdk_clipboard_get_formats (source)
                                                            : gdk_drop_get_formats (source));
}

/* Interned; NULL: nothing of these kinds is there. */
static const char *
choose_type (gpointer source, EspIncomingKinds kinds, gboolean *is_list)
{
  g_autoptr (GdkContentFormats) offered = dup_offered (source);
  const char *type = NULL;

  if ((kinds & ESP_INCOMING_FILES) != 0)
    {
      g_autoptr (GdkContentFormats) lists = create_list_types ();

      type = gdk_content_formats_match_mime_type (lists, offered);
    }
  *is_list = type != NULL;
  if (type == NULL && (kinds & ESP_INCOMING_IMAGE) != 0)
    for (guint i = 0; i < G_N_ELEMENTS (image_types) && type == NULL; i++)
      if (gdk_content_formats_contain_mime_type (offered, image_types[i]))
        type = image_types[i];
  return g_intern_string (type);
}

gboolean
esp_incoming_is_on_clipboard (GdkClipboard *clipboard, EspIncomingKinds kinds)
{
  gboolean is_list;

  g_return_val_if_fail (GDK_IS_CLIPBOARD (clipboard), FALSE);

  return choose_type (clipboard, kinds, &is_list) != NULL;
}

gboolean
esp_incoming_is_dragged (GdkDrop *drop, EspIncomingKinds kinds)
{
  gboolean is_list;

  g_return_val_if_fail (GDK_IS_DROP (drop), FALSE);

  return choose_type (drop, kinds, &is_list) != NULL;
}

/* --- The end ---------------------------------------------------------------------------------- */

static void
value_free (gpointer data)
{
  g_value_unset (data);
  g_free (data);
}

static void
reading_clear (gpointer data)
{
  Reading *reading = data;

  g_clear_object (&reading->clipboard);
  g_clear_object (&reading->drop);
  g_clear_object (&reading->inner);
  g_clear_object (&reading->stream);
}

static void
reading_unref (Reading *reading)
{
  g_rc_box_release_full (reading, reading_clear);
}

/* The task, for whoever ends the reading to answer it; NULL: that has happened. The stream is
 * closed, so that GDK takes no more of what the other program goes on sending. */
static GTask *
end (Reading *reading)
{
  GTask *task = g_steal_pointer (&reading->task);

  if (task == NULL)
    return NULL;
  g_source_destroy (reading->deadline);
  g_clear_pointer (&reading->deadline, g_source_unref);
  if (reading->cancelled != NULL)
    g_source_destroy (reading->cancelled);
  g_clear_pointer (&reading->cancelled, g_source_unref);
  g_clear_pointer (&reading->bytes, g_byte_array_unref);
  g_cancellable_cancel (reading->inner);
  if (reading->stream != NULL && !g_input_stream_has_pending (reading->stream))
    g_input_stream_close (reading->stream, NULL, NULL);
  return task;
}

/* Takes `error`. */
static void
fail (Reading *reading, GError *error)
{
  g_autoptr (GTask) task = end (reading);

  if (task != NULL)
    g_task_return_error (task, error);
  else
    g_error_free (error);
}

/* Takes the value's contents. */
static void
succeed (Reading *reading, GValue *value)
{
  g_autoptr (GTask) task = end (reading);
  GValue *result = g_new0 (GValue, 1);

  *result = *value;
  if (task != NULL)
    g_task_return_pointer (task, result, value_free);
  else
    value_free (result);
}

static gboolean
on_deadline (gpointer user_data)
{
  fail (user_data, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                                        _ ("The other program did not send it in time")));
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  fail (user_data,
        g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The reading was cancelled"));
  return G_SOURCE_REMOVE;
}

/* Something came: the silence begins anew, the patience does not. */
static void
wait_on (Reading *reading)
{
  const gint64 silent = g_get_monotonic_time () + (gint64) reading->limits.silence * 1000;
  const gint64 late = reading->begun + (gint64) reading->limits.patience * 1000;

  g_source_set_ready_time (reading->deadline, MIN (silent, late));
}

/* --- Reading ---------------------------------------------------------------------------------- */

static void
on_list (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reading *reading = user_data;
  g_auto (GValue) value = G_VALUE_INIT;
  GError *error = NULL;

  g_value_init (&value, GDK_TYPE_FILE_LIST);
  if (gdk_content_deserialize_finish (result, &value, &error))
    {
      succeed (reading, &value);
      value = (GValue) G_VALUE_INIT;
    }
  else
    fail (reading, error);
  reading_unref (reading);
}

static void
take_whole (Reading *reading)
{
  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (g_steal_pointer (&reading->bytes));
  GValue value = G_VALUE_INIT;

  if (g_bytes_get_size (bytes) == 0)
    fail (reading, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                                        _ ("The other program sent nothing")));
  else if (reading->is_list)
    {
      g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_bytes (bytes);

      gdk_content_deserialize_async (stream, reading->type, GDK_TYPE_FILE_LIST, G_PRIORITY_DEFAULT,
                                     reading->inner, on_list, g_rc_box_acquire (reading));
    }
  else
    {
      g_value_init (&value, G_TYPE_BYTES);
      g_value_set_boxed (&value, bytes);
      succeed (reading, &value);
    }
}

static void read_on (Reading *reading);

static void
on_piece (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reading *reading = user_data;
  GError *error = NULL;
  g_autoptr (GBytes) piece
      = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);

  if (reading->task == NULL)
    {
      g_clear_error (&error);
      g_input_stream_close (reading->stream, NULL, NULL);
    }
  else if (piece == NULL)
    fail (reading, error);
  else if (g_bytes_get_size (piece) == 0)
    {
      g_input_stream_close (reading->stream, NULL, NULL);
      take_whole (reading);
    }
  else if (reading->bytes->len + g_bytes_get_size (piece) > reading->limits.max_bytes)
    fail (reading, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
                                        reading->is_list ? _ ("There are too many files")
                                                         : _ ("It is too large for a picture")));
  else
    {
      g_byte_array_append (reading->bytes, g_bytes_get_data (piece, NULL),
                           (guint) g_bytes_get_size (piece));
      wait_on (reading);
      read_on (reading);
    }
  reading_unref (reading);
}

static void
read_on (Reading *reading)
{
  g_input_stream_read_bytes_async (reading->stream, PIECE, G_PRIORITY_DEFAULT, reading->inner,
                                   on_piece, g_rc_box_acquire (reading));
}

static void
on_stream (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reading *reading = user_data;
  GError *error = NULL;

  if (reading->drop != NULL)
    reading->stream = gdk_drop_read_finish (reading->drop, result, NULL, &error);
  else
    reading->stream = gdk_clipboard_read_finish (reading->clipboard, result, NULL, &error);
  if (reading->stream == NULL)
    fail (reading, error);
  else if (reading->task == NULL)
    g_input_stream_close (reading->stream, NULL, NULL);
  else
    {
      wait_on (reading);
      read_on (reading);
    }
  reading_unref (reading);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

/* A source that is ready at the time that is set, and then once. */
static GSource *
create_deadline (Reading *reading)
{
  static GSourceFuncs funcs = { .dispatch = dispatch };
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_callback (source, on_deadline, reading, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

static void
read_async (gpointer source, EspIncomingKinds kinds, const EspIncomingLimits *limits,
            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (source, cancellable, callback, user_data);
  GdkDrop *drop = GDK_IS_DROP (source) ? source : NULL;
  GdkClipboard *clipboard = drop == NULL ? source : NULL;
  gboolean is_list;
  const char *type = choose_type (source, kinds, &is_list);
  const char *types[] = { type, NULL };
  Reading *reading;

  g_task_set_source_tag (task, esp_incoming_read_finish);
  if (type == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s",
                               _ ("There is no image"));
      g_object_unref (task);
      return;
    }
  reading = g_rc_box_new0 (Reading);
  reading->task = task;
  g_set_object (&reading->drop, drop);
  g_set_object (&reading->clipboard, clipboard);
  reading->type = type;
  reading->is_list = is_list;
  reading->limits = limits != NULL ? *limits : esp_incoming_limits;
  if (is_list)
    reading->limits.max_bytes = MAX_LIST_BYTES;
  reading->begun = g_get_monotonic_time ();
  reading->bytes = g_byte_array_new ();
  reading->inner = g_cancellable_new ();
  reading->deadline = create_deadline (reading);
  wait_on (reading);
  if (cancellable != NULL)
    {
      reading->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (reading->cancelled, G_SOURCE_FUNC (on_cancelled), reading, NULL);
      g_source_attach (reading->cancelled, g_main_context_get_thread_default ());
    }
  if (drop != NULL)
    gdk_drop_read_async (drop, types, G_PRIORITY_DEFAULT, reading->inner, on_stream, reading);
  else
    gdk_clipboard_read_async (clipboard, types, G_PRIORITY_DEFAULT, reading->inner, on_stream,
                              reading);
}

void
esp_incoming_read_clipboard_async (GdkClipboard *clipboard, EspIncomingKinds kinds,
                                   const EspIncomingLimits *limits, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (GDK_IS_CLIPBOARD (clipboard));

  read_async (clipboard, kinds, limits, cancellable, callback, user_data);
}

void
esp_incoming_read_drop_async (GdkDrop *drop, EspIncomingKinds kinds,
                              const EspIncomingLimits *limits, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (GDK_IS_DROP (drop));

  read_async (drop, kinds, limits, cancellable, callback, user_data);
}

gboolean
esp_incoming_read_finish (GAsyncResult *result, GValue *value, GError **error)
{
  GValue *taken;

  g_return_val_if_fail (g_async_result_is_tagged (result, esp_incoming_read_finish), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  taken = g_task_propagate_pointer (G_TASK (result), error);
  if (taken == NULL)
    return FALSE;
  *value = *taken;
  g_free (taken);
  return TRUE;
}
