/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-transcript-python.c: a turn as a Python program that needs nothing but Python. */
#include "esp-transcript-private.h"

#include <string.h>

#include "esp-json-read.h"

/* Functions of the program; those that it calls are put into it, in this order. */
static const EspTranscriptHelper helpers[] = {
  { "quote(", "def quote(text):\n"
              "    return urllib.parse.quote(str(text), safe=\"\")\n" },
  { "segment(", "def segment(text):\n"
                "    return str(text).replace(\"~\", \"~0\").replace(\"/\", \"~1\")\n" },
  { "find(", "def find(node, pointer):\n"
             "    \"\"\"All that a JSON pointer hits; * stands for every element.\"\"\"\n"
             "    nodes = [node]\n"
             "    for part in pointer.split(\"/\")[1:]:\n"
             "        part, hits = part.replace(\"~1\", \"/\").replace(\"~0\", \"~\"), []\n"
             "        for node in nodes:\n"
             "            if isinstance(node, dict):\n"
             "                hits += node.values() if part == \"*\" else [node.get(part)]\n"
             "            elif isinstance(node, list) and part == \"*\":\n"
             "                hits += node\n"
             "            elif isinstance(node, list) and part.isdigit():\n"
             "                hits += node[int(part):int(part) + 1]\n"
             "        nodes = hits\n"
             "    return [node for node in nodes if node is not None]\n" },
  { "first(", "def first(node, *pointers):\n"
              "    return next((hit for pointer in pointers for hit in find(node, pointer)), "
              "None)\n" },
  { "flatten(", "def flatten(node):\n"
                "    \"\"\"The links, or images in base64, in a part of the answer.\"\"\"\n"
                "    if isinstance(node, list):\n"
                "        return [item for each in node for item in flatten(each)]\n"
                "    if isinstance(node, dict):\n"
                "        named = [node[name] for name in (\"url\", \"b64_json\", \"image_url\", "
                "\"uri\") if node.get(name)]\n"
                "        return named[:1]\n"
                "    return [node] if isinstance(node, str) and node else []\n" },
  { "mime(", "def mime(name):\n"
             "    kinds = {\".jpg\": \"image/jpeg\", \".jpeg\": \"image/jpeg\", \".webp\": "
             "\"image/webp\"}\n"
             "    return kinds.get(os.path.splitext(name)[1].lower(), \"image/png\")\n" },
  { "read(", "def read(name):\n"
             "    with open(name, \"rb\") as file:\n"
             "        return file.read()\n" },
  { "encode(", "def encode(name):\n"
               "    return base64.b64encode(read(name)).decode()\n" },
  { "data_uri(", "def data_uri(name):\n"
                 "    return \"data:\" + mime(name) + \";base64,\" + encode(name)\n" },
  { "as_json(", "def as_json(body):\n"
                "    return json.dumps(body, ensure_ascii=False, separators=(\",\", "
                "\":\")).encode()\n" },
  { "multipart(", "def multipart(parts):\n"
                  "    \"\"\"Parts: (name, text) or (name, bytes, file name, media type).\"\"\"\n"
                  "    fence, body = uuid.uuid4().hex, b\"\"\n"
                  "    for name, value, *file in parts:\n"
                  "        body += f'--{fence}\\r\\nContent-Disposition: form-data; "
                  "name=\"{name}\"'.encode()\n"
                  "        if file:\n"
                  "            body += f'; filename=\"{file[0]}\"\\r\\nContent-Type: "
                  "{file[1]}'.encode()\n"
                  "        body += b\"\\r\\n\\r\\n\" + (value if file else value.encode()) + "
                  "b\"\\r\\n\"\n"
                  "    return body + f\"--{fence}--\\r\\n\".encode(), \"multipart/form-data; "
                  "boundary=\" + fence\n" },
  { "last_event(", "def last_event(stream, name):\n"
                   "    \"\"\"The data of the last event of this name.\"\"\"\n"
                   "    found, event = None, None\n"
                   "    for line in stream.decode().splitlines():\n"
                   "        if line.startswith(\"event:\"):\n"
                   "            event = line[6:].strip()\n"
                   "        elif line.startswith(\"data:\") and event == name:\n"
                   "            found = line[5:].strip()\n"
                   "    return found or sys.exit(stream.decode())\n" },
};

