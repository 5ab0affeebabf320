/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The worker's client, against workers that misbehave (stand-in-worker.py) and against the real
 * one. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "esp-worker.h"

typedef struct
{
  EspWorker *worker;
  GAsyncResult *result;
  GCancellable *cancellable;
  int progress, previews;
  double seconds_left;
  gboolean cancel_on_progress;
} Fixture;

static void
set_up (Fixture *self, gconstpointer mode)
{
  memset (self, 0, sizeof *self);
  g_setenv ("STAND_IN", mode, TRUE);
  self->worker = esp_worker_new (g_getenv ("STAND_IN_WORKER"));
  self->cancellable = g_cancellable_new ();
}

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *self = data;

  self->result = g_object_ref (result);
}

static GAsyncResult *
wait_for_result (Fixture *self)
{
  while (self->result == NULL)
    g_main_context_iteration (NULL, TRUE);

  return g_steal_pointer (&self->result);
}

static char *
hello (Fixture *self, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_worker_hello_async (self->worker, NULL, take_result, self);
  result = wait_for_result (self);
  return esp_worker_hello_finish (self->worker, result, error);
}

static JsonObject *
load (Fixture *self, const char *model, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_worker_load_async (self->worker, model, NULL, take_result, self);
  result = wait_for_result (self);
  return esp_worker_load_finish (self->worker, result, error);
}

static void
take_event (EspWorker *worker, const EspWorkerEvent *event, gpointer data)
{
  Fixture *self = data;

  if (event->kind == ESP_WORKER_EVENT_PROGRESS)
    {
      self->progress++;
      self->seconds_left = event->seconds_left;
      g_assert_cmpstr (event->stage, ==, "sample");
      if (self->cancel_on_progress)
        g_cancellable_cancel (self->cancellable);
    }
  else
    {
      self->previews++;
      g_assert_true (g_str_has_suffix (event->path, "/p.ppm"));
    }
}

static JsonObject *
edit (Fixture *self, GError **error)
{
  static const char *const images[] = { "/a.ppm", NULL };
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (GAsyncResult) result = NULL;
  EspWorkerEdit request = { .model = "m", .images = images, .parameters = parameters };

  json_object_set_string_member (parameters, "prompt", "a \"prompt\"\n– ❄");
  json_object_set_int_member (parameters, "seed", G_MAXINT64);
  esp_worker_edit_async (self->worker, &request, self->cancellable, take_event, self, take_result,
                         self);
  result = wait_for_result (self);
  return esp_worker_edit_finish (self->worker, result, error);
}

static void
tear_down (Fixture *self, gconstpointer mode)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_worker_stop_async (self->worker, take_result, self);
  result = wait_for_result (self);
  g_assert_true (esp_worker_stop_finish (self->worker, result, NULL));
  g_assert_null (esp_worker_get_identifier (self->worker));
  g_object_unref (self->worker);
  g_object_unref (self->cancellable);
}

static void
test_echo (Fixture *self, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = edit (self, &error);
  JsonObject *request;

  g_assert_no_error (error);
  g_assert_cmpint (self->progress, ==, 1);
  g_assert_cmpint (self->previews, ==, 1);
  g_assert_cmpfloat (self->seconds_left, ==, 1.5);
  g_assert_true (g_str_has_suffix (json_object_get_string_member (result, "path"), "/r.ppm"));

  request = json_object_get_object_member (result, "request");
  g_assert_cmpstr (json_object_get_string_member (request, "prompt"), ==, "a \"prompt\"\n– ❄");
  g_assert_cmpint (json_object_get_int_member (request, "seed"), ==, G_MAXINT64);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (request, "images")), ==,
                    1);
}

