/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bodies of any length, piece by piece, and no faster than they may be. */
#define G_LOG_DOMAIN "espalier-http"

#include "esp-http-private.h"

/* Of an answer that is no success: for the reason in it. */
#define MAX_REASON ((gsize) 64 << 10)

/* What may come at once after a pause, in seconds of the rate. */
#define BURST 0.25

struct _EspHttpThrottle
{
  gatomicrefcount references;
  GMutex lock;
  guint64 rate;  /* bytes a second; 0 no limit */
  double tokens; /* bytes that may be taken; below 0 what was taken ahead */
  gint64 at;     /* when they were counted, monotonic µs */
};

EspHttpThrottle *
esp_http_throttle_new (void)
{
  EspHttpThrottle *self = g_new0 (EspHttpThrottle, 1);

  g_atomic_ref_count_init (&self->references);
  g_mutex_init (&self->lock);
  return self;
}

EspHttpThrottle *
esp_http_throttle_ref (EspHttpThrottle *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
esp_http_throttle_unref (EspHttpThrottle *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->references))
    return;

  g_mutex_clear (&self->lock);
  g_free (self);
}

void
esp_http_throttle_set_rate (EspHttpThrottle *self, guint64 bytes)
{
  g_return_if_fail (self != NULL);

  g_mutex_lock (&self->lock);
  self->rate = bytes;
  self->tokens = 0;
  self->at = g_get_monotonic_time ();
  g_mutex_unlock (&self->lock);
}

gint64
_esp_http_throttle_take (EspHttpThrottle *self, gsize length)
{
  gint64 now = g_get_monotonic_time ();
  gint64 wait = 0;

  g_mutex_lock (&self->lock);
  if (self->rate > 0)
    {
      double rate = (double) self->rate;

      self->tokens += (double) (now - self->at) / G_USEC_PER_SEC * rate;
      self->tokens = MIN (self->tokens, rate * BURST);
      self->at = now;
      if (self->tokens > 0)
        self->tokens -= (double) length;
      else
        wait = CLAMP ((gint64) (-self->tokens / rate * G_USEC_PER_SEC), 5000, G_USEC_PER_SEC);
    }
  g_mutex_unlock (&self->lock);

  return wait;
}

gboolean
_esp_http_fetch_take_head (EspHttpTransfer *self)
{
  if (self->head != NULL && !self->head (self->status, self->headers_in, self->func_data))
    self->unwanted = TRUE;

  return !self->unwanted;
}

gsize
_esp_http_fetch_take_body (EspHttpTransfer *self, const guint8 *bytes, gsize length)
{
  if (self->status < 200 || self->status >= 300)
    {
      gsize room = MAX_REASON - MIN (MAX_REASON, self->body->len);

      g_byte_array_append (self->body, bytes, (guint) MIN (room, length));
      return length;
    }

  if (self->throttle != NULL)
    {
      gint64 wait = _esp_http_throttle_take (self->throttle, length);

      if (wait > 0)
        {
          self->paused = TRUE;
          _esp_http_unpause_later (self, wait);
          return CURL_WRITEFUNC_PAUSE;
        }
    }

  if (self->piece != NULL && !self->piece (bytes, length, self->func_data))
    {
      self->unwanted = TRUE;
      return CURL_WRITEFUNC_ERROR;
    }

  return length;
}
