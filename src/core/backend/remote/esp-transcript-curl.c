/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-transcript-curl.c: a turn as a shell script of curl and jq. */
#include "esp-transcript-private.h"

#include <string.h>

#include "esp-json-read.h"

/* Functions of the script; those that it calls are put into it, in this order. */
static const struct
{
  const char *call, *text;
} helpers[] = {
  { "mime ", "mime() {\n"
             "  case $1 in\n"
             "    *.jpg | *.jpeg) printf image/jpeg ;;\n"
             "    *.webp) printf image/webp ;;\n"
             "    *) printf image/png ;;\n"
             "  esac\n"
             "}\n" },
  { "encode ", "encode() { base64 < \"$1\" | tr -d '\\n'; }\n" },
  { "data_uri ", "data_uri() { printf 'data:%s;base64,' \"$(mime \"$1\")\"; encode \"$1\"; }\n" },
  { "bytes_of ", "bytes_of() { printf %s $(($(wc -c < \"$1\"))); }\n" },
  { "in_json ", "# As a part of a text in JSON.\n"
                "in_json() { printf %s \"$1\" | jq -Rsj '@json | .[1:-1]'; }\n" },
  { "new_uuid ", "new_uuid() {\n"
                 "  od -An -N16 -tx1 /dev/urandom | tr -d ' \\n' |\n"
                 "    sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/\\1-\\2-4\\3-a\\4-\\5/'\n"
                 "}\n" },
  { "quote ", "quote() { jq -rnj --arg text \"$1\" '$text | @uri'; }\n" },
  { "last_event ", "# The data of the last event of this name.\n"
                   "last_event() {\n"
                   "  tr -d '\\r' < \"$work/answer\" | awk -v name=\"$1\" '\n"
                   "    /^event:/ { event = $0; sub(/^event: */, \"\", event) }\n"
                   "    /^data:/ && event == name { data = $0; sub(/^data: */, \"\", data) }\n"
                   "    END { if (data == \"\") exit 1; print data }' > \"$work/event\" ||\n"
                   "    { cat \"$work/answer\" >&2; exit 1; }\n"
                   "  mv \"$work/event\" \"$work/answer\"\n"
                   "}\n" },
};

/* --- Expressions ------------------------------------------------------------------------------ */

static char *
dup_file (int image)
{
  return g_strdup_printf ("image%d", image + 1);
}

/* The variable with what was captured; "uploading": of that picture. */
static char *
dup_variable (const char *capture, int uploading)
{
  return uploading >= 0 ? g_strdup_printf ("image%d_%s", uploading + 1, capture)
                        : g_strconcat ("job_", capture, NULL);
}

typedef enum
{
  IN_TEXT, /* within double quotes */
  IN_JSON, /* a command that prints it as part of a text in JSON */
} Place;

/* A property of a picture: a command that prints it. */
static char *
dup_property (EspTranscript *self, int image, const char *property, Place place, gboolean uploading)
{
  g_autofree char *file = dup_file (image);

  if (!uploading && _esp_transcript_is_captured (self, property))
    return g_strdup_printf (place == IN_JSON ? "in_json \"$%s_%s\"" : "printf %%s \"$%s_%s\"", file,
                            property);
  if (g_str_equal (property, "data_uri"))
    return g_strdup_printf ("data_uri \"$%s\"", file);
  if (g_str_equal (property, "base64"))
    return g_strdup_printf ("encode \"$%s\"", file);
  if (g_str_equal (property, "mime"))
    return g_strdup_printf ("mime \"$%s\"", file);
  if (g_str_equal (property, "size_bytes"))
    return g_strdup_printf ("bytes_of \"$%s\"", file);
  return g_strdup_printf (place == IN_JSON ? "in_json \"${%s##*/}\"" : "printf %%s \"${%s##*/}\"",
                          file);
}

