/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-library-model-private.h: rows of the library, for the library. */
#pragma once

#include "esp-installation.h"
#include "esp-library-model.h"

G_BEGIN_DECLS

EspLibraryModel *_esp_library_model_new (const char *folder) G_GNUC_WARN_UNUSED_RESULT;

/* Takes what is known of it now; emits "changed" if something is another. */
void _esp_library_model_update (EspLibraryModel *self, const EspInstalledModel *installed,
                                gboolean is_default);
void _esp_library_model_set_size (EspLibraryModel *self, guint64 bytes);
void _esp_library_model_set_format (EspLibraryModel *self, const char *format);

/* Where its parts are: absolute paths, each once; those in its folder only by the folder. */
char **_esp_library_model_dup_places (EspLibraryModel *self) G_GNUC_WARN_UNUSED_RESULT;
/* The places outside of the folder; NULL-terminated, borrowed. */
const char *const *_esp_library_model_get_elsewhere (EspLibraryModel *self);

/* esp-model-removal.c. Deletes, in a thread, what programs left that were killed. */
void _esp_model_library_tidy (void);

/* Bytes below `paths`, each file once. May take its time. */
guint64 _esp_count_bytes (const char *const *paths, GCancellable *cancellable);

G_END_DECLS
