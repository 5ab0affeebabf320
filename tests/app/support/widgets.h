/* SPDX-License-Identifier: GPL-3.0-or-later */
/* widgets.h: widgets in tests: shown, found, pressed, pictured. */
#pragma once

#include <gtk/gtk.h>

/* What gtk_test_init (), adw_init () and the program itself do first. */
void widgets_init (int *argc, char ***argv);

/* A window without decoration around `child`, drawn once. */
GtkWidget *widgets_show (GtkWidget *child, int width, int height);

typedef gboolean (*WidgetsMatch) (GtkWidget *widget, gconstpointer data);

/* The first that matches, `root` itself included, children in their order; or NULL. */
GtkWidget *widgets_find (GtkWidget *root, WidgetsMatch match, gconstpointer data);
/* The same without what is hidden. */
GtkWidget *widgets_find_shown (GtkWidget *root, WidgetsMatch match, gconstpointer data);
GtkWidget *widgets_find_type (GtkWidget *root, GType type);
/* Every one that matches, in the same order. */
GPtrArray *widgets_find_all (GtkWidget *root, WidgetsMatch match, gconstpointer data);

/* A match for GSIZE_TO_POINTER (type). */
gboolean widgets_has_type (GtkWidget *widget, gconstpointer type);

/* Activates what the widget's class binds to a key without modifiers, as pressing it does. */
gboolean widgets_press_key (GtkWidget *widget, guint key);

/* The window as it looks now, to the file `path`. */
void widgets_save_picture (GtkWidget *window, const char *path);
/* The same as NAME.png in the folder ESP_SCREENSHOTS, where that is set, after a while. */
void widgets_take_screenshot (GtkWidget *window, const char *name);
