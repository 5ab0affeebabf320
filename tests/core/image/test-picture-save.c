/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Saving: what comes back is what went in, and whatever goes wrong the old file is there, whole,
 * and nothing else is. Every test has a fresh folder, and its end looks for left-over files in it.
 */
#include "esp-file-private.h"
#include "esp-picture.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  char *folder;
  EspPicture *picture;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("espalier-save-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
  fixture->picture = esp_picture_new (67, 41, NULL);
  for (int y = 0; y < 41; y++)
    for (int x = 0; x < 67; x++)
      {
        guint8 *p = fixture->picture->pixels + (y * 67 + x) * 3;
        p[0] = (guint8) (x * 3);
        p[1] = (guint8) (y * 6);
        p[2] = (guint8) (255 - x - y);
      }
}

/* How many names are in the folder, hidden ones too. */
static guint
count_files (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  GDir *dir = g_dir_open (fixture->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
      g_assert_null (strstr (name, ".tmp"));
      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_dir_close (dir);
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  esp_picture_unref (fixture->picture);
}

static char *
in_folder (const Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->folder, name, NULL);
}

static int
largest_difference (const EspPicture *a, const EspPicture *b)
{
  int largest = 0;

  g_assert_cmpint (a->width, ==, b->width);
  g_assert_cmpint (a->height, ==, b->height);
  for (int i = 0; i < a->width * a->height * 3; i++)
    largest = MAX (largest, ABS (a->pixels[i] - b->pixels[i]));
  return largest;
}

static void
assert_fails (const Fixture *fixture, const char *path, int code, const char *word)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_path_get_basename (path);

  g_assert_false (esp_picture_save (fixture->picture, path, NULL, NULL, NULL, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, code);
  g_test_message ("%s", error->message);
  if (strstr (error->message, name) == NULL || strstr (error->message, word) == NULL)
    g_error ("“%s” does not name %s or does not say “%s”", error->message, name, word);
}

static void
test_round_trip (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *name;
    const char *format;
    gboolean lossless;
    int tolerance;
  } cases[] = {
    { "a.png", "PNG", FALSE, 0 },   { "b.PNG", "PNG", FALSE, 0 },    { "c.jpg", "JPEG", FALSE, 6 },
    { "d.JPEG", "JPEG", FALSE, 6 }, { "e.webp", "WebP", FALSE, 12 }, { "f.webp", "WebP", TRUE, 0 },
    { "g.tif", "TIFF", FALSE, 0 },  { "h.TIFF", "TIFF", FALSE, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = in_folder (fixture, cases[i].name);
      g_autoptr (GError) error = NULL;
      EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
      EspPictureInfo info = ESP_PICTURE_INFO_INIT;
      g_autoptr (EspPicture) back = NULL;

      options.lossless = cases[i].lossless;
      esp_picture_save (fixture->picture, path, NULL, &options, NULL, &error);
      g_assert_no_error (error);
      back = esp_picture_load (path, &info, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (info.format, ==, cases[i].format);
      g_assert_false (info.converted); /* our own tag is sRGB, and seen to be */
      g_assert_null (info.warnings);
      g_assert_cmpint (largest_difference (back, fixture->picture), <=, cases[i].tolerance);
      esp_picture_info_clear (&info);
    }
}

static void
test_ppm (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "exchange.ppm");
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) back = NULL;

  g_assert_true (esp_picture_save_ppm (fixture->picture, path, &error));
  back = esp_picture_load_ppm (path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (largest_difference (back, fixture->picture), ==, 0);
}

static void
test_options (Fixture *fixture, gconstpointer data)
{
  EspSaveOptions low = ESP_SAVE_OPTIONS_INIT;
  static const EspPictureFormat lossy[] = { ESP_FORMAT_JPEG, ESP_FORMAT_WEBP };

  low.quality = 30;
  for (guint i = 0; i < G_N_ELEMENTS (lossy); i++)
    {
      g_autoptr (GBytes) small
          = esp_picture_to_bytes (fixture->picture, lossy[i], NULL, &low, NULL, NULL);
      g_autoptr (GBytes) usual
          = esp_picture_to_bytes (fixture->picture, lossy[i], NULL, NULL, NULL, NULL);
      g_autoptr (GBytes) again
          = esp_picture_to_bytes (fixture->picture, lossy[i], NULL, NULL, NULL, NULL);

      g_assert_cmpuint (g_bytes_get_size (small), <, g_bytes_get_size (usual));
      g_assert_true (g_bytes_equal (usual, again));
    }
}

