/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What other programs have on the clipboard comes as its bytes, within bounds, whatever they do;
 * each owner is a process of its own. Drops, without the hand that drags (which is in
 * tests/app/whole): what is from elsewhere, what is this program's own. */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "esp-drop.h"
#include "esp-incoming.h"
#include "scratch-wait.h"
#include "widgets.h"

/* Enough for this computer when it is busy; nothing is measured. */
static const EspIncomingLimits in_a_hurry = { 8 << 20, 1500, 60 * 1000 };

static GdkClipboard *
get_clipboard (void)
{
  return gdk_display_get_clipboard (gdk_display_get_default ());
}

/* --- Owners ----------------------------------------------------------------------------------- */

typedef struct
{
  GSubprocess *process;
  GDataInputStream *lines; /* what it says; were they closed, a word more would end it */
  const char *type;
} Owner;

static gboolean
is_owned (gpointer data)
{
  const Owner *owner = data;
  GdkClipboard *clipboard = get_clipboard ();

  return !gdk_clipboard_is_local (clipboard)
         && gdk_content_formats_contain_mime_type (gdk_clipboard_get_formats (clipboard),
                                                   owner->type);
}

static gboolean
is_free (gpointer data)
{
  return !is_owned (data);
}

static Owner
own (const char *how, const char *type, const char *file)
{
  Owner owner = { NULL, NULL, type };
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);

  /* What an earlier one left is not taken for this one's. */
  g_assert_true (scratch_wait_for (is_free, &owner));
  g_subprocess_launcher_unsetenv (launcher, "G_MESSAGES_DEBUG");
  owner.process = g_subprocess_launcher_spawn (launcher, &error, g_getenv ("ESP_SELECTION_OWNER"),
                                               how, type, file, NULL);
  g_assert_no_error (error);
  owner.lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (owner.process));
  line = g_data_input_stream_read_line (owner.lines, NULL, NULL, NULL);
  g_assert_cmpstr (line, ==, "ready");
  g_assert_true (scratch_wait_for (is_owned, &owner));
  return owner;
}

static void
let_go (Owner *owner)
{
  g_subprocess_force_exit (owner->process);
  g_subprocess_wait (owner->process, NULL, NULL);
  g_clear_object (&owner->lines);
  g_clear_object (&owner->process);
}

static char *
write_file (const char *name, gconstpointer contents, gsize size)
{
  g_autofree char *folder = g_dir_make_tmp ("espalier-incoming-XXXXXX", NULL);
  char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, contents, (gssize) size, NULL));
  return path;
}