/* --- Expressions ------------------------------------------------------------------------------ */

static void
put_quoted (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const char *c = text; *c != '\0'; c++)
    {
      if (*c == '"' || *c == '\\')
        g_string_append_printf (out, "\\%c", *c);
      else if (*c == '\n')
        g_string_append (out, "\\n");
      else if ((guchar) *c < 0x20 || *c == 0x7f)
        g_string_append_printf (out, "\\x%02x", (guint) *c);
      else
        g_string_append_c (out, *c);
    }
  g_string_append_c (out, '"');
}

static void
put_property (GString *out, const char *property, const char *file)
{
  if (g_str_equal (property, "data_uri"))
    g_string_append_printf (out, "data_uri(%s)", file);
  else if (g_str_equal (property, "base64"))
    g_string_append_printf (out, "encode(%s)", file);
  else if (g_str_equal (property, "mime"))
    g_string_append_printf (out, "mime(%s)", file);
  else if (g_str_equal (property, "size_bytes"))
    g_string_append_printf (out, "os.path.getsize(%s)", file);
  else
    g_string_append_printf (out, "os.path.basename(%s)", file);
}

static void
put_image (EspTranscript *self, GString *out, int index, const char *property, gboolean uploading)
{
  gboolean captured = !uploading && _esp_transcript_is_captured (self, property);
  const char *slice = index == -2 ? "[1:]" : "";

  if (index < 0 && captured)
    g_string_append_printf (out, "[each[\"%s\"] for each in uploaded%s]", property, slice);
  else if (index < 0)
    {
      g_string_append_c (out, '[');
      put_property (out, property, "image");
      g_string_append_printf (out, " for image in images%s]", slice);
    }
  else if (captured)
    g_string_append_printf (out, "uploaded[%d][\"%s\"]", index, property);
  else
    {
      g_autofree char *file
          = uploading ? g_strdup ("image") : g_strdup_printf ("images[%d]", index);

      put_property (out, property, file);
    }
}

static void
put_mark (EspTranscript *self, GString *out, const char *name, gboolean uploading)
{
  const char *property;
  int index;

  if (_esp_transcript_parse_image (name, &index, &property))
    put_image (self, out, index, property, uploading);
  else if (g_str_equal (name, "turn.uuid"))
    {
      self->has_turn = TRUE;
      g_string_append (out, "turn");
    }
  else if (g_str_equal (name, "turn.client_id"))
    {
      self->has_client = TRUE;
      g_string_append (out, "client");
    }
  else if (g_str_equal (name, "secret.api_key"))
    g_string_append (out, "KEY");
  else if (g_str_has_prefix (name, "item."))
    g_string_append_printf (out, "item[\"%s\"]", name + strlen ("item."));
  else
    g_string_append_printf (out, "job[\"%s\"]", name + strlen ("job."));
}

/* `escape`: the function for marks within longer texts; those in addresses have their own. */
static void
put_text (EspTranscript *self, GString *out, const char *text, const char *escape,
          gboolean uploading)
{
  g_autoptr (GPtrArray) pieces = _esp_transcript_split (text);

  if (pieces->len == 0)
    g_string_append (out, "\"\"");
  for (guint i = 0; i < pieces->len; i++)
    {
      EspTranscriptPiece *piece = pieces->pdata[i];

      if (i > 0)
        g_string_append (out, " + ");
      if (!piece->mark)
        put_quoted (out, piece->text);
      else if (pieces->len == 1 && !piece->encoded)
        put_mark (self, out, piece->text, uploading);
      else
        {
          g_string_append_printf (out, "%s(", piece->encoded ? "quote" : escape);
          put_mark (self, out, piece->text, uploading);
          g_string_append_c (out, ')');
        }
    }
}

