/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer.h: what next: the instruction, who makes it, how, and Run.
 *
 * Grows turns below the document's current node. Properties: "document", "queue",
 * "busy" (boolean, read-only: it shows how far the current node's turn is), "model" (EspModel,
 * read-only), "region" (EspRegion: the part that alone is edited, or NULL).
 * Signals:
 *   "added"        (EspNode)           a turn was added and queued; the first of several
 *   "needs-setup"  (EspModel)          a model was chosen that needs a key or files
 *   "error"        (const char *)      a sentence for a toast
 *   "ask"          (EspModel, guint count, gboolean next) → gboolean: turns are about to be run
 * with a model; TRUE: not now (the person is asked first, see esp_composer_run ()) Actions on the
 * widget: composer.run, composer.run-next, composer.run-times (i: how many), composer.add-reference
 * (a file), composer.paste-reference, composer.reference-current, composer.stop (the current node's
 * turn). Its menu of models activates win.setup-provider and win.setup-model.
 */
#pragma once

#include <adwaita.h>

#include "esp-queue.h"
#include "esp-region.h"

G_BEGIN_DECLS

#define ESP_TYPE_COMPOSER (esp_composer_get_type ())

G_DECLARE_FINAL_TYPE (EspComposer, esp_composer, ESP, COMPOSER, GtkWidget)

typedef enum
{
  ESP_COMPOSER_INSTRUCTION = 1 << 0,
  ESP_COMPOSER_SETTINGS = 1 << 1, /* backend, model, parameters, references */
  ESP_COMPOSER_SEED = 1 << 2,     /* and locks it */
  ESP_COMPOSER_ALL = 7,
} EspComposerParts;

GtkWidget *esp_composer_new (void) G_GNUC_WARN_UNUSED_RESULT;
EspDocument *esp_composer_get_document (EspComposer *self);
void esp_composer_set_document (EspComposer *self, EspDocument *document);
void esp_composer_set_queue (EspComposer *self, EspQueue *queue); /* and its registry */

void esp_composer_focus (EspComposer *self);
const char *esp_composer_get_instruction (EspComposer *self);

EspModel *esp_composer_get_model (EspComposer *self); /* borrowed; NULL if there is none */
void esp_composer_set_model (EspComposer *self, EspModel *model);

/* Takes over what a node was made with. An instruction that the person has written and not run is
 * put into the history of instructions first, so that it is one Up away. */
void esp_composer_use_node (EspComposer *self, EspNode *node, EspComposerParts parts);

/* The same from a recipe (esp_recipe_read (), or another program's settings brought into its form).
 */
void esp_composer_use_recipe (EspComposer *self, JsonObject *recipe, EspComposerParts parts);

/* Adds a node as a reference image of the next turn. */
void esp_composer_add_reference (EspComposer *self, EspNode *node);

/* Runs what a node was made with once more below the same parent, with a new seed or the same. */
void esp_composer_run_again (EspComposer *self, EspNode *node, gboolean new_seed);

/* Runs what is composed, as the Run button does, without "ask": `count` times, at the end of the
 * queue or before all that wait. */
void esp_composer_run (EspComposer *self, guint count, gboolean next);

/* What Run would ask for, whether or not it could be run as it is: the instruction may be blank. It
 * has a seed if that is locked.
 * Everything in it is the composer's, until the next call or change. `base` receives the node that
 * it would grow from. FALSE, with a sentence in `obstacle` (owned by the caller): there is no
 * model, no image, nothing may be changed. */
gboolean esp_composer_get_turn (EspComposer *self, EspTurn *turn, EspNode **base, char **obstacle);

/* The presets as an object: name → {"backend", "model", "parameters"}. */
JsonObject *esp_composer_dup_presets (EspComposer *self) G_GNUC_WARN_UNUSED_RESULT;

/* Asks another model for the same: the same instruction, references and, where the model has them,
 * settings, beside the node. */
void esp_composer_try_with (EspComposer *self, EspNode *node, EspModel *model);

/* Are the pixels that the instruction does not mean kept as they are? What the person switches is
 * what the next window begins with; this is not. */
gboolean esp_composer_get_keep (EspComposer *self);
void esp_composer_set_keep (EspComposer *self, gboolean keep);

/* What alone is edited, pixels of the image that the next turn starts from; NULL: all of it. */
const EspRegion *esp_composer_get_region (EspComposer *self);
void esp_composer_set_region (EspComposer *self, const EspRegion *region);

/* Why nothing is run with the chosen model, although it could: said as long as it holds, in the
 * place of the model's own state. NULL: nothing. */
void esp_composer_set_obstacle (EspComposer *self, const char *obstacle);

/* What remains to be kept with the session: a{sv}. */
GVariant *esp_composer_dup_state (EspComposer *self) G_GNUC_WARN_UNUSED_RESULT;
void esp_composer_restore_state (EspComposer *self, GVariant *state);

G_END_DECLS
