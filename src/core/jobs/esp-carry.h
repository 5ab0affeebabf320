/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-carry.h: what the turn before left that the next one can go on from (latent carry). Private
 * to the jobs. */
#pragma once

#include "esp-document.h"

G_BEGIN_DECLS

/* As EspBackendRequest has it. */
typedef struct
{
  GBytes *latents;
  guint8 *tokens; /* NULL: all */
} EspCarry;

void _esp_carry_free (EspCarry *carry);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspCarry, _esp_carry_free)

/* What `node`, the parent of a turn, left: finishes with NULL where that is nothing, or cannot be
 * read, which is no error. */
void _esp_carry_load_async (EspDocument *document, EspNode *node, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);
EspCarry *_esp_carry_load_finish (GAsyncResult *result) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
