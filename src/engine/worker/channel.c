/* SPDX-License-Identifier: MIT */
#include "worker/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json-memory.h"
#include "worker/request.h"

#define READ_SIZE ((size_t) 64 << 10)

#define NO_MEMORY_SIZE (6 * ESP_REQUEST_MAX_ID + 128)

/* Bytes of the UTF-8 character at `text`, or 0 if there is none. Table 3-7 of the Unicode
 * standard. */
static size_t
utf8_character (const unsigned char *text, size_t length)
{
  unsigned char low = 0x80, high = 0xbf;
  size_t size;

  if (text[0] < 0x80)
    return 1;
  if (text[0] < 0xc2 || text[0] > 0xf4)
    return 0;

  size = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
  if (size > length)
    return 0;

  if (text[0] == 0xe0)
    low = 0xa0;
  else if (text[0] == 0xed)
    high = 0x9f;
  else if (text[0] == 0xf0)
    low = 0x90;
  else if (text[0] == 0xf4)
    high = 0x8f;

  if (text[1] < low || text[1] > high)
    return 0;
  for (size_t i = 2; i < size; i++)
    {
      if ((text[i] & 0xc0) != 0x80)
        return 0;
    }

  return size;
}

bool
esp_utf8_valid (const char *text, size_t length)
{
  for (size_t i = 0; i < length;)
    {
      size_t size = utf8_character ((const unsigned char *) text + i, length - i);

      if (size == 0)
        return false;
      i += size;
    }

  return true;
}

json_t *
esp_json_text (const char *text)
{
  size_t length = strlen (text), used = 0;
  json_malloc_t allocate;
  json_free_t release;
  json_t *string;
  char *clean;

  if (esp_utf8_valid (text, length))
    return json_stringn_nocheck (text, length);

  /* Its failures count as jansson's own (memory-watch.h). */
  json_get_alloc_funcs (&allocate, &release);
  clean = allocate (3 * length);
  if (clean == NULL)
    return NULL;

  for (size_t i = 0; i < length;)
    {
      size_t size = utf8_character ((const unsigned char *) text + i, length - i);

      memcpy (clean + used, size > 0 ? text + i : "\xef\xbf\xbd", size > 0 ? size : 3);
      used += size > 0 ? size : 3;
      i += size > 0 ? size : 1;
    }

  string = json_stringn_nocheck (clean, used);
  release (clean);
  return string;
}

void
esp_channel_init (EspChannel *channel, int output, void (*on_broken) (void *data), void *data)
{
  channel->output = output;
  channel->on_broken = on_broken;
  channel->data = data;
  atomic_init (&channel->broken, false);
  pthread_mutex_init (&channel->lock, NULL);
}

void
esp_channel_clear (EspChannel *channel)
{
  pthread_mutex_destroy (&channel->lock);
}

static bool
write_all (int output, const char *text, size_t length)
{
  while (length > 0)
    {
      ssize_t written = write (output, text, length);

      if (written >= 0)
        {
          text += written;
          length -= (size_t) written;
        }
      else if (errno == EAGAIN)
        {
          struct pollfd wait = { .fd = output, .events = POLLOUT };

          poll (&wait, 1, -1);
        }
      else if (errno != EINTR)
        return false;
    }

  return true;
}

/* A pipe that poll() calls writable takes at least PIPE_BUF bytes at once. */
static bool
is_ready (int output)
{
  struct pollfd wait = { .fd = output, .events = POLLOUT };

  return poll (&wait, 1, 0) == 1 && (wait.revents & POLLOUT) != 0;
}

/* Appends the byte to the JSON text in `text`, of which `used` bytes are used. */
static size_t
put_escaped (char *text, size_t used, unsigned char byte)
{
  if (byte == '"' || byte == '\\')
    return used + (size_t) sprintf (text + used, "\\%c", byte);
  if (byte < 0x20)
    return used + (size_t) sprintf (text + used, "\\u%04x", byte);
  text[used] = (char) byte;
  text[used + 1] = '\0';
  return used + 1;
}

/* The event that needs no memory. An id that is a text has at most ESP_REQUEST_MAX_ID bytes, and
 * six for each of them here. */
static void
write_no_memory (const json_t *id, char line[NO_MEMORY_SIZE])
{
  size_t used = (size_t) sprintf (line, "{\"type\":\"error\",\"id\":");

  if (json_is_integer (id))
    used += (size_t) sprintf (line + used, "%" JSON_INTEGER_FORMAT, json_integer_value (id));
  else if (json_is_string (id) && json_string_length (id) <= ESP_REQUEST_MAX_ID)
    {
      line[used++] = '"';
      for (size_t i = 0; i < json_string_length (id); i++)
        used = put_escaped (line, used, (unsigned char) json_string_value (id)[i]);
      line[used++] = '"';
    }
  else
    used += (size_t) sprintf (line + used, "null");
  sprintf (line + used, ",\"code\":\"memory\",\"message\":\"out of memory\"}");
}