/* 4:4:4: one-pixel coloured lines keep their colour, which halved chroma would not let them. */
static void
test_chroma (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspPicture) lines = esp_picture_new (32, 32, NULL);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (EspPicture) back = NULL;

  for (int i = 0; i < 32 * 32; i++)
    lines->pixels[i * 3 + (i % 2 ? 0 : 2)] = 200;
  bytes = esp_picture_to_bytes (lines, ESP_FORMAT_JPEG, NULL, NULL, NULL, NULL);
  back = esp_picture_load_bytes (bytes, "lines", NULL, NULL, NULL);
  g_assert_cmpint (largest_difference (lines, back), <, 25);
}

static void
test_extensions (Fixture *fixture, gconstpointer data)
{
  static const char *names[] = { "a.gif", "a", "a.", ".png", "a.png.bak", "a.heic", "png" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = in_folder (fixture, names[i]);
      assert_fails (fixture, path, ESP_IMAGE_ERROR_UNSUPPORTED,
                    ".png, .jpg, .jpeg, .webp or .tiff");
    }
  g_assert_cmpuint (count_files (fixture->folder), ==, 0);
}

static void
test_unwritable (Fixture *fixture, gconstpointer data)
{
  g_autofree char *no_folder = g_build_filename (fixture->folder, "no", "such.png", NULL);
  g_autofree char *is_folder = in_folder (fixture, "folder.png");
  g_autofree char *fifo = in_folder (fixture, "fifo.png");
  g_autofree char *loop = in_folder (fixture, "loop.png");
  g_autofree char *slash = g_build_filename (fixture->folder, "folder.png/", NULL);
  g_autofree char *file = in_folder (fixture, "file");
  g_autofree char *under_file = g_build_filename (fixture->folder, "file", "a.png", NULL);

  g_assert_cmpint (g_mkdir (is_folder, 0700), ==, 0);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (symlink ("loop.png", loop), ==, 0);
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  assert_fails (fixture, no_folder, ESP_IMAGE_ERROR_WRITE, "No such file");
  assert_fails (fixture, is_folder, ESP_IMAGE_ERROR_WRITE, "folder");
  assert_fails (fixture, slash, ESP_IMAGE_ERROR_WRITE, "irectory");
  assert_fails (fixture, fifo, ESP_IMAGE_ERROR_WRITE, "regular");
  assert_fails (fixture, loop, ESP_IMAGE_ERROR_WRITE, "symbolic");
  assert_fails (fixture, under_file, ESP_IMAGE_ERROR_WRITE, "irectory");
  g_assert_cmpuint (count_files (fixture->folder), ==, 4);
}

static void
test_permission (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "protected.png");

  if (geteuid () == 0)
    {
      g_test_skip ("root writes everywhere");
      return;
    }
  g_assert_true (g_file_set_contents (path, "old", 3, NULL));
  g_assert_cmpint (g_chmod (path, 0444), ==, 0);
  assert_fails (fixture, path, ESP_IMAGE_ERROR_WRITE, "ermission");
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
  g_assert_cmpint (g_chmod (fixture->folder, 0555), ==, 0);
  assert_fails (fixture, path, ESP_IMAGE_ERROR_WRITE, "ermission");
  g_assert_cmpint (g_chmod (fixture->folder, 0755), ==, 0);
}

