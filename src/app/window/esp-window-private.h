/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-private.h: the window's parts, for the files that make it up. */
#pragma once

#include "esp-announcer.h"
#include "esp-banner.h"
#include "esp-canvas.h"
#include "esp-compare-view.h"
#include "esp-composer.h"
#include "esp-details.h"
#include "esp-foreign-recipe.h"
#include "esp-history.h"
#include "esp-queue-button.h"
#include "esp-split-view.h"
#include "esp-sweep-grid.h"
#include "esp-sweep-page.h"
#include "esp-welcome.h"
#include "esp-window.h"

G_BEGIN_DECLS

struct _EspWindow
{
  AdwApplicationWindow parent_instance;

  /* Template children. */
  AdwToastOverlay *toasts;
  GtkWidget *header;
  AdwWindowTitle *title;
  GtkWidget *back_button;
  GtkWidget *history_button;
  GtkWidget *open_button;
  GtkWidget *compare_button;
  GtkWidget *export_button;
  GtkMenuButton *menu_button;
  GtkStack *stack;
  EspWelcome *welcome;
  EspBanner *access_banner;
  EspBanner *save_banner;
  EspBanner *left_over_banner;
  EspBanner *offline_banner;
  EspSplitView *split;
  AdwFlap *flap;
  EspHistory *history;
  GtkStack *views; /* "image", "compare", "sweep" */
  EspCanvas *canvas;
  EspCompareView *compare_view;
  EspSweepGrid *sweep_grid;
  EspQueueButton *queue_button;
  GtkStack *below; /* "composer", "sweep" */
  EspComposer *composer;
  EspSweepPage *sweep_page;
  EspDetails *details;
  EspAnnouncer *announcer;

  GSettings *settings;
  EspDocument *document;
  EspNode *current; /* whose title and state the header shows */
  GFile *file;      /* being opened, or the document's */
  GSimpleActionGroup *node_actions;
  GSimpleActionGroup *current_actions; /* the same on the current node alone */
  GSimpleActionGroup *compare_actions; /* on the one of those compared that has the focus, or B */
  GSimpleActionGroup *sweep_actions;   /* on the cells that are chosen */
  GMenu *sweeps_menu;                  /* a section of the main menu */
  GCancellable *cancellable;           /* of opening; cancelled with the window */
  GPtrArray *left_over;                /* (element-type EspNode): turns of the last time */
  AdwToast *undo_toast;
  guint lift_id;            /* the toasts' place is to be looked at */
  GVariant *document_state; /* of the last session; restored with the document */
  GVariant *asked;          /* (xs): a node and what is to be done to it, once it is there */

  /* Borrowed, while they show. */
  GtkWidget *recipe_dialog;
  GtkWidget *failure_dialog;

  guint opening : 1;
  guint closing : 1; /* its close was agreed to */
  guint background : 1;
  guint made_for_file : 1; /* and closes itself if that cannot be opened */
  guint ask_shown : 1;     /* the dialog about turns under way */
};

/* esp-window-actions.c, esp-window-node-actions.c */
void esp_window_actions_class_init (GtkWidgetClass *widget_class);
void esp_window_init_actions (EspWindow *self);
void esp_window_update_actions (EspWindow *self);
void esp_window_init_node_actions (EspWindow *self);
void esp_window_update_node_actions (EspWindow *self);
void esp_window_update_compare (EspWindow *self); /* "win.compare" */
/* The export dialog: of a node, or of all results (NULL). */
void esp_window_show_export (EspWindow *self, EspNode *node);

/* esp-window-document.c */
void esp_window_update_title (EspWindow *self);
void esp_window_update_banners (EspWindow *self);
void esp_window_attach_document (EspWindow *self, EspDocument *document);
void esp_window_detach_document (EspWindow *self);

