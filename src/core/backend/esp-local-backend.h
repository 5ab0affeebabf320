/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-local-backend.h: the bundled engine as a backend, id "local".
 *
 * Its models are those of esp_installation_list_models (); their ids are the manifests'. It starts
 * a worker when it is needed first, asks it for the schema, and starts another one when it dies.
 */
#pragma once

#include "esp-backend.h"

G_BEGIN_DECLS

#define ESP_TYPE_LOCAL_BACKEND (esp_local_backend_get_type ())

G_DECLARE_FINAL_TYPE (EspLocalBackend, esp_local_backend, ESP, LOCAL_BACKEND, EspBackend)

/* `program` NULL = the installed engine. */
EspBackend *esp_local_backend_new (const char *program) G_GNUC_WARN_UNUSED_RESULT;

/* Looks for installed models again. */
void esp_local_backend_refresh (EspLocalBackend *self);

/* Adds a model that is not among the installed ones: a folder or file `path`, with `components`
 * (part → path, or NULL) in the place of its own. It has the id of its folder or the name of its
 * file, and stays for as long as the backend; the worker says when it is used whether it is one.
 * Borrowed. */
EspModel *esp_local_backend_add_model (EspLocalBackend *self, const char *path,
                                       JsonObject *components);

/* What the kernel holds the worker to (docs/security.md): no files but those it was given, no
 * network and no other programs. FALSE: not known, none has been asked yet. */
gboolean esp_local_backend_get_confined (EspLocalBackend *self, gboolean *files, gboolean *calls);

/* Starts the worker and opens `model` (NULL: the default one), so that the first turn finds it
 * open. */
void esp_local_backend_warm_up (EspLocalBackend *self, const char *model);

G_END_DECLS
