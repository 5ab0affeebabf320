/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-worker"

#include "esp-worker-process.h"

#include <glib/gi18n-lib.h>
#include <signal.h>
#include <string.h>

#include "esp-line-limit.h"

/* How much of a dead worker's standard error its error message quotes. */
#define LAST_LINES 5

/* The longest line of an engine that is well: what it tells of a file with 100,000 tensors. */
#define LINE_BYTES_MAX ((gsize) 16 << 20)

/* The lines that are no events until an engine is not listened to any longer. */
#define NONSENSE_MAX 100

struct _EspWorkerProcess
{
  grefcount references;
  EspWorkerProcessFuncs funcs;
  gpointer data; /* NULL once abandoned */
  GSubprocess *subprocess;
  GOutputStream *input;
  GDataInputStream *output;
  GDataInputStream *messages;
  GQueue lines;      /* of GString, to be written */
  GString *writing;  /* the one being written, or NULL */
  GQueue last_lines; /* of char *, from standard error */
  gboolean close_when_written;
  gboolean output_ended, messages_ended, exited;
  gboolean killed;   /* by us */
  guint nonsense;    /* lines that were no events */
  gboolean given_up; /* it was killed for what it says */
};

static void write_next (EspWorkerProcess *self);
static void read_line (EspWorkerProcess *self);
static void read_message (EspWorkerProcess *self);

EspWorkerProcess *
_esp_worker_process_ref (EspWorkerProcess *self)
{
  g_ref_count_inc (&self->references);
  return self;
}

static void
free_line (gpointer line)
{
  g_string_free (line, TRUE);
}

void
_esp_worker_process_unref (EspWorkerProcess *self)
{
  if (!g_ref_count_dec (&self->references))
    return;

  g_queue_clear_full (&self->lines, free_line);
  g_queue_clear_full (&self->last_lines, g_free);
  g_clear_object (&self->output);
  g_clear_object (&self->messages);
  g_clear_object (&self->subprocess);
  g_free (self);
}

static char *
describe_end (EspWorkerProcess *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (self->given_up)
    return g_strdup (_ ("the engine sent what is no answer, and was ended"));
  if (g_subprocess_get_if_signaled (self->subprocess))
    {
      int number = g_subprocess_get_term_sig (self->subprocess);

      /* It offers itself to the kernel for that (docs/security.md). */
      if (number == SIGKILL && !self->killed)
        return g_strdup (
            _ ("the system ended the engine (signal 9), most likely because memory ran out"));
      g_string_append_printf (text, _ ("the engine was ended by signal %d (%s)"), number,
                              g_strsignal (number));
    }
  else
    g_string_append_printf (text, _ ("the engine ended with status %d"),
                            g_subprocess_get_exit_status (self->subprocess));

  for (GList *l = self->last_lines.head; l != NULL; l = l->next)
    g_string_append_printf (text, "%s%s", l == self->last_lines.head ? ": " : " | ",
                            (const char *) l->data);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
check_ended (EspWorkerProcess *self)
{
  g_autofree char *reason = NULL;
  gboolean expected;

  if (!self->output_ended || !self->messages_ended || !self->exited || self->data == NULL)
    return;

  reason = describe_end (self);
  expected = g_subprocess_get_successful (self->subprocess);
  self->funcs.ended (self, expected, reason, g_steal_pointer (&self->data));
}

static void
on_exited (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspWorkerProcess) self = data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  self->exited = TRUE;
  check_ended (self);
}

void
_esp_worker_process_give_up (EspWorkerProcess *self)
{
  self->given_up = TRUE;
  self->killed = TRUE;
  g_subprocess_force_exit (self->subprocess);
}

/* One that says too much of what nobody understands would fill memory or the journal. */
static void
note_nonsense (EspWorkerProcess *self)
{
  if (++self->nonsense > NONSENSE_MAX)
    _esp_worker_process_give_up (self);
}

static void
take_line (EspWorkerProcess *self, const char *line, gsize length)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;
  JsonNode *root;

  if (self->data == NULL || self->given_up)
    return;

  if (!json_parser_load_from_data (parser, line, (gssize) length, &error))
    {
      g_warning ("The engine sent a line that is not JSON: %s", error->message);
      note_nonsense (self);
      return;
    }

  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_warning ("The engine sent a line that is no object");
      note_nonsense (self);
      return;
    }

  self->funcs.line (self, json_node_get_object (root), self->data);
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspWorkerProcess) self = data;
  g_autoptr (GError) error = NULL;
  gsize length = 0;
  g_autofree char *line = g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (source),
                                                                result, &length, &error);

  if (line == NULL)
    {
      if (error != NULL)
        _esp_worker_process_give_up (self);
      self->output_ended = TRUE;
      check_ended (self);
      return;
    }

  take_line (self, line, length);
  read_line (self);
}

