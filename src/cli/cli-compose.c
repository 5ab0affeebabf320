/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command that puts a result, of whatever program, into the photo it was made from. */
#include <glib/gi18n.h>

#include "cli-commands.h"
#include "cli-compose-report.h"
#include "cli-options.h"
#include "cli-report.h"
#include "cli-session.h"
#include "esp-json-text.h"
#include "esp-picture-scale.h"
#include "esp-untouched.h"

#define PIXELS_MAX 10000.0

typedef struct
{
  char *source, *result, *output, *mask, *mask_out;
  char *keep_text, *region_text, *grow_text, *feather_text;
  gboolean no_metadata, json, quiet;
  EspComposition *asked;
} Options;

static void
options_clear (Options *self)
{
  g_free (self->source);
  g_free (self->result);
  g_free (self->output);
  g_free (self->mask);
  g_free (self->mask_out);
  g_free (self->keep_text);
  g_free (self->region_text);
  g_free (self->grow_text);
  g_free (self->feather_text);
  g_clear_pointer (&self->asked, esp_composition_free);
}

static gboolean
options_parse (Options *self, char ***arguments, int *status)
{
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output,
      N_ ("Where to put the picture (.png, .jpg, .webp or .tiff)"), N_ ("OUT") },
    { "mask", 0, 0, G_OPTION_ARG_FILENAME, &self->mask,
      N_ ("Take what this picture has white of the result; else what changed is looked for"),
      N_ ("FILE") },
    { "mask-out", 0, 0, G_OPTION_ARG_FILENAME, &self->mask_out,
      N_ ("Write what was taken as a grey PNG: 0 where OUT is SOURCE"), N_ ("FILE") },
    { "keep-untouched", 0, 0, G_OPTION_ARG_FILENAME, &self->keep_text,
      N_ ("auto looks for what changed; off takes all"), N_ ("HOW") },
    { "region", 0, 0, G_OPTION_ARG_FILENAME, &self->region_text,
      N_ ("Take nothing outside of this part of SOURCE, in pixels"), N_ ("X,Y,W,H") },
    { "grow", 0, 0, G_OPTION_ARG_FILENAME, &self->grow_text,
      N_ ("Take so many pixels more around what changed; fewer below 0"), N_ ("PX") },
    { "feather", 0, 0, G_OPTION_ARG_FILENAME, &self->feather_text,
      N_ ("How wide the seam is; as the picture needs it if not given"), N_ ("PX") },
    { "no-metadata", 0, 0, G_OPTION_ARG_NONE, &self->no_metadata,
      N_ ("Do not write the recipe of RESULT into OUT"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json, N_ ("Print one JSON object"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet, N_ ("Print nothing but errors"), NULL },
    { NULL },
  };

  return cli_options_parse (arguments, N_ ("SOURCE RESULT -o OUT"),
                            _ ("Takes what changed from RESULT, an edit of SOURCE by any program, "
                               "and the rest from SOURCE, pixel by pixel, at the size of SOURCE."),
                            entries, status);
}

/* What is asked for; FALSE after a line that says what is wrong. */
static gboolean
read_asked (Options *self)
{
  static const char *const keeps[] = { "auto", "off", NULL };
  g_autoptr (GError) error = NULL;
  EspKeep keep = ESP_KEEP_AUTO;

  if (self->keep_text != NULL
      && (!cli_option_choice ("--keep-untouched", self->keep_text, keeps)
          || !esp_keep_from_string (self->keep_text, &keep)))
    return FALSE;
  self->asked = esp_composition_new (self->mask != NULL ? ESP_KEEP_PAINTED : keep);
  if (self->region_text != NULL)
    {
      self->asked->region = esp_region_parse (self->region_text, &error);
      if (self->asked->region == NULL)
        {
          cli_usage ("--region: %s", error->message);
          return FALSE;
        }
    }
  /* A mask that is given is taken as it is. */
  if (self->mask != NULL)
    self->asked->feather = 0;
  return (self->grow_text == NULL
          || cli_option_double ("--grow", self->grow_text, -PIXELS_MAX, PIXELS_MAX,
                                &self->asked->grow))
         && (self->feather_text == NULL
             || cli_option_double ("--feather", self->feather_text, 0, PIXELS_MAX,
                                   &self->asked->feather));
}

