/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-transcript-curl-request.c: the requests of a turn as commands of curl. */
#include "esp-transcript-private.h"

#include <string.h>

#include "esp-json-read.h"

/* --- Expressions ------------------------------------------------------------------------------ */

static char *
dup_file (int image)
{
  return g_strdup_printf ("image%d", image + 1);
}

/* The variable with what was captured; "uploading": of that picture. */
char *
_esp_transcript_curl_dup_variable (const char *capture, int uploading)
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
    variable = _esp_transcript_curl_dup_variable (name + strlen ("job."), uploading);

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
void
_esp_transcript_curl_put_text (EspTranscript *self, GString *out, const char *text, int uploading)
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
          _esp_transcript_curl_put_text (self, out, pair, uploading);
          continue;
        }

      file = dup_file (part->image);
      g_string_append (out, "--form ");
      _esp_transcript_curl_put_text (self, out, part->name, uploading);
      g_string_append_printf (out, "\"=@\\\"$%s\\\";type=", file);
      if (part->type != NULL)
        put_in_quotes (out, part->type);
      else
        g_string_append_printf (out, "$(mime \"$%s\")", file);
      if (part->filename != NULL)
        {
          g_string_append (out, ";filename=\"");
          _esp_transcript_curl_put_text (self, out, part->filename, uploading);
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
        _esp_transcript_curl_put_text (self, out, line, uploading);
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
      _esp_transcript_curl_put_text (self, out, line, uploading);
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
      variable = _esp_transcript_curl_dup_variable (only != NULL ? only + strlen ("job.") : "",
                                                    uploading);
      g_string_append_printf (self->text,
                              "headers=()\n"
                              "while IFS= read -r line; do headers+=(-H \"$line\"); done < <(\n"
                              "  printf %%s \"$%s\" | jq -r 'to_entries[] | \"\\(.key): "
                              "\\(.value)\"')\n",
                              variable);
    }
}

gboolean
_esp_transcript_curl_put_request (EspTranscript *self, const EspProviderRequest *template,
                                  int uploading, GError **error)
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
  _esp_transcript_curl_put_text (self, out, request->url, uploading);
  put_headers (self, request, uploading);
  if (request->json != NULL)
    g_string_append (out, " --data-binary \"@$work/body\"");
  else if (request->form != NULL)
    {
      g_string_append (out, " --data ");
      _esp_transcript_curl_put_text (self, out, request->form, uploading);
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