/* A command that prints what a mark stands for. */
static char *
dup_command (EspTranscript *self, const char *name, Place place, int uploading)
{
  g_autofree char *variable = NULL;
  const char *property;
  int index;

  if (_esp_transcript_parse_image (name, &index, &property))
    return dup_property (self, uploading >= 0 ? uploading : MAX (index, 0), property, place,
                         uploading >= 0);

  if (g_str_equal (name, "turn.uuid"))
    {
      self->has_turn = TRUE;
      variable = g_strdup ("turn");
    }
  else if (g_str_equal (name, "turn.client_id"))
    {
      self->has_client = TRUE;
      variable = g_strdup ("client");
    }
  else if (g_str_equal (name, "secret.api_key"))
    variable = g_strdup (self->key_name);
  else
    variable = dup_variable (name + strlen ("job."), uploading);

  return g_strdup_printf (place == IN_JSON ? "in_json \"$%s\"" : "printf %%s \"$%s\"", variable);
}

/* Within double quotes. */
static void
put_in_quotes (GString *out, const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    {
      if (strchr ("\"\\$`", *c) != NULL)
        g_string_append_c (out, '\\');
      g_string_append_c (out, *c);
    }
}

/* A word of the shell. */
static void
put_text (EspTranscript *self, GString *out, const char *text, int uploading)
{
  g_autoptr (GPtrArray) pieces = _esp_transcript_split (text);

  if (pieces->len <= 1 && (pieces->len == 0 || !((EspTranscriptPiece *) pieces->pdata[0])->mark))
    {
      g_autofree char *quoted = g_shell_quote (text);

      g_string_append (out, quoted);
      return;
    }

  g_string_append_c (out, '"');
  for (guint i = 0; i < pieces->len; i++)
    {
      EspTranscriptPiece *piece = pieces->pdata[i];
      g_autofree char *command = NULL;
      const char *plain;

      if (!piece->mark)
        {
          put_in_quotes (out, piece->text);
          continue;
        }
      command = dup_command (self, piece->text, IN_TEXT, uploading);
      /* printf %s "$x" is a way to say $x. */
      plain = g_str_has_prefix (command, "printf %s \"") ? command + strlen ("printf %s ") : NULL;
      if (piece->encoded)
        g_string_append_printf (out, plain != NULL ? "$(quote %s)" : "$(quote \"$(%s)\")",
                                plain != NULL ? plain : command);
      else if (plain != NULL)
        {
          g_autofree char *bare = g_strndup (plain + 1, strlen (plain) - 2);

          if (bare[1] == '{')
            g_string_append (out, bare);
          else
            g_string_append_printf (out, "${%s}", bare + 1);
        }
      else
        g_string_append_printf (out, "$(%s)", command);
    }
  g_string_append_c (out, '"');
}

/* --- Bodies ----------------------------------------------------------------------------------- */

/* A body of JSON: words to print, and commands between them. */
typedef struct
{
  EspTranscript *script;
  GString *out;
  GString *words; /* not printed yet */
  int uploading;
} Body;

static void
flush (Body *self)
{
  g_autofree char *quoted = NULL;

  if (self->words->len == 0)
    return;
  quoted = g_shell_quote (self->words->str);
  g_string_append_printf (self->out, "  printf %%s %s\n", quoted);
  g_string_truncate (self->words, 0);
}

static void
put_command (Body *self, const char *command)
{
  flush (self);
  g_string_append_printf (self->out, "  %s\n", command);
}

/* The inside of a text in JSON. */
static void
put_words (Body *self, const char *text)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), text);
  g_autofree char *json = esp_json_dup_text (node);

  g_string_append_len (self->words, json + 1, (gssize) strlen (json) - 2);
}

