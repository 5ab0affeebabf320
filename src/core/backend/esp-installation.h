/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-installation.h: where the models are, beside the program's own parts (esp-program-parts.h).
 */
#pragma once

#include "esp-program-parts.h"

G_BEGIN_DECLS

/* A model folder that was found. */
typedef struct
{
  char *path;
  char *id;   /* the manifest's, else the folder's name */
  char *name; /* for people */
  gboolean is_demo;
  gboolean is_user;    /* among the user's models, not part of the program */
  char **instructions; /* what a demo model understands; may be empty */
  char *licence;       /* a name; or NULL */
  char *source;        /* where more is to be found out; or NULL */
  char *format;        /* in short, as whoever installed it noted; or NULL */
  /* Component → where it is: paths in `path` or elsewhere, absolute; NULL: its manifest names
   * none, they lie in the folder as diffusers puts them. */
  GHashTable *components;
} EspInstalledModel;

void esp_installed_model_free (EspInstalledModel *model);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspInstalledModel, esp_installed_model_free)

/* Reads what a folder says of itself, without opening its weights. NULL if it is no model: it has
 * neither a model_index.json nor an espalier.json that names components. */
EspInstalledModel *esp_installed_model_new (const char *path) G_GNUC_WARN_UNUSED_RESULT;

/* Is there a model in this folder (still)? */
gboolean esp_installed_model_is_there (const char *path);

/* The user's models ($XDG_DATA_HOME/espalier/models/…), then those that came with the program; each
 * in the order of their names. Never NULL. */
GPtrArray *esp_installation_list_models (void) G_GNUC_WARN_UNUSED_RESULT;

/* The model that is taken when none is named: $ESPALIER_MODEL, else the one that was made the
 * default, else the first full model of the list, else its first demo model. NULL if there is
 * none. */
char *esp_installation_find_default_model (void) G_GNUC_WARN_UNUSED_RESULT;

/* The same, given the list. */
char *esp_installation_choose_model (GPtrArray *models) G_GNUC_WARN_UNUSED_RESULT;

/* The id of the model that the user made the default ($XDG_CONFIG_HOME/espalier/default-model, a
 * line of text, shared by window and command line); NULL: none, whether it is installed or not. */
char *esp_installation_get_default_id (void) G_GNUC_WARN_UNUSED_RESULT;
gboolean esp_installation_set_default_id (const char *id, GError **error); /* NULL: none */
char *esp_installation_get_default_file (void) G_GNUC_WARN_UNUSED_RESULT;  /* its path */

/* The folder into which the user puts models. */
char *esp_installation_get_user_models (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
