/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands that show what is in a document: tree, log and verify. */
#include <glib/gi18n.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli-commands.h"
#include "cli-compose-report.h"
#include "cli-document.h"
#include "cli-options.h"
#include "cli-report.h"
#include "esp-json-text.h"

/* Wider than any title should be where the output is no terminal. */
#define NO_LIMIT 0

/* Deeper nodes are drawn one below the other. */
#define MAX_INDENTED 64

typedef struct
{
  GString *text;
  GString *prefix; /* of the line's branch */
  EspNode *current;
  gboolean unicode;
  int columns; /* of the terminal, or NO_LIMIT */
} Drawing;

static int
output_columns (void)
{
  struct winsize size;

  if (isatty (STDOUT_FILENO) && ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return NO_LIMIT;
}

static void
draw_line (Drawing *self, EspNode *node, const char *branch)
{
  const int used = (int) g_utf8_strlen (self->prefix->str, -1) + (int) g_utf8_strlen (branch, -1);
  /* Room for the id and the size behind the title. */
  g_autofree char *line = cli_document_describe_node (
      node, self->columns == NO_LIMIT ? NO_LIMIT : MAX (self->columns - used - 24, 1));

  g_string_append_printf (self->text, "%s%s%s%s\n", self->prefix->str, branch, line,
                          node == self->current ? (self->unicode ? "  ◀" : "  <-") : "");
}

/* Siblings that are being drawn. */
typedef struct
{
  GListModel *nodes;
  guint next;
  gsize prefix; /* bytes */
} Level;

/* Without recursion, and never further to the right than MAX_INDENTED: turns may follow each other
 * by the thousand. */
static void
draw_nodes (Drawing *self, GListModel *roots)
{
  g_autoptr (GArray) levels = g_array_new (FALSE, FALSE, sizeof (Level));
  const Level top = { roots, 0, 0 };

  g_array_append_val (levels, top);
  while (levels->len > 0)
    {
      Level *level = &g_array_index (levels, Level, levels->len - 1);
      g_autoptr (EspNode) node = g_list_model_get_item (level->nodes, level->next++);
      const gboolean last = level->next >= g_list_model_get_n_items (level->nodes);
      const gboolean far = levels->len > MAX_INDENTED;
      Level below = { NULL, 0, 0 };

      g_string_truncate (self->prefix, level->prefix);
      if (node == NULL)
        {
          g_array_set_size (levels, levels->len - 1);
          continue;
        }
      if (self->unicode)
        draw_line (self, node, far ? "└┄┄ " : last ? "└── " : "├── ");
      else
        draw_line (self, node, far ? "`.. " : last ? "`-- " : "|-- ");
      if (!far)
        g_string_append (self->prefix, last ? "    " : self->unicode ? "│   " : "|   ");
      below.nodes = esp_node_get_children (node);
      below.prefix = self->prefix->len;
      g_array_append_val (levels, below);
    }
}

static char *
draw_tree (EspDocument *document)
{
  g_autoptr (GString) prefix = g_string_new (NULL);
  Drawing self = { .text = g_string_new (NULL),
                   .prefix = prefix,
                   .current = esp_document_get_current (document),
                   .unicode = g_get_charset (NULL),
                   .columns = output_columns () };

  g_string_append_printf (self.text, "%s\n", esp_document_get_title (document));
  draw_nodes (&self, esp_document_get_roots (document));
  return g_string_free (self.text, FALSE);
}

static char *
nodes_json (GPtrArray *nodes)
{
  GString *json = g_string_new (NULL);

  esp_json_open (json, NULL, '{');
  esp_json_open (json, "nodes", '[');
  for (guint i = 0; i < nodes->len; i++)
    cli_document_put_node (json, nodes->pdata[i]);
  esp_json_close (json, ']');
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');
  return g_string_free (json, FALSE);
}

/* The one positional argument, DOC; NULL after a line. */
static const char *
get_document_argument (char **arguments)
{
  if (arguments[1] == NULL)
    cli_usage (_ ("%s: DOC is missing"), arguments[0]);
  else if (arguments[2] != NULL)
    cli_usage (_ ("%s: %s: one document at a time"), arguments[0], arguments[2]);
  else
    return arguments[1];
  return NULL;
}

int
cli_tree (char ***arguments)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };
  CliSession session;
  EspDocument *document;
  g_autofree char *text = NULL;
  const char *path;
  int status;

  if (!cli_options_parse (arguments, N_ ("DOC"), _ ("Shows the edit history of the document DOC."),
                          entries, &status))
    return status;
  path = get_document_argument (*arguments);
  if (path == NULL)
    return CLI_EXIT_USAGE;

  cli_session_begin (&session);
  document = cli_document_open (&session, path, FALSE);
  if (document == NULL)
    return cli_session_end (&session, CLI_EXIT_FAILED);
  if (json)
    {
      g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);

      text = nodes_json (nodes);
    }
  else
    text = draw_tree (document);
  cli_print (text);
  return cli_document_finish (&session, document, CLI_EXIT_OK);
}

/* ---- log */

static void
append_settings (GString *text, EspNode *node)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  g_string_append_printf (text, "    %s", esp_node_get_backend (node));
  if (esp_node_get_model (node) != NULL)
    g_string_append_printf (text, " %s", esp_node_get_model (node));
  if (esp_node_has_seed (node))
    g_string_append_printf (text, ", seed=%" G_GUINT64_FORMAT, esp_node_get_seed (node));
  json_object_iter_init_ordered (&iter, esp_node_get_parameters (node));
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      g_autofree char *plain = json_to_string (value, FALSE);

      g_string_append_printf (text, ", %s=%s", name, plain);
    }
  if (esp_node_get_seconds (node) >= 0)
    g_string_append_printf (text, _ (", %.1f s"), esp_node_get_seconds (node));
  g_string_append_c (text, '\n');
}