static void
put_json_text (Body *self, const char *text)
{
  g_autoptr (GPtrArray) pieces = _esp_transcript_split (text);

  g_string_append_c (self->words, '"');
  for (guint i = 0; i < pieces->len; i++)
    {
      EspTranscriptPiece *piece = pieces->pdata[i];

      if (!piece->mark)
        put_words (self, piece->text);
      else
        {
          g_autofree char *command
              = dup_command (self->script, piece->text, IN_JSON, self->uploading);

          put_command (self, command);
        }
    }
  g_string_append_c (self->words, '"');
}

/* A mark that is a value of its own: a list, a number, or a text. */
static void
put_json_mark (Body *self, const char *name)
{
  const char *property = NULL;
  int index = 0;
  gboolean of_image = _esp_transcript_parse_image (name, &index, &property);
  gboolean number = of_image && g_str_equal (property, "size_bytes");
  const char *quote = number ? "" : "\"";
  int from = index == -2 ? 1 : 0, to = (int) self->script->n_images;

  if (!of_image || index >= 0)
    from = to = 0;
  else
    g_string_append_c (self->words, '[');

  for (int i = from; i < MAX (to, from + 1); i++)
    {
      g_autofree char *command = of_image && index < 0
                                     ? dup_property (self->script, i, property, IN_JSON, FALSE)
                                     : dup_command (self->script, name, IN_JSON, self->uploading);

      if (of_image && index < 0 && i >= to)
        break;
      g_string_append_printf (self->words, "%s%s", i > from ? "," : "", quote);
      put_command (self, command);
      g_string_append (self->words, quote);
    }
  if (of_image && index < 0)
    g_string_append_c (self->words, ']');
}

static void
put_json (Body *self, JsonNode *node)
{
  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *member;
      gboolean first = TRUE;

      g_string_append_c (self->words, '{');
      json_object_iter_init_ordered (&iter, json_node_get_object (node));
      while (json_object_iter_next_ordered (&iter, &name, &member))
        {
          g_string_append (self->words, first ? "" : ",");
          first = FALSE;
          put_json_text (self, name);
          g_string_append_c (self->words, ':');
          put_json (self, member);
        }
      g_string_append_c (self->words, '}');
    }
  else if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      g_string_append_c (self->words, '[');
      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          g_string_append (self->words, i > 0 ? "," : "");
          put_json (self, json_array_get_element (array, i));
        }
      g_string_append_c (self->words, ']');
    }
  else if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    {
      g_autofree char *only = _esp_transcript_dup_only (json_node_get_string (node));

      if (only != NULL)
        put_json_mark (self, only);
      else
        put_json_text (self, json_node_get_string (node));
    }
  else
    {
      g_autofree char *text = esp_json_dup_text (node);

      g_string_append (self->words, text);
    }
}

static void
put_json_body (EspTranscript *self, JsonNode *json, int uploading)
{
  g_autoptr (GString) words = g_string_new (NULL);
  Body body = { .script = self, .out = self->text, .words = words, .uploading = uploading };

  g_string_append (self->text, "{\n");
  put_json (&body, json);
  flush (&body);
  g_string_append (self->text, "} > \"$work/body\"\n");
}

/* --- Requests --------------------------------------------------------------------------------- */

static void
put_parts (EspTranscript *self, const GPtrArray *parts, int uploading)
{
  GString *out = self->text;

  for (guint i = 0; i < parts->len; i++)
    {
      EspTranscriptPart *part = parts->pdata[i];
      g_autofree char *file = NULL;

      g_string_append (out, " \\\n  ");
      if (part->image < 0)
        {
          g_autofree char *pair = g_strconcat (part->name, "=", part->value, NULL);

          g_string_append (out, "--form-string ");
          put_text (self, out, pair, uploading);
          continue;
        }

      file = dup_file (part->image);
      g_string_append (out, "--form ");
      put_text (self, out, part->name, uploading);
      g_string_append_printf (out, "\"=@\\\"$%s\\\";type=", file);
      if (part->type != NULL)
        put_in_quotes (out, part->type);
      else
        g_string_append_printf (out, "$(mime \"$%s\")", file);
      if (part->filename != NULL)
        {
          g_string_append (out, ";filename=\"");
          put_text (self, out, part->filename, uploading);
        }
      else
        g_string_append_c (out, '"');
    }
}