static void
put_json (EspTranscript *self, GString *out, JsonNode *node, guint indent, gboolean uploading)
{
  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *member;

      g_string_append (out, "{\n");
      json_object_iter_init_ordered (&iter, json_node_get_object (node));
      while (json_object_iter_next_ordered (&iter, &name, &member))
        {
          g_string_append_printf (out, "%*s", (int) indent + 4, "");
          put_text (self, out, name, "str", uploading);
          g_string_append (out, ": ");
          put_json (self, out, member, indent + 4, uploading);
          g_string_append (out, ",\n");
        }
      g_string_append_printf (out, "%*s}", (int) indent, "");
    }
  else if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      g_string_append_c (out, '[');
      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          if (i > 0)
            g_string_append (out, ", ");
          put_json (self, out, json_array_get_element (array, i), indent, uploading);
        }
      g_string_append_c (out, ']');
    }
  else if (JSON_NODE_HOLDS_NULL (node))
    g_string_append (out, "None");
  else if (json_node_get_value_type (node) == G_TYPE_STRING)
    put_text (self, out, json_node_get_string (node), "str", uploading);
  else if (json_node_get_value_type (node) == G_TYPE_BOOLEAN)
    g_string_append (out, json_node_get_boolean (node) ? "True" : "False");
  else
    {
      g_autofree char *number = esp_json_dup_text (node);

      g_string_append (out, number);
    }
}

/* --- Requests --------------------------------------------------------------------------------- */

static gboolean
has_body (const EspTranscriptRequest *request)
{
  return request->json != NULL || request->form != NULL || request->parts != NULL
         || request->file >= 0;
}

static gboolean
is_key_optional (EspTranscript *self)
{
  return self->descriptor->auth_optional || esp_provider_is_self_hosted (self->setup.provider);
}

static void
put_file (GString *out, int image, gboolean uploading)
{
  if (uploading)
    g_string_append (out, "image");
  else
    g_string_append_printf (out, "images[%d]", image);
}

static void
put_parts (EspTranscript *self, GString *out, const GPtrArray *parts, guint indent,
           gboolean uploading)
{
  g_string_append_printf (out, "%*sbody, kind = multipart([\n", (int) indent, "");
  for (guint i = 0; i < parts->len; i++)
    {
      EspTranscriptPart *part = parts->pdata[i];

      g_string_append_printf (out, "%*s(", (int) indent + 4, "");
      put_text (self, out, part->name, "str", uploading);
      g_string_append (out, ", ");
      if (part->image < 0)
        put_text (self, out, part->value, "str", uploading);
      else
        {
          g_string_append (out, "read(");
          put_file (out, part->image, uploading);
          g_string_append (out, "), ");
          if (part->filename != NULL)
            put_text (self, out, part->filename, "str", uploading);
          else
            {
              g_string_append (out, "os.path.basename(");
              put_file (out, part->image, uploading);
              g_string_append_c (out, ')');
            }
          g_string_append (out, ", ");
          if (part->type != NULL)
            put_text (self, out, part->type, "str", uploading);
          else
            {
              g_string_append (out, "mime(");
              put_file (out, part->image, uploading);
              g_string_append_c (out, ')');
            }
        }
      g_string_append (out, "),\n");
    }
  g_string_append_printf (out, "%*s])\n", (int) indent, "");
}

