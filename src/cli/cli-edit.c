/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "cli-commands.h"
#include "cli-components.h"
#include "cli-edit-options.h"
#include "cli-edit-report.h"
#include "cli-progress.h"
#include "cli-remote-edit.h"
#include "cli-report.h"
#include "cli-session.h"

/* The engine's smallest picture. */
#define SIDE_MIN 16

/* One run of the command. */
typedef struct
{
  CliEditOptions options;
  CliSession session;
  CliProgress progress;
  char *model;
  JsonObject *components; /* of it that are elsewhere; or NULL */
  CliAnswer hello, loaded;
  gboolean hello_taken, loaded_taken;
  char *spool;         /* the worker's folder */
  EspPicture *source;  /* the first input, where its pixels are kept */
  CliKept *kept;       /* or NULL */
  GPtrArray *exchange; /* of char *: paths of the pictures for the worker, NULL at the end */
  GPtrArray *warnings; /* of char *: about the inputs */
  JsonObject *result;
  gint64 start;
} Edit;

/* --- Pictures for the worker, in threads ------------------------------------------------------ */

typedef struct
{
  char *path;
  EspPicture *picture;
  EspPictureInfo info;
  EspComposition *asked; /* borrowed: of the first input, what is sent of it; or NULL */
} Decoding;

static void
decoding_free (gpointer data)
{
  Decoding *decoding = data;

  g_free (decoding->path);
  g_clear_pointer (&decoding->picture, esp_picture_unref);
  esp_picture_info_clear (&decoding->info);
  g_free (decoding);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Decoding, decoding_free)

static void
decode_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autoptr (Decoding) decoding = g_new0 (Decoding, 1);
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  GError *error = NULL;

  decoding->info = info;
  decoding->picture = esp_picture_load (data, &decoding->info, cancellable, &error);

  if (decoding->picture == NULL)
    g_task_return_error (task, error);
  else if (decoding->picture->width < SIDE_MIN || decoding->picture->height < SIDE_MIN)
    g_task_return_new_error (task, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                             _ ("%s: %dx%d pixels; each side must have at least %d"),
                             (const char *) data, decoding->picture->width,
                             decoding->picture->height, SIDE_MIN);
  else
    g_task_return_pointer (task, g_steal_pointer (&decoding), decoding_free);
}

static void
exchange_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Decoding *decoding = data;
  GError *error = NULL;
  g_autoptr (EspPicture) sent
      = cli_keep_cut (decoding->asked, decoding->picture, cancellable, &error);

  if (sent != NULL && esp_picture_save_ppm (sent, decoding->path, &error))
    g_task_return_pointer (task, GINT_TO_POINTER (TRUE), NULL);
  else
    g_task_return_error (task, error);
}

/* Says what `error` says, unless the person knows: they pressed Ctrl+C. */
static int
fail_with (Edit *self, const GError *error)
{
  cli_progress_clear (&self->progress);
  if (self->session.signal_number != 0)
    return CLI_EXIT_FAILED;

  return cli_fail ("%s", error->message);
}

static void
take_warnings (Edit *self, const EspPictureInfo *info)
{
  for (guint i = 0; info->warnings != NULL && i < info->warnings->len; i++)
    {
      const char *text = g_ptr_array_index (info->warnings, i);

      g_ptr_array_add (self->warnings, g_utf8_make_valid (text, -1));
      if (!self->options.quiet && !self->options.json)
        cli_note ("%s", text);
    }
}

/* --- Waiting for the worker ------------------------------------------------------------------- */

/* The worker was asked to say hello and to open the model when it was started; both answers are
 * usually there when they are needed. */
static gboolean
take_hello (Edit *self, GError **error)
{
  if (self->hello_taken)
    return self->spool != NULL;

  if (!cli_session_wait (&self->session, &self->hello.done, FALSE))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "interrupted");
      return FALSE;
    }

  self->hello_taken = TRUE;
  self->spool = esp_worker_hello_finish (self->session.worker, self->hello.result, error);
  return self->spool != NULL;
}

/* Takes the answer to `load`, if it is there. FALSE = the model cannot be opened. */
static gboolean
take_loaded (Edit *self, GError **error)
{
  g_autoptr (JsonObject) model = NULL;

  if (self->loaded_taken || !self->loaded.done)
    return TRUE;

  self->loaded_taken = TRUE;
  model = esp_worker_load_finish (self->session.worker, self->loaded.result, error);
  if (model == NULL)
    return FALSE;

  if (!self->options.quiet && !self->options.json)
    {
      cli_progress_clear (&self->progress);
      cli_edit_demo_note (model);
      cli_edit_model_notes (model);
    }
  return TRUE;
}

