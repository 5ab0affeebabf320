/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-library-model.h: a model of the library: one row of the Models page.
 *
 * "changed" () is emitted when anything of it is another.
 */
#pragma once

#include <gio/gio.h>

#include "esp-model-parts.h"

G_BEGIN_DECLS

#define ESP_TYPE_LIBRARY_MODEL (esp_library_model_get_type ())

G_DECLARE_FINAL_TYPE (EspLibraryModel, esp_library_model, ESP, LIBRARY_MODEL, GObject)

const char *esp_library_model_get_id (EspLibraryModel *self);      /* as documents store it */
const char *esp_library_model_get_name (EspLibraryModel *self);    /* for people */
const char *esp_library_model_get_folder (EspLibraryModel *self);  /* its own folder, absolute */
const char *esp_library_model_get_licence (EspLibraryModel *self); /* a name; or NULL */
const char *esp_library_model_get_source (EspLibraryModel *self);  /* a URL; or NULL */

/* "GGUF Q4_K", "bf16", "several formats"; NULL while unknown (see
 * esp_model_library_examine_async ()). */
const char *esp_library_model_get_format (EspLibraryModel *self);

/* Bytes of its files, those elsewhere included; counted in the background: 0 until then. */
guint64 esp_library_model_get_size (EspLibraryModel *self);

/* The same, counted now: may touch the disk for some time. For programs without a window. */
guint64 esp_library_model_measure (EspLibraryModel *self);

gboolean esp_library_model_is_demo (EspLibraryModel *self);
gboolean esp_library_model_is_default (EspLibraryModel *self); /* taken when none is named */
/* Among the person's models, so that it can be removed; not part of the installation. */
gboolean esp_library_model_is_own (EspLibraryModel *self);
/* Some of its files lie outside of its folder, where the person has them. */
gboolean esp_library_model_is_elsewhere (EspLibraryModel *self);

/* Where its files are, for people: its folder, or the first of those that lie outside of it. */
const char *esp_library_model_get_place (EspLibraryModel *self);

/* A sentence on why it cannot be used ("The file … of the T5 encoder is gone."); NULL: it can. */
const char *esp_library_model_get_problem (EspLibraryModel *self);
/* The components whose files are gone: "transformer", "clip", "t5", "vae", "tokenizer",
 * "tokenizer_2"; never NULL. */
const char *const *esp_library_model_get_missing (EspLibraryModel *self);

G_END_DECLS
