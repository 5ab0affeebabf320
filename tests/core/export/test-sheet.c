/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Contact sheets: pictures, labels and reasons where they belong, bounds, errors, and files without
 * a word too many. PDF pages are in test-sheet-pdf.c. */
#include "esp-sheet.h"

#include <math.h>
#include <string.h>

#include "esp-sheet-private.h"
#include "sheet-fixture.h"

#define PAPER 0xffffff
#define EMPTY 0xf3f2f0

#define RED   0xc80000
#define GREEN 0x00a000
#define BLUE  0x0000c8

static void
test_formats (void)
{
  static const struct
  {
    const char *path;
    EspSheetFormat format;
  } known[] = { { "a.png", ESP_SHEET_PNG },
                { "/x/Sheet 2.5.PDF", ESP_SHEET_PDF },
                { "a.jpg", ESP_SHEET_JPEG },
                { "a.jpeg", ESP_SHEET_JPEG },
                { "a.b/c.WebP", ESP_SHEET_WEBP } };
  static const char *const unknown[] = { "a.tiff", "a", ".png", "pdf", "x.png.gz" };
  EspSheetFormat format;

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      g_assert_true (esp_sheet_format_from_path (known[i].path, &format, NULL));
      g_assert_cmpint (format, ==, known[i].format);
    }
  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (esp_sheet_format_from_path (unknown[i], &format, &error));
      g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, unknown[i]));
    }
}

/* ---- where things are */

static void
test_places (Fixture *fixture, gconstpointer data)
{
  static const guint32 colors[] = { RED, GREEN, BLUE, 0x909000 };
  SheetScene scene;
  EspSheetCell cells[4] = { { 0 } };
  EspSheet sheet = { .n_columns = 2, .n_rows = 2, .cells = cells, .cell_side = 100 };
  g_autoptr (EspPicture) picture = NULL;
  int left[4], top[4], right[4], bottom[4];

  sheet_scene_init (&scene, fixture);
  for (int i = 0; i < 4; i++)
    cells[i].node = sheet_scene_add (&scene, 50, 30, colors[i]);
  picture = sheet_scene_render (&scene, &sheet);
  g_assert_cmphex (get_pixel (picture, 0, 0), ==, PAPER);
  for (int i = 0; i < 4; i++)
    {
      g_assert_true (find_color (picture, colors[i], &left[i], &top[i], &right[i], &bottom[i]));
      g_assert_cmpint (right[i] - left[i] + 1, ==, 100);
      g_assert_cmpint (bottom[i] - top[i] + 1, ==, 60);
    }
  g_assert_cmpint (left[0], ==, left[2]);
  g_assert_cmpint (left[1], ==, left[3]);
  g_assert_cmpint (top[0], ==, top[1]);
  g_assert_cmpint (top[2], ==, top[3]);
  g_assert_cmpint (left[1], >, right[0] + 2);
  g_assert_cmpint (top[2], >, bottom[0] + 2);
  g_assert_cmpint (right[1], <, picture->width - 2);
  g_assert_cmpint (bottom[2], <, picture->height - 2);
  /* A hair line around each, and no more. */
  g_assert_cmphex (get_pixel (picture, left[0] - 1, top[0] + 5), ==, 0xd5d3cf);
  g_assert_cmphex (get_pixel (picture, left[0] - 2, top[0] + 5), ==, PAPER);
  sheet_scene_clear (&scene);
}

/* Every picture has the same longer side and stays in shape. */
static void
test_shapes (Fixture *fixture, gconstpointer data)
{
  SheetScene scene;
  EspSheetCell cells[2] = { { 0 } };
  EspSheet sheet = { .n_columns = 2, .n_rows = 1, .cells = cells, .cell_side = 120 };
  g_autoptr (EspPicture) picture = NULL;
  int left, top, right, bottom, left2, top2, right2, bottom2;

  sheet_scene_init (&scene, fixture);
  cells[0].node = sheet_scene_add (&scene, 200, 100, RED);
  cells[1].node = sheet_scene_add (&scene, 30, 60, GREEN);
  picture = sheet_scene_render (&scene, &sheet);
  g_assert_true (find_color (picture, RED, &left, &top, &right, &bottom));
  g_assert_cmpint (right - left + 1, ==, 120);
  g_assert_cmpint (bottom - top + 1, ==, 60);
  g_assert_true (find_color (picture, GREEN, &left2, &top2, &right2, &bottom2));
  g_assert_cmpint (right2 - left2 + 1, ==, 60);
  g_assert_cmpint (bottom2 - top2 + 1, ==, 120);
  g_assert_cmpint (top - top2, ==, 30); /* in the middle */
  sheet_scene_clear (&scene);
}