static void
put_headers (EspTranscript *self, const EspTranscriptRequest *request, int uploading)
{
  gboolean has_type = FALSE;
  GString *out = self->text;

  for (guint i = 0; i < request->headers->len; i++)
    {
      EspTranscriptHeader *header = request->headers->pdata[i];

      if (header->name == NULL)
        {
          g_string_append (out, " \"${headers[@]}\"");
          continue;
        }
      has_type = has_type || g_ascii_strcasecmp (header->name, "content-type") == 0;
      {
        g_autofree char *line = g_strconcat (header->name, ": ", header->value, NULL);

        g_string_append (out, " -H ");
        put_text (self, out, line, uploading);
      }
    }
  if (has_type)
    return;
  if (request->json != NULL)
    g_string_append (out, " -H 'Content-Type: application/json'");
  else if (request->file >= 0 && request->content_type != NULL)
    {
      g_autofree char *line = g_strconcat ("Content-Type: ", request->content_type, NULL);

      g_string_append (out, " -H ");
      put_text (self, out, line, uploading);
    }
  else if (request->file >= 0)
    {
      g_autofree char *file = dup_file (request->file);

      g_string_append_printf (out, " -H \"Content-Type: $(mime \"$%s\")\"", file);
    }
}

/* Headers that a server named, as arguments. */
static void
put_named_headers (EspTranscript *self, const EspTranscriptRequest *request, int uploading)
{
  for (guint i = 0; i < request->headers->len; i++)
    {
      EspTranscriptHeader *header = request->headers->pdata[i];
      g_autofree char *only = NULL;
      g_autofree char *variable = NULL;

      if (header->name != NULL)
        continue;
      only = _esp_transcript_dup_only (header->value);
      variable = dup_variable (only != NULL ? only + strlen ("job.") : "", uploading);
      g_string_append_printf (self->text,
                              "headers=()\n"
                              "while IFS= read -r line; do headers+=(-H \"$line\"); done < <(\n"
                              "  printf %%s \"$%s\" | jq -r 'to_entries[] | \"\\(.key): "
                              "\\(.value)\"')\n",
                              variable);
    }
}

static gboolean
put_request (EspTranscript *self, const EspProviderRequest *template, int uploading, GError **error)
{
  g_autoptr (EspTranscriptRequest) request
      = _esp_transcript_request_new (self, template, uploading, error);
  GString *out = self->text;

  if (request == NULL)
    return FALSE;

  if (request->json != NULL)
    put_json_body (self, request->json, uploading);
  put_named_headers (self, request, uploading);
  g_string_append_printf (out, "%s %s ", request->auth ? "send" : "send_without_key",
                          request->method);
  put_text (self, out, request->url, uploading);
  put_headers (self, request, uploading);
  if (request->json != NULL)
    g_string_append (out, " --data-binary \"@$work/body\"");
  else if (request->form != NULL)
    {
      g_string_append (out, " --data ");
      put_text (self, out, request->form, uploading);
    }
  else if (request->parts != NULL)
    put_parts (self, request->parts, uploading);
  else if (request->file >= 0)
    {
      g_autofree char *file = dup_file (request->file);

      g_string_append_printf (out, " --data-binary \"@$%s\"", file);
    }
  g_string_append_c (out, '\n');
  return TRUE;
}

/* --- Answers ---------------------------------------------------------------------------------- */

