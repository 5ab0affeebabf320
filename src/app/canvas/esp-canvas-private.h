/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-canvas-private.h: the canvas for the files that make it up. */
#pragma once

#include "esp-canvas.h"
#include "esp-image-view.h"
#include "esp-mask-bar.h"
#include "esp-region-bar.h"
#include "esp-texture-cache.h"

G_BEGIN_DECLS

struct _EspCanvas
{
  GtkWidget parent_instance;

  GtkWidget *overlay;
  GtkWidget *scroller;
  EspImageView *view;
  GtkWidget *caption;
  GtkMenuButton *zoom_button;
  GtkWidget *corner; /* has the two after it */
  GtkWidget *mask_button;
  GtkWidget *before_button;
  GtkWidget *status_box;
  GtkLabel *status;
  GtkWidget *stop_button;
  GtkProgressBar *bar;
  GtkWidget *message_box;
  GtkLabel *message_title;
  GtkWidget *message_scroller;
  GtkLabel *message;
  GtkLabel *message_facts;
  GtkWidget *retry_button, *check_button, *again_button, *key_button, *reword_button;
  GtkWidget *settings_button;
  GtkMenuButton *with_button;
  GtkWidget *context_popover;

  EspDocument *document;
  EspNode *current;
  EspNode *before; /* or NULL: the parent */
  GSignalGroup *document_signals;
  GSignalGroup *node_signals;
  GtkEventController *key_controller; /* on the root */
  GtkWidget *root;

  /* esp-canvas-mask.c */
  EspMaskBar *mask_bar;
  EspRegionBar *region_bar;
  EspMaskEditor *mask_editor;
  EspBrush *brush;
  EspRegionTool *region_tool;
  GHashTable *regions; /* EspNode → EspRegion, of this document */

  /* esp-canvas-pictures.c */
  EspNode *wanted;       /* whose picture is to be shown */
  GCancellable *loading; /* its load, if it is on its way */
  EspNode *shown;        /* whose picture is shown, in whatever size */
  EspPicture *preview;   /* that is shown */
  GHashTable *kept;      /* EspNode → GdkTexture: shown, and likely shown next */
  GCancellable *keeping; /* their loads */
  guint placeholder_id;
  guint keep_id;

  guint rest_id;
  guint held_id;
  guint save_view_id;
  guint show_before : 1;
  guint show_status : 1;
  guint show_mask : 1;
  guint draw_region : 1;
  guint result_key : 1;  /* is held down */
  guint before_key : 1;  /* is held down */
  guint before_held : 1; /* by the pointer, or just let go */
};

/* esp-canvas-pictures.c */

/* Brings the view up to date with the node, its state, its preview and "show-before". */
void esp_canvas_update_picture (EspCanvas *self);
/* Lets go of everything of a document. */
void esp_canvas_drop_pictures (EspCanvas *self);
/* What is shown while the key is held, or NULL. */
EspNode *esp_canvas_find_before (EspCanvas *self);

/* esp-canvas-overlay.c */

/* Brings status, bar, message, buttons and the words for screen readers up to date. */
void esp_canvas_update_overlay (EspCanvas *self);
/* Only what is said of a turn that failed. */
void esp_canvas_update_message (EspCanvas *self);
/* Only what the turn's progress changes. */
void esp_canvas_update_progress (EspCanvas *self);
void esp_canvas_update_zoom_label (EspCanvas *self);
/* "Step 12 of 28 · 9 s left" */
char *esp_canvas_dup_status (EspNode *node);

/* esp-canvas-mask.c */

void esp_canvas_init_mask (EspCanvas *self);
void esp_canvas_dispose_mask (EspCanvas *self);
/* The node is another, or the mask or the region are shown or hidden. */
void esp_canvas_update_mask (EspCanvas *self);
/* Something else takes the place of the image, or no longer. */
void esp_canvas_update_covered (EspCanvas *self);
/* What takes the place of the image: the result as it was made; or NULL. */
GdkTexture *esp_canvas_get_result (EspCanvas *self);

/* esp-canvas-input.c */

void esp_canvas_init_input (EspCanvas *self);
void esp_canvas_popup_menu (EspCanvas *self, double x, double y);

/* esp-canvas.c */

/* Shows the buttons that leave a resting pointer alone. */
void esp_canvas_wake (EspCanvas *self);

G_END_DECLS