static void
test_default_side (Fixture *fixture, gconstpointer data)
{
  SheetScene scene;
  EspSheetCell cells[2] = { { 0 } };
  EspSheet sheet = { .n_columns = 2, .n_rows = 1, .cells = cells };
  g_autoptr (EspPicture) small = NULL;
  g_autoptr (EspPicture) large = NULL;
  int left, top, right, bottom;

  sheet_scene_init (&scene, fixture);
  cells[0].node = sheet_scene_add (&scene, 80, 40, RED);
  cells[1].node = sheet_scene_add (&scene, 60, 60, GREEN);
  small = sheet_scene_render (&scene, &sheet);
  g_assert_true (find_color (small, RED, &left, &top, &right, &bottom));
  g_assert_cmpint (right - left + 1, ==, 80);
  cells[1].node = sheet_scene_add (&scene, 2000, 100, GREEN);
  large = sheet_scene_render (&scene, &sheet);
  g_assert_true (find_color (large, GREEN, &left, &top, &right, &bottom));
  g_assert_cmpint (right - left + 1, ==, 1024);
  sheet_scene_clear (&scene);
}

/* ---- words */

/* Is there anything but paper in a part of the sheet? */
static gboolean
has_ink (EspPicture *picture, int left, int top, int right, int bottom)
{
  for (int y = MAX (top, 0); y < MIN (bottom, picture->height); y++)
    for (int x = MAX (left, 0); x < MIN (right, picture->width); x++)
      if (get_pixel (picture, x, y) != PAPER)
        return TRUE;
  return FALSE;
}

static void
test_labels (Fixture *fixture, gconstpointer data)
{
  static const char *const columns[] = { "1.5", "4" };
  static const char *const rows[] = { "Make it snow", "أضف الثلج" };
  SheetScene scene;
  EspSheetCell cells[4] = { { 0 } };
  EspSheet sheet = { .n_columns = 2, .n_rows = 2, .cells = cells, .cell_side = 100 };
  g_autoptr (EspPicture) bare = NULL;
  g_autoptr (EspPicture) full = NULL;
  int left, top, right, bottom;

  sheet_scene_init (&scene, fixture);
  for (int i = 0; i < 4; i++)
    cells[i].node = sheet_scene_add (&scene, 100, 100, i == 3 ? RED : GREEN);
  bare = sheet_scene_render (&scene, &sheet);
  g_assert_true (find_color (bare, GREEN, &left, &top, &right, &bottom));
  g_assert_false (has_ink (bare, 0, 0, bare->width, top - 1));
  g_assert_false (has_ink (bare, 0, 0, left - 1, bare->height));
  g_assert_false (has_ink (bare, 0, bottom + 2, bare->width, bare->height));

  sheet.title = "Sweep";
  sheet.column_axis = "Guidance";
  sheet.row_axis = "Instruction";
  sheet.column_labels = columns;
  sheet.row_labels = rows;
  full = sheet_scene_render (&scene, &sheet);
  g_assert_cmpint (full->width, >, bare->width + 60);
  g_assert_cmpint (full->height, >, bare->height + 40);
  g_assert_true (find_color (full, RED, &left, &top, &right, &bottom));
  /* Above its column, beside its row, at the edge the axis, at the very top the title. */
  g_assert_true (has_ink (full, left, top - 130, right, top - 105));
  g_assert_true (has_ink (full, left - 250, top, left - 110, bottom));
  g_assert_true (has_ink (full, 20, top - 100, 40, bottom));
  g_assert_true (has_ink (full, 20, 20, 100, 50));
  /* No label over another's picture. */
  for (int y = top; y <= bottom; y++)
    for (int x = left; x <= right; x++)
      g_assert_cmphex (get_pixel (full, x, y), ==, RED);
  sheet_scene_clear (&scene);
}

