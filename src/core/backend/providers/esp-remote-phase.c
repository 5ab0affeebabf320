/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-phase.c: how far a turn with a provider is, in words and as a part of the whole. */
#define G_LOG_DOMAIN "espalier-remote"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-remote-backend-private.h"

/* Where phases begin and end on the way from 0 to 1. */
static const double begins[] = { 0, 0.02, 0.12, 0.12, 0.14, 0.2, 0.92, 0.92 };
static const double ends[] = { 0.02, 0.12, 0.14, 0.14, 0.2, 0.92, 1, 0.92 };

static int
get_percent (double fraction)
{
  return (int) floor (CLAMP (fraction, 0, 1) * 100);
}

static char *
dup_running (const EspRemoteNews *news, double typical)
{
  const int seconds = (int) news->seconds;

  if (news->fraction >= 0)
    /* Translators: part of the work that a provider has done */
    return g_strdup_printf (_ ("Running, %d %%"), get_percent (news->fraction));
  if (typical >= 1)
    /* Translators: seconds that a turn runs with a provider, and usually takes */
    return g_strdup_printf (_ ("Running, %d s of about %d s"), seconds, (int) ceil (typical));
  return seconds >= 1 ? g_strdup_printf (_ ("Running, %d s"), seconds) : g_strdup (_ ("Running"));
}

char *
_esp_remote_phase_dup_words (const EspRemoteNews *news, double typical)
{
  switch (news->phase)
    {
    case ESP_PHASE_PREPARING:
      return g_strdup (_ ("Preparing the image"));

    case ESP_PHASE_UPLOADING:
      return news->fraction >= 0
                 ? g_strdup_printf (_ ("Uploading %d %%"), get_percent (news->fraction))
                 : g_strdup (_ ("Uploading"));

    case ESP_PHASE_SUBMITTING:
      return g_strdup (_ ("Waiting for an answer"));

    case ESP_PHASE_WAITING:
      return news->seconds_left >= 0 ? g_strdup_printf (_ ("Waiting %d s: too many requests"),
                                                        (int) ceil (news->seconds_left))
                                     : g_strdup (_ ("Waiting: too many requests"));

    case ESP_PHASE_QUEUED:
      return news->position > 0
                 ? g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "Queued, %d before this",
                                                 "Queued, %d before this", (gulong) news->position),
                                    news->position)
                 : g_strdup (_ ("Queued"));

    case ESP_PHASE_RUNNING:
      return dup_running (news, typical);

    case ESP_PHASE_DOWNLOADING:
      return news->fraction >= 0
                 ? g_strdup_printf (_ ("Downloading %d %%"), get_percent (news->fraction))
                 : g_strdup (_ ("Downloading"));

    case ESP_PHASE_CANCELLING:
    default:
      return g_strdup (_ ("Asking the provider to stop"));
    }
}

double
_esp_remote_phase_get_fraction (const EspRemoteNews *news, double typical)
{
  double part = news->fraction;

  g_return_val_if_fail ((gsize) news->phase < G_N_ELEMENTS (begins), 0);

  /* Nobody knows when it will be over: nearer and nearer, never there. */
  if (part < 0 && news->phase == ESP_PHASE_RUNNING)
    part = 1 - exp (-1.5 * news->seconds / (typical >= 1 ? typical : 20));
  part = CLAMP (part, 0, 1);
  return begins[news->phase] + part * (ends[news->phase] - begins[news->phase]);
}
