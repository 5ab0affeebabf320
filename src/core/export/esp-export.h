/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export.h: images of a document as files, for window and command line. */
#pragma once

#include "esp-document.h"

G_BEGIN_DECLS

typedef enum
{
  ESP_EXPORT_IMAGE,  /* one node */
  ESP_EXPORT_LEAVES, /* every done node without a done node below it, of the node's branch (NULL: of
                        all) */
  ESP_EXPORT_PATH,   /* from the root to the node, numbered */
  ESP_EXPORT_ANIMATION, /* the same as one animated file */
} EspExportWhat;

typedef enum
{
  ESP_EXPORT_ORIGINAL, /* the stored bytes as they are (metadata on: recipe as stored by their
                          maker) */
  ESP_EXPORT_PNG,
  ESP_EXPORT_JPEG,
  ESP_EXPORT_WEBP,
  ESP_EXPORT_TIFF,
  ESP_EXPORT_GIF,  /* animations */
  ESP_EXPORT_APNG, /* animations */
} EspExportFormat;

typedef struct
{
  EspExportWhat what;
  EspExportFormat format; /* animations: GIF, WEBP or APNG */
  int quality;            /* JPEG, lossy WebP: 1…100 */
  gboolean lossless;      /* WebP */
  int max_side;           /* scale down to this; 0 = as it is */
  gboolean
      metadata; /* the recipe with the lineage (all turns from the root); FALSE strips everything */
  double seconds;    /* animations: per image, 0.1…10 */
  gboolean captions; /* animations: the instruction written under each image */
} EspExportOptions;

#define ESP_EXPORT_OPTIONS_INIT                                                                    \
  {                                                                                                \
    ESP_EXPORT_IMAGE, ESP_EXPORT_PNG, 92, FALSE, 0, TRUE, 1.2, FALSE                               \
  }

/* `target` is the file for an image or animation, an existing folder for leaves and path. Existing
 * files are replaced atomically in the first case and never in the second ("Name (2).png").
 * Finishes with the files written, (element-type GFile). `progress` (fraction 0…1) may be NULL. */
typedef void (*EspExportProgress) (double fraction, gpointer user_data);

void esp_export_async (EspDocument *document, EspNode *node, GFile *target,
                       const EspExportOptions *options, EspExportProgress progress,
                       gpointer progress_data, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *esp_export_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Encodes one node's image as it would be exported (clipboard, drag out of the window). */
void esp_export_encode_async (EspDocument *document, EspNode *node, const EspExportOptions *options,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
GBytes *esp_export_encode_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* "Harbour - Make the sails red.png": title and instruction, without characters that file systems
 * or other systems refuse, at most 120 bytes. */
char *esp_export_dup_file_name (EspDocument *document, EspNode *node,
                                EspExportFormat format) G_GNUC_WARN_UNUSED_RESULT;

/* `text` as such a name. */
char *esp_export_dup_file_name_of (const char *text, EspNode *node,
                                   EspExportFormat format) G_GNUC_WARN_UNUSED_RESULT;

/* The recipe of a node with the whole lineage from its root, as it is embedded. Owned by the
 * caller. */
JsonNode *esp_export_dup_recipe (EspDocument *document, EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* The shell command that makes the node's image again with espalier-cli, as a file in the folder
 * where it is run. The document may be open meanwhile: it is only read. */
char *esp_export_dup_command (EspDocument *document, EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