static void
read_line (EspWorkerProcess *self)
{
  g_data_input_stream_read_line_async (self->output, G_PRIORITY_DEFAULT, NULL, on_line,
                                       _esp_worker_process_ref (self));
}

static void
on_message (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspWorkerProcess) self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *line
      = g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (source), result, NULL, &error);

  if (line == NULL)
    {
      if (error != NULL)
        _esp_worker_process_give_up (self);
      self->messages_ended = TRUE;
      check_ended (self);
      return;
    }

  g_debug ("%s", line);
  g_queue_push_tail (&self->last_lines, g_utf8_make_valid (line, -1));
  if (g_queue_get_length (&self->last_lines) > LAST_LINES)
    g_free (g_queue_pop_head (&self->last_lines));
  read_message (self);
}

static void
read_message (EspWorkerProcess *self)
{
  g_data_input_stream_read_line_async (self->messages, G_PRIORITY_DEFAULT, NULL, on_message,
                                       _esp_worker_process_ref (self));
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspWorkerProcess) self = data;
  g_autoptr (GError) error = NULL;

  g_string_free (g_steal_pointer (&self->writing), TRUE);
  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    {
      /* The end of its output will tell the story. */
      g_debug ("Cannot write to the engine: %s", error->message);
      g_queue_clear_full (&self->lines, free_line);
    }

  write_next (self);
}

static void
write_next (EspWorkerProcess *self)
{
  if (self->writing != NULL)
    return;

  self->writing = g_queue_pop_head (&self->lines);
  if (self->writing != NULL)
    g_output_stream_write_all_async (self->input, self->writing->str, self->writing->len,
                                     G_PRIORITY_DEFAULT, NULL, on_written,
                                     _esp_worker_process_ref (self));
  else if (self->close_when_written)
    g_output_stream_close (self->input, NULL, NULL);
}

void
_esp_worker_process_send (EspWorkerProcess *self, GString *line)
{
  g_string_append_c (line, '\n');
  g_queue_push_tail (&self->lines, line);
  write_next (self);
}

void
_esp_worker_process_close_input (EspWorkerProcess *self)
{
  self->close_when_written = TRUE;
  write_next (self);
}

char *
_esp_worker_process_dup_identifier (EspWorkerProcess *self)
{
  return g_strdup (g_subprocess_get_identifier (self->subprocess));
}

void
_esp_worker_process_kill (EspWorkerProcess *self)
{
  g_subprocess_force_exit (self->subprocess);
}

static GDataInputStream *
read_lines (GInputStream *pipe)
{
  g_autoptr (GInputStream) limited = _esp_line_limit_stream_new (pipe, LINE_BYTES_MAX);

  return g_data_input_stream_new (limited);
}

void
_esp_worker_process_abandon (EspWorkerProcess *self)
{
  self->data = NULL;
  _esp_worker_process_close_input (self);
}

EspWorkerProcess *
_esp_worker_process_start (const char *program, GPtrArray *arguments,
                           const EspWorkerProcessFuncs *funcs, gpointer data, GError **error)
{
  EspWorkerProcess *self;
  g_autoptr (GPtrArray) command = g_ptr_array_new ();
  g_autoptr (GSubprocess) subprocess = NULL;

  g_ptr_array_add (command, (char *) program);
  g_ptr_array_extend (command, arguments, NULL, NULL);
  g_ptr_array_add (command, NULL);
  subprocess = g_subprocess_newv ((const char *const *) command->pdata,
                                  G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                      | G_SUBPROCESS_FLAGS_STDERR_PIPE,
                                  error);
  if (subprocess == NULL)
    return NULL;

  self = g_new0 (EspWorkerProcess, 1);
  g_ref_count_init (&self->references);
  g_queue_init (&self->lines);
  g_queue_init (&self->last_lines);
  self->funcs = *funcs;
  self->data = data;
  self->subprocess = g_steal_pointer (&subprocess);
  self->input = g_subprocess_get_stdin_pipe (self->subprocess);
  self->output = read_lines (g_subprocess_get_stdout_pipe (self->subprocess));
  self->messages = read_lines (g_subprocess_get_stderr_pipe (self->subprocess));

  read_line (self);
  read_message (self);
  g_subprocess_wait_async (self->subprocess, NULL, on_exited, _esp_worker_process_ref (self));

  return self;
}
