/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-refusal.h: the sentences with which a picture is refused, the same for whoever finds
 * it out: the program, which reads the file, and the decoder, which looks into it. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

/* ESP_IMAGE_ERROR_READ: “name” cannot be read, for this reason (a sentence without its stop). */
void esp_picture_refuse_read (const char *name, const char *reason, GError **error);

/* ESP_IMAGE_ERROR_DAMAGED. `detail` is a decoder's own words or "", made fit for one line here. */
void esp_picture_refuse_damaged (const char *name, const char *detail, GError **error);

/* ESP_IMAGE_ERROR_TOO_LARGE: more than the memory holds. */
void esp_picture_refuse_memory (const char *name, GError **error);

/* There is no memory for one of width × height pixels: ESP_IMAGE_ERROR_TOO_LARGE. */
void esp_picture_refuse_room (int width, int height, GError **error);

/* Why there is no memory that can be shared: a limit of file sizes, which holds for it, or the
 * memory itself; `reason` is an errno value. */
void esp_picture_refuse_sharing (const char *name, int reason, GError **error);

/* ESP_IMAGE_ERROR_UNSUPPORTED: none of the kinds that are known. */
void esp_picture_refuse_unknown (const char *name, GError **error);

/* Whether a picture may have this size; FALSE with ESP_IMAGE_ERROR_DAMAGED (no pixels) or
 * ESP_IMAGE_ERROR_TOO_LARGE (above the limits of esp-picture.h). */
gboolean esp_picture_check_size (const char *name, guint64 width, guint64 height, GError **error);

G_END_DECLS
