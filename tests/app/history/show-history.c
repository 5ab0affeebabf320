/* SPDX-License-Identifier: GPL-3.0-or-later */
/* show-history.c: a program to look at the history with: a tree of turns in a window, and a picture
 * of it. Not a test.
 *
 *   with-display.sh show-history [--nodes N] [--photo FILE] [--size WxH] [--zoom Z] [--outline]
 *     [--left-right] [--dark] [--rtl] [--find TEXT] [--menu] [--fit] [--output FILE.png]
 */
#include "esp-history.h"
#include "esp-tree-view.h"
#include "history-tree.h"
#include "scratch-document.h"
#include "widgets.h"

static int nodes = 200;
static char *photo, *size, *find, *output;
static double zoom = 1;
static gboolean outline, left_right, dark, rtl, menu, fit, running;

static const GOptionEntry entries[] = {
  { "nodes", 0, 0, G_OPTION_ARG_INT, &nodes, "Number of turns", "N" },
  { "photo", 0, 0, G_OPTION_ARG_FILENAME, &photo, "Picture to tint", "FILE" },
  { "size", 0, 0, G_OPTION_ARG_STRING, &size, "Size of the window", "WxH" },
  { "zoom", 0, 0, G_OPTION_ARG_DOUBLE, &zoom, "Zoom", "Z" },
  { "outline", 0, 0, G_OPTION_ARG_NONE, &outline, "The list", NULL },
  { "left-right", 0, 0, G_OPTION_ARG_NONE, &left_right, "From left to right", NULL },
  { "dark", 0, 0, G_OPTION_ARG_NONE, &dark, "Dark", NULL },
  { "rtl", 0, 0, G_OPTION_ARG_NONE, &rtl, "From right to left", NULL },
  { "menu", 0, 0, G_OPTION_ARG_NONE, &menu, "Open the menu", NULL },
  { "fit", 0, 0, G_OPTION_ARG_NONE, &fit, "All of it", NULL },
  { "running", 0, 0, G_OPTION_ARG_NONE, &running, "With a running turn", NULL },
  { "find", 0, 0, G_OPTION_ARG_STRING, &find, "Find", "TEXT" },
  { "output", 0, 0, G_OPTION_ARG_FILENAME, &output, "Picture to write", "FILE" },
  { NULL },
};

static void
open_menu (GtkWidget *history)
{
  GtkWidget *tree = widgets_find_type (history, ESP_TYPE_TREE_VIEW);
  graphene_rect_t area;

  if (esp_tree_view_get_node_area (
          ESP_TREE_VIEW (tree),
          esp_document_get_current (esp_history_get_document (ESP_HISTORY (history))), &area))
    g_signal_emit_by_name (tree, "context-menu", area.origin.x + 40.0, area.origin.y + 40.0, FALSE);
}

static void
add_running (EspDocument *document)
{
  EspNode *parent = esp_document_get_current (document);
  EspNode *node = scratch_document_add_turn (document, parent, "Paint the hull green");
  g_autoptr (EspPicture) preview = scratch_picture_new (32, 24, 0x40a060);
  EspNodeProgress progress = { 0.42, 12, 28, 9, FALSE };

  scratch_document_set_state (document, node, ESP_NODE_RUNNING, NULL);
  esp_node_set_progress (node, &progress, preview);
  scratch_document_add_turn (document, parent, "Now in gold");
  node = scratch_document_add_turn (document, parent, "Sharper");
  scratch_document_set_state (document, node, ESP_NODE_FAILED, "Not enough memory.");
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspDocument) document = NULL;
  GtkWidget *window, *history;
  int width = 1000, height = 700;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    g_error ("%s", error->message);
  if (size)
    sscanf (size, "%dx%d", &width, &height);
  adw_init ();
  if (rtl)
    gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  adw_style_manager_set_color_scheme (adw_style_manager_get_default (),
                                      dark ? ADW_COLOR_SCHEME_FORCE_DARK
                                           : ADW_COLOR_SCHEME_FORCE_LIGHT);

  document = scratch_document_new ();
  history_tree_grow (document, (guint) nodes, 4, photo);
  {
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_autoptr (GPtrArray) all = esp_document_dup_nodes (document);

    esp_document_set_view (document, "history.zoom", g_ascii_dtostr (text, sizeof text, zoom));
    esp_document_set_current (document, g_ptr_array_index (all, all->len * 2 / 3));
    if (running)
      add_running (document);
  }

  window = adw_window_new ();
  history = esp_history_new ();
  gtk_widget_set_hexpand (history, TRUE);
  esp_history_set_orientation (ESP_HISTORY (history),
                               left_right ? GTK_ORIENTATION_HORIZONTAL : GTK_ORIENTATION_VERTICAL);
  esp_history_set_outline (ESP_HISTORY (history), outline);
  esp_history_set_document (ESP_HISTORY (history), document);
  adw_window_set_content (ADW_WINDOW (window), history);
  gtk_window_set_default_size (GTK_WINDOW (window), width, height);
  gtk_window_present (GTK_WINDOW (window));
  scratch_wait (700);
  if (fit)
    esp_history_zoom_fit (ESP_HISTORY (history));
  if (find)
    {
      esp_history_start_find (ESP_HISTORY (history));
      gtk_editable_set_text (GTK_EDITABLE (widgets_find_type (history, GTK_TYPE_SEARCH_ENTRY)),
                             find);
    }
  else
    gtk_widget_grab_focus (history);
  if (menu)
    open_menu (history);
  scratch_wait (900);
  if (output)
    widgets_save_picture (window, output);
  else
    while (g_list_model_get_n_items (gtk_window_get_toplevels ()) > 0)
      g_main_context_iteration (NULL, TRUE);
  gtk_window_destroy (GTK_WINDOW (window));
  scratch_document_close (document);
  return 0;
}
