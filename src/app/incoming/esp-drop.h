/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-drop.h: a widget onto which things are dropped: this program's own objects, as they are and
 * at once; files and images from elsewhere as esp-incoming.h takes them, after the drop and only
 * then: nothing is read of what is merely dragged over. */
#pragma once

#include "esp-incoming.h"

G_BEGIN_DECLS

/* A widget's part in it. What may be NULL says so. */
typedef struct
{
  EspIncomingKinds kinds; /* from elsewhere */
  GdkDragAction actions;
  GType own; /* of this program's objects; 0: none */

  /* Does it want such a drop at all? NULL: every one of these kinds. */
  gboolean (*accept) (GtkWidget *widget, GdkDrop *drop);
  /* What would come of a drop there. `own` is NULL for what is from elsewhere; `move`: nothing but
   * moving is possible. NULL: GDK_ACTION_COPY everywhere. */
  GdkDragAction (*over) (GtkWidget *widget, GObject *own, gboolean move, double x, double y);
  void (*leave) (GtkWidget *widget); /* NULL */
  /* FALSE: it was not taken. NULL without `own`. */
  gboolean (*take_own) (GtkWidget *widget, GObject *own, gboolean move, double x, double y);
  /* Something from elsewhere is dropped, and what it is will be known in a while. FALSE: not
   * there. `*place` is for `take` then (owned; may stay NULL). NULL: everywhere. */
  gboolean (*begin) (GtkWidget *widget, double x, double y, GObject **place);
  /* A GdkFileList or GBytes. FALSE: it was not taken. */
  gboolean (*take) (GtkWidget *widget, GObject *place, const GValue *value);
  /* It did not come; not called after the widget is gone, nor when that was why. NULL. */
  void (*fail) (GtkWidget *widget, const GError *error);
} EspDrop;

/* `drop` is static. What is still to come when the widget goes is given up. */
void esp_drop_attach (GtkWidget *widget, const EspDrop *drop);

/* Drops `value` there: an object of `own`, or what esp_incoming_read_finish () returns, as if it
 * had been dragged there and, where it is from elsewhere, had come. */
gboolean esp_drop_give (GtkWidget *widget, const GValue *value, gboolean move, double x, double y);

G_END_DECLS
