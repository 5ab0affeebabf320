/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sheets as PDF: one page, words that can be searched for, JPEG files as they were. Reads the pages
 * itself: streams are inflated, codes of letters looked up in the fonts' own tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "esp-picture-attach.h"
#include "sheet-fixture.h"

/* ---- reading PDF */

/* Everything between "stream" and "endstream" that zlib can read. */
static GPtrArray *
inflate_streams (GBytes *pdf)
{
  GPtrArray *streams = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  gsize size;
  const char *data = g_bytes_get_data (pdf, &size), *end = data + size;

  for (const char *start = data;
       (start = memmem (start, (gsize) (end - start), "stream\n", 7)) != NULL;)
    {
      const char *last;
      gulong room = 64 << 20;
      g_autofree guint8 *out = g_malloc (room);

      start += 7;
      last = memmem (start, (gsize) (end - start), "\nendstream", 10);
      if (last == NULL)
        break;
      if (uncompress (out, &room, (const guint8 *) start, (gulong) (last - start)) == Z_OK)
        g_ptr_array_add (streams, g_bytes_new (out, room));
      start = last + 10;
    }
  return streams;
}

/* The letters of a font's table, "<01> <0041>" or "<01> <02> <0041>", by their codes. */
static GHashTable *
read_letters (const char *table)
{
  GHashTable *letters = g_hash_table_new (NULL, NULL);
  g_auto (GStrv) lines = g_strsplit (table, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      guint from, to, letter;

      if (sscanf (lines[i], "<%x> <%x> <%x>", &from, &to, &letter) == 3)
        for (guint code = from; code <= to; code++)
          g_hash_table_insert (letters, GUINT_TO_POINTER (code),
                               GUINT_TO_POINTER (letter + code - from));
      else if (sscanf (lines[i], "<%x> <%x>", &from, &letter) == 2)
        g_hash_table_insert (letters, GUINT_TO_POINTER (from), GUINT_TO_POINTER (letter));
    }
  return letters;
}

/* A code that this font does not have is another font's. */
static gunichar
get_letter (GHashTable *letters, guint code)
{
  const guint letter = GPOINTER_TO_UINT (g_hash_table_lookup (letters, GUINT_TO_POINTER (code)));

  return letter != 0 ? letter : '?';
}

/* What is between the brackets of a "(…)Tj" or "<…>Tj", as codes, put into letters. */
static void
append_shown (GString *text, const char *shown, const char *end, GHashTable *letters)
{
  if (*shown == '<')
    {
      guint code;

      for (shown++; shown + 4 <= end && sscanf (shown, "%4x", &code) == 1; shown += 4)
        g_string_append_unichar (text, get_letter (letters, code));
      return;
    }
  for (shown++; shown < end && *shown != ')'; shown++)
    {
      guint code = (guchar) *shown;

      if (*shown == '\\' && shown[1] >= '0' && shown[1] <= '7')
        {
          code = (guint) strtoul ((char[]){ shown[1], shown[2], shown[3], '\0' }, NULL, 8);
          shown += 3;
        }
      else if (*shown == '\\')
        code = (guchar) * ++shown;
      g_string_append_unichar (text, get_letter (letters, code));
    }
}

/* All words of the page, read with this font's table. */
static char *
read_words (const char *page, GHashTable *letters)
{
  GString *text = g_string_new (NULL);
  g_auto (GStrv) lines = g_strsplit (page, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *end = lines[i] + strlen (lines[i]);

      if (g_str_has_suffix (lines[i], "Tj"))
        append_shown (text, lines[i], end - 2, letters);
      else if (g_str_has_suffix (lines[i], "TJ"))
        for (const char *part = strpbrk (lines[i], "(<"); part != NULL;
             part = strpbrk (part + 1, "(<"))
          append_shown (text, part, end - 2, letters);
      g_string_append_c (text, '\n');
    }
  return g_string_free (text, FALSE);
}

/* Is it on the page, in one of the fonts? */
static guint
count_words (GBytes *pdf, const char *words)
{
  g_autoptr (GPtrArray) streams = inflate_streams (pdf);
  guint n = 0;

  for (guint i = 0; i < streams->len; i++)
    {
      g_autofree char *table = g_strndup (g_bytes_get_data (streams->pdata[i], NULL),
                                          g_bytes_get_size (streams->pdata[i]));
      g_autoptr (GHashTable) letters = NULL;

      if (strstr (table, "begincmap") == NULL)
        continue;
      letters = read_letters (table);
      for (guint k = 0; k < streams->len; k++)
        {
          g_autofree char *page = g_strndup (g_bytes_get_data (streams->pdata[k], NULL),
                                             g_bytes_get_size (streams->pdata[k]));
          g_autofree char *text = NULL;

          if (strstr (page, "\nET") == NULL)
            continue;
          text = read_words (page, letters);
          for (const char *found = text; (found = strstr (found, words)) != NULL; found++)
            n++;
        }
    }
  return n;
}

static gboolean
contains (GBytes *bytes, gconstpointer part, gsize length)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return memmem (data, size, part, length) != NULL;
}

/* ---- tests */

