/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-downloader.h: fetching a variant, in a thread that does nothing else. */
#pragma once

#include "esp-http.h"
#include "esp-key-store.h"
#include "esp-model-download.h"

G_BEGIN_DECLS

typedef struct
{
  char *path;
  gint64 done, total;
  gboolean checked;
} EspDownloaderFile;

/* How far it is. */
typedef struct
{
  EspModelDownloadState state;
  GError *trouble; /* why it waits; or NULL */
  gint64 done, total;
  double fraction;
  GArray *files; /* of EspDownloaderFile */
} EspDownloaderNews;

void _esp_downloader_news_free (EspDownloaderNews *news);

/* Called in the thread; takes the news. */
typedef void (*EspDownloaderFunc) (EspDownloaderNews *news, gpointer user_data);

/* What a run is told; borrowed for as long as it takes. */
typedef struct
{
  EspModelOffer *offer;
  const EspModelVariant *variant;
  EspKey *token; /* or NULL */
  EspHttpThrottle *throttle;
  GCancellable *cancellable; /* pauses */
  EspDownloaderFunc news;
  gpointer news_data;
  guint connections;
  double patience; /* 1; less makes the pauses between attempts shorter, for tests */
} EspDownloaderSetup;

/* Fetches until the model is there (TRUE), it is cancelled (G_IO_ERROR_CANCELLED: what has come is
 * noted down), or it cannot go on. */
gboolean _esp_downloader_run (const EspDownloaderSetup *setup, GError **error);

/* How far an earlier run came. */
EspDownloaderNews *_esp_downloader_look (EspModelOffer *offer,
                                         const EspModelVariant *variant) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
