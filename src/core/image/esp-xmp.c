/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-xmp.c: writes and reads the few XMP properties that a recipe needs. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-xmp-private.h"

#include <string.h>

#define RECIPE_NAMESPACE "https://espalier.github.io/ns/recipe/1.0/"
#define RECIPE_PROPERTY  "espalier:recipe"
#define GUID_PROPERTY    "xmpNote:HasExtendedXMP"

/* XML turns line breaks and tabs of its text into others unless they are references. */
static char *
escape (const char *text)
{
  g_autofree char *escaped = g_markup_escape_text (text, -1);
  GString *out = g_string_new (NULL);

  for (const char *p = escaped; *p != '\0'; p++)
    if (*p == '\n' || *p == '\r' || *p == '\t')
      g_string_append_printf (out, "&#%d;", *p);
    else
      g_string_append_c (out, *p);
  return g_string_free (out, FALSE);
}

static char *
wrap (const char *properties, gboolean packet)
{
  return g_strdup_printf (
      "%s<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
      "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
      "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\""
      " xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmlns:xmpNote=\"http://ns.adobe.com/xmp/note/\""
      " xmlns:espalier=\"" RECIPE_NAMESPACE "\">%s</rdf:Description></rdf:RDF></x:xmpmeta>%s",
      packet ? "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>" : "",
      properties, packet ? "<?xpacket end=\"r\"?>" : "");
}

static char *
description_property (const char *prompt)
{
  g_autofree char *text = NULL;

  if (prompt == NULL || prompt[0] == '\0')
    return g_strdup ("");
  text = escape (prompt);
  return g_strdup_printf ("<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">%s</rdf:li>"
                          "</rdf:Alt></dc:description>",
                          text);
}

static char *
tool_property (const char *software)
{
  g_autofree char *text = NULL;

  if (software == NULL || software[0] == '\0')
    return g_strdup ("");
  text = escape (software);
  return g_strdup_printf ("<xmp:CreatorTool>%s</xmp:CreatorTool>", text);
}

char *
_esp_xmp_build (const EspRecipe *recipe, gsize limit, char **extended, char **guid)
{
  g_autofree char *json = escape (recipe->json);
  g_autofree char *recipe_text
      = g_strdup_printf ("<" RECIPE_PROPERTY ">%s</" RECIPE_PROPERTY ">", json);
  g_autofree char *description = description_property (recipe->prompt);
  g_autofree char *tool = tool_property (recipe->software);
  g_autofree char *all = g_strconcat (tool, description, recipe_text, NULL);
  g_autofree char *whole = wrap (all, TRUE);
  g_autofree char *outside = NULL;
  g_autofree char *note = NULL;
  g_autofree char *digest = NULL;

  if (extended == NULL)
    return g_steal_pointer (&whole);
  *extended = NULL;
  *guid = NULL;
  if (strlen (whole) <= limit)
    return g_steal_pointer (&whole);

  outside = g_strconcat (description, recipe_text, NULL);
  *extended = wrap (outside, FALSE);
  digest = g_compute_checksum_for_string (G_CHECKSUM_MD5, *extended, -1);
  *guid = g_ascii_strup (digest, -1);
  note = g_strdup_printf ("%s<" GUID_PROPERTY ">%s</" GUID_PROPERTY ">", tool, *guid);
  return wrap (note, TRUE);
}

/* ---- reading: the property as an element or, as other writers put simple ones, as an attribute */

typedef struct
{
  GString *collecting; /* the value of the element that is open, or NULL */
  char *json;
  char *guid;
} XmpReader;

static void
take (char **place, const char *value)
{
  if (*place == NULL)
    *place = g_strdup (value);
}

static void
on_start (GMarkupParseContext *context, const char *element, const char **names,
          const char **values, gpointer data, GError **error)
{
  XmpReader *self = data;

  for (int i = 0; names[i] != NULL; i++)
    if (g_str_equal (names[i], RECIPE_PROPERTY))
      take (&self->json, values[i]);
    else if (g_str_equal (names[i], GUID_PROPERTY))
      take (&self->guid, values[i]);
  if (self->collecting == NULL
      && (g_str_equal (element, RECIPE_PROPERTY) || g_str_equal (element, GUID_PROPERTY)))
    self->collecting = g_string_new (NULL);
}

static void
on_text (GMarkupParseContext *context, const char *text, gsize length, gpointer data,
         GError **error)
{
  XmpReader *self = data;

  if (self->collecting != NULL)
    g_string_append_len (self->collecting, text, (gssize) length);
}

static void
on_end (GMarkupParseContext *context, const char *element, gpointer data, GError **error)
{
  XmpReader *self = data;

  if (self->collecting == NULL)
    return;
  if (g_str_equal (element, RECIPE_PROPERTY))
    take (&self->json, self->collecting->str);
  else if (g_str_equal (element, GUID_PROPERTY))
    take (&self->guid, self->collecting->str);
  else
    return;
  g_string_free (g_steal_pointer (&self->collecting), TRUE);
}

gboolean
_esp_xmp_parse (const char *xml, gsize size, char **json, char **guid)
{
  static const GMarkupParser parser = { on_start, on_end, on_text, NULL, NULL };
  XmpReader self = { NULL };
  g_autoptr (GMarkupParseContext) context
      = g_markup_parse_context_new (&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, &self, NULL);
  gboolean ok;

  /* Packets are padded with white space, some with NUL. */
  while (size > 0 && xml[size - 1] == '\0')
    size--;
  ok = g_markup_parse_context_parse (context, xml, (gssize) size, NULL)
       && g_markup_parse_context_end_parse (context, NULL);
  if (self.collecting != NULL)
    g_string_free (self.collecting, TRUE);
  *json = self.json;
  *guid = self.guid;
  return ok;
}
