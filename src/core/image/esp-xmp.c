/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-xmp.c: writes the few XMP properties that a recipe needs. */
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