/* How many edits went in the request that one of them came with, itself included. */
static guint
count_together (JsonObject *result, guint index)
{
  JsonObject *request = json_object_get_object_member (result, "request");
  JsonArray *batch = json_object_has_member (request, "batch")
                         ? json_object_get_array_member (request, "batch")
                         : NULL;
  guint n = batch != NULL ? json_array_get_length (batch) : 0;
  JsonObject *carry;
  gboolean found
      = json_object_get_int_member_with_default (request, "seed", -1) == 7 + (gint64) index;

  g_assert_cmpstr (json_object_get_string_member (request, "prompt"), ==, "p");
  carry = json_object_get_object_member (request, "carry");
  g_assert_cmpstr (json_object_get_string_member (carry, "latents"), ==, "/l");
  g_assert_cmpstr (json_object_get_string_member (carry, "tokens"), ==, "948");
  g_assert_cmpint (json_object_get_int_member (carry, "width"), ==, 48);
  g_assert_cmpstr (json_object_get_string_member (carry, "model"), ==, "hash");
  for (guint i = 0; i < n; i++)
    found = found
            || json_object_get_int_member (json_array_get_object_element (batch, i), "seed")
                   == 7 + (gint64) index;
  g_assert_true (found);
  return n + 1;
}

static void
take_one_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* As many in one request as the engine takes; one that does not know of it gets one request each.
 * The second is cancelled before. */
static void
test_edits (Fixture *self, gconstpointer mode)
{
  static const char *const images[] = { "/a.ppm", NULL };
  /* 3 × 3 tokens: the 1st, 4th, 6th and 9th. */
  static const guint8 tokens[9] = { 255, 0, 0, 1, 0, 128, 0, 0, 255 };
  const EspWorkerCarry carry
      = { .latents = "/l", .width = 48, .height = 48, .tokens = tokens, .model = "hash" };
  EspWorkerEdit edit = { .model = "m", .images = images, .carry = &carry };
  EspWorkerEditPart parts[4] = { { NULL } };
  GAsyncResult *results[4] = { NULL };
  gboolean two = g_str_equal (mode, "echo two");
  g_autoptr (GError) error = NULL;
  g_autofree char *spool = hello (self, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < 4; i++)
    {
      parts[i] = (EspWorkerEditPart){ .parameters = json_object_new (),
                                      .cancellable = i == 1 ? self->cancellable : NULL,
                                      .callback = take_one_result,
                                      .user_data = &results[i] };
      json_object_set_string_member (parts[i].parameters, "prompt", "p");
      json_object_set_int_member (parts[i].parameters, "seed", 7 + (gint64) i);
    }
  g_cancellable_cancel (self->cancellable);
  esp_worker_edits_async (self->worker, &edit, parts, 4);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (JsonObject) result = NULL;

      while (results[i] == NULL)
        g_main_context_iteration (NULL, TRUE);
      result = esp_worker_edit_finish (self->worker, results[i], &error);
      if (i == 1)
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          g_clear_error (&error);
        }
      else
        {
          g_assert_no_error (error);
          g_assert_cmpuint (count_together (result, i), ==, two && i < 3 ? 2 : 1);
        }
      g_object_unref (results[i]);
      json_object_unref (parts[i].parameters);
    }
}

static void
test_crash_and_fresh_start (Fixture *self, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *spool = hello (self, &error);
  g_autoptr (JsonObject) model = NULL;
  JsonObject *result;

  g_assert_no_error (error);
  g_assert_true (g_file_test (spool, G_FILE_TEST_IS_DIR));

  result = edit (self, &error);
  g_assert_null (result);
  g_assert_error (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_CRASHED);
  g_assert_nonnull (strstr (error->message, "signal 11"));
  g_assert_nonnull (strstr (error->message, "something is very wrong"));
  g_assert_false (g_file_test (spool, G_FILE_TEST_EXISTS));
  g_assert_null (esp_worker_get_identifier (self->worker));

  /* The next request starts a fresh one. */
  g_clear_error (&error);
  model = load (self, "next", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (model, "id"), ==, "next");
}

static void
test_death_at_start (Fixture *self, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hello (self, &error));
  g_assert_error (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_CRASHED);
  g_assert_nonnull (strstr (error->message, "status 7"));
  g_assert_nonnull (strstr (error->message, "the disk is on fire"));
}

static void
test_other_protocol (Fixture *self, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hello (self, &error));
  g_assert_error (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_PROTOCOL);
}

