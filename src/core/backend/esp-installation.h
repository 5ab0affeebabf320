/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-installation.h: where the program's parts and the models are. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The worker program: $ESPALIER_ENGINE; else where it lies relative to the running program (in an
 * installation that was moved, or in a build folder); else where it was installed. Always a path;
 * whether it can be started shows when it is. */
char *esp_installation_find_engine (void) G_GNUC_WARN_UNUSED_RESULT;

/* The folder of the program's data: $ESPALIER_DATA_DIR, else found in the same order. */
char *esp_installation_find_data (void) G_GNUC_WARN_UNUSED_RESULT;

/* The folder for bindtextdomain (): $ESPALIER_LOCALE_DIR, else found in the same order. */
char *esp_installation_find_translations (void) G_GNUC_WARN_UNUSED_RESULT;

/* A model folder that was found. */
typedef struct
{
  char *path;
  char *id;   /* the manifest's, else the folder's name */
  char *name; /* for people */
  gboolean is_demo;
  gboolean is_user;    /* among the user's models, not part of the program */
  char **instructions; /* what a demo model understands; may be empty */
} EspInstalledModel;

void esp_installed_model_free (EspInstalledModel *model);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspInstalledModel, esp_installed_model_free)

/* Reads what a folder says of itself, without opening its weights. NULL if it has no
 * model_index.json. */
EspInstalledModel *esp_installed_model_new (const char *path) G_GNUC_WARN_UNUSED_RESULT;

/* The user's models ($XDG_DATA_HOME/espalier/models/…), then those that came with the program; each
 * in the order of their names. Never NULL. */
GPtrArray *esp_installation_list_models (void) G_GNUC_WARN_UNUSED_RESULT;

/* The model that is taken when none is named: $ESPALIER_MODEL, else the first full model of the
 * list, else its first demo model. NULL if there is none. */
char *esp_installation_find_default_model (void) G_GNUC_WARN_UNUSED_RESULT;

/* The same, given the list. */
char *esp_installation_choose_model (GPtrArray *models) G_GNUC_WARN_UNUSED_RESULT;

/* The folder into which the user puts models. */
char *esp_installation_get_user_models (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