/* esp-window-views.c */
void esp_window_init_views (EspWindow *self);
gboolean esp_window_is_comparing (EspWindow *self);
gboolean esp_window_is_sweep_shown (EspWindow *self);
GtkWidget *esp_window_get_view (EspWindow *self); /* what is shown above the composer */
/* The image, instead of what takes its place. */
void esp_window_show_image (EspWindow *self);
/* One step back towards the image; FALSE: it is there. */
gboolean esp_window_leave_view (EspWindow *self);
/* Is there anything to compare: several with an image, or one and what it was made from? */
gboolean esp_window_can_compare (GPtrArray *nodes);
/* Several, or one with what it was made from. (element-type EspNode) */
void esp_window_compare (EspWindow *self, GPtrArray *nodes);
EspNode *esp_window_find_before (EspNode *node); /* the nearest above it with an image, or NULL */
void esp_window_show_sweep (EspWindow *self, EspSweep *sweep);
void esp_window_follow_current (EspWindow *self);
char *esp_window_dup_view_title (EspWindow *self); /* for the subtitle; NULL: the image's */
void esp_window_restore_view (EspWindow *self);    /* as it was when the document was closed */
/* For the session, a{sv}: views of the document that are in its file only when it was changed. */
GVariant *esp_window_dup_view_state (EspWindow *self) G_GNUC_WARN_UNUSED_RESULT;
void esp_window_take_view_state (EspWindow *self, GVariant *state); /* before restoring the view */
void esp_window_drop_views (EspWindow *self);

/* esp-window-sweep.c */
void esp_window_init_sweep (EspWindow *self);
gboolean esp_window_is_setting_up_sweep (EspWindow *self);
void esp_window_set_up_sweep (EspWindow *self);
void esp_window_leave_sweep_page (EspWindow *self);
void esp_window_open_sweep (EspWindow *self, gint64 id);
void esp_window_fill_sweeps_menu (EspWindow *self);

/* esp-window-sheets.c */
void esp_window_export_comparison (EspWindow *self,
                                   const char *what); /* "sheet", "film", "table" */
void esp_window_export_sweep (EspWindow *self);

/* esp-window-open.c */
void esp_window_init_drop (EspWindow *self);
void esp_window_choose_file (EspWindow *self);
void esp_window_choose_save_as (EspWindow *self);
void esp_window_paste (EspWindow *self);
/* An image for this window: a new document in an empty one, a new root in another; asks first if
 * it carries a recipe. */
void esp_window_take_image (EspWindow *self, GBytes *bytes, const char *file_name);
void esp_window_add_reference_value (EspWindow *self, EspNode *node, const GValue *value);
void esp_window_tell_drop_failed (EspWindow *self, const GError *error);
void esp_window_take_up_left_over (EspWindow *self, gboolean take_up);

/* esp-window-asked.c */
void esp_window_do_what_was_asked (EspWindow *self); /* before the document was there */

/* esp-window-close.c */
gboolean esp_window_on_close_request (GtkWindow *window);

/* esp-window-reload.c */
void esp_window_reload (EspWindow *self);

/* esp-window-remote.c */
typedef void (*EspWindowGoOn) (EspWindow *self, gpointer data);
/* TRUE: this is the first time that anything would be sent there; the person is asked, and `go_on`
 * is called should they agree. FALSE: nothing is to be asked; go on, and `data` stays yours. */
gboolean esp_window_ask_before_sending (EspWindow *self, const char *backend, EspWindowGoOn go_on,
                                        gpointer data, GDestroyNotify destroy);
gboolean esp_window_on_composer_ask (EspWindow *self, EspModel *model, guint count, gboolean next);
void esp_window_update_remote (EspWindow *self);       /* banner and obstacle of "offline" */
void esp_window_update_alternatives (EspWindow *self); /* "Try With…" of a failed turn */
void esp_window_try_with (EspWindow *self, EspNode *node, GVariant *parameter); /* (ss) */
/* Once more although the first one may have been taken: asks, with the price. */
void esp_window_send_again (EspWindow *self, EspNode *node);
gboolean esp_window_can_copy_requests (EspWindow *self, EspNode *node);
void esp_window_copy_requests (EspWindow *self, EspNode *node, gboolean as_python);