/* Decodes an input and puts it into the spool. One at a time: pictures may be large. */
static gboolean
send_input (Edit *self, const char *input, GError **error)
{
  g_autofree char *name = g_strdup_printf ("input-%u.ppm", self->exchange->len);
  Decoding *decoding
      = cli_session_run (&self->session, decode_thread, g_strdup (input), g_free, FALSE, error);
  gpointer written;
  char *path;

  if (decoding == NULL)
    return FALSE;

  take_warnings (self, &decoding->info);
  if (!take_loaded (self, error) || !take_hello (self, error))
    {
      decoding_free (decoding);
      return FALSE;
    }

  path = g_build_filename (self->spool, name, NULL);
  g_ptr_array_add (self->exchange, path);
  decoding->path = g_strdup (path);
  if (self->exchange->len == 1 && self->options.keep.asked != NULL)
    {
      decoding->asked = self->options.keep.asked;
      self->source = esp_picture_ref (decoding->picture);
    }
  written
      = cli_session_run (&self->session, exchange_thread, decoding, decoding_free, FALSE, error);

  return written != NULL;
}

static void
on_event (EspWorker *worker, const EspWorkerEvent *event, gpointer data)
{
  Edit *self = data;
  g_autoptr (GError) error = NULL;

  /* An edit under way means that the model is open: say what it is before the first step. */
  if (take_loaded (self, &error))
    cli_progress_show (&self->progress, event);
}

static int
run_edit (Edit *self)
{
  g_autoptr (JsonObject) parameters = cli_edit_options_get_parameters (&self->options);
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };
  EspWorkerEdit edit = { .model = self->model,
                         .parameters = parameters,
                         .noise = self->options.noise,
                         .dump = self->options.dump };

  for (char **input = self->options.inputs; *input != NULL; input++)
    {
      if (!send_input (self, *input, &error))
        return fail_with (self, error);
    }
  g_ptr_array_add (self->exchange, NULL);
  edit.images = (const char *const *) self->exchange->pdata;

  esp_worker_edit_async (self->session.worker, &edit, self->session.cancellable, on_event, self,
                         cli_answer_take, &answer);
  cli_session_wait (&self->session, &answer.done, TRUE);
  self->result = esp_worker_edit_finish (self->session.worker, answer.result, &error);
  cli_answer_clear (&answer);

  return self->result != NULL ? CLI_EXIT_OK : fail_with (self, error);
}

/* --- The result ------------------------------------------------------------------------------- */

typedef struct
{
  EspPicture *picture;
  char *path;
  EspRecipe *recipe; /* or NULL */

  /* Where its pixels are kept: */
  EspPicture *source;
  const CliKeep *keep;
} Saving;

static void
saving_free (gpointer data)
{
  Saving *saving = data;

  g_clear_pointer (&saving->picture, esp_picture_unref);
  g_free (saving->path);
  g_clear_pointer (&saving->source, esp_picture_unref);
  esp_recipe_free (saving->recipe);
  g_free (saving);
}

/* Returns what was kept; of one that keeps nothing, all but the image is NULL. */
static void
save_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Saving *saving = data;
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  GError *error = NULL;
  g_autoptr (CliKept) kept = NULL;

  if (saving->source != NULL)
    kept = cli_keep_make (saving->keep->asked, saving->source, saving->picture, cancellable);
  else
    kept = cli_kept_new_whole (NULL, saving->picture, NULL);
  if (saving->recipe != NULL)
    {
      saving->recipe->width = kept->image->width;
      saving->recipe->height = kept->image->height;
    }
  if (!g_cancellable_set_error_if_cancelled (cancellable, &error)
      && esp_picture_save (kept->image, saving->path, saving->recipe, &options, cancellable, &error)
      && (saving->keep->mask_out == NULL
          || cli_keep_write_mask (kept, saving->keep->mask_out, &error)))
    g_task_return_pointer (task, g_steal_pointer (&kept), (GDestroyNotify) cli_kept_free);
  else
    g_task_return_error (task, error);
}