/* At most four lines, within the column, whatever the words. */
static void
test_captions (Fixture *fixture, gconstpointer data)
{
  static char endless[1 << 20];
  static const char *const texts[] = {
    "short",
    "a\nb\nc\nd",
    "a\nb\nc\nd\ne\nf\ng\nh",
    "Make the sails of the big ship in front deep red, keep the sky and everything else as it "
    "is, please, and add a few gulls that fly above the mast, and a light house, and snow",
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnungsdebatte",
    "赤い車にする赤い車にする赤い車にする赤い車にする赤い車にする赤い車にする赤い車にする赤い車にす"
    "る",
    "bad \xff\xfe bytes"
  };
  SheetScene scene;
  EspSheetCell cells[2] = { { 0 } };
  EspSheet sheet = { .n_columns = 2, .n_rows = 1, .cells = cells, .cell_side = 160 };
  int highest = 0;

  sheet_scene_init (&scene, fixture);
  cells[0].node = sheet_scene_add (&scene, 160, 160, RED);
  cells[1].node = sheet_scene_add (&scene, 160, 160, GREEN);
  memset (endless, 'x', sizeof endless - 1);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (EspPicture) picture = NULL;
      int left, top, right, bottom, next, height;

      cells[0].caption = texts[i];
      picture = sheet_scene_render (&scene, &sheet);
      g_assert_true (find_color (picture, GREEN, &next, &top, &right, &bottom));
      g_assert_true (find_color (picture, RED, &left, &top, &right, &bottom));
      g_assert_true (has_ink (picture, left, bottom + 2, right, picture->height));
      g_assert_false (has_ink (picture, right + 4, bottom + 2, picture->width, picture->height));
      height = picture->height - bottom;
      if (i == 1)
        highest = height;
      g_assert_cmpint (height, <=, i == 0 ? 100 : highest + 8); /* fonts differ in height */
    }
  sheet_scene_clear (&scene);
}

static void
test_dark (Fixture *fixture, gconstpointer data)
{
  SheetScene scene;
  EspSheetCell cells[1] = { { 0 } };
  EspSheet sheet = {
    .n_columns = 1, .n_rows = 1, .cells = cells, .cell_side = 100, .title = "Night", .dark = TRUE
  };
  g_autoptr (EspPicture) picture = NULL;
  int left, top, right, bottom, brightest = 0;

  sheet_scene_init (&scene, fixture);
  cells[0].node = sheet_scene_add (&scene, 100, 100, RED);
  picture = sheet_scene_render (&scene, &sheet);
  g_assert_cmphex (get_pixel (picture, 0, 0), ==, 0x242424);
  g_assert_true (find_color (picture, RED, &left, &top, &right, &bottom));
  for (int y = 0; y < top - 2; y++)
    for (int x = 0; x < picture->width; x++)
      brightest = MAX (brightest, (int) (get_pixel (picture, x, y) & 0xff));
  g_assert_cmpint (brightest, >, 0xc0);
  sheet_scene_clear (&scene);
}

/* ---- no picture */

static void
test_missing (Fixture *fixture, gconstpointer data)
{
  SheetScene scene;
  EspSheetCell cells[4] = { { 0 } };
  EspSheet sheet = { .n_columns = 4, .n_rows = 1, .cells = cells, .cell_side = 150 };
  g_autoptr (EspPicture) picture = NULL;
  int left, top, right, bottom, n_dark[4] = { 0 };

  sheet_scene_init (&scene, fixture);
  cells[0].node = sheet_scene_add (&scene, 150, 150, RED);
  cells[1].missing = "Demo has no parameter “tolerance”";
  cells[2].node = sheet_scene_add_failed (&scene, "The provider refused.");
  picture = sheet_scene_render (&scene, &sheet);
  g_assert_true (find_color (picture, RED, &left, &top, &right, &bottom));
  for (int i = 1; i < 4; i++)
    {
      const int x = left + i * (150 + (picture->width - 2 * left - 600) / 3);

      /* The last one is not there at all: no place is drawn for it. */
      g_assert_cmphex (get_pixel (picture, x + 3, top + 3), ==, i == 3 ? PAPER : EMPTY);
      for (int y = top; y <= bottom; y++)
        for (int k = 0; k < 150; k++)
          n_dark[i] += (get_pixel (picture, x + k, y) & 0xff) < 0xb0;
    }
  g_assert_cmpint (n_dark[1], >, 50);
  g_assert_cmpint (n_dark[2], >, 50);
  g_assert_cmpint (n_dark[3], ==, 0);
  sheet_scene_clear (&scene);
}