static void
put_headers (EspTranscript *self, GString *out, const EspTranscriptRequest *request,
             gboolean uploading)
{
  gboolean first = TRUE, has_type = FALSE;

  g_string_append_c (out, '{');
  for (guint i = 0; i < request->headers->len; i++)
    {
      EspTranscriptHeader *header = request->headers->pdata[i];

      g_string_append (out, first ? "" : ", ");
      first = FALSE;
      if (header->name == NULL)
        {
          g_string_append (out, "**");
          put_text (self, out, header->value, "str", uploading);
          continue;
        }
      has_type = has_type || g_ascii_strcasecmp (header->name, "content-type") == 0;
      put_text (self, out, header->name, "str", uploading);
      g_string_append (out, ": ");
      put_text (self, out, header->value, "str", uploading);
    }
  if (!has_type && has_body (request))
    {
      g_string_append_printf (out, "%s\"Content-Type\": ", first ? "" : ", ");
      if (request->json != NULL)
        g_string_append (out, "\"application/json\"");
      else if (request->form != NULL)
        g_string_append (out, "\"application/x-www-form-urlencoded\"");
      else if (request->parts != NULL)
        g_string_append (out, "kind");
      else if (request->content_type != NULL)
        put_text (self, out, request->content_type, "str", uploading);
      else
        {
          g_string_append (out, "mime(");
          put_file (out, request->file, uploading);
          g_string_append_c (out, ')');
        }
    }
  g_string_append_c (out, '}');
}

static void
put_body (EspTranscript *self, const EspTranscriptRequest *request, guint indent,
          gboolean uploading)
{
  GString *out = self->text;

  if (request->json != NULL)
    {
      g_string_append (out, ", as_json(");
      put_json (self, out, request->json, indent, uploading);
      g_string_append_c (out, ')');
    }
  else if (request->form != NULL)
    {
      g_string_append (out, ", (");
      put_text (self, out, request->form, "str", uploading);
      g_string_append (out, ").encode()");
    }
  else if (request->parts != NULL)
    g_string_append (out, ", body");
  else if (request->file >= 0)
    {
      g_string_append (out, ", read(");
      put_file (out, request->file, uploading);
      g_string_append_c (out, ')');
    }
}

/* `before` and `after` stand around what is sent: "answer = json.loads(" and ")". */
static gboolean
put_request (EspTranscript *self, const EspProviderRequest *template, guint indent, int image,
             const char *before, const char *after, GError **error)
{
  g_autoptr (EspTranscriptRequest) request
      = _esp_transcript_request_new (self, template, image, error);
  gboolean uploading = image >= 0;
  GString *out = self->text;

  if (request == NULL)
    return FALSE;

  if (request->parts != NULL)
    put_parts (self, out, request->parts, indent, uploading);
  g_string_append_printf (out, "%*s%ssend(\"%s\", ", (int) indent, "", before, request->method);
  put_text (self, out, request->url, "str", uploading);
  if (request->headers->len > 0 || has_body (request))
    {
      g_string_append (out, ", ");
      put_headers (self, out, request, uploading);
    }
  put_body (self, request, indent, uploading);
  if (!request->auth)
    g_string_append (out, ", with_key=False");
  g_string_append_printf (out, ")%s\n", after);
  return TRUE;
}

static void
put_pointers (EspTranscript *self, char **pointers)
{
  g_auto (GStrv) marked = _esp_transcript_dup_pointers (self, pointers);

  for (guint i = 0; marked[i] != NULL; i++)
    {
      g_string_append (self->text, ", ");
      put_text (self, self->text, marked[i], "segment", FALSE);
    }
}

static void
put_captures (EspTranscript *self, const EspProviderRequest *request, guint indent)
{
  for (guint i = 0; i < request->captures->len; i++)
    {
      EspCapture *capture = request->captures->pdata[i];

      g_string_append_printf (self->text, "%*sjob[\"%s\"] = first(answer", (int) indent, "",
                              capture->name);
      put_pointers (self, capture->pointers);
      g_string_append (self->text, ")\n");
    }
}

/* --- The program ------------------------------------------------------------------------------ */

