/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-downloader-private.h: what the files of a run share. */
#pragma once

#include "esp-download-plan.h"
#include "esp-downloader.h"

G_BEGIN_DECLS

typedef struct
{
  const EspDownloaderSetup *setup;
  EspDownloadPlan *plan;
  EspHttp *http;
  GMainContext *context;
  GCancellable *stop; /* cancelled with the setup's, or when something is wrong for good */

  guint running;  /* requests, and files that are being checked */
  guint checking; /* of these */
  gboolean roomy; /* there is space for all of it */
  gboolean over;
  GError *error;   /* why it cannot go on */
  GError *trouble; /* why something waits */
  GSource *later;  /* for what waits */
  gint64 saved;    /* when, monotonic µs */
  gint64 told;
  gboolean unsaved;
} EspDownloader;

/* esp-downloader.c. It cannot go on; takes `error`. */
void _esp_downloader_fail (EspDownloader *self, GError *error);
/* `item` has trouble that may pass; takes `trouble`. `wait`: seconds the server asks for; < 0. */
void _esp_downloader_put_off (EspDownloader *self, EspDownloadItem *item, GError *trouble,
                              double wait);
/* Begins whatever can be begun; sees whether it is over. */
void _esp_downloader_go_on (EspDownloader *self);
/* Tells how far it is, and notes it down, if it is time (or `now`). */
void _esp_downloader_tell (EspDownloader *self, gboolean now);
void _esp_downloader_save (EspDownloader *self, gboolean now);

/* esp-download-fetch.c. Asks for a piece of `item`; -1: for its size. */
void _esp_download_fetch (EspDownloader *self, EspDownloadItem *item, int piece);

/* esp-download-check.c */
void _esp_download_check (EspDownloader *self, EspDownloadItem *item);

G_END_DECLS
