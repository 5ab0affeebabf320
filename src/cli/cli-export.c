/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command that writes images of a document to files: export. */
#include <glib/gi18n.h>
#include <string.h>

#include "cli-commands.h"
#include "cli-document.h"
#include "cli-export.h"
#include "cli-options.h"
#include "cli-report.h"
#include "esp-json-text.h"

typedef struct
{
  char *node, *output, *leaves, *path, *animation, *format; /* or NULL */
  char *quality, *max_side, *seconds;                       /* or NULL */
  gboolean lossless, strip, recipe, captions, json, quiet;
  EspExportOptions options;
  const char *target;
  char *part_text; /* or NULL */
  EspNodePicture part;
} Request;

static const struct
{
  const char *extension;
  EspExportFormat format;
  const char *media_type;
} formats[] = {
  { ".png", ESP_EXPORT_PNG, "image/png" },    { ".jpg", ESP_EXPORT_JPEG, "image/jpeg" },
  { ".jpeg", ESP_EXPORT_JPEG, "image/jpeg" }, { ".webp", ESP_EXPORT_WEBP, "image/webp" },
  { ".tif", ESP_EXPORT_TIFF, "image/tiff" },  { ".tiff", ESP_EXPORT_TIFF, "image/tiff" },
};

static void
request_clear (Request *self)
{
  char *texts[] = { self->node,   self->output,  self->leaves,   self->path,    self->animation,
                    self->format, self->quality, self->max_side, self->seconds, self->part_text };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
}

static gboolean
has_extension (const char *path, const char *extension)
{
  const gsize length = strlen (path), n = strlen (extension);

  return length > n && g_ascii_strcasecmp (path + length - n, extension) == 0;
}

gboolean
cli_export_format_from_name (const char *path, EspExportFormat *format, const char **media_type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    if (has_extension (path, formats[i].extension))
      {
        *format = formats[i].format;
        if (media_type != NULL)
          *media_type = formats[i].media_type;
        return TRUE;
      }
  return FALSE;
}

/* The format of -o or --animation, by the name's end. */
static gboolean
choose_by_name (Request *self)
{
  if (self->animation != NULL)
    {
      static const char *const names[] = { ".gif", ".webp", ".png", ".apng" };
      static const EspExportFormat moving[]
          = { ESP_EXPORT_GIF, ESP_EXPORT_WEBP, ESP_EXPORT_APNG, ESP_EXPORT_APNG };

      for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
        if (has_extension (self->animation, names[i]))
          {
            self->options.format = moving[i];
            return TRUE;
          }
      cli_usage (_ ("--animation: “%s”: its name must end in .gif, .webp, .png or .apng"),
                 self->animation);
      return FALSE;
    }
  /* Any other name is right for the stored bytes if that is their type. */
  if (!cli_export_format_from_name (self->output, &self->options.format, NULL))
    self->options.format = ESP_EXPORT_ORIGINAL;
  return TRUE;
}

/* The format of folders full. */
static gboolean
choose_by_option (Request *self)
{
  static const char *const names[] = { "original", "png", "jpeg", "webp", "tiff", NULL };

  if (self->format == NULL)
    return TRUE;
  if (!cli_option_choice ("--format", self->format, names))
    return FALSE;
  for (guint i = 0; names[i] != NULL; i++)
    if (g_str_equal (self->format, names[i]))
      self->options.format = (EspExportFormat) i;
  return TRUE;
}

static gboolean
check_targets (Request *self)
{
  const int n = (self->output != NULL) + (self->leaves != NULL) + (self->path != NULL)
                + (self->animation != NULL);

  if (n != 1)
    {
      cli_usage (_ ("export: give one of --output, --leaves, --path and --animation"));
      return FALSE;
    }
  if (self->output != NULL)
    {
      self->options.what = ESP_EXPORT_IMAGE;
      self->target = self->output;
    }
  else if (self->animation != NULL)
    {
      self->options.what = ESP_EXPORT_ANIMATION;
      self->target = self->animation;
    }
  else
    {
      self->options.what = self->leaves != NULL ? ESP_EXPORT_LEAVES : ESP_EXPORT_PATH;
      self->target = self->leaves != NULL ? self->leaves : self->path;
      if (!g_file_test (self->target, G_FILE_TEST_IS_DIR))
        {
          cli_usage (_ ("%s: %s: is no folder"), self->leaves != NULL ? "--leaves" : "--path",
                     self->target);
          return FALSE;
        }
      return choose_by_option (self);
    }
  if (self->format != NULL)
    {
      cli_usage (_ ("--format: is for --leaves and --path; files are named after their format"));
      return FALSE;
    }
  return choose_by_name (self);
}