static gboolean
put_uploads (EspTranscript *self, GError **error)
{
  const GPtrArray *uploads = self->descriptor->image.upload;

  if (uploads == NULL)
    return TRUE;

  g_string_append (self->text, "\n\ndef upload(image):\n    job = {}\n");
  for (guint i = 0; i < uploads->len; i++)
    {
      const EspProviderRequest *request = uploads->pdata[i];
      gboolean asks = request->captures->len > 0;

      if (!put_request (self, request, 4, 0, asks ? "answer = json.loads(" : "", asks ? ")" : "",
                        error))
        return FALSE;
      put_captures (self, request, 4);
    }
  g_string_append (self->text,
                   "    return job\n\n\nuploaded = [upload(image) for image in images]\n");
  return TRUE;
}

static void
put_statuses (EspTranscript *self, gboolean success)
{
  g_autoptr (GPtrArray) statuses = _esp_transcript_dup_statuses (self, success);

  g_string_append_c (self->text, '[');
  for (guint i = 0; i < statuses->len; i++)
    {
      if (i > 0)
        g_string_append (self->text, ", ");
      put_quoted (self->text, statuses->pdata[i]);
    }
  g_string_append_c (self->text, ']');
}

static gboolean
put_watch (EspTranscript *self, GError **error)
{
  const EspDescriptor *d = self->descriptor;
  char seconds[G_ASCII_DTOSTR_BUF_SIZE];

  if (d->watch == NULL)
    return TRUE;

  g_ascii_formatd (seconds, sizeof seconds, "%.10g", d->interval_first_ms / 1000.0);
  g_string_append_printf (self->text,
                          "\nbegun = time.monotonic()\nwhile True:\n    time.sleep(%s)\n", seconds);
  if (!put_request (self, d->watch, 4, -1, "answer = json.loads(", ")", error))
    return FALSE;
  put_captures (self, d->watch, 4);
  if (d->watch_status != NULL)
    {
      g_string_append (self->text, "    status = first(answer");
      put_pointers (self, d->watch_status);
      g_string_append (self->text, ")\n    if status in ");
      put_statuses (self, TRUE);
      g_string_append (self->text, ":\n        break\n    if status in ");
      put_statuses (self, FALSE);
      g_string_append (self->text, ":\n        sys.exit(json.dumps(answer))\n");
    }
  else
    {
      g_string_append (self->text, "    if first(answer");
      put_pointers (self, d->watch_present);
      g_string_append (self->text, ") is not None:\n        break\n");
    }
  g_string_append_printf (self->text,
                          "    if time.monotonic() - begun > %u:\n"
                          "        sys.exit(\"It takes too long.\")\n",
                          d->watch_timeout_s > 0 ? d->watch_timeout_s : 900);
  return TRUE;
}

/* How one item of the result becomes `data`. */
static void
put_item (EspTranscript *self)
{
  const EspDescriptor *d = self->descriptor;
  g_autofree char *item_url = _esp_transcript_dup_item_url (self);
  const char *key = d->result.auth_same_origin ? "" : ", with_key=False";

  if (item_url != NULL)
    {
      g_string_append (self->text, "    data = send(\"GET\", ");
      put_text (self, self->text, item_url, "str", FALSE);
      g_string_append_printf (self->text, "%s)\n", key);
      return;
    }

  g_string_append (self->text, "    if item.startswith(\"data:\"):\n"
                               "        data = base64.b64decode(item.partition(\",\")[2])\n");
  if (d->result.kind == ESP_RESULT_AUTO)
    g_string_append (self->text, "    elif re.fullmatch(r\"[A-Za-z0-9+/=\\s]{64,}\", item):\n"
                                 "        data = base64.b64decode(item)\n");
  if (d->result.kind == ESP_RESULT_AUTO || d->result.kind == ESP_RESULT_URL)
    g_string_append_printf (self->text, "    else:\n        data = send(\"GET\", item%s)\n", key);
  else
    g_string_append (self->text, "    else:\n        data = base64.b64decode(item)\n");
}