static int
options_check (Options *self, char **arguments)
{
  g_autoptr (GError) error = NULL;
  EspPictureFormat format;

  if (arguments[1] == NULL)
    return cli_usage (_ ("%s: SOURCE is missing"), "compose");
  if (arguments[2] == NULL)
    return cli_usage (_ ("%s: RESULT is missing"), "compose");
  if (arguments[3] != NULL)
    return cli_usage (_ ("%s: %s: one result at a time"), "compose", arguments[3]);
  if (self->output == NULL)
    return cli_usage (_ ("--output: is missing"));
  if (self->mask != NULL && (self->keep_text != NULL || self->region_text != NULL))
    return cli_usage (_ ("%s: --mask says what is taken; --keep-untouched and --region do not go "
                         "with it"),
                      "compose");
  if (!esp_picture_format_from_path (self->output, &format, &error))
    return cli_usage ("%s", error->message);
  if (!read_asked (self))
    return CLI_EXIT_USAGE;
  if (!cli_option_target ("--output", self->output)
      || (self->mask_out != NULL && !cli_option_target ("--mask-out", self->mask_out)))
    return CLI_EXIT_FAILED;
  self->source = g_strdup (arguments[1]);
  self->result = g_strdup (arguments[2]);
  return CLI_EXIT_OK;
}

/* --- The work, in a thread -------------------------------------------------------------------- */

typedef struct
{
  const Options *options;
  EspPicture *source, *result, *image;
  EspMask *mask, *shown; /* as it was found, and as it was composed with */
  EspComposition *composition;
  GPtrArray *warnings;
  double read, kept, written; /* seconds */
} Work;

static void
work_clear (Work *self)
{
  g_clear_pointer (&self->source, esp_picture_unref);
  g_clear_pointer (&self->result, esp_picture_unref);
  g_clear_pointer (&self->image, esp_picture_unref);
  g_clear_pointer (&self->mask, esp_mask_unref);
  g_clear_pointer (&self->shown, esp_mask_unref);
  g_clear_pointer (&self->composition, esp_composition_free);
  g_clear_pointer (&self->warnings, g_ptr_array_unref);
}

static double
seconds_since (gint64 start)
{
  return (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
}

static EspPicture *
read_picture (Work *self, const char *path, GCancellable *cancellable, GError **error)
{
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  EspPicture *picture = esp_picture_load (path, &info, cancellable, error);

  for (guint i = 0; info.warnings != NULL && i < info.warnings->len; i++)
    g_ptr_array_add (self->warnings, g_utf8_make_valid (g_ptr_array_index (info.warnings, i), -1));
  esp_picture_info_clear (&info);
  return picture;
}

static EspMask *
read_mask (Work *self, GCancellable *cancellable, GError **error)
{
  const char *path = self->options->mask;
  g_autofree char *name = g_filename_display_name (path);
  g_autoptr (EspPicture) picture = read_picture (self, path, cancellable, error);
  if (picture == NULL)
    return NULL;
  if (picture->width != self->source->width || picture->height != self->source->height)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                   _ ("%s: %d × %d pixels; a mask must be as large as SOURCE, %d × %d"), name,
                   picture->width, picture->height, self->source->width, self->source->height);
      return NULL;
    }
  return esp_mask_new_from_picture (picture, error);
}

static gboolean
read_all (Work *self, GCancellable *cancellable, GError **error)
{
  self->source = read_picture (self, self->options->source, cancellable, error);
  if (self->source == NULL)
    return FALSE;
  self->result = read_picture (self, self->options->result, cancellable, error);
  if (self->result == NULL)
    return FALSE;
  if (self->options->mask != NULL)
    return (self->mask = read_mask (self, cancellable, error)) != NULL;
  return self->composition->region == NULL
         || esp_region_fit (self->composition->region, self->source->width, self->source->height,
                            error);
}

/* With the mask that is given. */
static gboolean
compose_given (Work *self, GCancellable *cancellable, GError **error)
{
  EspComposition *composition = self->composition;

  composition->made = TRUE;
  if (!esp_registration_estimate (self->source, self->result, &composition->registration,
                                  cancellable, error))
    return FALSE;
  self->image = esp_untouched_remake (self->source, self->result, self->mask, composition,
                                      cancellable, error);
  return self->image != NULL;
}

static gboolean
compose_found (Work *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspUntouched) made
      = esp_untouched_make (self->source, self->result, self->composition, cancellable, error);

  if (made == NULL)
    return FALSE;
  esp_composition_free (self->composition);
  self->composition = g_steal_pointer (&made->composition);
  self->mask = g_steal_pointer (&made->mask);
  /* The file is always as large as SOURCE. */
  self->image = esp_picture_scale (made->image, self->source->width, self->source->height,
                                   cancellable, error);
  return self->image != NULL;
}

static gboolean
find_shown (Work *self, GCancellable *cancellable, GError **error)
{
  self->shown = esp_untouched_dup_effective_mask (self->source, self->image, self->mask,
                                                  self->composition, cancellable, error);
  if (self->shown == NULL)
    return FALSE;
  self->composition->changed = self->composition->global ? 1 : esp_mask_get_fraction (self->shown);
  return TRUE;
}

