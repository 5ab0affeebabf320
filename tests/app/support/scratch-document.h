/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scratch-document.h: a real document for tests of widgets, one call at a time. */
#pragma once

#include "esp-document.h"
#include "scratch-wait.h"

/* In the scratch folder's library. */
EspDocument *scratch_document_new (void);
void scratch_document_close (EspDocument *document);

/* A picture of one colour (0xRRGGBB) with a light square in its corner, as a new root. */
EspNode *scratch_document_import (EspDocument *document, int width, int height, guint color);

/* A queued turn. */
EspNode *scratch_document_add_turn (EspDocument *document, EspNode *parent,
                                    const char *instruction);
void scratch_document_finish_turn (EspDocument *document, EspNode *node, int width, int height,
                                   guint color);
/* The same for a turn that runs: it shows `color`, of a result of `raw_color`, and a mask of the
 * same size. */
void scratch_document_finish_kept (EspDocument *document, EspNode *node, int width, int height,
                                   guint color, guint raw_color, const EspComposition *composition);
/* The picture of such a turn put together otherwise: the result as it was made, switched off. */
void scratch_document_take_all (EspDocument *document, EspNode *node);
void scratch_document_set_state (EspDocument *document, EspNode *node, EspNodeState state,
                                 const char *message);

EspPicture *scratch_picture_new (int width, int height, guint color);