static void
put_results (EspTranscript *self)
{
  const EspDescriptor *d = self->descriptor;
  g_auto (GStrv) pointers = _esp_transcript_dup_pointers (self, d->result.images);
  const char *hits
      = d->result.url_template == NULL ? "flatten(find(answer, pointer))" : "find(answer, pointer)";

  g_string_append (self->text, "\nresults = []\nfor pointer in [");
  for (guint i = 0; pointers[i] != NULL; i++)
    {
      g_string_append (self->text, i > 0 ? ", " : "");
      put_text (self, self->text, pointers[i], "segment", FALSE);
    }
  g_string_append_printf (self->text, "]:\n    results = results or %s\n", hits);
  g_string_append (self->text, "if not results:\n    sys.exit(json.dumps(answer))\n"
                               "for number, item in enumerate(results, 1):\n");
  put_item (self);
  g_string_append_printf (self->text,
                          "    with open(f\"result-{number}.%s\", \"wb\") as file:\n"
                          "        file.write(data)\n    print(file.name)\n",
                          self->extension);
}

static gboolean
put_main (EspTranscript *self, GError **error)
{
  const EspDescriptor *d = self->descriptor;
  const char *before = "answer = json.loads(", *after = ")";
  g_autoptr (GString) stream_end = g_string_new (NULL);

  if (!put_uploads (self, error))
    return FALSE;

  g_string_append (self->text, "\njob = {}\n# This is what costs money.\n");
  if (d->flow == ESP_FLOW_STREAM)
    {
      const char *event = _esp_transcript_get_result_event (self);

      before = "answer = json.loads(last_event(";
      g_string_append (stream_end, ", ");
      put_quoted (stream_end, event != NULL ? event : "message");
      g_string_append (stream_end, "))");
      after = stream_end->str;
    }
  if (!put_request (self, d->submit, 0, -1, before, after, error))
    return FALSE;
  put_captures (self, d->submit, 0);
  if (d->flow == ESP_FLOW_POLL && !d->recover.own_id)
    g_string_append (self->text, "if job[\"id\"] is None:\n    sys.exit(json.dumps(answer))\n");
  if (!put_watch (self, error))
    return FALSE;
  if (d->fetch != NULL && !put_request (self, d->fetch, 0, -1, "answer = json.loads(", ")", error))
    return FALSE;
  put_results (self);
  return TRUE;
}

/* The origins that get the key, as a regular expression. */
static void
put_origins (EspTranscript *self, GString *out)
{
  char **origins = self->setup.trust.key_origins;
  guint n_origins = origins != NULL ? g_strv_length (origins) : 0;

  g_string_append (out, "# The key goes to these places only.\nKEY_ORIGINS = r\"");
  for (guint i = 0; i <= n_origins; i++)
    {
      g_auto (GStrv) parts
          = g_strsplit (i == 0 ? self->setup.trust.origin : origins[i - 1], "*", -1);

      g_string_append (out, i > 0 ? "|" : "");
      for (guint j = 0; parts[j] != NULL; j++)
        {
          g_autofree char *escaped = g_regex_escape_string (parts[j], -1);

          g_string_append_printf (out, "%s%s", j > 0 ? "[^./:@]+" : "", escaped);
        }
    }
  g_string_append (out, "\"\n");
}

