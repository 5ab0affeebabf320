/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exports: the right images under the right names, with everything or nothing about them, and no
 * halves of anything. */
#include "esp-export.h"

#include <glib/gstdio.h>
#include <string.h>

#include "document-fixture.h"
#include "esp-export-private.h"

/* A photo; two turns below it, one of them with a further one; and one that failed. */
typedef struct
{
  EspDocument *document;
  EspNode *photo, *snow, *night, *autumn, *failed;
  GBytes *photo_bytes;
  char *folder;
} Harbour;

static void
harbour_init (Harbour *self, Fixture *fixture)
{
  self->document = create_document ("Harbour");
  self->photo_bytes = make_png (64, 40, 0x336699, 1);
  self->photo = import_image (self->document, self->photo_bytes, "photo.png", NULL);
  self->snow = add_turn (self->document, self->photo, "Make it snow", 5);
  self->night = add_turn (self->document, self->photo, "Make it night", 6);
  finish_turn (self->document, self->snow, 0xffffff);
  finish_turn (self->document, self->night, 0x000044);
  self->autumn = add_turn (self->document, self->snow, "Make it/autumn:\nwith \"leaves\"", 7);
  finish_turn (self->document, self->autumn, 0xcc8800);
  self->failed = add_turn (self->document, self->night, "Fail", 8);
  set_state (self->document, self->failed, ESP_NODE_FAILED, "no");
  self->folder = g_build_filename (fixture->folder, "out", NULL);
  g_assert_cmpint (g_mkdir (self->folder, 0700), ==, 0);
}

/* Looks for what must not be left, removes the rest. */
static void
harbour_clear (Harbour *self)
{
  GDir *dir = g_dir_open (self->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->folder, name, NULL);

      g_assert_false (name[0] == '.');
      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_dir_close (dir);
  g_assert_cmpint (g_rmdir (self->folder), ==, 0);
  g_free (self->folder);
  g_bytes_unref (self->photo_bytes);
  close_document (self->document);
}

static void
on_progress (double fraction, gpointer data)
{
  double *last = data;

  g_assert_cmpfloat (fraction, >, *last);
  *last = fraction;
}

/* Exports to `name` in the folder (NULL: the folder itself). */
static GPtrArray *
export_to (Harbour *self, EspNode *node, const char *name, const EspExportOptions *options,
           GCancellable *cancellable, GError **error)
{
  g_autofree char *path
      = name != NULL ? g_build_filename (self->folder, name, NULL) : g_strdup (self->folder);
  g_autoptr (GFile) target = g_file_new_for_path (path);
  g_auto (Waiter) waiter = { NULL };
  double last = 0;
  GPtrArray *files;

  files = esp_export_finish (WAIT (waiter, esp_export_async, self->document, node, target, options,
                                   on_progress, &last, cancellable),
                             error);
  if (files != NULL)
    g_assert_cmpfloat (last, ==, 1);
  return files;
}

static GBytes *
read_back (Harbour *self, const char *name)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);
  char *data;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  return g_bytes_new_take (data, size);
}

static GBytes *
export_one (Harbour *self, EspNode *node, const EspExportOptions *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) files = export_to (self, node, "one", options, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (files->len, ==, 1);
  return read_back (self, "one");
}

static guint
count_files (Harbour *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static gboolean
contains (GBytes *bytes, const char *text)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  for (gsize i = 0; i + strlen (text) <= size; i++)
    if (memcmp (data + i, text, strlen (text)) == 0)
      return TRUE;
  return FALSE;
}

static void
test_original (Fixture *fixture, gconstpointer data)
{
  EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
  Harbour self;
  g_autoptr (GBytes) bytes = NULL;

  harbour_init (&self, fixture);
  options.format = ESP_EXPORT_ORIGINAL;
  bytes = export_one (&self, self.photo, &options);
  g_assert_true (g_bytes_equal (bytes, self.photo_bytes));
  harbour_clear (&self);
}

