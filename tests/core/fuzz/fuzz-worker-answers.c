/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a worker says: any bytes as its standard output, to a client that waits for answers of every
 * kind. The worker is a script that cat writes out, whatever it is told: its first line is none of
 * the protocol, and comes before. "@@" stands for a spool folder. */
#include "fuzz-core.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

#include "esp-worker.h"

#define CALLS 9

typedef struct
{
  guint ended;
  EspWorker *worker;
} Answers;

static void
on_event (EspWorker *worker, const EspWorkerEvent *event, gpointer data)
{
  PROMISE (event->kind == ESP_WORKER_EVENT_PREVIEW ? event->path != NULL : event->stage != NULL);
  PROMISE (event->fraction >= 0 && event->fraction <= 1);
  PROMISE (event->step >= 0 && event->steps >= 0);
}

#define ON(name, Type, clear)                                                                      \
  static void on_##name (GObject *source, GAsyncResult *result, gpointer data)                     \
  {                                                                                                \
    g_autoptr (GError) error = NULL;                                                               \
    Type *answer = esp_worker_##name##_finish (ESP_WORKER (source), result, &error);               \
                                                                                                   \
    fuzz_check_error (answer != NULL, &error);                                                     \
    g_clear_pointer (&answer, clear);                                                              \
    ((Answers *) data)->ended++;                                                                   \
  }

ON (hello, char, g_free)
ON (describe, JsonObject, json_object_unref)
ON (inspect, JsonObject, json_object_unref)
ON (convert, JsonObject, json_object_unref)
ON (load, JsonObject, json_object_unref)
ON (cache, JsonObject, json_object_unref)
ON (tokenize, JsonArray, json_array_unref)
ON (edit, JsonObject, json_object_unref)

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer data)
{
  esp_worker_stop_finish (ESP_WORKER (source), result, NULL);
  ((Answers *) data)->ended++;
}

/* Ids are given in this order, from 1 on; hello takes one, too. */
static void
ask (Answers *self)
{
  static const char *const images[] = { "a.ppm", NULL };
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (GPtrArray) texts = g_ptr_array_new ();
  EspWorkerEdit edit
      = { .model = "m", .images = images, .parameters = parameters, .previews = TRUE };
  EspWorker *worker = self->worker;

  json_object_set_string_member (parameters, "prompt", "p");
  esp_worker_hello_async (worker, NULL, on_hello, self);
  esp_worker_describe_async (worker, NULL, NULL, on_describe, self);
  esp_worker_inspect_async (worker, "m", NULL, NULL, on_inspect, self);
  esp_worker_convert_async (worker, "a", "b", "q4_k", NULL, on_event, self, on_convert, self);
  esp_worker_load_async (worker, "m", NULL, on_load, self);
  esp_worker_cache_async (worker, FALSE, NULL, on_cache, self);
  esp_worker_tokenize_async (worker, "m", texts, NULL, on_tokenize, self);
  esp_worker_edit_async (worker, &edit, NULL, on_event, self, on_edit, self);
  /* What it has said by then is read first. */
}

static char *script_path, *spool_path;

static void
remove_script (void)
{
  g_unlink (script_path);
  g_rmdir (spool_path);
  g_free (script_path);
  g_free (spool_path);
}

/* Not in memory: nothing may be run there in containers. */
static const char *
worker_path (void)
{
  if (script_path == NULL)
    {
      script_path = g_build_filename (g_get_tmp_dir (), "espalier-fuzz-worker-XXXXXX", NULL);
      g_close (g_mkstemp (script_path), NULL);
      g_chmod (script_path, 0700);
      signal (SIGPIPE, SIG_IGN); /* as the programs have it */
      spool_path = g_strdup_printf ("%s/espalier-spool-fuzz%d", g_get_tmp_dir (), (int) getpid ());
      atexit (remove_script);
    }
  return script_path;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *path = worker_path ();
  g_autoptr (GString) script = g_string_new ("#!/bin/cat --\n");
  Answers answers = { 0 };
  GMainContext *context = g_main_context_default ();

  if (size > 0)
    g_string_append_len (script, (const char *) data, (gssize) size);
  g_string_replace (script, "@@", spool_path, 0);
  g_mkdir (spool_path, 0700);
  PROMISE (g_file_set_contents_full (path, script->str, (gssize) script->len,
                                     G_FILE_SET_CONTENTS_NONE, 0700, NULL));
  answers.worker = esp_worker_new (path);
  ask (&answers);
  while (answers.ended < CALLS - 1)
    g_main_context_iteration (context, TRUE);
  esp_worker_stop_async (answers.worker, on_stopped, &answers);
  while (answers.ended < CALLS)
    g_main_context_iteration (context, TRUE);
  g_object_unref (answers.worker);
  while (g_main_context_iteration (context, FALSE))
    ;
  return 0;
}
