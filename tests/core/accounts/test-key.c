/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-key.c: what can be a key, and where the command line has it from. No key ring. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "esp-key-store.h"

/* As many bytes of a key file are read. */
#define MAX_FILE (64 << 10)

/* --- What the C library is asked for -----------------------------------------------------------
 */

/* The program's own come before the C library's. AddressSanitizer wants these for itself. */
#ifndef __SANITIZE_ADDRESS__

static gboolean no_mapping;  /* mmap () fails */
static gsize wiped;          /* bytes that explicit_bzero () was last given */
static gpointer watched;     /* a mapping, */
static gboolean ended_clean; /* and whether there was nothing in it when it ended */

void *
mmap (void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
  if (no_mapping)
    {
      errno = ENOMEM;
      return MAP_FAILED;
    }
  return (void *) syscall (SYS_mmap, address, length, protection, flags, fd, offset);
}

int
munmap (void *address, size_t length)
{
  if (address == watched)
    {
      ended_clean = TRUE;
      for (gsize i = 0; i < length; i++)
        ended_clean = ended_clean && ((const char *) address)[i] == 0;
      watched = NULL;
    }
  return (int) syscall (SYS_munmap, address, length);
}

void
explicit_bzero (void *memory, size_t length)
{
  volatile char *bytes = memory;

  for (gsize i = 0; i < length; i++)
    bytes[i] = 0;
  wiped = length;
}

/* What it is called in a program that is built with _FORTIFY_SOURCE. */
void __explicit_bzero_chk (void *memory, size_t length, size_t size);

void
__explicit_bzero_chk (void *memory, size_t length, size_t size)
{
  explicit_bzero (memory, MIN (length, size));
}

static void
test_wiped (void)
{
  EspKey *key = esp_key_new ("sk-canary");
  EspKey *same = esp_key_ref (key);

  watched = (gpointer) esp_key_get (key);
  esp_key_unref (key);
  g_assert_nonnull (watched);
  g_assert_cmpstr (esp_key_get (same), ==, "sk-canary");
  esp_key_unref (same);
  g_assert_null (watched);
  g_assert_true (ended_clean);
  esp_key_unref (NULL);
}

/* Without memory that can be kept from the disk a key is one all the same, and is wiped. */
static void
test_unmapped (void)
{
  EspKey *key;

  no_mapping = TRUE;
  key = esp_key_new ("sk-canary");
  no_mapping = FALSE;
  g_assert_cmpstr (esp_key_get (key), ==, "sk-canary");
  wiped = 0;
  esp_key_unref (key);
  g_assert_cmpuint (wiped, >, strlen ("sk-canary"));
}

/* What the kernel says of the memory at `address`: the line "VmFlags" of /proc/self/smaps. */
static char *
dup_flags (gconstpointer address)
{
  g_autofree char *maps = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean here = FALSE;

  g_assert_true (g_file_get_contents ("/proc/self/smaps", &maps, NULL, NULL));
  lines = g_strsplit (maps, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      gsize begin, end;

      if (sscanf (*line, "%zx-%zx ", &begin, &end) == 2)
        here = GPOINTER_TO_SIZE (address) >= begin && GPOINTER_TO_SIZE (address) < end;
      else if (here && g_str_has_prefix (*line, "VmFlags:"))
        return g_strconcat (*line, " ", NULL);
    }
  g_assert_not_reached ();
}

/* Neither the swap nor a core dump gets it. */
static void
test_kept_in_memory (void)
{
  g_autoptr (EspKey) key = esp_key_new ("sk-canary");
  g_autofree char *flags = dup_flags (esp_key_get (key));
  g_autofree char *page = g_malloc (1);

  g_assert_nonnull (strstr (flags, " dd "));
  if (mlock (page, 1) == 0)
    g_assert_nonnull (strstr (flags, " lo "));
}

#endif

/* --- Texts -------------------------------------------------------------------------------------
 */

static void
test_key (void)
{
  g_autoptr (EspKey) key = esp_key_new (" \tsk-canary\n");
  g_autoptr (EspKey) same = esp_key_ref (key);
  g_autofree char *text = g_strnfill (10000, 'k');
  g_autoptr (EspKey) large = esp_key_new (text);
  g_autoptr (EspKey) empty = esp_key_new (" \n ");

  g_assert_cmpstr (esp_key_get (same), ==, "sk-canary");
  g_assert_cmpstr (esp_key_get (large), ==, text);
  g_assert_cmpstr (esp_key_get (empty), ==, "");
}

