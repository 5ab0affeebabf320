/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-download-plan.h: what of a variant has come, and what is still to come; on the disk as well.
 *
 * A download has a folder, `.downloads/MODEL` among the person's models, with `download.json` (what
 * has come), `lock` (held by the program that fetches) and `files/`, which becomes the model. A
 * file that is not whole is called NAME.part. For the thread that fetches.
 */
#pragma once

#include "esp-model-offer.h"

G_BEGIN_DECLS

/* One file, fetched in pieces, each from its beginning on. */
typedef struct
{
  EspModelFile *file;
  gint64 total;     /* bytes; -1 not known yet */
  char *tag;        /* host, tab, entity tag of what has come; or NULL */
  char *digest;     /* that it must have, hexadecimal; NULL: nobody knows */
  gboolean is_blob; /* `digest` is git's of a blob, not SHA-256 */
  gboolean ranges;  /* the server gives parts of it */
  gboolean known;   /* the server was asked in this run */
  gboolean checked; /* it is whole and what it should be */
  gboolean absent;  /* it is optional and not there */

  gint64 piece; /* bytes of each piece but the last */
  guint n_pieces;
  gint64 *have;   /* bytes of each piece that are on the disk */
  gboolean *busy; /* pieces under way */

  /* Of the run: */
  char *location;  /* where the server sent us; or NULL */
  int fd;          /* of the .part file; -1 */
  gboolean dirty;  /* written since it was flushed */
  gboolean asking; /* a request for its size is under way */
  gboolean hashing;
  gint64 hashed;     /* bytes */
  guint faults;      /* in a row, without a byte in between */
  gint64 not_before; /* monotonic µs: no request before */
  guint restarts;    /* it changed under our hands */
  guint generation;  /* another one when the pieces are others: what is under way is void */
} EspDownloadItem;

typedef struct
{
  char *offer, *variant, *model; /* ids */
  char *folder;                  /* .downloads/MODEL */
  GPtrArray *items;              /* of EspDownloadItem */
  int lock;                      /* -1 */
} EspDownloadPlan;

/* The folder of all downloads. */
char *_esp_download_plan_get_root (void) G_GNUC_WARN_UNUSED_RESULT;
/* The id of the model that a variant becomes. */
char *_esp_download_plan_dup_model (EspModelOffer *offer,
                                    const EspModelVariant *variant) G_GNUC_WARN_UNUSED_RESULT;

/* What download.json in `folder` is about, for a list of what was left unfinished. */
gboolean _esp_download_plan_identify (const char *folder, char **offer, char **variant);

/* Is what was downloaded to `folder` a model by now? The rest, its notes, can go; a program that
 * ended in that moment left them. */
gboolean _esp_download_plan_is_over (const char *folder);

/* Without the disk. */
EspDownloadPlan *_esp_download_plan_new (EspModelOffer *offer,
                                         const EspModelVariant *variant) G_GNUC_WARN_UNUSED_RESULT;
void _esp_download_plan_free (EspDownloadPlan *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspDownloadPlan, _esp_download_plan_free)

/* Takes what an earlier run noted down, as far as it still fits. Never fails: what cannot be read
 * is fetched again. */
void _esp_download_plan_load (EspDownloadPlan *self);

/* Makes the folder and locks it. */
gboolean _esp_download_plan_lock (EspDownloadPlan *self, GError **error);

/* Flushes the files, then notes down what has come. */
gboolean _esp_download_plan_save (EspDownloadPlan *self, GError **error);

/* Sets the size (and with it the pieces); drops what has come if it is of another size. */
void _esp_download_item_set_total (EspDownloadItem *item, gint64 total, gboolean ranges);
/* Drops what has come: the file begins anew. */
void _esp_download_item_restart (EspDownloadPlan *self, EspDownloadItem *item);
gint64 _esp_download_item_get_done (const EspDownloadItem *item);
gboolean _esp_download_item_is_whole (const EspDownloadItem *item);
/* Its piece that is neither whole nor under way; -1: none. */
int _esp_download_item_find_piece (const EspDownloadItem *item);
gint64 _esp_download_item_get_piece_size (const EspDownloadItem *item, guint piece);

char *_esp_download_item_dup_path (EspDownloadPlan *self,
                                   EspDownloadItem *item) G_GNUC_WARN_UNUSED_RESULT;
char *_esp_download_item_dup_part_path (EspDownloadPlan *self,
                                        EspDownloadItem *item) G_GNUC_WARN_UNUSED_RESULT;
/* Opens the .part file. */
gboolean _esp_download_item_open (EspDownloadPlan *self, EspDownloadItem *item, GError **error);
/* It is what it should be: gives it its name. */
gboolean _esp_download_item_accept (EspDownloadPlan *self, EspDownloadItem *item, GError **error);

/* Makes the model of what has come: espalier.json, then one rename. */
gboolean _esp_download_plan_install (EspDownloadPlan *self, EspModelOffer *offer,
                                     const EspModelVariant *variant, GError **error);

G_END_DECLS
