/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as an event stream: as a whole, and in pieces whose sizes the first byte gives. Both
 * must say the same. */
#include "fuzz-core.h"

#include "esp-event-parser.h"

#define MAX_EVENT 4096

static gboolean
feed (EspEventParser *parser, const char *bytes, gsize length, GString *told)
{
  g_autofree char *copy = g_memdup2 (bytes, length);
  gboolean ok = esp_event_parser_feed (parser, length > 0 ? copy : "", length);
  char *event, *data;

  while (esp_event_parser_take (parser, &event, &data))
    {
      PROMISE (g_utf8_validate (event, -1, NULL) && g_utf8_validate (data, -1, NULL));
      PROMISE (event[0] != '\0');
      g_string_append_printf (told, "%s=%s;", event, data);
      g_free (event);
      g_free (data);
    }
  return ok;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (EspEventParser) whole = esp_event_parser_new (MAX_EVENT);
  g_autoptr (EspEventParser) pieces = esp_event_parser_new (MAX_EVENT);
  g_autoptr (GString) told_whole = g_string_new (NULL);
  g_autoptr (GString) told_pieces = g_string_new (NULL);
  gboolean ok, ok_pieces = TRUE;
  gsize piece;

  if (size == 0)
    return 0;
  piece = data[0] % 16u + 1;
  ok = feed (whole, (const char *) data + 1, size - 1, told_whole);
  for (gsize at = 1; ok_pieces && at < size; at += piece)
    ok_pieces = feed (pieces, (const char *) data + at, MIN (piece, size - at), told_pieces);
  PROMISE (ok == ok_pieces);
  PROMISE (!ok || g_str_equal (told_whole->str, told_pieces->str));
  return 0;
}
