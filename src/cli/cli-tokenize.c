/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli-commands.h"
#include "cli-components.h"
#include "cli-options.h"
#include "cli-report.h"
#include "cli-session.h"

/* Lines go to the worker in batches of so many lines or bytes. */
#define BATCH_LINES 1024
#define BATCH_BYTES ((gsize) 4 << 20)

/* The worker's own limit for one text. */
#define LINE_MAX_BYTES ((gsize) 1 << 20)

typedef struct
{
  CliSession *session;
  const char *model;
  GPtrArray *texts; /* of GBytes: the batch */
  gsize bytes;
  guint64 line; /* number of the last line read, from 1 */
} Tokenizer;

/* g_utf8_validate() takes a NUL for an error; here it is a character. */
static gboolean
find_invalid (const char *text, gsize length, gsize *offset)
{
  const char *end = text + length;

  for (const char *start = text; start < end; start++)
    {
      if (g_utf8_validate (start, end - start, &start))
        return FALSE;
      if (*start != '\0')
        {
          *offset = (gsize) (start - text);
          return TRUE;
        }
    }

  return FALSE;
}

static gboolean
append_ids (GString *text, JsonObject *item, const char *key)
{
  JsonNode *node = json_object_get_member (item, key);
  JsonArray *ids;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;

  ids = json_node_get_array (node);
  g_string_append_printf (text, "\"%s\":[", key);
  for (guint i = 0; i < json_array_get_length (ids); i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "",
                            json_array_get_int_element (ids, i));
  g_string_append_c (text, ']');

  return TRUE;
}

static gboolean
print_items (JsonArray *items)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (items); i++)
    {
      JsonNode *item = json_array_get_element (items, i);

      if (!JSON_NODE_HOLDS_OBJECT (item))
        return FALSE;

      g_string_append_c (text, '{');
      if (!append_ids (text, json_node_get_object (item), "t5"))
        return FALSE;
      g_string_append_c (text, ',');
      if (!append_ids (text, json_node_get_object (item), "clip"))
        return FALSE;
      g_string_append (text, "}\n");
    }

  cli_print (text->str);
  return TRUE;
}

/* Has the batch done and printed. */
static int
flush_batch (Tokenizer *self)
{
  CliAnswer answer = { FALSE, NULL };
  g_autoptr (JsonArray) items = NULL;
  g_autoptr (GError) error = NULL;

  if (self->texts->len == 0)
    return CLI_EXIT_OK;

  esp_worker_tokenize_async (self->session->worker, self->model, self->texts,
                             self->session->cancellable, cli_answer_take, &answer);
  cli_session_wait (self->session, &answer.done, TRUE);
  items = esp_worker_tokenize_finish (self->session->worker, answer.result, &error);
  cli_answer_clear (&answer);

  if (items == NULL)
    return cli_fail ("%s", error->message);
  if (json_array_get_length (items) != self->texts->len || !print_items (items))
    return cli_fail (_ ("the engine’s answer is not understood"));

  g_ptr_array_set_size (self->texts, 0);
  self->bytes = 0;
  return CLI_EXIT_OK;
}

static int
add_line (Tokenizer *self, const char *text, gsize length)
{
  gsize offset;

  self->line++;
  if (length > LINE_MAX_BYTES)
    return cli_fail (_ ("standard input, line %" PRIu64 ": longer than %zu bytes"), self->line,
                     LINE_MAX_BYTES);
  if (find_invalid (text, length, &offset))
    return cli_fail (_ ("standard input, line %" PRIu64 ": not valid UTF-8 (byte %zu)"), self->line,
                     offset);

  g_ptr_array_add (self->texts, g_bytes_new (text, length));
  self->bytes += length;

  return self->texts->len >= BATCH_LINES || self->bytes >= BATCH_BYTES ? flush_batch (self)
                                                                       : CLI_EXIT_OK;
}

/* Takes the whole lines off the front of `buffer`; at the end of the input the rest is one, too. */
static int
take_lines (Tokenizer *self, GByteArray *buffer, gsize searched, gboolean at_end)
{
  gsize start = 0;
  int status = CLI_EXIT_OK;

  while (status == CLI_EXIT_OK && start < buffer->len)
    {
      const char *text = (const char *) buffer->data + start;
      gsize skip = start < searched ? searched - start : 0;
      const char *newline = memchr (text + skip, '\n', buffer->len - start - skip);

      if (newline == NULL && !at_end && buffer->len - start <= LINE_MAX_BYTES)
        break;

      status
          = add_line (self, text, newline != NULL ? (gsize) (newline - text) : buffer->len - start);
      start += newline != NULL ? (gsize) (newline - text) + 1 : buffer->len - start;
    }

  if (start > 0)
    g_byte_array_remove_range (buffer, 0, (guint) start);
  return status;
}

static gboolean
on_input (gint fd, GIOCondition condition, gpointer ready)
{
  *(gboolean *) ready = TRUE;
  return G_SOURCE_REMOVE;
}

/* A blocking read would not notice a signal. FALSE = one came. */
static gboolean
wait_for_input (Tokenizer *self)
{
  gboolean ready = FALSE;
  guint source = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_input, &ready);

  if (cli_session_wait (self->session, &ready, FALSE))
    return TRUE;

  g_source_remove (source);
  return FALSE;
}

static int
run (Tokenizer *self)
{
  g_autoptr (GByteArray) buffer = g_byte_array_new ();
  gboolean at_end = FALSE;
  int status = CLI_EXIT_OK;

  while (status == CLI_EXIT_OK && !at_end)
    {
      guint8 chunk[65536];
      gsize searched = buffer->len;
      gssize got;

      if (!wait_for_input (self))
        return CLI_EXIT_FAILED;

      got = read (STDIN_FILENO, chunk, sizeof chunk);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return cli_fail (_ ("standard input: cannot be read: %s"), g_strerror (errno));

      at_end = got == 0;
      g_byte_array_append (buffer, chunk, (guint) got);
      status = take_lines (self, buffer, searched, at_end);
    }

  return status == CLI_EXIT_OK ? flush_batch (self) : status;
}

int
cli_tokenize (char ***arguments)
{
  g_autofree char *model_option = NULL;
  g_autofree char *model = NULL;
  g_auto (GStrv) component_texts = NULL;
  g_autoptr (JsonObject) components = NULL;
  CliSession session;
  Tokenizer tokenizer = { .session = &session };
  int status;
  const GOptionEntry entries[] = {
    { "model", 0, 0, G_OPTION_ARG_FILENAME, &model_option,
      N_ ("The model: a folder, a file or an id"), N_ ("PATH|ID") },
    CLI_COMPONENT_ENTRY (&component_texts),
    { NULL },
  };

  if (!cli_options_parse (
          arguments, NULL,
          _ ("Reads one prompt a line from standard input and prints its token ids as "
             "one JSON object a line."),
          entries, &status))
    return status;
  if ((*arguments)[1] != NULL)
    return cli_usage (_ ("%s: tokenize reads standard input"), (*arguments)[1]);

  status = cli_components_read (component_texts, &components);
  if (status != CLI_EXIT_OK)
    return status;
  model = cli_components_choose_model (model_option, components);
  if (model == NULL)
    return CLI_EXIT_FAILED;

  cli_session_begin (&session);
  esp_worker_set_components (session.worker, model, components);
  tokenizer.model = model;
  tokenizer.texts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  status = run (&tokenizer);
  g_ptr_array_unref (tokenizer.texts);
  status = cli_session_end (&session, status);

  if (!cli_finish_output () && status == CLI_EXIT_OK)
    status = CLI_EXIT_FAILED;
  return status;
}