static void
remove_file (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* Three times what one message of the display server holds, so that it comes in pieces; no picture
 * at all, so that it shows if somebody decodes it. */
static GBytes *
create_noise (gsize size)
{
  guint8 *data = g_malloc (size);
  guint32 state = 1;

  for (gsize i = 0; i < size; i++)
    {
      state = state * 1664525 + 1013904223;
      data[i] = (guint8) (state >> 24);
    }
  return g_bytes_new_take (data, size);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static gboolean
read_clipboard (EspIncomingKinds kinds, const EspIncomingLimits *limits, GCancellable *cancellable,
                GValue *value, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_incoming_read_clipboard_async (get_clipboard (), kinds, limits, cancellable,
                                     scratch_take_result, &result);
  g_assert_null (result);
  return esp_incoming_read_finish (scratch_wait_for_result (&result), value, error);
}

static void
assert_fails (const char *how, const char *file, int code)
{
  Owner owner = own (how, "image/png", file);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_false (read_clipboard (ESP_INCOMING_IMAGE, &in_a_hurry, NULL, &value, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_assert_cmpint (G_VALUE_TYPE (&value), ==, G_TYPE_INVALID);
  let_go (&owner);
}

static void
assert_comes (const char *type, gsize size)
{
  g_autoptr (GBytes) noise = create_noise (size);
  g_autofree char *path
      = write_file ("noise", g_bytes_get_data (noise, NULL), g_bytes_get_size (noise));
  Owner owner = own ("whole", type, path);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;
  gboolean came;

  came
      = read_clipboard (ESP_INCOMING_FILES | ESP_INCOMING_IMAGE, &in_a_hurry, NULL, &value, &error);
  g_assert_no_error (error);
  g_assert_true (came);
  g_assert_true (G_VALUE_HOLDS (&value, G_TYPE_BYTES));
  g_assert_true (g_bytes_equal (g_value_get_boxed (&value), noise));
  let_go (&owner);
  remove_file (path);
}

/* Noise is no picture under any name: it comes as it is, so that nobody has looked at it. */
static void
test_bytes (void)
{
  static const char *const types[]
      = { "image/png", "image/jpeg", "image/tiff", "image/gif", "image/bmp", "image/avif" };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    assert_comes (types[i], i == 0 ? 800 * 1000 : 1000);
}

static void
test_silent (void)
{
  assert_fails ("silent", NULL, G_IO_ERROR_TIMED_OUT);
}

static void
test_half (void)
{
  g_autoptr (GBytes) noise = create_noise (1600 * 1000);
  g_autofree char *path
      = write_file ("noise", g_bytes_get_data (noise, NULL), g_bytes_get_size (noise));

  assert_fails ("half", path, G_IO_ERROR_TIMED_OUT);
  assert_fails ("die", path, G_IO_ERROR_TIMED_OUT);
  remove_file (path);
}

static void
test_nothing (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("", 0);
  g_autoptr (GdkContentProvider) content = gdk_content_provider_new_for_bytes ("image/png", bytes);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  gdk_clipboard_set_content (get_clipboard (), content);
  g_assert_false (read_clipboard (ESP_INCOMING_IMAGE, &in_a_hurry, NULL, &value, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

/* More than is wanted is not waited for. */
static void
test_large (void)
{
  const EspIncomingLimits limits = { 64 << 10, 30 * 1000, 60 * 1000 };
  g_autoptr (GBytes) noise = create_noise (800 * 1000);
  g_autofree char *path
      = write_file ("noise", g_bytes_get_data (noise, NULL), g_bytes_get_size (noise));
  Owner owner = own ("whole", "image/png", path);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_false (read_clipboard (ESP_INCOMING_IMAGE, &limits, NULL, &value, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);
  let_go (&owner);
  remove_file (path);
}

/* One that drips for ever is never silent. */
static void
test_patience (void)
{
  const EspIncomingLimits limits = { G_MAXUINT32, 60 * 1000, 700 };
  Owner owner = own ("endless", "image/png", NULL);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_false (read_clipboard (ESP_INCOMING_IMAGE, &limits, NULL, &value, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  let_go (&owner);
}

static gboolean
cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

/* Whoever closes the window does not wait for a program that does not answer, and nothing happens
 * when it answers after all, or goes. */
static void
test_cancel (void)
{
  Owner owner = own ("silent", "image/png", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_timeout_add (50, cancel, cancellable);
  g_assert_false (read_clipboard (ESP_INCOMING_IMAGE, NULL, cancellable, &value, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  let_go (&owner);
  scratch_wait (100);
}

static void
test_kinds (void)
{
  g_autoptr (GError) error = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  static const char list[] = "file:///tmp/a%20b.png\r\nfile:///tmp/c.png\r\n";
  g_autofree char *path = write_file ("list", list, strlen (list));
  g_autoptr (GSList) files = NULL;
  g_autofree char *name = NULL;
  g_autofree char *path_of_many = NULL;
  g_autoptr (GBytes) noise = NULL;
  Owner owner;
  gboolean came;

  gdk_clipboard_set_text (get_clipboard (), "no image");
  g_assert_false (
      esp_incoming_is_on_clipboard (get_clipboard (), ESP_INCOMING_FILES | ESP_INCOMING_IMAGE));
  g_assert_false (read_clipboard (ESP_INCOMING_IMAGE, NULL, NULL, &value, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);

  owner = own ("whole", "text/uri-list", path);
  g_assert_false (esp_incoming_is_on_clipboard (get_clipboard (), ESP_INCOMING_IMAGE));
  came = read_clipboard (ESP_INCOMING_FILES, &in_a_hurry, NULL, &value, &error);
  g_assert_no_error (error);
  g_assert_true (came);
  g_assert_true (G_VALUE_HOLDS (&value, GDK_TYPE_FILE_LIST));
  files = gdk_file_list_get_files (g_value_get_boxed (&value));
  g_assert_cmpint (g_slist_length (files), ==, 2);
  name = g_file_get_path (files->data);
  g_assert_cmpstr (name, ==, "/tmp/a b.png");
  let_go (&owner);
  remove_file (path);

  /* A megabyte of names is no list of files. */
  g_value_unset (&value);
  noise = create_noise (1200 * 1000);
  path_of_many = write_file ("many", g_bytes_get_data (noise, NULL), g_bytes_get_size (noise));
  owner = own ("whole", "text/uri-list", path_of_many);
  g_assert_false (read_clipboard (ESP_INCOMING_FILES, &in_a_hurry, NULL, &value, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);
  let_go (&owner);
  remove_file (path_of_many);
}

/* What this program itself has on the clipboard comes back without loss: bytes, a texture, files.
 */
static void
test_own (void)
{
  static const guint8 pixels[] = { 255, 0, 0, 0, 255, 0, 1, 2, 3, 250, 251, 252 };
  g_autoptr (GBytes) bytes = g_bytes_new_static (pixels, sizeof pixels);
  g_autoptr (GdkTexture) texture = gdk_memory_texture_new (2, 2, GDK_MEMORY_R8G8B8, bytes, 6);
  g_autoptr (GdkTexture) back = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  guchar there[16], here[16];
  gboolean came;

  gdk_clipboard_set_texture (get_clipboard (), texture);
  came = read_clipboard (ESP_INCOMING_FILES | ESP_INCOMING_IMAGE, NULL, NULL, &value, &error);
  g_assert_no_error (error);
  g_assert_true (came);
  back = gdk_texture_new_from_bytes (g_value_get_boxed (&value), &error);
  g_assert_no_error (error);
  gdk_texture_download (texture, here, 8);
  gdk_texture_download (back, there, 8);
  g_assert_cmpmem (there, sizeof there, here, sizeof here);
}

/* --- Files ------------------------------------------------------------------------------------ */

static GBytes *
load (const char *path, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GAsyncResult) result = NULL;

  esp_incoming_load_file_async (file, NULL, scratch_take_result, &result);
  return esp_incoming_load_file_finish (file, scratch_wait_for_result (&result), error);
}

static void
test_files (void)
{
  g_autofree char *path = write_file ("picture.png", "abc", 3);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) device = NULL;
  g_autoptr (GBytes) large = NULL;
  g_autoptr (GError) error = NULL;

  bytes = load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), (int) g_bytes_get_size (bytes), "abc", 3);
  device = load ("/dev/zero", &error);
  g_assert_null (device);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);
  g_clear_error (&error);
  g_assert_cmpint (truncate (path, ((off_t) 1 << 30) + 1), ==, 0);
  large = load (path, &error);
  g_assert_null (large);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);
  remove_file (path);
}

/* --- Drops ------------------------------------------------------------------------------------ */

static GString *seen;

static gboolean
take_own (GtkWidget *widget, GObject *object, gboolean move, double x, double y)
{
  g_string_append_printf (seen, "own:%s:%d ", G_OBJECT_TYPE_NAME (object), move);
  return TRUE;
}

static gboolean
begin (GtkWidget *widget, double x, double y, GObject **place)
{
  if (x < 0)
    return FALSE;
  g_set_object (place, G_OBJECT (widget));
  return TRUE;
}

static gboolean
take (GtkWidget *widget, GObject *place, const GValue *value)
{
  g_assert_true (place == G_OBJECT (widget));
  g_string_append_printf (seen, "value:%s ", G_VALUE_TYPE_NAME (value));
  return TRUE;
}

static void
test_drop (void)
{
  static EspDrop drop = {
    .kinds = ESP_INCOMING_IMAGE,
    .actions = GDK_ACTION_COPY,
    .take_own = take_own,
    .begin = begin,
    .take = take,
  };
  GtkWidget *label = gtk_label_new ("Here");
  GtkWidget *window = widgets_show (label, 100, 100);
  g_auto (GValue) own_value = G_VALUE_INIT;
  g_auto (GValue) bytes = G_VALUE_INIT;

  seen = g_string_new (NULL);
  drop.own = GTK_TYPE_LABEL;
  esp_drop_attach (label, &drop);
  g_value_init (&own_value, GTK_TYPE_LABEL);
  g_value_set_object (&own_value, label);
  g_value_init (&bytes, G_TYPE_BYTES);
  g_value_take_boxed (&bytes, g_bytes_new_static ("x", 1));
  g_assert_true (esp_drop_give (label, &own_value, TRUE, 1, 1));
  g_assert_true (esp_drop_give (label, &bytes, FALSE, 1, 1));
  g_assert_false (esp_drop_give (label, &bytes, FALSE, -1, 1));
  g_assert_cmpstr (seen->str, ==, "own:GtkLabel:1 value:GBytes ");
  g_string_free (g_steal_pointer (&seen), TRUE);
  gtk_window_destroy (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);
  g_test_add_func ("/incoming/bytes", test_bytes);
  g_test_add_func ("/incoming/large", test_large);
  g_test_add_func ("/incoming/patience", test_patience);
  g_test_add_func ("/incoming/cancel", test_cancel);
  g_test_add_func ("/incoming/kinds", test_kinds);
  g_test_add_func ("/incoming/own", test_own);
  g_test_add_func ("/incoming/files", test_files);
  g_test_add_func ("/incoming/drop", test_drop);
  /* Last: GTK 4.8 on X11 keeps waiting for an answer that is owed, whatever is asked next. */
  g_test_add_func ("/incoming/nothing", test_nothing);
  g_test_add_func ("/incoming/silent", test_silent);
  g_test_add_func ("/incoming/half", test_half);
  return g_test_run ();
}
