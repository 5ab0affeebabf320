/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-machine.h: what this computer has, and which variant of a model suits it. */
#pragma once

#include "esp-model-offer.h"
#include "esp-worker.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 memory;     /* bytes of RAM, or what a control group leaves of it */
  guint64 gpu_memory; /* bytes of the largest GPU that the engine can use; 0: none, or not told */
  char *gpu_name;     /* or NULL */
} EspMachine;

EspMachine *esp_machine_new (void) G_GNUC_WARN_UNUSED_RESULT; /* without the GPU; at once */
EspMachine *esp_machine_copy (const EspMachine *self) G_GNUC_WARN_UNUSED_RESULT;
void esp_machine_free (EspMachine *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspMachine, esp_machine_free)

/* Fills in the GPU from a worker's description (esp_worker_describe_finish ()). */
void esp_machine_take_description (EspMachine *self, JsonObject *description);

/* Free bytes of the file system that `path`, or the nearest folder above it that is there, is on;
 * -1 unknown. */
gint64 esp_machine_get_free_space (const char *path);

/* The variant that suits `machine`, never NULL (an offer has at least one): the best one that fits,
 * on the GPU if one is large enough, else in the RAM; else the smallest. `sentence` (or NULL) is
 * set to why, for people, owned by the caller: "This computer has 16 GB of memory and no graphics
 * card that Espalier can use: …". `fits` (or NULL) tells whether it will run at all. */
const EspModelVariant *esp_model_recommend (EspModelOffer *offer, const EspMachine *machine,
                                            char **sentence, gboolean *fits);

/* Does one variant fit? And in words, for a row of it ("Needs about 20 GB of memory; this computer
 * has 16 GB."); NULL where there is nothing to say. */
gboolean esp_model_variant_fits (const EspModelVariant *variant, const EspMachine *machine);
char *esp_model_variant_dup_warning (const EspModelVariant *variant,
                                     const EspMachine *machine) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
