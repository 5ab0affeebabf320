/* SPDX-License-Identifier: GPL-3.0-or-later */
/* models-fixture.h: what the tests of models share: a home of their own, files, a server, waiting.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Sets HOME and all that hangs on it to a new folder; before anything else. Returns it. */
const char *models_home (void);
/* Deletes it. */
void models_home_clear (void);

/* HOME/`name`, made with the folders above it. */
char *models_write (const char *name, const void *bytes, gssize length) G_GNUC_WARN_UNUSED_RESULT;
char *models_path (const char *name) G_GNUC_WARN_UNUSED_RESULT;

/* A model folder of the person's whose files are links to the demo model's; without its manifest if
 * `manifest` is NULL. Returns its path. */
char *models_install (const char *name, const char *manifest) G_GNUC_WARN_UNUSED_RESULT;

/* Copies a file, or a folder with all that is in it. */
void models_copy (const char *source, const char *target);

/* Files of a person who keeps them as other programs do, made of those in `model`: a folder ComfyUI
 * beside it with unet/kontext.safetensors, clip/clip_l.safetensors, clip/t5xxl.safetensors,
 * vae/ae.safetensors, and the two tokenizers. Returns it. */
char *models_make_loose (const char *model, gboolean with_vae) G_GNUC_WARN_UNUSED_RESULT;

/* Runs the main loop until `condition`; fails after a long time. */
#define models_wait(condition)                                                                     \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autoptr (GTimer) models_timer = g_timer_new ();                                              \
    guint models_tick = g_timeout_add (20, models_on_tick, NULL);                                  \
    while (!(condition))                                                                           \
      {                                                                                            \
        g_main_context_iteration (NULL, TRUE);                                                     \
        if (g_timer_elapsed (models_timer, NULL) > 60)                                             \
          g_error ("waited in vain: %s", #condition);                                              \
      }                                                                                            \
    g_source_remove (models_tick);                                                                 \
  }                                                                                                \
  G_STMT_END
gboolean models_on_tick (gpointer data);

/* For asynchronous calls. */
void models_take (GObject *source, GAsyncResult *result, gpointer data); /* data: GAsyncResult ** */

/* tests/servers/files.py with `config` (JSON). */
typedef struct
{
  GSubprocess *process;
  char *url;
} ModelsServer;

void models_server_start (ModelsServer *self, const char *config);
void models_server_stop (ModelsServer *self);

G_END_DECLS
