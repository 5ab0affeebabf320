/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-download.h: a model being fetched.
 *
 * Files come over several connections at once, in pieces, into a folder beside the library's; what
 * has come is kept when it is paused, when the program ends and when it is killed, and is not
 * fetched again. Every file is checked (size, then SHA-256). Only when all of it is whole the
 * folder becomes a model, by one rename. Made by EspModelDownloads; the work is done in a thread of
 * its own.
 *
 * "changed" () is emitted when anything of it is another, some ten times a second at most.
 */
#pragma once

#include "esp-key-store.h"
#include "esp-model-offer.h"

G_BEGIN_DECLS

#define ESP_TYPE_MODEL_DOWNLOAD (esp_model_download_get_type ())

G_DECLARE_FINAL_TYPE (EspModelDownload, esp_model_download, ESP, MODEL_DOWNLOAD, GObject)

#define ESP_MODEL_DOWNLOAD_ERROR (esp_model_download_error_quark ())

typedef enum
{
  ESP_MODEL_DOWNLOAD_ERROR_TOKEN,     /* the source wants an access token, or another one */
  ESP_MODEL_DOWNLOAD_ERROR_LICENCE,   /* the licence is not accepted: here, or at the source */
  ESP_MODEL_DOWNLOAD_ERROR_GONE,      /* the source does not have a file (any more) */
  ESP_MODEL_DOWNLOAD_ERROR_SPACE,     /* the disk is too full; message: how much is needed */
  ESP_MODEL_DOWNLOAD_ERROR_DAMAGED,   /* a file came, but is not what it should be */
  ESP_MODEL_DOWNLOAD_ERROR_NETWORK,   /* no connection, or it broke too often */
  ESP_MODEL_DOWNLOAD_ERROR_REFUSED,   /* the source answers with what it may not */
  ESP_MODEL_DOWNLOAD_ERROR_FILE,      /* the disk cannot be written */
  ESP_MODEL_DOWNLOAD_ERROR_BUSY,      /* another program of Espalier fetches it just now */
  ESP_MODEL_DOWNLOAD_ERROR_INSTALLED, /* there is a model of this name already */
} EspModelDownloadError;

GQuark esp_model_download_error_quark (void);

typedef enum
{
  ESP_MODEL_DOWNLOAD_PAUSED,    /* or from an earlier start: waits for resume */
  ESP_MODEL_DOWNLOAD_PREPARING, /* asks for sizes, looks at the disk */
  ESP_MODEL_DOWNLOAD_RUNNING,
  ESP_MODEL_DOWNLOAD_WAITING,   /* the network or the source has trouble; tries again by itself */
  ESP_MODEL_DOWNLOAD_CHECKING,  /* all has come, SHA-256 is computed */
  ESP_MODEL_DOWNLOAD_DONE,      /* the model is in the library */
  ESP_MODEL_DOWNLOAD_FAILED,    /* see the error; resume tries again */
  ESP_MODEL_DOWNLOAD_CANCELLED, /* and what had come is deleted */
} EspModelDownloadState;

typedef struct
{
  const char *path; /* relative */
  gint64 done;      /* bytes */
  gint64 total;     /* -1 not known yet */
  gboolean checked; /* whole, and its SHA-256 is right */
} EspModelDownloadFile;

EspModelOffer *esp_model_download_get_offer (EspModelDownload *self);           /* borrowed */
const EspModelVariant *esp_model_download_get_variant (EspModelDownload *self); /* borrowed */
EspModelDownloadState esp_model_download_get_state (EspModelDownload *self);
const GError *esp_model_download_get_error (EspModelDownload *self); /* failed, waiting; or NULL */
/* A sentence on the state for people, always: "12.3 GB of 17.1 GB, 42 MB/s, 2 minutes left". */
const char *esp_model_download_get_status (EspModelDownload *self);
gint64 esp_model_download_get_done (EspModelDownload *self);     /* bytes that are on the disk */
gint64 esp_model_download_get_total (EspModelDownload *self);    /* bytes; an estimate at first */
double esp_model_download_get_fraction (EspModelDownload *self); /* 0 … 1; of checking as well */
double esp_model_download_get_rate (EspModelDownload *self);     /* bytes a second; 0 unknown */
double esp_model_download_get_seconds_left (EspModelDownload *self); /* < 0 unknown */
char *esp_model_download_dup_model_id (EspModelDownload *self);      /* what it becomes */

guint esp_model_download_get_n_files (EspModelDownload *self);
void esp_model_download_get_file (EspModelDownload *self, guint i, EspModelDownloadFile *file);

/* Each returns at once; the state follows. Fine in any state. */
void esp_model_download_pause (EspModelDownload *self);
void esp_model_download_resume (EspModelDownload *self, EspKey *token); /* NULL: as it was */
/* Fetches the token from the key store where the source wants one, then goes on. */
void esp_model_download_resume_kept (EspModelDownload *self);
void esp_model_download_cancel (EspModelDownload *self); /* deletes what has come */

G_END_DECLS