/* Damaged images are reasons in their places, and the rest of the sheet is there. */
static void
test_damaged (Fixture *fixture, gconstpointer data)
{
  static const char *const harms[] = { "UPDATE image_data SET data = x'00' WHERE image = 2",
                                       "DELETE FROM image_data WHERE image = 2" };

  for (guint i = 0; i < G_N_ELEMENTS (harms); i++)
    {
      SheetScene scene;
      EspSheetCell cells[2] = { { 0 } };
      EspSheet sheet = { .n_columns = 2, .n_rows = 1, .cells = cells, .cell_side = 150 };
      g_autoptr (EspPicture) picture = NULL;
      g_autofree char *path = NULL;
      int left, top, right, bottom;

      sheet_scene_init (&scene, fixture);
      sheet_scene_add (&scene, 150, 150, RED);
      sheet_scene_add (&scene, 150, 150, GREEN);
      path = document_dup_path (scene.document);
      close_document (scene.document);
      change_file (path, harms[i]);
      scene.document = open_document (path, ESP_DOCUMENT_OPEN_DEFAULT, NULL);
      cells[0].node = esp_document_get_node (scene.document, 1);
      cells[1].node = esp_document_get_node (scene.document, 2);
      g_assert_true (esp_node_has_image (cells[1].node));

      picture = sheet_scene_render (&scene, &sheet);
      g_assert_false (find_color (picture, GREEN, &left, &top, &right, &bottom));
      g_assert_true (find_color (picture, EMPTY, &left, &top, &right, &bottom));
      g_assert_cmpint (right - left + 1, ==, 150);
      g_assert_true (find_color (picture, RED, &left, &top, &right, &bottom));
      g_assert_cmpint (right - left + 1, ==, 150);
      sheet_scene_clear (&scene);
    }
}

/* ---- the table */

static void
test_table (Fixture *fixture, gconstpointer data)
{
  static const char *const one_row[]
      = { "Instruction", "Make it snow", "Make it rain", "Guidance", "2.5", "" };
  static const char *const many[] = { "Guidance", "1", "2", "3", "4" };
  SheetScene scene;
  EspSheetCell cells[4] = { { 0 } };
  EspSheet sheet = { .n_columns = 2, .n_rows = 1, .cells = cells, .cell_side = 200 };
  g_autoptr (EspPicture) bare = NULL;
  g_autoptr (EspPicture) below = NULL;
  g_autoptr (EspPicture) square = NULL;
  g_autoptr (EspPicture) lines = NULL;
  g_autoptr (EspPicture) fewer = NULL;
  int left, top, right, bottom;

  sheet_scene_init (&scene, fixture);
  for (int i = 0; i < 4; i++)
    cells[i].node = sheet_scene_add (&scene, 200, 200, i == 1 ? RED : GREEN);
  bare = sheet_scene_render (&scene, &sheet);

  /* In a single row: under each picture what is said of it. */
  sheet.table = one_row;
  sheet.n_table_rows = 2;
  below = sheet_scene_render (&scene, &sheet);
  g_assert_cmpint (below->height, >, bare->height + 30);
  g_assert_true (find_color (below, RED, &left, &top, &right, &bottom));
  g_assert_true (has_ink (below, left, bottom + 40, left + 80, below->height));
  g_assert_true (has_ink (below, 24, bottom + 40, 60, below->height));

  /* In several rows: a line for each. */
  sheet.n_rows = 2;
  sheet.table = NULL;
  square = sheet_scene_render (&scene, &sheet);
  sheet.table = many;
  sheet.n_table_rows = 1;
  lines = sheet_scene_render (&scene, &sheet);
  g_assert_cmpint (lines->height, >, square->height + 5 * 12);

  /* A place that nothing stands in has no line. */
  cells[3].node = NULL;
  fewer = sheet_scene_render (&scene, &sheet);
  g_assert_cmpint (lines->height - fewer->height, >, 12);
  g_assert_cmpint (lines->height - fewer->height, <, 60);
  sheet_scene_clear (&scene);
}