/* A pointer in jq's language, and the variables that it needs. */
static char *
dup_jq_path (const char *pointer, GHashTable *variables)
{
  g_autoptr (GString) path = g_string_new (".");
  g_auto (GStrv) parts = g_strsplit (pointer, "/", -1);

  for (guint i = 1; parts[0] != NULL && parts[i] != NULL; i++)
    {
      g_autoptr (GPtrArray) pieces = _esp_transcript_split (parts[i]);
      gboolean digits = parts[i][0] != '\0' && parts[i][strspn (parts[i], "0123456789")] == '\0';

      if (g_str_equal (parts[i], "*"))
        {
          g_string_append (path, "[]");
          continue;
        }
      if (digits)
        {
          g_string_append_printf (path, "[%s]", parts[i]);
          continue;
        }
      g_string_append_c (path, '[');
      for (guint j = 0; j < pieces->len; j++)
        {
          EspTranscriptPiece *piece = pieces->pdata[j];
          g_autoptr (GString) word = NULL;
          g_autoptr (JsonNode) node = NULL;
          g_autofree char *json = NULL;

          g_string_append (path, j > 0 ? "+" : "");
          if (piece->mark && g_str_has_prefix (piece->text, "job."))
            {
              g_string_append_printf (path, "$job_%s", piece->text + strlen ("job."));
              g_hash_table_add (variables, g_strdup (piece->text + strlen ("job.")));
              continue;
            }
          word = g_string_new (piece->text);
          g_string_replace (word, "~1", "/", 0);
          g_string_replace (word, "~0", "~", 0);
          node = json_node_init_string (json_node_alloc (), word->str);
          json = esp_json_dup_text (node);
          g_string_append (path, json);
        }
      g_string_append_c (path, ']');
    }
  return g_string_free (g_steal_pointer (&path), FALSE);
}

/* `format` has a %s for "[(path)?], [(path)?], …". */
static void
put_jq (EspTranscript *self, const char *options, char **pointers, const char *format)
{
  g_auto (GStrv) marked = _esp_transcript_dup_pointers (self, pointers);
  g_autoptr (GHashTable) variables = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GString) paths = g_string_new (NULL);
  g_auto (GStrv) around = g_strsplit (format, "%s", 2);
  g_autofree char *program = NULL;
  g_autofree char *quoted = NULL;
  GHashTableIter iter;
  gpointer variable;

  for (guint i = 0; marked[i] != NULL; i++)
    {
      g_autofree char *path = dup_jq_path (marked[i], variables);

      g_string_append_printf (paths, "%s[(%s)?]", i > 0 ? ", " : "", path);
    }
  program = g_strconcat (around[0], paths->str, around[1], NULL);
  quoted = g_shell_quote (program);
  g_string_append_printf (self->text, "jq %s", options);
  g_hash_table_iter_init (&iter, variables);
  while (g_hash_table_iter_next (&iter, &variable, NULL))
    g_string_append_printf (self->text, " --arg job_%s \"$job_%s\"", (char *) variable,
                            (char *) variable);
  g_string_append_printf (self->text, " %s \"$work/answer\"", quoted);
}

#define FIRST "[%s] | add // [] | map(select(. != null)) | .[0] | select(. != null)"

static void
put_captures (EspTranscript *self, const EspProviderRequest *request, int uploading)
{
  for (guint i = 0; i < request->captures->len; i++)
    {
      EspCapture *capture = request->captures->pdata[i];
      g_autofree char *variable = dup_variable (capture->name, uploading);

      g_string_append_printf (self->text, "%s=$(", variable);
      put_jq (self, "-rc", capture->pointers, FIRST);
      g_string_append (self->text, ")\n");
    }
}

/* --- The script ------------------------------------------------------------------------------- */

static gboolean
put_uploads (EspTranscript *self, GError **error)
{
  const GPtrArray *uploads = self->descriptor->image.upload;

  for (guint i = 0; uploads != NULL && i < self->n_images; i++)
    {
      g_string_append_printf (self->text, "\n# The image is uploaded.\n");
      for (guint j = 0; j < uploads->len; j++)
        {
          const EspProviderRequest *request = uploads->pdata[j];

          if (!put_request (self, request, (int) i, error))
            return FALSE;
          put_captures (self, request, (int) i);
        }
    }
  return TRUE;
}