static void
test_garbage (Fixture *self, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) model = NULL;

  g_test_expect_message ("espalier-worker", G_LOG_LEVEL_WARNING, "*not JSON*");
  g_test_expect_message ("espalier-worker", G_LOG_LEVEL_WARNING, "*no object*");
  g_test_expect_message ("espalier-worker", G_LOG_LEVEL_WARNING, "*without a type*");
  model = load (self, "m", &error);
  g_test_assert_expected_messages ();
  g_assert_no_error (error);
  g_assert_nonnull (model);
}

static void
test_error (Fixture *self, gconstpointer mode)
{
  static const struct
  {
    const char *code;
    int error;
  } codes[] = {
    { "argument", ESP_WORKER_ERROR_ARGUMENT }, { "numeric", ESP_WORKER_ERROR_NUMERIC },
    { "busy", ESP_WORKER_ERROR_BUSY },         { "protocol", ESP_WORKER_ERROR_PROTOCOL },
    { "novel", ESP_WORKER_ERROR_PROTOCOL },
  };
  g_autoptr (GError) error = NULL;

  g_assert_null (edit (self, &error));
  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      if (g_str_equal (codes[i].code, mode))
        g_assert_error (error, ESP_WORKER_ERROR, codes[i].error);
    }
  g_assert_cmpstr (error->message, ==, "photo.ppm: is wrong");
}