/* What became of its untouched pixels. */
static void
append_kept (GString *text, EspNode *node)
{
  const EspComposition *composition = esp_node_get_composition (node);
  g_autofree char *region = NULL;
  g_autofree char *kept = NULL;

  if (composition == NULL)
    return;
  if (composition->region != NULL)
    {
      region = esp_region_to_text (composition->region);
      g_string_append_printf (text, _ ("    region: %s\n"), region);
    }
  if (!composition->made)
    return;
  kept = cli_compose_describe (composition);
  g_string_append_printf (text, "    %s\n", kept);
}

static char *
log_text (GPtrArray *path)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < path->len; i++)
    {
      EspNode *node = path->pdata[i];
      g_autofree char *line = cli_document_describe_node (node, NO_LIMIT);
      const char *instruction = esp_node_get_instruction (node);
      const char *label = esp_node_get_label (node);

      g_string_append_printf (text, "%s\n", line);
      /* The whole of it where the title was a label or the first line only. */
      if (instruction != NULL && instruction[0] != '\0'
          && ((label != NULL && label[0] != '\0') || strchr (instruction, '\n') != NULL))
        {
          g_auto (GStrv) lines = g_strsplit (instruction, "\n", -1);

          for (guint k = 0; lines[k] != NULL; k++)
            g_string_append_printf (text, "    “%s”\n", lines[k]);
        }
      if (esp_node_get_negative_prompt (node) != NULL)
        g_string_append_printf (text, _ ("    not: %s\n"), esp_node_get_negative_prompt (node));
      if (esp_node_get_backend (node) != NULL)
        append_settings (text, node);
      append_kept (text, node);
    }
  return g_string_free (text, FALSE);
}

static void
reverse (GPtrArray *nodes)
{
  for (guint i = 0; i < nodes->len / 2; i++)
    {
      gpointer node = nodes->pdata[i];

      nodes->pdata[i] = nodes->pdata[nodes->len - 1 - i];
      nodes->pdata[nodes->len - 1 - i] = node;
    }
}

int
cli_log (char ***arguments)
{
  g_autofree char *node_text = NULL;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "node", 0, 0, G_OPTION_ARG_FILENAME, &node_text,
      N_ ("The last node; the current one if not given"), N_ ("ID") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };
  g_autoptr (GPtrArray) steps = g_ptr_array_new ();
  g_autofree char *text = NULL;
  CliSession session;
  EspDocument *document;
  EspNode *node;
  const char *path;
  int status = CLI_EXIT_OK;

  if (!cli_options_parse (arguments, N_ ("DOC"),
                          _ ("Shows the steps from the first image of DOC to a node."), entries,
                          &status))
    return status;
  path = get_document_argument (*arguments);
  if (path == NULL)
    return CLI_EXIT_USAGE;

  cli_session_begin (&session);
  document = cli_document_open (&session, path, FALSE);
  if (document == NULL)
    return cli_session_end (&session, CLI_EXIT_FAILED);
  node = cli_document_find_node (document, "--node", node_text, &status);
  for (EspNode *step = node; step != NULL; step = esp_node_get_parent (step))
    g_ptr_array_add (steps, step);
  reverse (steps);
  if (node != NULL)
    {
      text = json ? nodes_json (steps) : log_text (steps);
      cli_print (text);
    }
  return cli_document_finish (&session, document, status);
}

/* ---- verify */

int
cli_verify (char ***arguments)
{
  const GOptionEntry entries[] = { { NULL } };
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GError) error = NULL;
  CliAnswer answer = { FALSE, NULL };
  CliSession session;
  EspDocument *document;
  guint n_images = 0, n_nodes = 0;
  const char *path;
  int status;

  if (!cli_options_parse (arguments, N_ ("DOC"),
                          _ ("Checks the document DOC and every image in it."), entries, &status))
    return status;
  path = get_document_argument (*arguments);
  if (path == NULL)
    return CLI_EXIT_USAGE;

  cli_session_begin (&session);
  document = cli_document_open (&session, path, FALSE);
  if (document == NULL)
    return cli_session_end (&session, CLI_EXIT_FAILED);

  esp_document_verify_async (document, session.cancellable, cli_answer_take, &answer);
  cli_session_wait (&session, &answer.done, TRUE);
  if (!esp_document_verify_finish (document, answer.result, &n_images, &n_nodes, &problems, &error))
    status = session.signal_number != 0 ? CLI_EXIT_FAILED : cli_fail ("%s", error->message);
  else if (problems != NULL && problems->len > 0)
    {
      for (guint i = 0; i < problems->len; i++)
        {
          cli_print (problems->pdata[i]);
          cli_print ("\n");
        }
      status = cli_fail (ngettext ("%s: %u problem", "%s: %u problems", problems->len), path,
                         problems->len);
    }
  else
    {
      /* In every language: scripts look for it. */
      g_autofree char *text = g_strdup_printf ("%u images, %u nodes, ok\n", n_images, n_nodes);

      status = CLI_EXIT_OK;
      cli_print (text);
    }
  cli_answer_clear (&answer);
  return cli_document_finish (&session, document, status);
}