static void
test_replace (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "photo.png");
  g_autofree char *link = in_folder (fixture, "link.png");
  g_autofree char *dangling = in_folder (fixture, "dangling.png");
  g_autofree char *later = in_folder (fixture, "later.png");
  g_autofree char *target = NULL;
  g_autoptr (EspPicture) back = NULL;
  GStatBuf st;
  const mode_t mask = umask (027);

  /* a new file gets the umask's mode, an old one keeps its own */
  g_assert_true (esp_picture_save (fixture->picture, path, NULL, NULL, NULL, NULL));
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0640);
  umask (mask);
  g_assert_true (g_file_set_contents (path, "old", 3, NULL));
  g_assert_cmpint (g_chmod (path, 0604), ==, 0);
  g_assert_true (esp_picture_save (fixture->picture, path, NULL, NULL, NULL, NULL));
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0604);

  /* links stay, their targets are written */
  g_assert_true (g_file_set_contents (path, "old", 3, NULL));
  g_assert_cmpint (symlink ("photo.png", link), ==, 0);
  g_assert_cmpint (symlink (later, dangling), ==, 0);
  g_assert_true (esp_picture_save (fixture->picture, link, NULL, NULL, NULL, NULL));
  g_assert_true (esp_picture_save (fixture->picture, dangling, NULL, NULL, NULL, NULL));
  target = g_file_read_link (link, NULL);
  g_assert_cmpstr (target, ==, "photo.png");
  g_assert_true (g_file_test (dangling, G_FILE_TEST_IS_SYMLINK));
  back = esp_picture_load (path, NULL, NULL, NULL);
  g_assert_nonnull (back);
  g_assert_true (g_file_test (later, G_FILE_TEST_IS_REGULAR));
  g_assert_cmpuint (count_files (fixture->folder), ==, 4);
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  static const char *names[] = { "a.png", "a.jpg", "a.webp" };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = in_folder (fixture, names[i]);
      g_autofree char *text = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (g_file_set_contents (path, "old", 3, NULL));
      g_assert_false (esp_picture_save (fixture->picture, path, NULL, NULL, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      g_assert_cmpstr (text, ==, "old");
    }
  g_assert_cmpuint (count_files (fixture->folder), ==, 3);
}

static void
test_device_full (Fixture *fixture, gconstpointer data)
{
  g_autofree char *link = in_folder (fixture, "full.png");
  GStatBuf st;

  if (!g_file_test ("/dev/full", G_FILE_TEST_EXISTS))
    {
      g_test_skip ("no /dev/full");
      return;
    }
  g_assert_cmpint (symlink ("/dev/full", link), ==, 0);
  assert_fails (fixture, link, ESP_IMAGE_ERROR_WRITE, "No space left");
  g_assert_cmpint (g_stat ("/dev/full", &st), ==, 0);
  g_assert_true (S_ISCHR (st.st_mode));
}

/* In a child: a file size limit below the picture's, with SIGXFSZ left as it is (it would kill). */
static void
test_size_limit (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "limited.png");
  g_autofree char *text = NULL;
  int status = 0;
  pid_t child;

  g_assert_true (g_file_set_contents (path, "old", 3, NULL));
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      const struct rlimit limit = { 200, 200 };
      g_autoptr (GError) error = NULL;

      signal (SIGXFSZ, SIG_DFL);
      setrlimit (RLIMIT_FSIZE, &limit);
      if (esp_picture_save (fixture->picture, path, NULL, NULL, NULL, &error))
        _exit (1);
      _exit (g_error_matches (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE)
                     && strstr (error->message, "limited.png") != NULL
                 ? 0
                 : 2);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "old");
  g_assert_cmpuint (count_files (fixture->folder), ==, 1);
}

static void
test_disk_full (Fixture *fixture, gconstpointer data)
{
  g_autofree char *disk = in_folder (fixture, "disk");
  g_autofree char *path = g_build_filename (disk, "photo.png", NULL);
  g_autofree char *text = NULL;
  EspPicture *noise;
  guint32 state = 1;

  g_assert_cmpint (g_mkdir (disk, 0700), ==, 0);
  if (mount ("none", disk, "tmpfs", 0, "size=64k") != 0)
    {
      g_test_skip ("no right to mount a small disk");
      return;
    }
  noise = esp_picture_new (400, 400, NULL);
  for (int i = 0; i < 400 * 400 * 3; i++)
    {
      state = state * 1664525u + 1013904223u;
      noise->pixels[i] = (guint8) (state >> 24);
    }
  g_assert_true (g_file_set_contents (path, "old", 3, NULL));
  esp_picture_unref (g_steal_pointer (&fixture->picture));
  fixture->picture = noise;
  assert_fails (fixture, path, ESP_IMAGE_ERROR_WRITE, "No space left");
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpuint (count_files (disk), ==, 1);
  g_assert_cmpint (umount (disk), ==, 0);
  g_assert_cmpstr (text, ==, "old");
}

