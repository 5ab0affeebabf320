/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-parts.h: the parts that a model is put together of, and where those of an installed one
 * are. */
#pragma once

#include "esp-installation.h"

G_BEGIN_DECLS

/* Every component that a whole model has, in the order in which they are shown; NULL-terminated. */
const char *const *esp_model_components (void);

/* The component's name for people: "Transformer", "CLIP text encoder", … */
const char *esp_model_component_title (const char *component);

/* Where a part of a model is, or should be: a file or folder. */
char *esp_installed_model_dup_part (const EspInstalledModel *model,
                                    const char *component) G_GNUC_WARN_UNUSED_RESULT;

/* The components whose files are gone; NULL-terminated. Looks at the disk. */
char **esp_installed_model_find_missing (const EspInstalledModel *model) G_GNUC_WARN_UNUSED_RESULT;

/* A sentence that says which files are gone and what to do; NULL: none. Looks at the disk. */
char *esp_installed_model_dup_problem (const EspInstalledModel *model) G_GNUC_WARN_UNUSED_RESULT;

/* The places outside of the model's folder; each once, NULL-terminated. */
char **esp_installed_model_list_elsewhere (const EspInstalledModel *model)
    G_GNUC_WARN_UNUSED_RESULT;

/* Is `path` the folder, or in it? By their names. */
gboolean esp_path_lies_in (const char *path, const char *folder);

G_END_DECLS
