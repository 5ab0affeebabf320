/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-transcript-curl.c: a turn as a shell script of curl and jq. */
#include "esp-transcript-private.h"

#include <string.h>

#include "esp-json-read.h"

/* Functions of the script; those that it calls are put into it, in this order. */
static const EspTranscriptHelper helpers[] = {
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
  { "first ", "# What the first of some paths hits.\n"
              "first() {\n"
              "  local paths=$1\n"
              "  shift\n"
              "  jq -rc \"$@\" \"[$paths] | map(select(. != null)) | .[0] | select(. != null)\" "
              "\"$work/answer\"\n"
              "}\n" },
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

/* --- Answers ---------------------------------------------------------------------------------- */

/* One that jq takes without quotation marks. */
static gboolean
is_plain_name (const char *name)
{
  return (g_ascii_isalpha (name[0]) || name[0] == '_')
         && name[strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")]
                == '\0';
}

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
      if (is_plain_name (parts[i]))
        {
          g_string_append_printf (path, "%s%s", path->len > 1 ? "." : "", parts[i]);
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

/* Pointers as "(.a)?, (.b[0])?": those that do not hit are passed over. */
static char *
dup_jq_paths (EspTranscript *self, char **pointers, gboolean as_lists, GHashTable *variables)
{
  g_auto (GStrv) marked = _esp_transcript_dup_pointers (self, pointers);
  g_autoptr (GString) paths = g_string_new (NULL);

  for (guint i = 0; marked[i] != NULL; i++)
    {
      g_autofree char *path = dup_jq_path (marked[i], variables);

      g_string_append_printf (paths, as_lists ? "%s[(%s)?]" : "%s(%s)?", i > 0 ? ", " : "", path);
    }
  return g_string_free (g_steal_pointer (&paths), FALSE);
}

static void
put_jq_arguments (EspTranscript *self, GHashTable *variables)
{
  GHashTableIter iter;
  gpointer variable;

  g_hash_table_iter_init (&iter, variables);
  while (g_hash_table_iter_next (&iter, &variable, NULL))
    g_string_append_printf (self->text, " --arg job_%s \"$job_%s\"", (char *) variable,
                            (char *) variable);
}

/* $(first …): what the first pointer hits. */
static void
put_first (EspTranscript *self, char **pointers)
{
  g_autoptr (GHashTable) variables = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *paths = dup_jq_paths (self, pointers, FALSE, variables);
  g_autofree char *quoted = g_shell_quote (paths);

  g_string_append_printf (self->text, "$(first %s", quoted);
  put_jq_arguments (self, variables);
  g_string_append_c (self->text, ')');
}

static void
put_captures (EspTranscript *self, const EspProviderRequest *request, int uploading,
              const char *indent)
{
  for (guint i = 0; i < request->captures->len; i++)
    {
      EspCapture *capture = request->captures->pdata[i];
      g_autofree char *variable = _esp_transcript_curl_dup_variable (capture->name, uploading);

      g_string_append_printf (self->text, "%s%s=", indent, variable);
      put_first (self, capture->pointers);
      g_string_append_c (self->text, '\n');
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

          if (!_esp_transcript_curl_put_request (self, request, (int) i, error))
            return FALSE;
          put_captures (self, request, (int) i, "");
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
  if (!_esp_transcript_curl_put_request (self, d->watch, -1, error))
    return FALSE;
  put_captures (self, d->watch, -1, "  ");
  if (d->watch_status != NULL)
    {
      g_string_append (self->text, "  case ");
      put_first (self, d->watch_status);
      g_string_append (self->text, " in\n");
      put_pattern (self, TRUE, "break");
      put_pattern (self, FALSE, "cat \"$work/answer\" >&2; exit 1");
      g_string_append (self->text, "  esac\n");
    }
  else
    {
      g_string_append (self->text, "  [[ -z ");
      put_first (self, d->watch_present);
      g_string_append (self->text, " ]] || break\n");
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
  program = g_string_new (NULL);
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

/* The list of links, or of images in base64. */
static void
put_list (EspTranscript *self)
{
  g_autoptr (GHashTable) variables = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *paths = dup_jq_paths (self, self->descriptor->result.images, TRUE, variables);
  g_autofree char *item_program = dup_item_program (self);
  g_autofree char *program = NULL;
  g_autofree char *quoted = NULL;

  if (item_program != NULL)
    program = g_strdup_printf ("\n  [%s] | map(select(length > 0)) | (.[0] // [])[] |\n  %s\n",
                               paths, item_program);
  else
    program = g_strdup_printf (
        "\n  def flat: if type == \"array\" then .[] | flat\n"
        "    elif type == \"object\" then .url // .b64_json // .image_url // .uri // empty\n"
        "    elif type == \"string\" and . != \"\" then . else empty end;\n"
        "  [%s] | map([.[] | flat]) | map(select(length > 0)) | (.[0] // [])[]\n",
        paths);
  quoted = g_shell_quote (program);
  g_string_append (self->text, "\n# The images.\njq -r");
  put_jq_arguments (self, variables);
  g_string_append_printf (self->text, " %s \"$work/answer\" > \"$work/results\"\n", quoted);
}

static void
put_results (EspTranscript *self)
{
  const EspDescriptor *d = self->descriptor;
  gboolean is_link = d->result.url_template != NULL || d->result.kind == ESP_RESULT_URL;
  g_autofree char *load = g_strdup_printf (
      "%s; mv \"$work/answer\" \"$file\" ;;\n",
      d->result.auth_same_origin ? "send GET \"$item\"" : "send_without_key GET \"$item\" -L");

  put_list (self);
  g_string_append_printf (self->text,
                          "[[ -s $work/results ]] || { cat \"$work/answer\" >&2; exit 1; }\n"
                          "number=0\nwhile IFS= read -r item; do\n  number=$((number + 1))\n"
                          "  file=result-$number.%s\n  case $item in\n",
                          self->extension);
  if (d->result.url_template == NULL)
    g_string_append (self->text,
                     "    data:*) printf %s \"${item#*,}\" | base64 -d > \"$file\" ;;\n");
  if (d->result.kind == ESP_RESULT_AUTO && !is_link)
    g_string_append_printf (self->text, "    http://* | https://*) %s", load);
  if (is_link)
    g_string_append_printf (self->text, "    *) %s", load);
  else
    g_string_append (self->text, "    *) printf %s \"$item\" | base64 -d > \"$file\" ;;\n");
  g_string_append (self->text, "  esac\n  echo \"$file\"\ndone < \"$work/results\"\n");
}

static gboolean
put_main (EspTranscript *self, GError **error)
{
  const EspDescriptor *d = self->descriptor;

  if (!put_uploads (self, error))
    return FALSE;

  g_string_append (self->text, "\n# The turn itself: this is what costs money.\n");
  if (!_esp_transcript_curl_put_request (self, d->submit, -1, error))
    return FALSE;
  if (d->flow == ESP_FLOW_STREAM)
    {
      const char *event = _esp_transcript_get_result_event (self);
      g_autofree char *quoted = g_shell_quote (event != NULL ? event : "");

      g_string_append_printf (self->text, "last_event %s\n", quoted);
    }
  put_captures (self, d->submit, -1, "");
  if (d->flow == ESP_FLOW_POLL && !d->recover.own_id)
    g_string_append (self->text, "[[ -n $job_id ]] || { cat \"$work/answer\" >&2; exit 1; }\n");
  if (!put_watch (self, error))
    return FALSE;
  if (d->fetch != NULL && !_esp_transcript_curl_put_request (self, d->fetch, -1, error))
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
  const char *prefix = self->setup.trust.prefix;
  gboolean optional
      = self->descriptor->auth_optional || esp_provider_is_self_hosted (self->setup.provider);

  g_string_append (out, "\n# METHOD ADDRESS ARGUMENT…\n"
                        "send_without_key() {\n"
                        "  local method=$1 url=$2\n"
                        "  shift 2\n"
                        "  case $url in\n"
                        "    http://* | https://*) ;;\n");
  if (prefix != NULL && prefix[0] != '\0')
    {
      g_autofree char *quoted = g_shell_quote (prefix);

      g_string_append_printf (out, "    %s/*) url=$origin$url ;;\n    /*) url=$origin%s$url ;;\n",
                              quoted, quoted);
    }
  else
    g_string_append (out, "    /*) url=$origin$url ;;\n");
  g_string_append (out, "    *) url=${base%/}/$url ;;\n"
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
    _esp_transcript_curl_put_text (self, out, line, -1);
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
  _esp_transcript_put_helpers (all, helpers, G_N_ELEMENTS (helpers), self->text->str, "\n");
  g_string_append (all, self->text->str);
  g_string_assign (self->text, all->str);
}