/* ---- bounds, without a pixel drawn */

static EspSheetLayout *
lay_out (guint n_columns, guint n_rows, int cell_side, int width, int height, GError **error)
{
  g_autofree EspSheetCell *cells = g_new0 (EspSheetCell, n_columns * n_rows);
  const EspSheet sheet
      = { .n_columns = n_columns, .n_rows = n_rows, .cells = cells, .cell_side = cell_side };
  EspSheetContents *contents = _esp_sheet_contents_new (&sheet);
  EspSheetLayout *layout;

  for (guint i = 0; i < n_columns * n_rows; i++)
    {
      contents->items[i].width = width;
      contents->items[i].height = height;
    }
  layout = _esp_sheet_layout_new (contents, NULL, error);
  _esp_sheet_contents_free (contents);
  return layout;
}

static void
test_bounds (void)
{
  static const struct
  {
    guint n_columns, n_rows;
    int cell_side;
  } cases[]
      = { { 20, 20, 0 }, { 20, 20, 1024 }, { 1, 1, 30000 }, { 60, 60, 512 }, { 100, 2, 1024 } };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      EspSheetLayout *layout
          = lay_out (cases[i].n_columns, cases[i].n_rows, cases[i].cell_side, 1024, 768, &error);

      g_assert_no_error (error);
      g_assert_cmpint (layout->width, <=, 16000);
      g_assert_cmpint (layout->height, <=, 16000);
      g_assert_cmpint ((gint64) layout->width * layout->height, <=, 1 << 26);
      /* And not smaller than need be. */
      if (cases[i].n_columns == 20)
        g_assert_cmpint ((gint64) layout->width * layout->height, >, (1 << 26) / 2);
      _esp_sheet_layout_free (layout);
    }
  g_assert_null (lay_out (2000, 1, 0, 64, 64, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE);
}

/* ---- files */

static gboolean
contains (GBytes *bytes, const char *text)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return memmem (data, size, text, strlen (text)) != NULL;
}

/* The same sheet gives the same bytes, and they say nothing but pixels. */
static void
test_bytes (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "sheet.png", "sheet.jpg", "sheet.webp", "sheet.pdf" };
  SheetScene scene;
  EspSheetCell cells[1] = { { 0 } };
  EspSheet sheet = { .n_columns = 1, .n_rows = 1, .cells = cells, .cell_side = 100 };
  g_autoptr (GError) error = NULL;

  sheet_scene_init (&scene, fixture);
  cells[0].node = sheet_scene_add (&scene, 100, 100, RED);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GBytes) first = sheet_scene_export (&scene, &sheet, names[i], NULL, &error);
      g_autoptr (GBytes) second = sheet_scene_export (&scene, &sheet, names[i], NULL, &error);

      g_assert_no_error (error);
      g_assert_true (g_bytes_equal (first, second));
      g_assert_false (contains (first, g_get_home_dir ()));
      g_assert_false (contains (first, "tEXt"));
      g_assert_false (contains (first, "iTXt"));
      g_assert_false (contains (first, "eXIf"));
      g_assert_false (contains (first, "Espalier 0"));
      g_assert_false (contains (first, "xmpmeta"));
      if (i < 3)
        {
          g_autoptr (EspPicture) picture
              = esp_picture_load_bytes (first, names[i], NULL, NULL, &error);
          guint32 color;

          g_assert_no_error (error);
          color = get_pixel (picture, picture->width / 4, picture->height / 2);
          g_assert_cmpint (color >> 16, >, 0xb8);
          g_assert_cmpint (color >> 8 & 0xff, <, 0x20);
        }
    }
  sheet_scene_clear (&scene);
}

