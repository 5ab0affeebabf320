/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-xmp-read.c: the recipe in an XMP document: its property as an element or, as other writers
 * put simple ones, as an attribute. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-xmp-read-private.h"

#include <string.h>

#define RECIPE_PROPERTY "espalier:recipe"
#define GUID_PROPERTY   "xmpNote:HasExtendedXMP"

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