/* The way for file systems without nameless files: new, replaced, refused, cancelled, too large. */
static void
test_named (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "named");
  g_autofree char *text = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  const EspPiece first[] = { { "one ", 4 }, { "two", 3 } };
  const EspPiece second = { "three", 5 };
  GStatBuf st;
  int status = 0;
  pid_t child;

  g_assert_true (_esp_file_replace (path, first, 2, ESP_REPLACE_NAMED, NULL, &error));
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "one two");
  g_assert_cmpint (g_chmod (path, 0640), ==, 0);
  g_assert_true (_esp_file_replace (path, &second, 1, ESP_REPLACE_NAMED, NULL, &error));
  g_assert_cmpint (g_stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0640);

  g_cancellable_cancel (cancellable);
  g_assert_false (_esp_file_replace (path, first, 2, ESP_REPLACE_NAMED, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      const struct rlimit limit = { 3, 3 };
      setrlimit (RLIMIT_FSIZE, &limit);
      _exit (_esp_file_replace (path, first, 2, ESP_REPLACE_NAMED, NULL, NULL) ? 1 : 0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  g_free (g_steal_pointer (&text));
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "three");
  g_assert_cmpuint (count_files (fixture->folder), ==, 1);
}

/* A child that is killed again and again while it saves: the file is always whole, and alone. */
static void
test_killed (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "victim.png");

  g_assert_true (esp_picture_save (fixture->picture, path, NULL, NULL, NULL, NULL));
  for (guint i = 0; i < 25; i++)
    {
      g_autoptr (EspPicture) back = NULL;
      const pid_t child = fork ();

      g_assert_cmpint (child, >=, 0);
      if (child == 0)
        for (;;)
          if (!esp_picture_save (fixture->picture, path, NULL, NULL, NULL, NULL))
            _exit (1);
      g_usleep (1500 + i * 331);
      g_assert_cmpint (kill (child, SIGKILL), ==, 0);
      g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
      back = esp_picture_load (path, NULL, NULL, NULL);
      g_assert_nonnull (back);
      g_assert_cmpint (largest_difference (back, fixture->picture), ==, 0);
    }
  /* Between link and rename a kill can leave one name; nearly always there is none. */
  g_assert_cmpuint (count_files (fixture->folder), <=, 3);
  {
    g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name (dir)) != NULL)
      if (strstr (name, ".tmp") != NULL)
        {
          g_autofree char *left = in_folder (fixture, name);
          g_unlink (left);
        }
  }
}

static void
test_too_large (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "wide.webp");
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) wide = esp_picture_new (16384, 1, NULL);

  g_assert_false (esp_picture_save (wide, path, NULL, NULL, NULL, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE);
  g_clear_error (&error);
  g_assert_null (esp_picture_new (30001, 1, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE);
  g_clear_error (&error);
  g_assert_null (esp_picture_new (0, 1, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE);
  g_assert_cmpuint (count_files (fixture->folder), ==, 0);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/picture/save/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("round-trip", test_round_trip);
  ADD ("ppm", test_ppm);
  ADD ("options", test_options);
  ADD ("chroma", test_chroma);
  ADD ("extensions", test_extensions);
  ADD ("unwritable", test_unwritable);
  ADD ("permission", test_permission);
  ADD ("replace", test_replace);
  ADD ("cancelled", test_cancelled);
  ADD ("device-full", test_device_full);
  ADD ("size-limit", test_size_limit);
  ADD ("disk-full", test_disk_full);
  ADD ("named", test_named);
  ADD ("killed", test_killed);
  ADD ("too-large", test_too_large);
  return g_test_run ();
}