static void
test_cancel (Fixture *self, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;

  self->cancel_on_progress = TRUE;
  g_assert_true (esp_worker_start (self->worker, NULL));
  before = g_strdup (esp_worker_get_identifier (self->worker));
  g_assert_null (edit (self, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* It obeyed, so it lives. */
  g_assert_cmpstr (esp_worker_get_identifier (self->worker), ==, before);
}

static void
test_cancelled_before (Fixture *self, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (self->cancellable);
  g_assert_null (edit (self, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_null (esp_worker_get_identifier (self->worker));
}

static void
test_stuck (Fixture *self, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  g_autofree char *spool = hello (self, NULL);

  self->cancel_on_progress = TRUE;
  g_assert_null (edit (self, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - start, >, 3 * G_USEC_PER_SEC);
  g_assert_null (esp_worker_get_identifier (self->worker));
  g_assert_false (g_file_test (spool, G_FILE_TEST_EXISTS));
}

static void
test_missing_program (void)
{
  g_autoptr (EspWorker) worker = esp_worker_new ("/nonexistent/engine");
  g_autoptr (GError) error = NULL;

  g_assert_false (esp_worker_start (worker, &error));
  g_assert_error (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_START);
  g_assert_nonnull (strstr (error->message, "/nonexistent/engine"));
}

static void
test_stop_kills_the_silent (Fixture *self, gconstpointer mode)
{
  /* tear_down() waits for the end; here it only comes by force. */
  g_assert_true (esp_worker_start (self->worker, NULL));
}

static void
set_up_real (Fixture *self, gconstpointer mode)
{
  set_up (self, "");
  g_object_unref (self->worker);
  self->worker = esp_worker_new (g_getenv ("ESPALIER_ENGINE"));
}

static void
test_real_engine (Fixture *self, gconstpointer mode)
{
  const char *demo = g_getenv ("ESP_DEMO_MODEL");
  g_autoptr (GError) error = NULL;
  g_autofree char *spool = hello (self, &error);
  g_autoptr (JsonObject) model = NULL;
  g_autoptr (JsonObject) none = NULL;
  g_autoptr (JsonObject) description = NULL;
  g_autoptr (JsonArray) items = NULL;
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) tokens = NULL;

  g_assert_no_error (error);
  g_assert_true (g_file_test (spool, G_FILE_TEST_IS_DIR));

  model = load (self, demo, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (model, "kind"), ==, "demo");

  none = load (self, "/nonexistent", &error);
  g_assert_null (none);
  g_assert_error (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_FILE);
  g_assert_nonnull (strstr (error->message, "/nonexistent"));
  g_clear_error (&error);

  esp_worker_describe_async (self->worker, demo, NULL, take_result, self);
  result = wait_for_result (self);
  description = esp_worker_describe_finish (self->worker, result, &error);
  g_assert_no_error (error);
  g_assert_true (json_object_has_member (description, "parameters"));

  g_ptr_array_add (texts, g_bytes_new ("Make it snow", 12));
  g_ptr_array_add (texts, g_bytes_new ("a\0b", 3));
  g_ptr_array_add (texts, g_bytes_new (NULL, 0));
  esp_worker_tokenize_async (self->worker, demo, texts, NULL, take_result, self);
  tokens = wait_for_result (self);
  items = esp_worker_tokenize_finish (self->worker, tokens, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (json_array_get_length (items), ==, 3);
}

/* A worker that has been taken over by what it read, or says what nobody understands: it is ended,
 * the edit has its error, no file that is not the worker's own is touched, and the next one works.
 */
static void
test_distrust (Fixture *self, gconstpointer mode)
{
  g_autofree char *folder = g_dir_make_tmp ("espalier-yours-XXXXXX", NULL);
  g_autofree char *yours = g_build_filename (folder, "photo.ppm", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = NULL;
  g_autofree char *first = NULL;
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK); /* it is warned of nonsense */

  g_log_set_fatal_mask ("espalier-worker", G_LOG_FATAL_MASK);
  g_assert_true (g_file_set_contents (yours, "mine", 4, NULL));
  g_setenv ("YOURS", yours, TRUE);
  result = edit (self, &error);
  g_assert_null (result);
  g_assert_nonnull (error);
  g_assert_cmpint (self->previews, ==, 0);
  if (strcmp (mode, "no memory to read") == 0)
    g_assert_error (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_MEMORY);
  else
    g_assert_error (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_CRASHED);
  g_assert_true (g_file_test (yours, G_FILE_TEST_EXISTS));
  g_assert_null (esp_worker_get_identifier (self->worker));
  g_test_message ("%s: %s", (const char *) mode, error->message);

  g_setenv ("STAND_IN", "echo", TRUE);
  g_clear_error (&error);
  result = edit (self, &error);
  g_assert_no_error (error);
  g_log_set_always_fatal (fatal);
  g_unlink (yours);
  g_rmdir (folder);
}

#define ADD(path, mode, test)                                                                      \
  g_test_add ("/backend/worker/" path, Fixture, mode, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("echo", "echo", test_echo);
  ADD ("edits/one-by-one", "echo", test_edits);
  ADD ("edits/two-by-two", "echo two", test_edits);
  ADD ("crash", "crashes", test_crash_and_fresh_start);
  ADD ("death-at-start", "dies at once", test_death_at_start);
  ADD ("other-protocol", "other protocol", test_other_protocol);
  ADD ("garbage", "garbage", test_garbage);
  ADD ("error/argument", "argument", test_error);
  ADD ("error/numeric", "numeric", test_error);
  ADD ("error/busy", "busy", test_error);
  ADD ("error/protocol", "protocol", test_error);
  ADD ("error/unknown", "novel", test_error);
  ADD ("error/cancelled-before", "echo", test_cancelled_before);
  ADD ("cancel", "waits for cancel", test_cancel);
  ADD ("stuck", "stuck", test_stuck);
  ADD ("distrust/result", "names a file of yours", test_distrust);
  ADD ("distrust/link", "links to a file of yours", test_distrust);
  ADD ("distrust/latents", "names latents of yours", test_distrust);
  ADD ("distrust/preview", "shows a file of yours", test_distrust);
  ADD ("distrust/spool", "a spool of yours", test_distrust);
  ADD ("distrust/other-spool", "another spool", test_distrust);
  ADD ("distrust/no-id", "no memory to read", test_distrust);
  ADD ("distrust/babble", "babbles", test_distrust);
  ADD ("distrust/mutter", "mutters", test_distrust);
  ADD ("distrust/endless-line", "endless line", test_distrust);
  ADD ("stop-kills-the-silent", "silent", test_stop_kills_the_silent);
  g_test_add_func ("/backend/worker/missing-program", test_missing_program);
  g_test_add ("/backend/worker/real-engine", Fixture, NULL, set_up_real, test_real_engine,
              tear_down);
  return g_test_run ();
}