static void
put_pattern (EspTranscript *self, gboolean success, const char *then)
{
  g_autoptr (GPtrArray) statuses = _esp_transcript_dup_statuses (self, success);

  if (statuses->len == 0)
    return;
  g_string_append (self->text, "    ");
  for (guint i = 0; i < statuses->len; i++)
    {
      g_autofree char *quoted = g_shell_quote (statuses->pdata[i]);

      g_string_append_printf (self->text, "%s%s", i > 0 ? " | " : "", quoted);
    }
  g_string_append_printf (self->text, ") %s ;;\n", then);
}

static gboolean
put_watch (EspTranscript *self, GError **error)
{
  const EspDescriptor *d = self->descriptor;
  char seconds[G_ASCII_DTOSTR_BUF_SIZE];

  if (d->watch == NULL)
    return TRUE;

  g_ascii_formatd (seconds, sizeof seconds, "%.10g", d->interval_first_ms / 1000.0);
  g_string_append_printf (self->text, "\n# It is asked after until it ends.\nwhile sleep %s; do\n",
                          seconds);
  g_string_append (self->text, "  ");
  if (!put_request (self, d->watch, -1, error))
    return FALSE;
  put_captures (self, d->watch, -1);
  if (d->watch_status != NULL)
    {
      g_string_append (self->text, "  case $(");
      put_jq (self, "-rc", d->watch_status, FIRST);
      g_string_append (self->text, ") in\n");
      put_pattern (self, TRUE, "break");
      put_pattern (self, FALSE, "cat \"$work/answer\" >&2; exit 1");
      g_string_append (self->text, "  esac\n");
    }
  else
    {
      g_string_append (self->text, "  [[ -z $(");
      put_jq (self, "-rc", d->watch_present, FIRST);
      g_string_append (self->text, ") ]] || break\n");
    }
  g_string_append_printf (self->text,
                          "  ((SECONDS < %u)) || { echo 'It takes too long.' >&2; exit 1; }\n"
                          "done\n",
                          d->watch_timeout_s > 0 ? d->watch_timeout_s : 900);
  return TRUE;
}

/* The address of an item as jq makes it. */
static char *
dup_item_program (EspTranscript *self)
{
  g_autofree char *url = _esp_transcript_dup_item_url (self);
  g_autoptr (GPtrArray) pieces = NULL;
  g_autoptr (GString) program = NULL;

  if (url == NULL)
    return NULL;

  pieces = _esp_transcript_split (url);
  program = g_string_new ("[%s] | map(select(length > 0)) | (.[0] // [])[] | ");
  for (guint i = 0; i < pieces->len; i++)
    {
      EspTranscriptPiece *piece = pieces->pdata[i];
      g_autoptr (JsonNode) node = NULL;
      g_autofree char *json = NULL;

      g_string_append (program, i > 0 ? " + " : "");
      node = json_node_init_string (json_node_alloc (),
                                    piece->mark && g_str_has_prefix (piece->text, "item.")
                                        ? piece->text + strlen ("item.")
                                        : piece->text);
      json = esp_json_dup_text (node);
      if (piece->mark)
        g_string_append_printf (program, "(.[%s] | tostring%s)", json,
                                piece->encoded ? " | @uri" : "");
      else
        g_string_append (program, json);
    }
  return g_string_free (g_steal_pointer (&program), FALSE);
}