/* --part: as it is stored, into one file. */
static gboolean
check_part (Request *self)
{
  static const char *const names[] = { "raw", "mask", "source", NULL };
  static const EspNodePicture pictures[]
      = { ESP_NODE_PICTURE_RAW, ESP_NODE_PICTURE_MASK, ESP_NODE_PICTURE_SOURCE };

  self->part = ESP_NODE_PICTURE_SHOWN;
  if (self->part_text == NULL)
    return TRUE;
  if (!cli_option_choice ("--part", self->part_text, names))
    return FALSE;
  for (guint i = 0; names[i] != NULL; i++)
    if (g_str_equal (self->part_text, names[i]))
      self->part = pictures[i];
  if (self->output != NULL && self->options.format == ESP_EXPORT_PNG && self->quality == NULL
      && self->max_side == NULL && !self->recipe && !self->strip)
    return TRUE;
  cli_usage (_ ("--part: goes with --output FILE.png, and with no option that changes images"));
  return FALSE;
}

static gboolean
check (Request *self)
{
  guint64 number;

  if (!check_targets (self) || !check_part (self))
    return FALSE;
  if (self->recipe && self->strip)
    {
      cli_usage (_ ("export: --recipe and --strip exclude each other"));
      return FALSE;
    }
  if (self->quality != NULL)
    {
      if (!cli_option_uint ("--quality", self->quality, 1, 100, &number))
        return FALSE;
      self->options.quality = (int) number;
    }
  if (self->max_side != NULL)
    {
      if (!cli_option_uint ("--max-side", self->max_side, 1, ESP_PICTURE_MAX_SIDE, &number))
        return FALSE;
      self->options.max_side = (int) number;
    }
  if (self->seconds != NULL
      && !cli_option_double ("--seconds", self->seconds, 0.1, 10, &self->options.seconds))
    return FALSE;
  self->options.lossless = self->lossless;
  self->options.metadata = !self->strip;
  self->options.captions = self->captions;
  return TRUE;
}