static void
test_problems (void)
{
  static const struct
  {
    const char *text;
    const char *says;
  } wrong[] = {
    { "", "empty" },
    { "  \n", "empty" },
    { "a\nb", "lines" },
    { "a\rb", "lines" },
    { "a\r\nb", "lines" },
    { "a\tb", "control" },
    { "a\x1f", "control" },
    { "a\x7f"
      "b",
      "control" },
    { "schlüssel", "no key has" },
    { "a\x80", "no key has" },
  };
  g_autofree char *longest = g_strnfill (16384, 'k');
  g_autofree char *longer = g_strnfill (16385, 'k');
  g_autofree char *padded = g_strconcat ("   ", longest, "\n", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_nonnull (strstr (esp_key_problem (wrong[i].text), wrong[i].says));
  g_assert_nonnull (strstr (esp_key_problem (NULL), "empty"));
  g_assert_nonnull (strstr (esp_key_problem (longer), "longer"));
  g_assert_null (esp_key_problem (longest));
  g_assert_null (esp_key_problem (padded));
  g_assert_null (esp_key_problem ("sk-live_12.34:56/=="));
  g_assert_null (esp_key_problem ("two words"));
  g_assert_null (esp_key_problem (" padded\n"));
}

static void
test_variable (void)
{
  g_autofree char *name = esp_key_variable_name ("oxen-flux-kontext-dev-2");
  g_autoptr (EspKey) key = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (name, ==, "ESPALIER_KEY_OXEN_FLUX_KONTEXT_DEV_2");
  g_setenv (name, "from-the-environment\n", TRUE);
  key = esp_key_find ("oxen-flux-kontext-dev-2", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (esp_key_get (key), ==, "from-the-environment");

  g_setenv (name, "two\nlines", TRUE);
  g_assert_null (esp_key_find ("oxen-flux-kontext-dev-2", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_nonnull (strstr (error->message, name));
  g_assert_null (strstr (error->message, "two"));
  g_unsetenv (name);
}

static void
test_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("esp-key-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "key", NULL);
  g_autofree char *large = g_strnfill (70 * 1024, 'k');
  g_autoptr (EspKey) key = NULL;
  g_autoptr (GError) error = NULL;

  /* A file is asked first. */
  g_setenv ("ESPALIER_KEY_X", "from-the-environment", TRUE);
  g_assert_true (g_file_set_contents (path, "  from-the-file \nsecond line\n", -1, NULL));
  key = esp_key_find ("x", path, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (esp_key_get (key), ==, "from-the-file");

  g_assert_null (esp_key_find ("x", folder, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (path, "\n\n", -1, NULL));
  g_assert_null (esp_key_find ("x", path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (path, large, -1, NULL));
  g_assert_null (esp_key_find ("x", path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_clear_error (&error);

  g_remove (path);
  g_assert_null (esp_key_find ("x", path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_rmdir (folder);
  g_unsetenv ("ESPALIER_KEY_X");
}

/* What a file of `size` bytes, whose first line is a key, is for esp_key_find (). */
static EspKey *
find_in_file (gsize size, GError **error)
{
  g_autofree char *folder = g_dir_make_tmp ("esp-key-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "key", NULL);
  g_autofree char *text = g_strnfill (size, '\n');
  EspKey *key;

  memcpy (text, "sk-canary", strlen ("sk-canary"));
  g_assert_true (g_file_set_contents (path, text, (gssize) size, NULL));
  key = esp_key_find ("x", path, error);
  g_remove (path);
  g_rmdir (folder);
  return key;
}

static void
test_file_sizes (void)
{
  g_autoptr (EspKey) bare = NULL, largest = NULL;
  g_autoptr (GError) error = NULL;

  bare = find_in_file (strlen ("sk-canary"), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (esp_key_get (bare), ==, "sk-canary");

#ifndef __SANITIZE_ADDRESS__
  wiped = 0;
#endif
  largest = find_in_file (MAX_FILE, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (esp_key_get (largest), ==, "sk-canary");
#ifndef __SANITIZE_ADDRESS__
  g_assert_cmpuint (wiped, >, MAX_FILE);
#endif

  g_assert_null (find_in_file (MAX_FILE + 1, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_nonnull (strstr (error->message, "64 KiB"));
}

/* A file that opens, and cannot be read. */
static void
test_file_unreadable (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (esp_key_find ("x", "/proc/self/mem", &error));
  g_assert_error (error, G_IO_ERROR, (int) g_io_error_from_errno (EIO));
  g_assert_nonnull (strstr (error->message, "/proc/self/mem"));
}

static gpointer
write_pieces (gpointer path)
{
  g_autofree char *piece = g_strnfill (1000, 'k');
  const int fd = open (path, O_WRONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  piece[0] = '\n';
  g_assert_cmpint (write (fd, "sk-", 3), ==, 3);
  g_usleep (20000);
  g_assert_cmpint (write (fd, "canary", 6), ==, 6);
  for (int i = 0; i < 60; i++)
    g_assert_cmpint (write (fd, piece, 1000), ==, 1000);
  close (fd);
  return NULL;
}

/* `--key-file <(secret-tool …)`: a pipe gives what it has, piece by piece. */
static void
test_pipe (void)
{
  g_autofree char *folder = g_dir_make_tmp ("esp-key-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "pipe", NULL);
  g_autoptr (EspKey) key = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  thread = g_thread_new ("writer", write_pieces, path);
  key = esp_key_find ("x", path, &error);
  g_thread_join (thread);
  g_assert_no_error (error);
  g_assert_cmpstr (esp_key_get (key), ==, "sk-canary");
  g_remove (path);
  g_rmdir (folder);
}

/* A program without standard input gets its number for the file. */
static void
test_without_input (void)
{
  g_autoptr (EspKey) key = NULL;
  g_autoptr (GError) error = NULL;
  const int kept = dup (STDIN_FILENO);

  close (STDIN_FILENO);
  key = find_in_file (20, &error);
  if (kept >= 0)
    {
      dup2 (kept, STDIN_FILENO);
      close (kept);
    }
  g_assert_no_error (error);
  g_assert_cmpstr (esp_key_get (key), ==, "sk-canary");
}

/* A server: no bus, no key ring. */
static void
test_nowhere (void)
{
  g_autoptr (GError) error = NULL;

  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", TRUE);
  g_assert_null (esp_key_find ("nobody", NULL, &error));
  g_assert_no_error (error);
}

static void
on_over (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
test_no_key_ring (void)
{
  g_autoptr (GAsyncResult) saved = NULL, loaded = NULL;
  g_autoptr (EspKey) key = esp_key_new ("sk-canary");
  g_autoptr (GError) error = NULL;

  esp_key_store_save_async ("a", "A", key, NULL, on_over, &saved);
  while (saved == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (esp_key_store_save_finish (saved, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_null (strstr (error->message, "canary"));
  g_clear_error (&error);

  esp_key_store_load_async ("a", NULL, on_over, &loaded);
  while (loaded == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (esp_key_store_load_finish (loaded, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("SECRET_BACKEND");
  g_test_add_func ("/accounts/key/memory", test_key);
  g_test_add_func ("/accounts/key/problems", test_problems);
  g_test_add_func ("/accounts/key/variable", test_variable);
  g_test_add_func ("/accounts/key/file", test_file);
  g_test_add_func ("/accounts/key/file/sizes", test_file_sizes);
  g_test_add_func ("/accounts/key/file/unreadable", test_file_unreadable);
  g_test_add_func ("/accounts/key/file/pipe", test_pipe);
  g_test_add_func ("/accounts/key/file/without-input", test_without_input);
#ifndef __SANITIZE_ADDRESS__
  g_test_add_func ("/accounts/key/wiped", test_wiped);
  g_test_add_func ("/accounts/key/unmapped", test_unmapped);
  g_test_add_func ("/accounts/key/kept-in-memory", test_kept_in_memory);
#endif
  g_test_add_func ("/accounts/key/nowhere", test_nowhere);
  g_test_add_func ("/accounts/key/no-key-ring", test_no_key_ring);
  return g_test_run ();
}