static void
test_words (Fixture *fixture, gconstpointer data)
{
  static const char *const columns[] = { "1.5", "Breite" };
  static const char *const table[] = { "Drift", "", "sixty" };
  SheetScene scene;
  EspSheetCell cells[2] = { { 0 } };
  EspSheet sheet = { .n_columns = 2, .n_rows = 1, .cells = cells, .cell_side = 300 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) pdf = NULL;

  sheet_scene_init (&scene, fixture);
  cells[0].node = sheet_scene_add (&scene, 300, 200, 0x800000);
  cells[0].caption = "Mach die Segel rot";
  cells[1].missing = "Demo cannot do that";
  sheet.title = "Harbour";
  sheet.column_axis = "Guidance";
  sheet.column_labels = columns;
  sheet.row_axis = "Upright";
  sheet.table = table;
  sheet.n_table_rows = 1;
  pdf = sheet_scene_export (&scene, &sheet, "sheet.pdf", NULL, &error);
  g_assert_no_error (error);
  g_assert_true (contains (pdf, "%PDF-1.", 7));
  g_assert_true (contains (pdf, "/Count 1", 8));
  g_assert_true (contains (pdf, "(Harbour)", 9)); /* the title of the file */

  g_assert_cmpuint (count_words (pdf, "Harbour"), ==, 1);
  g_assert_cmpuint (count_words (pdf, "Guidance"), ==, 1);
  g_assert_cmpuint (count_words (pdf, "Breite"), ==, 1);
  g_assert_cmpuint (count_words (pdf, "1.5"), ==, 1);
  g_assert_cmpuint (count_words (pdf, "Upright"), ==, 1);
  g_assert_cmpuint (count_words (pdf, "Mach die Segel rot"), ==, 1);
  g_assert_cmpuint (count_words (pdf, "Demo cannot do that"), ==, 1);
  g_assert_cmpuint (count_words (pdf, "sixty"), ==, 1);
  g_assert_cmpuint (count_words (pdf, "nowhere"), ==, 0);
  sheet_scene_clear (&scene);
}

static GBytes *
make_jpeg (int width, int height)
{
  g_autoptr (EspPicture) picture = esp_picture_new (width, height, NULL);

  for (gsize i = 0; i < (gsize) width * (gsize) height * 3; i++)
    picture->pixels[i] = (guint8) (i * 7 % 251);
  return esp_picture_to_bytes (picture, ESP_FORMAT_JPEG, NULL, NULL, NULL, NULL);
}

/* A JPEG file goes in as it is, but for what it tells of its maker. */
static void
test_jpeg (Fixture *fixture, gconstpointer data)
{
  SheetScene scene;
  EspSheetCell cells[2] = { { 0 } };
  EspSheet sheet = { .n_columns = 2, .n_rows = 1, .cells = cells, .cell_side = 100 };
  g_autoptr (GBytes) plain = make_jpeg (400, 300);
  const EspRecipe recipe = { .json = "{\"prompt\":\"secret\"}", .prompt = "secret" };
  g_autoptr (GBytes) telling = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) pdf = NULL;
  const char *bytes;
  gsize size;

  sheet_scene_init (&scene, fixture);
  telling = esp_picture_attach_recipe (plain, "photo.jpg", &recipe, &error);
  g_assert_no_error (error);
  g_assert_true (contains (telling, "secret", 6));
  cells[0].node = sheet_scene_add_bytes (&scene, telling);
  cells[1].node = sheet_scene_add (&scene, 100, 100, 0x00a000);
  pdf = sheet_scene_export (&scene, &sheet, "sheet.pdf", NULL, &error);
  g_assert_no_error (error);
  g_assert_true (contains (pdf, "/DCTDecode", 10));
  g_assert_true (contains (pdf, "/Width 400", 10));
  /* The compressed picture itself: the last two thirds of the file. */
  bytes = g_bytes_get_data (plain, &size);
  g_assert_true (contains (pdf, bytes + size / 3, size - size / 3));
  g_assert_false (contains (pdf, "secret", 6));
  g_assert_false (contains (pdf, "Exif", 4));
  sheet_scene_clear (&scene);
}

/* One that must be turned, or has another colour space, is not taken as it is. */
static void
test_other_jpeg (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "cmyk.jpg", "icc-cmyk.jpg", "orient-6.jpg" };
  const char *folder = g_getenv ("ESP_TEST_DATA");
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (folder, "images", names[i], NULL);
      SheetScene scene;
      EspSheetCell cells[1] = { { 0 } };
      EspSheet sheet = { .n_columns = 1, .n_rows = 1, .cells = cells, .cell_side = 100 };
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) jpeg = NULL;
      g_autoptr (GBytes) pdf = NULL;
      char *bytes;
      gsize size;

      g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
      n++;
      jpeg = g_bytes_new_take (bytes, size);
      sheet_scene_init (&scene, fixture);
      cells[0].node = sheet_scene_add_bytes (&scene, jpeg);
      pdf = sheet_scene_export (&scene, &sheet, "sheet.pdf", NULL, &error);
      g_assert_no_error (error);
      g_assert_false (contains (pdf, "/DCTDecode", 10));
      g_assert_true (contains (pdf, "/Subtype /Image", 15));
      sheet_scene_clear (&scene);
    }
  g_assert_cmpuint (n, ==, 3);
}

int
main (int argc, char **argv)
{
  fixture_init (&argc, &argv);
  ADD_TEST ("/export/sheet-pdf/words", test_words);
  ADD_TEST ("/export/sheet-pdf/jpeg", test_jpeg);
  ADD_TEST ("/export/sheet-pdf/other-jpeg", test_other_jpeg);
  return g_test_run ();
}
