/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Server-sent events, by the HTML standard's own examples, split at every byte. */
#include <string.h>

#include "esp-event-parser.h"

/* "event=data|event=data|…" of what `stream` gives when it comes in pieces of `piece` bytes. */
static char *
parse (const char *stream, gsize length, gsize piece)
{
  g_autoptr (EspEventParser) parser = esp_event_parser_new (1 << 20);
  g_autoptr (GString) all = g_string_new (NULL);
  char *event, *data;

  for (gsize at = 0; at < length; at += piece)
    {
      /* A copy of its own, so that a read beyond its end is seen. */
      g_autofree char *bytes = g_memdup2 (stream + at, MIN (piece, length - at));

      g_assert_true (esp_event_parser_feed (parser, bytes, MIN (piece, length - at)));
    }
  while (esp_event_parser_take (parser, &event, &data))
    {
      g_string_append_printf (all, "%s=%s|", event, data);
      g_free (event);
      g_free (data);
    }

  return g_string_free (g_steal_pointer (&all), FALSE);
}

static void
assert_events (const char *stream, const char *expected)
{
  const gsize length = strlen (stream);

  for (gsize piece = 1; piece <= length; piece++)
    {
      g_autofree char *events = parse (stream, length, piece);

      g_assert_cmpstr (events, ==, expected);
    }
}

static void
test_standard (void)
{
  assert_events ("data: This is the first message.\n\ndata: This is the second message, it\n"
                 "data: has two lines.\n\ndata: This is the third message.\n\n",
                 "message=This is the first message.|message=This is the second message, it\n"
                 "has two lines.|message=This is the third message.|");
  assert_events ("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n",
                 "add=73857293|remove=2153|");
  assert_events ("data: YHOO\ndata: +2\ndata: 10\n\n", "message=YHOO\n+2\n10|");
  assert_events (": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
                 "data:  third event\n\n",
                 "message=first event|message=second event|message= third event|");
  assert_events ("data\n\ndata\ndata\n\ndata:", "message=|message=\n|");
  assert_events ("data:test\n\ndata: test\n\n", "message=test|message=test|");
}

static void
test_line_ends (void)
{
  assert_events ("data: a\r\n\r\ndata: b\r\rdata: c\n\n", "message=a|message=b|message=c|");
  assert_events ("data: a\rdata: b\r\ndata: c\n\r\n", "message=a\nb\nc|");
  assert_events ("data: a\n\r\ndata: b\n\r", "message=a|message=b|");
}

static void
test_odd (void)
{
  assert_events ("\xef\xbb\xbf"
                 "data: bom\n\n\xef\xbb\xbf"
                 "data: no bom\n\n",
                 "message=bom|");
  assert_events ("event: only a name\n\ndata: x\n\n", "message=x|");
  assert_events ("event:\ndata: x\n\n", "message=x|");
  assert_events ("Data: x\ndatas: y\nretry: 12\n:data: z\n\n", "");
  assert_events ("data: \xff\xfe\n\n", "message=\xef\xbf\xbd\xef\xbf\xbd|");
  assert_events ("data: no end", "");
  assert_events ("data: no empty line\n", "");
}

static void
test_bounds (void)
{
  g_autoptr (EspEventParser) line = esp_event_parser_new (1000);
  g_autoptr (EspEventParser) lines = esp_event_parser_new (1000);
  g_autoptr (EspEventParser) many = esp_event_parser_new (1000);
  gboolean taken = TRUE;

  for (guint i = 0; i < 20 && taken; i++)
    taken = esp_event_parser_feed (
        line, "aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbb", 60);
  g_assert_false (taken);
  g_assert_false (esp_event_parser_feed (line, "\n", 1));

  taken = TRUE;
  for (guint i = 0; i < 100 && taken; i++)
    taken = esp_event_parser_feed (lines, "data: 0123456789\n", 17);
  g_assert_false (taken);

  /* Each is small: any number of them may come. */
  for (guint i = 0; i < 1000; i++)
    {
      char *event, *data;

      g_assert_true (esp_event_parser_feed (many, "data: 0123456789\n\n", 18));
      g_assert_true (esp_event_parser_take (many, &event, &data));
      g_free (event);
      g_free (data);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/remote/events/standard", test_standard);
  g_test_add_func ("/remote/events/line-ends", test_line_ends);
  g_test_add_func ("/remote/events/odd", test_odd);
  g_test_add_func ("/remote/events/bounds", test_bounds);

  return g_test_run ();
}
