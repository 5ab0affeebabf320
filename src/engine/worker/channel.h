/* SPDX-License-Identifier: MIT */
/* channel.h: lines in, lines out.
 *
 * Events leave as whole lines under a lock, whichever thread sends them. Requests arrive through a
 * reader that never holds more than ESP_LINE_MAX bytes and finds its feet again after a longer
 * line.
 */
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define ESP_LINE_MAX ((size_t) 64 << 20) /* bytes of one request line, its newline not counted */

/* Is this well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF)? NUL is allowed.
 */
bool esp_utf8_valid (const char *text, size_t length);

/* --- Out ---------------------------------------------------------------------------------------
 */

typedef struct EspChannel
{
  int output; /* descriptor; not owned */
  pthread_mutex_t lock;
  atomic_bool broken;             /* the client no longer reads */
  void (*on_broken) (void *data); /* called once, from the sending thread; may be NULL */
  void *data;
} EspChannel;

void esp_channel_init (EspChannel *channel, int output, void (*on_broken) (void *data), void *data);
void esp_channel_clear (EspChannel *channel);

/* Sends one event, the answer to the request `id` (borrowed; NULL is null), and drops its reference
 * to it. If `event` is NULL (memory was out while it was built), or is out now, an error is sent
 * that says so to whoever waits for `id`, and false returned. Blocks while the client does not
 * read. */
bool esp_channel_send (EspChannel *channel, const json_t *id, json_t *event);

/* The same for news that the next one makes stale (progress): dropped when memory is out, or the
 * client so far behind that sending would block. */
void esp_channel_send_if_ready (EspChannel *channel, json_t *event);

/* Sends {"type":"error","id":…,"code":…,"message":…}. `id` is borrowed and may be NULL (null). */
void esp_channel_error (EspChannel *channel, json_t *id, const char *code, const char *message);

/* A JSON string of any bytes: those that are not UTF-8 become U+FFFD. New reference. */
json_t *esp_json_text (const char *text);

/* --- In ----------------------------------------------------------------------------------------
 */

typedef enum
{
  ESP_LINE_READY,    /* a line, without its newline */
  ESP_LINE_TOO_LONG, /* a longer line was skipped to its end */
  ESP_LINE_MEMORY,   /* memory ran out; the line was skipped to its end */
  ESP_LINE_END,      /* end of input, or a read error */
} EspLineStatus;

typedef struct EspLineReader
{
  int input; /* descriptor; not owned */
  char *buffer;
  size_t capacity, start, end; /* unread bytes are [start, end) */
  bool at_end;
} EspLineReader;

void esp_line_reader_init (EspLineReader *reader, int input);
void esp_line_reader_clear (EspLineReader *reader);

/* Waits for the next line. *line is lent until the next call; it may hold any bytes, NUL too. A
 * last line without a newline counts. */
EspLineStatus esp_line_reader_next (EspLineReader *reader, const char **line, size_t *length);