static void
put_results (EspTranscript *self)
{
  const EspDescriptor *d = self->descriptor;
  g_autofree char *item_program = dup_item_program (self);
  const char *download = d->result.auth_same_origin ? "send" : "send_without_key";

  g_string_append (self->text, "\n# The images.\nnumber=0\nwhile IFS= read -r item; do\n"
                               "  number=$((number + 1))\n");
  g_string_append_printf (self->text, "  file=result-$number.%s\n  case $item in\n",
                          self->extension);
  if (item_program == NULL)
    g_string_append (self->text,
                     "    data:*) printf %s \"${item#*,}\" | base64 -d > \"$file\" ;;\n");
  if (d->result.kind == ESP_RESULT_AUTO && item_program == NULL)
    g_string_append_printf (self->text,
                            "    http://* | https://*) %s GET \"$item\"; mv \"$work/answer\" "
                            "\"$file\" ;;\n",
                            download);
  if (item_program != NULL || d->result.kind == ESP_RESULT_URL)
    g_string_append_printf (
        self->text, "    *) %s GET \"$item\"; mv \"$work/answer\" \"$file\" ;;\n", download);
  else
    g_string_append (self->text, "    *) printf %s \"$item\" | base64 -d > \"$file\" ;;\n");
  g_string_append (self->text, "  esac\n  echo \"$file\"\ndone < \"$work/results\"\n"
                               "[[ $number -gt 0 ]] || { cat \"$work/answer\" >&2; exit 1; }\n");
  (void) download;

  /* The list is made before the loop, which overwrites the answer. */
  {
    g_autoptr (GString) loop = g_string_new (self->text->str);
    char *place = strstr (loop->str, "\n# The images.\nnumber=0\n");
    gsize at = (gsize) (place - loop->str) + strlen ("\n# The images.\n");

    g_string_truncate (self->text, at);
    put_jq (self, "-r", d->result.images,
            item_program != NULL
                ? item_program
                : "def flat: if type == \"array\" then .[] | flat elif type == \"object\" then "
                  "(.url // .b64_json // .image_url // .uri // empty) elif type == \"string\" and "
                  ". != \"\" then . else empty end; "
                  "[%s] | map([.[] | flat]) | map(select(length > 0)) | (.[0] // [])[]");
    g_string_append (self->text, " > \"$work/results\"\n");
    g_string_append (self->text, loop->str + at);
  }
}

static gboolean
put_main (EspTranscript *self, GError **error)
{
  const EspDescriptor *d = self->descriptor;

  if (!put_uploads (self, error))
    return FALSE;

  g_string_append (self->text, "\n# The turn itself: this is what costs money.\n");
  if (!put_request (self, d->submit, -1, error))
    return FALSE;
  if (d->flow == ESP_FLOW_STREAM)
    {
      const char *event = _esp_transcript_get_result_event (self);
      g_autofree char *quoted = g_shell_quote (event != NULL ? event : "");

      g_string_append_printf (self->text, "last_event %s\n", quoted);
    }
  put_captures (self, d->submit, -1);
  if (!put_watch (self, error))
    return FALSE;
  if (d->fetch != NULL && !put_request (self, d->fetch, -1, error))
    return FALSE;
  put_results (self);
  return TRUE;
}