static void
test_formats (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    EspExportFormat format;
    const char *name;
  } cases[] = { { ESP_EXPORT_PNG, "PNG" },
                { ESP_EXPORT_JPEG, "JPEG" },
                { ESP_EXPORT_WEBP, "WebP" },
                { ESP_EXPORT_TIFF, "TIFF" } };
  Harbour self;

  harbour_init (&self, fixture);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (int with = 0; with < 2; with++)
      {
        EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
        EspPictureInfo info = ESP_PICTURE_INFO_INIT;
        g_autoptr (GBytes) bytes = NULL;
        g_autoptr (EspPicture) picture = NULL;
        g_autofree char *json = NULL;

        options.format = cases[i].format;
        options.metadata = with == 1;
        options.max_side = 32;
        bytes = export_one (&self, self.autumn, &options);
        picture = esp_picture_load_bytes (bytes, "one", &info, NULL, NULL);
        g_assert_cmpstr (info.format, ==, cases[i].name);
        g_assert_cmpint (MAX (picture->width, picture->height), <=, 32);
        g_assert_cmpint (ABS (picture->pixels[picture->width * 3 / 2 / 3 * 3] - 0xcc), <, 12);
        esp_picture_info_clear (&info);

        g_assert_true (esp_recipe_read_bytes (bytes, "one", &json, NULL) == (with == 1));
        if (with == 0)
          g_assert_false (contains (bytes, "Make it"));
      }
  harbour_clear (&self);
}

static JsonObject *
step_of (JsonNode *recipe, guint index)
{
  return json_array_get_object_element (
      json_object_get_array_member (json_node_get_object (recipe), "lineage"), index);
}

static void
test_recipe (Fixture *fixture, gconstpointer data)
{
  Harbour self;
  g_autoptr (JsonNode) recipe = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *json = NULL;
  g_autoptr (JsonNode) embedded = NULL;
  EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
  JsonObject *object;

  harbour_init (&self, fixture);
  recipe = esp_export_dup_recipe (self.document, self.autumn);
  object = json_node_get_object (recipe);
  g_assert_true (g_str_has_prefix (json_object_get_string_member (object, "prompt"), "Make it/"));
  g_assert_cmpint (json_object_get_int_member (object, "seed"), ==, 7);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "lineage")), ==,
                    3);
  g_assert_cmpstr (json_object_get_string_member (step_of (recipe, 0), "kind"), ==, "imported");
  g_assert_cmpstr (json_object_get_string_member (step_of (recipe, 1), "instruction"), ==,
                   "Make it snow");
  g_assert_cmpint (json_object_get_int_member (step_of (recipe, 1), "seed"), ==, 5);
  g_assert_cmpstr (json_object_get_string_member (
                       json_object_get_object_member (step_of (recipe, 0), "image"), "sha256"),
                   ==, esp_node_get_sha256 (self.photo));

  bytes = export_one (&self, self.autumn, &options);
  g_assert_true (esp_recipe_read_bytes (bytes, "one", &json, NULL));
  embedded = json_from_string (json, NULL);
  g_assert_true (json_node_equal (embedded, recipe));

  /* A photo that nobody edited gets no recipe that says nothing. */
  g_clear_pointer (&bytes, g_bytes_unref);
  bytes = export_one (&self, self.photo, &options);
  g_clear_pointer (&json, g_free);
  g_assert_false (esp_recipe_read_bytes (bytes, "one", &json, NULL));
  harbour_clear (&self);
}

static void
assert_names (GPtrArray *files, const char *const *names)
{
  g_assert_cmpuint (files->len, ==, g_strv_length ((char **) names));
  for (guint i = 0; i < files->len; i++)
    {
      g_autofree char *name = g_file_get_basename (files->pdata[i]);

      g_assert_cmpstr (name, ==, names[i]);
    }
}