static void
test_errors (Fixture *fixture, gconstpointer data)
{
  SheetScene scene;
  EspSheetCell cells[1] = { { 0 } };
  EspSheet sheet = { .n_columns = 1, .n_rows = 1, .cells = cells, .cell_side = 64 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) last = NULL;
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;

  sheet_scene_init (&scene, fixture);
  cells[0].node = sheet_scene_add (&scene, 64, 64, RED);
  g_assert_null (sheet_scene_export (&scene, &sheet, "none/sheet.png", NULL, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE);
  g_clear_error (&error);
  g_assert_null (sheet_scene_export (&scene, &sheet, "none/sheet.pdf", NULL, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE);
  g_clear_error (&error);

  /* What cannot be finished leaves the old file. */
  path = g_build_filename (scene.folder, "sheet.png", NULL);
  g_assert_true (g_file_set_contents (path, "old", 3, NULL));
  for (int i = 0; i < 12; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GFile) target = g_file_new_for_path (path);
      g_auto (Waiter) waiter = { NULL };

      esp_sheet_export_async (scene.document, &sheet, target,
                              i % 2 == 0 ? ESP_SHEET_PNG : ESP_SHEET_PDF, cancellable,
                              waiter_callback, &waiter);
      for (int k = 0; k < i / 4; k++)
        g_main_context_iteration (NULL, FALSE);
      g_cancellable_cancel (cancellable);
      g_assert_false (esp_sheet_export_finish (wait_for (&waiter), &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&error);
      g_clear_pointer (&text, g_free);
      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      g_assert_cmpstr (text, ==, "old");
    }
  last = sheet_scene_export (&scene, &sheet, "sheet.png", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (last), >, 100);
  sheet_scene_clear (&scene);
}

/* Everything is copied: the one who asks may forget it all at once. */
static void
test_copied (Fixture *fixture, gconstpointer data)
{
  SheetScene scene;
  EspSheetCell *cells = g_new0 (EspSheetCell, 1);
  char *title = g_strdup ("Sheet"), *label = g_strdup ("1");
  const char **labels = g_new0 (const char *, 1);
  EspSheet sheet = { .n_columns = 1, .n_rows = 1, .cells = cells, .title = title };
  g_autofree char *path = NULL;
  g_autoptr (GFile) target = NULL;
  g_auto (Waiter) waiter = { NULL };

  sheet_scene_init (&scene, fixture);
  cells[0].node = sheet_scene_add (&scene, 64, 64, RED);
  labels[0] = label;
  sheet.column_labels = labels;
  path = g_build_filename (scene.folder, "sheet.png", NULL);
  target = g_file_new_for_path (path);
  esp_sheet_export_async (scene.document, &sheet, target, ESP_SHEET_PNG, NULL, waiter_callback,
                          &waiter);
  memset (cells, 0x5a, sizeof *cells);
  memset (title, 0x5a, 5);
  g_free (cells);
  g_free (title);
  g_free (label);
  g_free (labels);
  memset (&sheet, 0x5a, sizeof sheet);
  g_assert_true (esp_sheet_export_finish (wait_for (&waiter), NULL));
  waiter_clear (&waiter);
  sheet_scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  fixture_init (&argc, &argv);
  g_test_add_func ("/export/sheet/formats", test_formats);
  g_test_add_func ("/export/sheet/bounds", test_bounds);
  ADD_TEST ("/export/sheet/places", test_places);
  ADD_TEST ("/export/sheet/shapes", test_shapes);
  ADD_TEST ("/export/sheet/default-side", test_default_side);
  ADD_TEST ("/export/sheet/labels", test_labels);
  ADD_TEST ("/export/sheet/captions", test_captions);
  ADD_TEST ("/export/sheet/dark", test_dark);
  ADD_TEST ("/export/sheet/missing", test_missing);
  ADD_TEST ("/export/sheet/damaged", test_damaged);
  ADD_TEST ("/export/sheet/table", test_table);
  ADD_TEST ("/export/sheet/bytes", test_bytes);
  ADD_TEST ("/export/sheet/errors", test_errors);
  ADD_TEST ("/export/sheet/copied", test_copied);
  return g_test_run ();
}
