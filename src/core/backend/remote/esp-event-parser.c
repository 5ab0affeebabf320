/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "esp-event-parser.h"

#include <string.h>

typedef struct
{
  char *event, *data;
} Event;

struct _EspEventParser
{
  gsize max_event;
  GString *line; /* what came of the current one */
  GString *data; /* of the current event */
  gboolean has_data;
  char *event;    /* of the current event, or NULL */
  gboolean begun; /* the first line is through */
  gboolean after_cr;
  gboolean overflown;
  GQueue ready; /* of Event * */
};

static void
free_event (gpointer data)
{
  Event *event = data;

  g_free (event->event);
  g_free (event->data);
  g_free (event);
}

EspEventParser *
esp_event_parser_new (gsize max_event)
{
  EspEventParser *self = g_new0 (EspEventParser, 1);

  self->max_event = max_event;
  self->line = g_string_new (NULL);
  self->data = g_string_new (NULL);
  g_queue_init (&self->ready);

  return self;
}

void
esp_event_parser_free (EspEventParser *self)
{
  if (self == NULL)
    return;

  g_string_free (self->line, TRUE);
  g_string_free (self->data, TRUE);
  g_free (self->event);
  g_queue_clear_full (&self->ready, free_event);
  g_free (self);
}

static void
end_event (EspEventParser *self)
{
  if (self->has_data)
    {
      Event *event = g_new0 (Event, 1);

      event->event = self->event != NULL && *self->event != '\0' ? g_steal_pointer (&self->event)
                                                                 : g_strdup ("message");
      event->data = g_utf8_make_valid (self->data->str, (gssize) self->data->len);
      g_queue_push_tail (&self->ready, event);
    }

  g_clear_pointer (&self->event, g_free);
  g_string_truncate (self->data, 0);
  self->has_data = FALSE;
}

static void
take_line (EspEventParser *self, const char *line, gsize length)
{
  const char *colon, *value;
  gsize name_length;

  if (!self->begun && length >= 3 && memcmp (line, "\xef\xbb\xbf", 3) == 0)
    {
      line += 3;
      length -= 3;
    }
  self->begun = TRUE;

  if (length == 0)
    {
      end_event (self);
      return;
    }

  colon = memchr (line, ':', length);
  if (colon == line)
    return;

  name_length = colon != NULL ? (gsize) (colon - line) : length;
  value = colon != NULL ? colon + 1 : line + length;
  if (value < line + length && *value == ' ')
    value++;
  length -= (gsize) (value - line);

  if (name_length == 4 && memcmp (line, "data", 4) == 0)
    {
      if (self->has_data)
        g_string_append_c (self->data, '\n');
      g_string_append_len (self->data, value, (gssize) length);
      self->has_data = TRUE;
    }
  else if (name_length == 5 && memcmp (line, "event", 5) == 0)
    {
      g_free (self->event);
      self->event = g_utf8_make_valid (value, (gssize) length);
    }
}

gboolean
esp_event_parser_feed (EspEventParser *self, const char *bytes, gsize length)
{
  const char *end = bytes + length;

  g_return_val_if_fail (self != NULL, FALSE);

  while (bytes < end && !self->overflown)
    {
      const char *stop = bytes;

      if (self->after_cr && *bytes == '\n')
        bytes++, stop++;
      self->after_cr = FALSE;

      while (stop < end && *stop != '\r' && *stop != '\n')
        stop++;

      if (self->line->len + self->data->len + (gsize) (stop - bytes) > self->max_event)
        {
          self->overflown = TRUE;
          break;
        }
      g_string_append_len (self->line, bytes, stop - bytes);
      if (stop == end)
        break;

      take_line (self, self->line->str, self->line->len);
      g_string_truncate (self->line, 0);
      self->after_cr = *stop == '\r';
      bytes = stop + 1;
    }

  return !self->overflown;
}

gboolean
esp_event_parser_take (EspEventParser *self, char **event, char **data)
{
  Event *next;

  g_return_val_if_fail (self != NULL, FALSE);

  next = g_queue_pop_head (&self->ready);
  if (next == NULL)
    return FALSE;

  *event = g_steal_pointer (&next->event);
  *data = g_steal_pointer (&next->data);
  free_event (next);

  return TRUE;
}
