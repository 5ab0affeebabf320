/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-editor-private.h: the mask editor for the files that make it up. */
#pragma once

#include "esp-mask-editor.h"

G_BEGIN_DECLS

struct _EspMaskEditor
{
  GObject parent_instance;

  EspDocument *document;
  EspNode *node;
  GSignalGroup *node_signals;
  EspMaskScene *scene;

  GCancellable *loading;
  GdkTexture *result; /* as it was made, or NULL */
  char *known;        /* what of the node is on the screen: hashes and composition as text */
  int width, height;  /* of the mask */
  double grow, feather;

  GQueue *steps;         /* that wait */
  GCancellable *storing; /* of the one that is stored now; borrowed */
  EspMask *storing_mask; /* its mask, or NULL */
  guint copying;         /* steps whose mask is being copied */
  guint undone;          /* of these, before they were steps */
  guint shape_id;

  guint painting : 1;
  guint stroke_erases : 1;
  guint touched : 1; /* changed since it was loaded */
};

/* esp-mask-editor.c */

void _esp_mask_editor_changed (EspMaskEditor *self);

/* esp-mask-load.c */

/* Brings the scene to what the document has. */
void _esp_mask_editor_load (EspMaskEditor *self);
void _esp_mask_editor_unload (EspMaskEditor *self);
/* Notes that what is on the screen is what the document has. */
void _esp_mask_editor_take_known (EspMaskEditor *self);
gboolean _esp_mask_editor_is_known (EspMaskEditor *self);
/* Whose picture, and which of it, the result was made from; NULL: it is not kept. */
EspNode *_esp_mask_editor_find_source (EspMaskEditor *self, EspNodePicture *which);
/* Is the result taken by the mask that is stored? FALSE: all of it is. */
gboolean _esp_mask_editor_is_masked (EspMaskEditor *self);
/* The feather in px, as it is composed with. */
double _esp_mask_editor_find_feather (EspMaskEditor *self);
/* Tells the scene grow and feather, in numbers. */
void _esp_mask_editor_shape_scene (EspMaskEditor *self);

G_END_DECLS