/* True if it was `event` that was sent, or nobody reads. */
static bool
send_event (EspChannel *channel, const json_t *id, json_t *event, bool may_drop)
{
  const unsigned failures = esp_memory_failures ();
  char no_memory[NO_MEMORY_SIZE];
  char *text = event != NULL ? json_dumps (event, JSON_COMPACT) : NULL;
  const char *line = text != NULL ? text : no_memory;
  bool lost = false, whole = text != NULL;

  /* A text that could not grow has lost some of its letters. */
  if (esp_memory_failures () != failures)
    {
      free (text);
      text = NULL;
      line = no_memory;
      whole = false;
    }

  if (!whole && may_drop)
    {
      json_decref (event);
      return false;
    }
  if (!whole)
    write_no_memory (id, no_memory);

  pthread_mutex_lock (&channel->lock);
  if (!atomic_load (&channel->broken) && !(may_drop && !is_ready (channel->output)))
    {
      if (!write_all (channel->output, line, strlen (line))
          || !write_all (channel->output, "\n", 1))
        lost = !atomic_exchange (&channel->broken, true);
    }
  pthread_mutex_unlock (&channel->lock);

  if (lost && channel->on_broken != NULL)
    channel->on_broken (channel->data);

  free (text);
  json_decref (event);
  return whole;
}

bool
esp_channel_send (EspChannel *channel, const json_t *id, json_t *event)
{
  return send_event (channel, id, event, false);
}

void
esp_channel_send_if_ready (EspChannel *channel, json_t *event)
{
  send_event (channel, NULL, event, true);
}

void
esp_channel_error (EspChannel *channel, json_t *id, const char *code, const char *message)
{
  esp_channel_send (channel, id,
                    json_pack ("{s:s, s:O?, s:s, s:o}", "type", "error", "id", id, "code", code,
                               "message", esp_json_text (message)));
}

void
esp_line_reader_init (EspLineReader *reader, int input)
{
  *reader = (EspLineReader){ .input = input };
}

void
esp_line_reader_clear (EspLineReader *reader)
{
  free (reader->buffer);
  reader->buffer = NULL;
}

/* Makes room for at least one more byte. A buffer that once grew for a long line is given back when
 * it is empty again. */
static bool
make_room (EspLineReader *reader)
{
  size_t used = reader->end - reader->start;
  size_t wanted = used < READ_SIZE ? 2 * READ_SIZE : 2 * used;
  char *buffer;

  if (reader->start > 0)
    {
      memmove (reader->buffer, reader->buffer + reader->start, used);
      reader->start = 0;
      reader->end = used;
    }

  if (wanted > ESP_LINE_MAX + READ_SIZE)
    wanted = ESP_LINE_MAX + READ_SIZE;
  if (wanted == reader->capacity || (wanted < reader->capacity && used > 0))
    return true;

  buffer = realloc (reader->buffer, wanted);
  if (buffer == NULL)
    return reader->end < reader->capacity;

  reader->buffer = buffer;
  reader->capacity = wanted;
  return true;
}

/* Reads some bytes; false at the end of the input. */
static bool
read_more (EspLineReader *reader)
{
  ssize_t got;

  do
    got = read (reader->input, reader->buffer + reader->end, reader->capacity - reader->end);
  while (got < 0 && errno == EINTR);

  if (got <= 0)
    {
      reader->at_end = true;
      return false;
    }

  reader->end += (size_t) got;
  return true;
}

/* Skips to behind the next newline. */
static void
skip_line (EspLineReader *reader)
{
  for (;;)
    {
      size_t used = reader->end - reader->start;
      char *newline = used > 0 ? memchr (reader->buffer + reader->start, '\n', used) : NULL;

      if (newline != NULL)
        {
          reader->start = (size_t) (newline - reader->buffer) + 1;
          return;
        }

      reader->start = reader->end = 0;
      if (reader->at_end || !read_more (reader))
        return;
    }
}

EspLineStatus
esp_line_reader_next (EspLineReader *reader, const char **line, size_t *length)
{
  size_t searched = 0;

  for (;;)
    {
      size_t used = reader->end - reader->start;
      /* There is no buffer before the first line. */
      char *begin = used > 0 ? reader->buffer + reader->start : NULL;
      char *newline = used > searched ? memchr (begin + searched, '\n', used - searched) : NULL;

      if (newline != NULL || (reader->at_end && used > 0 && used <= ESP_LINE_MAX))
        {
          *line = begin;
          *length = newline != NULL ? (size_t) (newline - begin) : used;
          reader->start += *length + (newline != NULL);
          return *length <= ESP_LINE_MAX ? ESP_LINE_READY : ESP_LINE_TOO_LONG;
        }

      if (used > ESP_LINE_MAX)
        {
          skip_line (reader);
          return ESP_LINE_TOO_LONG;
        }

      if (reader->at_end)
        return ESP_LINE_END;

      searched = used;
      if (!make_room (reader) || reader->end == reader->capacity)
        {
          if (reader->buffer == NULL)
            {
              reader->at_end = true;
              return ESP_LINE_END;
            }
          skip_line (reader);
          return ESP_LINE_MEMORY;
        }

      read_more (reader);
    }
}