static gboolean
parse (Request *self, char ***arguments, int *status)
{
  const GOptionEntry entries[] = {
    { "node", 0, 0, G_OPTION_ARG_FILENAME, &self->node,
      N_ ("The node; the current one if not given"), N_ ("ID") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output, N_ ("Write the node’s image here"),
      N_ ("FILE") },
    { "part", 0, 0, G_OPTION_ARG_FILENAME, &self->part_text,
      N_ ("Instead of the image what it was put together of: raw, mask or source"), N_ ("PART") },
    { "leaves", 0, 0, G_OPTION_ARG_FILENAME, &self->leaves,
      N_ ("Write the last images of all branches (below --node) into this folder"), N_ ("DIR") },
    { "path", 0, 0, G_OPTION_ARG_FILENAME, &self->path,
      N_ ("Write the steps to the node as numbered images into this folder"), N_ ("DIR") },
    { "animation", 0, 0, G_OPTION_ARG_FILENAME, &self->animation,
      N_ ("Write the steps as an animation (.gif, .webp or .png)"), N_ ("FILE") },
    { "format", 0, 0, G_OPTION_ARG_FILENAME, &self->format,
      N_ ("For folders: original, png, jpeg, webp or tiff"), N_ ("FORMAT") },
    { "quality", 0, 0, G_OPTION_ARG_FILENAME, &self->quality, N_ ("Of JPEG and WebP, 1 to 100"),
      N_ ("N") },
    { "lossless", 0, 0, G_OPTION_ARG_NONE, &self->lossless, N_ ("Write WebP without loss"), NULL },
    { "max-side", 0, 0, G_OPTION_ARG_FILENAME, &self->max_side,
      N_ ("Scale down to this many pixels of the longer side"), N_ ("N") },
    { "recipe", 0, 0, G_OPTION_ARG_NONE, &self->recipe,
      N_ ("Write all the steps into the metadata, the stored format included"), NULL },
    { "strip", 0, 0, G_OPTION_ARG_NONE, &self->strip, N_ ("Write no metadata"), NULL },
    { "seconds", 0, 0, G_OPTION_ARG_FILENAME, &self->seconds,
      N_ ("Of each image of an animation, 0.1 to 10"), N_ ("X") },
    { "captions", 0, 0, G_OPTION_ARG_NONE, &self->captions,
      N_ ("Write the instructions below the images of an animation"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json, N_ ("Print one JSON object"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet, N_ ("Print nothing but errors"), NULL },
    { NULL },
  };

  return cli_options_parse (arguments, N_ ("DOC [--node ID] -o FILE"),
                            _ ("Writes images of the document DOC to files."), entries, status);
}

/* Keeps the stored bytes where writing them anew would only lose something. */
static int
choose_original (Request *self, EspNode *node)
{
  const char *stored = esp_node_get_media_type (node);
  gboolean same = self->options.format == ESP_EXPORT_ORIGINAL;

  if (self->options.what != ESP_EXPORT_IMAGE)
    return CLI_EXIT_OK;
  if (self->options.format == ESP_EXPORT_ORIGINAL)
    {
      /* An image that was a .gif when it came may go as one. */
      g_autofree char *base = g_path_get_basename (self->output);
      g_autofree char *type = g_content_type_guess (base, NULL, 0, NULL);
      g_autofree char *mime = type != NULL ? g_content_type_get_mime_type (type) : NULL;

      if (g_strcmp0 (mime, stored) == 0)
        return CLI_EXIT_OK;
      return cli_usage (_ ("--output: “%s”: its name must end in .png, .jpg, .webp or .tiff"),
                        self->output);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    same = same
           || (formats[i].format == self->options.format
               && g_strcmp0 (formats[i].media_type, stored) == 0);
  if (same && self->quality == NULL && self->max_side == NULL && !self->lossless && !self->recipe)
    self->options.format = ESP_EXPORT_ORIGINAL;
  return CLI_EXIT_OK;
}

static void
report (Request *self, GPtrArray *files)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (self->json)
    {
      esp_json_open (text, NULL, '{');
      esp_json_open (text, "files", '[');
    }
  for (guint i = 0; i < files->len; i++)
    {
      g_autofree char *path = g_file_get_path (files->pdata[i]);
      g_autofree char *valid = g_utf8_make_valid (path, -1);

      if (self->json)
        esp_json_put_string (text, NULL, valid, -1);
      else
        g_string_append_printf (text, "%s\n", path);
    }
  if (self->json)
    {
      esp_json_close (text, ']');
      esp_json_close (text, '}');
      g_string_append_c (text, '\n');
    }
  if (self->json || !self->quiet)
    cli_print (text->str);
}

static gboolean
save_png (EspPicture *picture, const char *path, GError **error)
{
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;

  return esp_picture_save (picture, path, NULL, &options, NULL, error);
}

/* What the image of a node was put together of. A mask is written as it is: grey. */
static int
export_part (Request *self, CliSession *session, EspDocument *document, EspNode *node)
{
  g_autoptr (EspPicture) picture = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };
  gboolean ok;

  if (self->part == ESP_NODE_PICTURE_MASK)
    esp_document_load_node_bytes_async (document, node, self->part, session->cancellable,
                                        cli_answer_take, &answer);
  else
    esp_document_load_node_picture_async (document, node, self->part, session->cancellable,
                                          cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  if (self->part == ESP_NODE_PICTURE_MASK)
    bytes = esp_document_load_node_bytes_finish (document, answer.result, &error);
  else
    picture = esp_document_load_node_picture_finish (document, answer.result, &error);
  cli_answer_clear (&answer);
  ok = bytes != NULL     ? g_file_set_contents_full (self->output, g_bytes_get_data (bytes, NULL),
                                                     (gssize) g_bytes_get_size (bytes),
                                                     G_FILE_SET_CONTENTS_CONSISTENT, 0666, &error)
       : picture != NULL ? save_png (picture, self->output, &error)
                         : FALSE;
  if (!ok)
    return session->signal_number != 0 ? CLI_EXIT_FAILED : cli_fail ("%s", error->message);
  g_ptr_array_add (files, g_file_new_for_path (self->output));
  report (self, files);
  return CLI_EXIT_OK;
}

static int
run (Request *self, CliSession *session, EspDocument *document)
{
  g_autoptr (GFile) target = g_file_new_for_path (self->target);
  g_autoptr (GPtrArray) files = NULL;
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };
  EspNode *node = NULL;
  int status = CLI_EXIT_OK;

  if (self->node != NULL || self->options.what != ESP_EXPORT_LEAVES)
    {
      node = cli_document_find_node (document, "--node", self->node, &status);
      if (node == NULL)
        return status;
      if (self->part != ESP_NODE_PICTURE_SHOWN)
        return export_part (self, session, document, node);
      status = choose_original (self, node);
      if (status != CLI_EXIT_OK)
        return status;
    }
  esp_export_async (document, node, target, &self->options, NULL, NULL, session->cancellable,
                    cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  files = esp_export_finish (answer.result, &error);
  cli_answer_clear (&answer);
  if (files == NULL)
    return session->signal_number != 0 ? CLI_EXIT_FAILED : cli_fail ("%s", error->message);
  report (self, files);
  return CLI_EXIT_OK;
}

int
cli_export (char ***arguments)
{
  const EspExportOptions initial = ESP_EXPORT_OPTIONS_INIT;
  Request self = { .options = initial };
  CliSession session;
  EspDocument *document;
  int status;

  if (!parse (&self, arguments, &status))
    ;
  else if ((*arguments)[1] == NULL)
    status = cli_usage (_ ("%s: DOC is missing"), "export");
  else if ((*arguments)[2] != NULL)
    status = cli_usage (_ ("%s: %s: one document at a time"), "export", (*arguments)[2]);
  else if (!check (&self))
    status = CLI_EXIT_USAGE;
  else
    {
      cli_session_begin (&session);
      document = cli_document_open (&session, (*arguments)[1], FALSE);
      if (document == NULL)
        status = cli_session_end (&session, CLI_EXIT_FAILED);
      else
        status = cli_document_finish (&session, document, run (&self, &session, document));
    }
  request_clear (&self);
  return status;
}