static int
save_result (Edit *self)
{
  const char *path = json_object_get_string_member_with_default (self->result, "path", "");
  g_autoptr (GError) error = NULL;
  Saving *saving = g_new0 (Saving, 1);
  CliAnswer stopped = { FALSE, NULL };

  saving->picture = esp_picture_load_ppm (path, &error);
  if (saving->picture == NULL)
    {
      saving_free (saving);
      return fail_with (self, error);
    }

  saving->path = g_strdup (self->options.output);
  saving->keep = &self->options.keep;
  saving->source = g_steal_pointer (&self->source);
  if (!self->options.no_metadata)
    saving->recipe = cli_recipe_new (&self->options, self->result);

  /* The worker clears up while the picture is compressed. */
  esp_worker_stop_async (self->session.worker, cli_answer_take, &stopped);
  self->kept = cli_session_run (&self->session, save_thread, saving, saving_free, TRUE, &error);
  cli_session_wait (&self->session, &stopped.done, TRUE);
  cli_answer_clear (&stopped);

  return self->kept != NULL ? CLI_EXIT_OK : fail_with (self, error);
}

static void
report (Edit *self)
{
  double seconds = (double) (g_get_monotonic_time () - self->start) / G_USEC_PER_SEC;
  g_autofree char *text = NULL;

  if (self->options.json)
    text = cli_edit_json (&self->options, self->result, self->kept, seconds, self->warnings);
  else if (!self->options.quiet)
    {
      cli_edit_notes (&self->options, self->result, self->kept);
      if (self->options.explain_memory)
        cli_edit_explain_memory (self->result);
      text = cli_edit_summary (&self->options, self->result, self->kept, seconds);
    }

  if (text != NULL)
    cli_print (text);
}

static int
run (Edit *self)
{
  g_autoptr (JsonObject) parameters = cli_edit_options_get_parameters (&self->options);
  g_autoptr (GError) error = NULL;
  const EspWorkerEdit edit = { .model = self->model,
                               .parameters = parameters,
                               .noise = self->options.noise,
                               .dump = self->options.dump };
  int status;

  esp_worker_set_components (self->session.worker, self->model, self->components);
  esp_worker_expect_edit (self->session.worker, &edit);
  if (!esp_worker_start (self->session.worker, &error))
    return fail_with (self, error);

  esp_worker_hello_async (self->session.worker, NULL, cli_answer_take, &self->hello);
  esp_worker_load_async (self->session.worker, self->model, NULL, cli_answer_take, &self->loaded);

  status = run_edit (self);
  if (status == CLI_EXIT_OK && !take_loaded (self, &error))
    status = fail_with (self, error);
  cli_progress_clear (&self->progress);
  if (status == CLI_EXIT_OK)
    status = save_result (self);
  if (status == CLI_EXIT_OK)
    report (self);

  return status;
}

int
cli_edit (char ***arguments)
{
  Edit self = { .start = g_get_monotonic_time () };
  const gboolean remote_json = cli_remote_edit_wants_json (*arguments);
  int status;

  if (!cli_edit_options_read (&self.options, arguments, &status))
    {
      cli_edit_options_clear (&self.options);
      return remote_json && status != CLI_EXIT_OK ? cli_remote_edit_refuse (status) : status;
    }
  if (cli_edit_options_is_remote (&self.options))
    {
      status = cli_remote_edit (&self.options);
      cli_edit_options_clear (&self.options);
      return status;
    }
  if (!cli_edit_options_check (&self.options, &status))
    {
      cli_edit_options_clear (&self.options);
      return status;
    }

  status = cli_components_read (self.options.component_texts, &self.components);
  if (status == CLI_EXIT_OK)
    self.model = cli_components_choose_model (self.options.model, self.components);
  if (self.model == NULL)
    {
      cli_edit_options_clear (&self.options);
      return status != CLI_EXIT_OK ? status : CLI_EXIT_FAILED;
    }

  self.exchange = g_ptr_array_new_with_free_func (g_free);
  self.warnings = g_ptr_array_new_with_free_func (g_free);
  cli_progress_init (&self.progress, self.options.quiet);
  cli_session_begin (&self.session);
  status = cli_session_end (&self.session, run (&self));
  cli_progress_finish (&self.progress);
  if (!cli_finish_output () && status == CLI_EXIT_OK)
    status = CLI_EXIT_FAILED;

  cli_answer_clear (&self.hello);
  cli_answer_clear (&self.loaded);
  g_clear_pointer (&self.result, json_object_unref);
  g_clear_pointer (&self.source, esp_picture_unref);
  g_clear_pointer (&self.kept, cli_kept_free);
  g_ptr_array_unref (self.exchange);
  g_ptr_array_unref (self.warnings);
  g_free (self.spool);
  g_free (self.model);
  g_clear_pointer (&self.components, json_object_unref);
  cli_edit_options_clear (&self.options);

  return status;
}