static void
test_folders (Fixture *fixture, gconstpointer data)
{
  /* The failed turn hides no leaf. */
  static const char *const leaves[]
      = { "Harbour - Make it night.png", "Harbour - Make it autumn with leaves.png", NULL };
  static const char *const again[]
      = { "Harbour - Make it night (2).png", "Harbour - Make it autumn with leaves (2).png", NULL };
  static const char *const branch[] = { "Harbour - Make it autumn with leaves (3).png", NULL };
  static const char *const path[] = { "01 - photo.webp", "02 - Make it snow.webp",
                                      "03 - Make it autumn with leaves.webp", NULL };
  EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
  Harbour self;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  g_autoptr (GPtrArray) third = NULL;
  g_autoptr (GPtrArray) steps = NULL;

  harbour_init (&self, fixture);
  options.what = ESP_EXPORT_LEAVES;
  first = export_to (&self, NULL, NULL, &options, NULL, NULL);
  assert_names (first, leaves);
  second = export_to (&self, NULL, NULL, &options, NULL, NULL);
  assert_names (second, again);
  third = export_to (&self, self.snow, NULL, &options, NULL, NULL);
  assert_names (third, branch);
  options.what = ESP_EXPORT_PATH;
  options.format = ESP_EXPORT_WEBP;
  steps = export_to (&self, self.autumn, NULL, &options, NULL, NULL);
  assert_names (steps, path);
  g_assert_cmpuint (count_files (&self), ==, 8);
  harbour_clear (&self);
}

static void
test_animation (Fixture *fixture, gconstpointer data)
{
  static const EspExportFormat formats[] = { ESP_EXPORT_GIF, ESP_EXPORT_WEBP, ESP_EXPORT_APNG };
  Harbour self;

  harbour_init (&self, fixture);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
      g_autoptr (GBytes) plain = NULL;
      g_autoptr (GBytes) captioned = NULL;
      g_autoptr (EspPicture) small = NULL;
      g_autoptr (EspPicture) high = NULL;

      options.what = ESP_EXPORT_ANIMATION;
      options.format = formats[i];
      plain = export_one (&self, self.autumn, &options);
      options.captions = TRUE;
      captioned = export_one (&self, self.autumn, &options);
      small = esp_picture_load_bytes (plain, "plain", NULL, NULL, NULL);
      high = esp_picture_load_bytes (captioned, "captioned", NULL, NULL, NULL);
      g_assert_cmpint (small->width, ==, 64); /* the photo's canvas */
      g_assert_cmpint (small->height, ==, 40);
      g_assert_cmpint (high->width, ==, 64);
      g_assert_cmpint (high->height, >, 48);
    }
  harbour_clear (&self);
}