static gboolean
write_mask (Work *self, GError **error)
{
  g_autofree char *name = g_filename_display_name (self->options->mask_out);
  g_autoptr (GBytes) bytes = esp_mask_to_bytes (self->shown, error);

  if (bytes == NULL)
    return FALSE;
  if (g_file_set_contents_full (self->options->mask_out, g_bytes_get_data (bytes, NULL),
                                (gssize) g_bytes_get_size (bytes), G_FILE_SET_CONTENTS_CONSISTENT,
                                0666, error))
    return TRUE;
  g_prefix_error (error, "%s: ", name);
  return FALSE;
}

static gboolean
write_all (Work *self, GCancellable *cancellable, GError **error)
{
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autofree char *json = NULL;
  EspRecipe recipe = { NULL };

  if (!self->options->no_metadata && esp_recipe_read (self->options->result, &json, NULL))
    recipe = (EspRecipe){ .json = json,
                          .software = "Espalier " ESP_VERSION,
                          .width = self->image->width,
                          .height = self->image->height };
  if (!esp_picture_save (self->image, self->options->output, recipe.json != NULL ? &recipe : NULL,
                         &options, cancellable, error))
    return FALSE;
  return self->options->mask_out == NULL || write_mask (self, error);
}

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *self = data;
  GError *error = NULL;
  gint64 start = g_get_monotonic_time ();
  gboolean ok = read_all (self, cancellable, &error);

  self->read = seconds_since (start);
  start = g_get_monotonic_time ();
  ok = ok
       && (self->options->mask != NULL ? compose_given (self, cancellable, &error)
                                       : compose_found (self, cancellable, &error));
  self->kept = seconds_since (start);
  start = g_get_monotonic_time ();
  ok = ok && find_shown (self, cancellable, &error) && write_all (self, cancellable, &error);
  self->written = seconds_since (start);

  if (ok)
    g_task_return_pointer (task, GINT_TO_POINTER (TRUE), NULL);
  else
    g_task_return_error (task, error);
}

/* --- Telling ---------------------------------------------------------------------------------- */

static void
print_json (const Work *self)
{
  g_autoptr (GString) json = g_string_new (NULL);
  g_autofree char *output = g_utf8_make_valid (self->options->output, -1);

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "output", output, -1);
  esp_json_put_uint (json, "width", (guint64) self->image->width);
  esp_json_put_uint (json, "height", (guint64) self->image->height);
  cli_compose_put (json, self->composition);
  esp_json_open (json, "seconds", '{');
  esp_json_put_double (json, "read", self->read);
  esp_json_put_double (json, "compose", self->kept);
  esp_json_put_double (json, "write", self->written);
  esp_json_close (json, '}');
  esp_json_open (json, "warnings", '[');
  for (guint i = 0; i < self->warnings->len; i++)
    esp_json_put_string (json, NULL, g_ptr_array_index (self->warnings, i), -1);
  esp_json_close (json, ']');
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');
  cli_print (json->str);
}

static void
print_text (const Work *self)
{
  g_autofree char *output = g_utf8_make_valid (self->options->output, -1);
  g_autofree char *what = cli_compose_describe (self->composition);
  g_autofree char *line
      = g_strdup_printf ("%s: %dx%d, %s\n", output, self->image->width, self->image->height, what);

  for (guint i = 0; i < self->warnings->len; i++)
    cli_note ("%s", (const char *) g_ptr_array_index (self->warnings, i));
  cli_print (line);
}

static int
compose (const Options *options)
{
  Work work = { .options = options,
                .composition = esp_composition_copy (options->asked),
                .warnings = g_ptr_array_new_with_free_func (g_free) };
  g_autoptr (GError) error = NULL;
  CliSession session;
  int status = CLI_EXIT_OK;

  cli_session_begin (&session);
  /* To the end: the work looks at the cancellable itself, and is ours. */
  if (cli_session_run (&session, work_thread, &work, NULL, TRUE, &error) == NULL)
    status = session.signal_number != 0 ? CLI_EXIT_FAILED : cli_fail ("%s", error->message);
  else if (options->json)
    print_json (&work);
  else if (!options->quiet)
    print_text (&work);
  status = cli_session_end (&session, status);
  work_clear (&work);
  return status;
}

int
cli_compose (char ***arguments)
{
  Options options = { NULL };
  int status;

  if (options_parse (&options, arguments, &status))
    {
      status = options_check (&options, *arguments);
      if (status == CLI_EXIT_OK)
        status = compose (&options);
      if (!cli_finish_output () && status == CLI_EXIT_OK)
        status = CLI_EXIT_FAILED;
    }
  options_clear (&options);
  return status;
}