/* esp-window-replay.c */
/* Why these turns cannot be run again now; NULL: they can. (element-type EspNode) */
char *esp_window_dup_replay_obstacle (EspWindow *self, GPtrArray *nodes) G_GNUC_WARN_UNUSED_RESULT;
/* A sentence on what it costs; NULL where it is free. */
char *esp_window_dup_replay_price (double price, const char *currency) G_GNUC_WARN_UNUSED_RESULT;
/* Below `start`, as esp_replay_run_async () and esp_replay_run_as_one_async (); the person is asked
 * first what has to be asked. */
void esp_window_run_again_in_order (EspWindow *self, EspNode *start, GPtrArray *nodes,
                                    gboolean keep, const char *title);
void esp_window_run_as_one (EspWindow *self, EspNode *start, GPtrArray *path, EspModel *model,
                            const char *instruction);
/* A turn once more from the picture above it as it is now; with what is below it, if the person
 * says so. */
gboolean esp_window_can_redo (EspNode *node);
void esp_window_redo (EspWindow *self, EspNode *node);
void esp_window_keep_as_is (EspWindow *self, GPtrArray *nodes);
void esp_window_start_anew (EspWindow *self, EspNode *node); /* its picture as a new root */

/* esp-squash-dialog.c */
gboolean esp_squash_dialog_can_show (EspNode *end); /* do several turns lead to it? */
GtkWindow *esp_squash_dialog_new (GtkWindow *parent, EspDocument *document, EspQueue *queue,
                                  EspNode *end) G_GNUC_WARN_UNUSED_RESULT;

/* esp-window-toasts.c */
void esp_window_lift_toasts_later (EspWindow *self);
/* A sentence with Undo: for what the person did, and may not have meant. */
void esp_window_toast_undo (EspWindow *self, const char *text);
/* With an error's message, unless it was cancelled. */
void esp_window_toast_error (EspWindow *self, const char *what, const GError *error);
/* With a button that shows it where files are managed; a folder where `n` > 1. */
void esp_window_toast_exported (EspWindow *self, GFile *file, guint n);
/* Tells where what was not saved is now; stays until it is read. */
void esp_window_toast_put_aside (EspWindow *self, const char *title, GFile *file);
void esp_window_dismiss_undo_toast (EspWindow *self);

/* esp-window.c */
/* A dialog with the reason in full, for what the person asked for and did not get. */
void esp_window_show_failure (EspWindow *self, const char *heading, const GError *error);
void esp_window_show_canvas (EspWindow *self); /* its page, where the window is narrow */
void esp_window_update_layout (EspWindow *self);
void esp_window_restore_document_state (EspWindow *self);

/* esp-move-dialog.c */
/* Hangs a node with its branch below another, or beside all (NULL); can be undone. */
void esp_window_move_branch (EspWindow *self, EspNode *node, EspNode *parent);
/* Asks for the new parent first. */
GtkWindow *esp_move_dialog_new (GtkWindow *parent, EspDocument *document,
                                EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* esp-properties-window.c */
GtkWindow *esp_properties_window_new (GtkWindow *parent,
                                      EspDocument *document) G_GNUC_WARN_UNUSED_RESULT;

/* --- esp-window-open.c --- */

typedef enum
{
  ESP_IMAGE_AS_ROOT, /* a new document, or a new root of the one that is open */
  ESP_IMAGE_AS_REFERENCE,
} EspImageUse;

/* A picture for the document that is open; without one it makes it. */
void esp_window_load_image (EspWindow *self, GFile *file, EspImageUse use);
void esp_window_take_bytes (EspWindow *self, GBytes *bytes, EspImageUse use);

/* By its name. */
gboolean esp_window_is_document (GFile *file);

G_END_DECLS
