/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export-private.h: the parts of an export. Nodes belong to the main thread; what the other
 * threads need of them is taken into an EspExportItem first. */
#pragma once

#include "esp-export.h"

G_BEGIN_DECLS

/* One image to be written. */
typedef struct
{
  EspNode *node;
  char *name;        /* for messages */
  char *file_name;   /* with extension */
  char *caption;     /* may be "" */
  EspRecipe *recipe; /* or NULL */
} EspExportItem;

EspExportItem *_esp_export_item_new (EspDocument *document, EspNode *node,
                                     const EspExportOptions *options);
void _esp_export_item_free (EspExportItem *self);

/* What is embedded into the node's image; NULL if no turn made it. */
EspRecipe *_esp_export_recipe_new (EspDocument *document, EspNode *node);

/* ".png", …; for ESP_EXPORT_ORIGINAL by the media type. */
const char *_esp_export_extension (EspExportFormat format, const char *media_type);

/* "01 - Make the sails red.png" of `n` such. */
char *_esp_export_dup_numbered_name (EspDocument *document, EspNode *node, EspExportFormat format,
                                     guint number, guint n);

/* The node's stored `bytes` as they are to be written. Blocks. */
GBytes *_esp_export_encode (const EspExportItem *item, GBytes *bytes,
                            const EspExportOptions *options, GCancellable *cancellable,
                            GError **error);

/* Replaces the file, as a whole. Blocks. */
gboolean _esp_export_write (GFile *file, GBytes *bytes, GCancellable *cancellable, GError **error);

/* The animation: frames are added in turn. Blocks, except for new and free. */
typedef struct _EspExportFilm EspExportFilm;

EspExportFilm *_esp_export_film_new (GPtrArray *items, const EspExportOptions *options);
void _esp_export_film_free (EspExportFilm *self);

/* The frames' size in px without captions, before the first (at most the options' side); else the
 * first image decides. */
void _esp_export_film_set_size (EspExportFilm *self, int width, int height);

/* Of the images in the frames; known from the first on. */
int _esp_export_film_get_height (EspExportFilm *self);

/* The item's image as a frame, with its caption; and a frame shown. */
EspPicture *_esp_export_film_compose (EspExportFilm *self, const EspExportItem *item, GBytes *bytes,
                                      GCancellable *cancellable,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean _esp_export_film_show (EspExportFilm *self, EspPicture *frame, double seconds,
                                GCancellable *cancellable, GError **error);

/* Both. */
gboolean _esp_export_film_add (EspExportFilm *self, const EspExportItem *item, GBytes *bytes,
                               GCancellable *cancellable, GError **error);
GBytes *_esp_export_film_finish (EspExportFilm *self, const EspRecipe *recipe,
                                 GCancellable *cancellable, GError **error);

G_END_DECLS