static void
put_send (EspTranscript *self, GString *out)
{
  g_autofree char *value = NULL;
  g_autofree char *header = _esp_transcript_dup_key_header (self, &value);

  if (header != NULL)
    put_origins (self, out);
  g_string_append (out, "\n\ndef send(method, url, headers=None, body=None, with_key=True):\n");
  if (self->setup.trust.prefix != NULL && self->setup.trust.prefix[0] != '\0')
    {
      g_string_append (out, "    prefix = ");
      put_quoted (out, self->setup.trust.prefix);
      g_string_append (out, "\n    if url.startswith(\"/\") and not url.startswith((\"//\", "
                            "prefix + \"/\")):\n        url = prefix + url\n");
    }
  g_string_append (
      out, "    url = urllib.parse.urljoin(BASE + \"/\", url)\n"
           "    request = urllib.request.Request(url, body, headers or {}, method=method)\n");
  if (header != NULL)
    {
      g_string_append_printf (out,
                              "    origin = \"://\".join(urllib.parse.urlsplit(url)[:2])\n"
                              "    if %swith_key and re.fullmatch(KEY_ORIGINS, origin):\n"
                              "        request.add_unredirected_header(",
                              is_key_optional (self) ? "KEY and " : "");
      put_text (self, out, header, "str", FALSE);
      g_string_append (out, ", ");
      put_text (self, out, value, "str", FALSE);
      g_string_append (out, ")\n");
    }
  g_string_append (out, "    try:\n"
                        "        with urllib.request.urlopen(request, timeout=900) as answer:\n"
                        "            return answer.read()\n"
                        "    except urllib.error.HTTPError as error:\n"
                        "        words = error.read().decode(errors=\"replace\")\n"
                        "        sys.exit(f\"HTTP {error.code}: {words}\")\n");
}

static void
put_head (EspTranscript *self, GString *out, const char *body)
{
  static const char *const modules[]
      = { "base64",       "json",           "os",  "re", "sys", "time", "urllib.error",
          "urllib.parse", "urllib.request", "uuid" };
  g_autofree char *name = g_strdup (esp_provider_get_name (self->setup.provider));

  g_strdelimit (name, "\"\\\r\n", ' ');
  g_string_append_printf (out,
                          "#!/usr/bin/env python3\n\"\"\"%s: one turn, request by request as "
                          "Espalier sends it.\n\n",
                          name);
  if (self->key_name != NULL)
    g_string_append_printf (out, "The key is read from $%s. ", self->key_name);
  g_string_append (out, "Espalier makes images smaller before it sends them: to about one "
                        "megapixel.\n\"\"\"\n");
  for (gsize i = 0; i < G_N_ELEMENTS (modules); i++)
    {
      g_autofree char *use = g_strconcat (modules[i], ".", NULL);

      if (_esp_transcript_has_word (body, use)
          || (g_str_equal (modules[i], "os") && self->key_name != NULL))
        g_string_append_printf (out, "import %s\n", modules[i]);
    }

  g_string_append (out, "\nBASE = ");
  put_quoted (out, self->setup.trust.base_url);
  if (self->key_name != NULL)
    g_string_append_printf (out,
                            is_key_optional (self) ? "\nKEY = os.environ.get(\"%s\")"
                                                   : "\nKEY = os.environ[\"%s\"]",
                            self->key_name);
  g_string_append_c (out, '\n');
}

static void
put_images (EspTranscript *self, GString *out)
{
  g_string_append (out, "\n\nimages = [");
  for (guint i = 0; i < self->n_images; i++)
    {
      g_string_append (out, i > 0 ? ", " : "");
      put_quoted (out, self->images[i]);
    }
  g_string_append (out, "]\n");
}

void
_esp_transcript_write_python (EspTranscript *self, GError **error)
{
  g_autoptr (GString) head = g_string_new (NULL);
  g_autoptr (GString) rest = g_string_new (NULL);
  g_autoptr (GString) functions = g_string_new (NULL);

  if (!put_main (self, error))
    return;

  _esp_transcript_put_helpers (functions, helpers, G_N_ELEMENTS (helpers), self->text->str, "\n\n");
  put_send (self, rest);
  g_string_append (rest, functions->str);
  put_images (self, rest);
  if (self->has_turn)
    g_string_append (rest, "turn = str(uuid.uuid4())\n");
  if (self->has_client)
    g_string_append (rest, "client = str(uuid.uuid4())\n");
  g_string_append (rest, self->text->str);
  put_head (self, head, rest->str);

  g_string_assign (self->text, head->str);
  g_string_append (self->text, rest->str);
}