static void
test_encode (Fixture *fixture, gconstpointer data)
{
  EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
  Harbour self;
  g_auto (Waiter) waiter = { NULL };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) same = NULL;
  g_autoptr (GError) error = NULL;

  harbour_init (&self, fixture);
  bytes = esp_export_encode_finish (
      WAIT (waiter, esp_export_encode_async, self.document, self.snow, &options, NULL), &error);
  g_assert_no_error (error);
  same = export_one (&self, self.snow, &options);
  g_assert_true (g_bytes_equal (bytes, same));

  g_clear_pointer (&bytes, g_bytes_unref);
  bytes = esp_export_encode_finish (
      WAIT (waiter, esp_export_encode_async, self.document, self.failed, &options, NULL), &error);
  g_assert_null (bytes);
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  waiter_clear (&waiter);
  harbour_clear (&self);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
  Harbour self;
  g_autoptr (GError) error = NULL;

  harbour_init (&self, fixture);
  options.format = ESP_EXPORT_GIF;
  g_assert_null (export_to (&self, self.snow, "a.gif", &options, NULL, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);

  options.format = ESP_EXPORT_PNG;
  g_assert_null (export_to (&self, self.failed, "a.png", &options, NULL, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);

  g_assert_null (export_to (&self, self.snow, "missing/a.png", &options, NULL, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE);
  g_clear_error (&error);

  options.what = ESP_EXPORT_PATH;
  g_assert_null (export_to (&self, self.snow, "missing", &options, NULL, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (count_files (&self), ==, 0);
  harbour_clear (&self);
}

static void
cancel_at_half (double fraction, gpointer data)
{
  if (fraction > 0.5)
    g_cancellable_cancel (data);
}

/* Nothing of it stays, and a file that was there before does. */
static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
  Harbour self;
  g_autoptr (GFile) folder = NULL;
  g_autofree char *old = NULL;

  harbour_init (&self, fixture);
  folder = g_file_new_for_path (self.folder);
  old = g_build_filename (self.folder, "01 - photo.png", NULL);
  g_assert_true (g_file_set_contents (old, "mine", -1, NULL));
  for (int what = ESP_EXPORT_IMAGE; what <= ESP_EXPORT_ANIMATION; what++)
    for (int late = 0; late < 2; late++)
      {
        g_autoptr (GCancellable) cancellable = g_cancellable_new ();
        g_autofree char *path = g_build_filename (self.folder, "film.gif", NULL);
        g_autoptr (GFile) file = g_file_new_for_path (path);
        g_autoptr (GPtrArray) files = NULL;
        g_autoptr (GError) error = NULL;
        g_autofree char *contents = NULL;
        g_auto (Waiter) waiter = { NULL };

        if (late == 1 && what == ESP_EXPORT_IMAGE)
          continue; /* done with its first step */
        options.what = (EspExportWhat) what;
        options.format = what == ESP_EXPORT_ANIMATION ? ESP_EXPORT_GIF : ESP_EXPORT_PNG;
        if (late == 0)
          g_cancellable_cancel (cancellable);
        files = esp_export_finish (
            WAIT (waiter, esp_export_async, self.document,
                  what == ESP_EXPORT_LEAVES ? self.photo : self.autumn,
                  what == ESP_EXPORT_LEAVES || what == ESP_EXPORT_PATH ? folder : file, &options,
                  late == 1 && what != ESP_EXPORT_LEAVES ? cancel_at_half : NULL, cancellable,
                  cancellable),
            &error);
        if (late == 1 && what == ESP_EXPORT_LEAVES)
          {
            g_assert_no_error (error);
            for (guint i = 0; i < files->len; i++)
              g_assert_true (g_file_delete (files->pdata[i], NULL, NULL));
            continue;
          }
        g_assert_null (files);
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
        g_assert_cmpuint (count_files (&self), ==, 1);
        g_assert_true (g_file_get_contents (old, &contents, NULL, NULL));
        g_assert_cmpstr (contents, ==, "mine");
      }
  harbour_clear (&self);
}

static void
test_file_name (Fixture *fixture, gconstpointer data)
{
  Harbour self;
  g_autofree char *long_text = g_strnfill (500, 'x');
  g_autofree char *photo = NULL;
  g_autofree char *snow = NULL;
  g_autofree char *labelled = NULL;
  g_autofree char *cut = NULL;
  EspNode *node;

  harbour_init (&self, fixture);
  photo = esp_export_dup_file_name (self.document, self.photo, ESP_EXPORT_ORIGINAL);
  g_assert_cmpstr (photo, ==, "Harbour - photo.png");
  snow = esp_export_dup_file_name (self.document, self.snow, ESP_EXPORT_TIFF);
  g_assert_cmpstr (snow, ==, "Harbour - Make it snow.tiff");
  set_label (self.document, self.snow, "Winter");
  labelled = esp_export_dup_file_name (self.document, self.snow, ESP_EXPORT_JPEG);
  g_assert_cmpstr (labelled, ==, "Harbour - Winter.jpg");
  node = add_turn (self.document, self.photo, long_text, 1);
  cut = esp_export_dup_file_name (self.document, node, ESP_EXPORT_PNG);
  g_assert_cmpuint (strlen (cut), ==, 120);
  g_assert_true (g_str_has_suffix (cut, "x.png"));
  harbour_clear (&self);
}

static void
test_command (Fixture *fixture, gconstpointer data)
{
  Harbour self;
  g_autofree char *command = NULL;
  g_autofree char *photo = NULL;
  g_auto (GStrv) words = NULL;
  g_autofree char *expected = NULL;
  int n;

  harbour_init (&self, fixture);
  command = esp_export_dup_command (self.document, self.autumn);
  g_assert_true (g_shell_parse_argv (command, &n, &words, NULL));
  expected = g_strdup_printf ("%" G_GINT64_FORMAT, esp_node_get_id (self.snow));
  g_assert_cmpstr (words[0], ==, "espalier-cli");
  g_assert_cmpstr (words[1], ==, "run");
  g_assert_cmpstr (words[3], ==, "--node");
  g_assert_cmpstr (words[4], ==, expected);
  g_assert_cmpstr (words[5], ==, "-p");
  g_assert_cmpstr (words[6], ==, "Make it/autumn:\nwith \"leaves\"");
  g_assert_true (g_strv_contains ((const char *const *) words, "--seed"));
  g_assert_cmpstr (words[n - 2], ==, "-o");
  g_assert_true (g_str_has_suffix (words[n - 1], ".png"));
  g_assert_null (strchr (words[n - 1], G_DIR_SEPARATOR));

  photo = esp_export_dup_command (self.document, self.photo);
  g_assert_nonnull (strstr (photo, "espalier-cli export "));
  harbour_clear (&self);
}

static EspNode *
add_asking (Harbour *self, EspKeep keep, EspRegion *region)
{
  g_auto (Waiter) waiter = { 0 };
  g_autoptr (EspComposition) asked = esp_composition_new (keep);
  const EspTurn turn = { .instruction = "A hat", .backend = "local", .composition = asked };
  g_autoptr (GPtrArray) nodes = NULL;

  asked->region = esp_region_copy (region);
  WAIT (waiter, esp_document_add_turns_async, self->document, self->photo, &turn, 1, NULL);
  nodes = esp_document_add_turns_finish (self->document, waiter.result, NULL);
  compose_turn (self->document, nodes->pdata[0], 0x00ff00, region);
  return nodes->pdata[0];
}

/* Commands and recipes say what a turn asked for besides the model's work. */
static void
test_kept (Fixture *fixture, gconstpointer data)
{
  static const EspRegionPoint corners[] = { { 4, 5 }, { 30.5, 8 }, { 20, 36 } };
  g_autoptr (EspRegion) rectangle = esp_region_new (4, 5, 30, 20);
  g_autoptr (EspRegion) lasso = esp_region_new_lasso (corners, 3);
  Harbour self;
  const struct
  {
    EspRegion *region;
    const char *option;
  } cases[] = { { NULL, NULL },
                { rectangle, " --region 4,5,30,20 " },
                { lasso, " --region 4,5,30.5,8,20,36 " } };
  g_autofree char *plain = NULL;
  g_autoptr (JsonNode) plain_recipe = NULL;

  harbour_init (&self, fixture);
  plain = esp_export_dup_command (self.document, self.snow);
  g_assert_nonnull (strstr (plain, " --keep-untouched off "));
  plain_recipe = esp_export_dup_recipe (self.document, self.snow);
  g_assert_false (json_object_has_member (json_node_get_object (plain_recipe), "keep_untouched"));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      EspNode *node = add_asking (&self, ESP_KEEP_AUTO, cases[i].region);
      g_autofree char *command = esp_export_dup_command (self.document, node);
      g_autoptr (JsonNode) recipe = esp_export_dup_recipe (self.document, node);
      JsonObject *object = json_node_get_object (recipe);
      JsonObject *step = step_of (recipe, 1);

      g_assert_null (strstr (command, "--keep-untouched"));
      g_assert_cmpstr (json_object_get_string_member (object, "keep_untouched"), ==, "auto");
      g_assert_cmpstr (json_object_get_string_member (step, "keep_untouched"), ==, "auto");
      g_assert_cmpint (json_object_has_member (object, "region"), ==, cases[i].region != NULL);
      if (cases[i].region == NULL)
        {
          g_assert_null (strstr (command, "--region"));
          continue;
        }
      g_assert_nonnull (strstr (command, cases[i].option));
      g_assert_true (json_node_equal (json_object_get_member (object, "region"),
                                      json_object_get_member (step, "region")));
    }
  harbour_clear (&self);
}

int
main (int argc, char **argv)
{
  fixture_init (&argc, &argv);

  ADD_TEST ("/export/original", test_original);
  ADD_TEST ("/export/formats", test_formats);
  ADD_TEST ("/export/recipe", test_recipe);
  ADD_TEST ("/export/folders", test_folders);
  ADD_TEST ("/export/animation", test_animation);
  ADD_TEST ("/export/encode", test_encode);
  ADD_TEST ("/export/refused", test_refused);
  ADD_TEST ("/export/cancelled", test_cancelled);
  ADD_TEST ("/export/file-name", test_file_name);
  ADD_TEST ("/export/command", test_command);
  ADD_TEST ("/export/kept", test_kept);

  return g_test_run ();
}