static void
put_send (EspTranscript *self, GString *out)
{
  g_autofree char *value = NULL;
  g_autofree char *header = _esp_transcript_dup_key_header (self, &value);
  char **origins = self->setup.trust.key_origins;
  gboolean optional
      = self->descriptor->auth_optional || esp_provider_is_self_hosted (self->setup.provider);

  g_string_append (out, "\n# METHOD ADDRESS ARGUMENT…\n"
                        "send_without_key() {\n"
                        "  local method=$1 url=$2\n"
                        "  shift 2\n"
                        "  case $url in\n"
                        "    http://* | https://*) ;;\n"
                        "    /*) url=$origin$url ;;\n"
                        "    *) url=${base%/}/$url ;;\n"
                        "  esac\n"
                        "  curl -sS --fail-with-body -X \"$method\" -o \"$work/answer\" \"$@\" "
                        "\"$url\" ||\n"
                        "    { cat \"$work/answer\" >&2; exit 1; }\n"
                        "}\n\n");
  if (header == NULL)
    {
      g_string_append (out, "send() { send_without_key \"$@\"; }\n");
      return;
    }

  g_string_append (out, "# The key goes to these places only.\nsend() {\n"
                        "  local place=$origin\n"
                        "  case $2 in http://* | https://*) place=$(expr \"$2\" : "
                        "'\\(https*://[^/?#]*\\)') ;; esac\n"
                        "  case $place in\n    \"$origin\"");
  for (guint i = 0; origins != NULL && origins[i] != NULL; i++)
    g_string_append_printf (out, " | %s", origins[i]);
  g_string_append_printf (out, ")\n      send_without_key \"$@\" ");
  {
    g_autofree char *line = g_strconcat (header, ": ", value, NULL);

    if (optional)
      g_string_append_printf (out, "${%s:+-H ", self->key_name);
    else
      g_string_append (out, "-H ");
    put_text (self, out, line, -1);
    g_string_append (out, optional ? "} ;;\n" : " ;;\n");
  }
  g_string_append (out, "    *) send_without_key \"$@\" ;;\n  esac\n}\n");
}

static void
put_head (EspTranscript *self, GString *out)
{
  g_autofree char *name = g_strdup (esp_provider_get_name (self->setup.provider));
  g_autofree char *base = g_shell_quote (self->setup.trust.base_url);
  g_autofree char *origin = g_shell_quote (self->setup.trust.origin);

  g_strdelimit (name, "\r\n", ' ');
  g_string_append_printf (
      out, "#!/usr/bin/env bash\n# %s: one turn, request by request as Espalier sends it.\n", name);
  g_string_append_printf (out, "# Needs curl and jq%s%s.\n",
                          self->key_name != NULL ? "; the key is read from $" : "",
                          self->key_name != NULL ? self->key_name : "");
  g_string_append_printf (out,
                          "# Espalier makes images smaller before it sends them: to about one "
                          "megapixel.\nset -euo pipefail\n\nbase=%s\norigin=%s\n",
                          base, origin);
  for (guint i = 0; i < self->n_images; i++)
    {
      g_autofree char *quoted = g_shell_quote (self->images[i]);

      g_string_append_printf (out, "image%u=%s\n", i + 1, quoted);
    }
  g_string_append (out, "work=$(mktemp -d)\ntrap 'rm -rf \"$work\"' EXIT\n");
}

/* Each mention of a helper, also in other helpers. */
static void
put_helpers (GString *out, const char *body)
{
  gboolean used[G_N_ELEMENTS (helpers)] = { FALSE };

  for (gsize round = 0; round < G_N_ELEMENTS (helpers); round++)
    for (gsize i = 0; i < G_N_ELEMENTS (helpers); i++)
      {
        gboolean wanted = _esp_transcript_has_word (body, helpers[i].call);

        for (gsize j = 0; j < G_N_ELEMENTS (helpers) && !wanted; j++)
          wanted = i != j && used[j] && _esp_transcript_has_word (helpers[j].text, helpers[i].call);
        used[i] = used[i] || wanted;
      }
  for (gsize i = 0; i < G_N_ELEMENTS (helpers); i++)
    if (used[i])
      g_string_append_printf (out, "\n%s", helpers[i].text);
}

void
_esp_transcript_write_curl (EspTranscript *self, GError **error)
{
  g_autoptr (GString) all = g_string_new (NULL);

  if (!put_main (self, error))
    return;

  if (self->has_client)
    g_string_prepend (self->text, "client=$(new_uuid )\n");
  if (self->has_turn)
    g_string_prepend (self->text, "turn=$(new_uuid )\n");
  if (self->has_client || self->has_turn)
    g_string_prepend_c (self->text, '\n');

  put_head (self, all);
  put_send (self, all);
  put_helpers (all, self->text->str);
  g_string_append (all, self->text->str);
  g_string_assign (self->text, all->str);
}
