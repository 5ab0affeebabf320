/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-canvas.c: what the canvas shows and says of a turn, from the photo to its end.
 *
 * With ESP_SCREENSHOTS=DIR each state is written there as a picture to look at. */
#include "esp-canvas-private.h"
#include "scratch-document.h"
#include "widgets.h"

#define PHOTO  0x336699
#define RESULT 0x993333

typedef struct
{
  GtkWidget *window;
  EspCanvas *canvas;
  EspDocument *document;
  EspNode *photo, *turn;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->document = scratch_document_new ();
  fixture->photo = scratch_document_import (fixture->document, 640, 480, PHOTO);
  fixture->canvas = ESP_CANVAS (esp_canvas_new ());
  fixture->window = widgets_show (GTK_WIDGET (fixture->canvas), 700, 520);
}

/* Nothing holds the canvas once its window is gone and its loads have ended. */
static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_add_weak_pointer (G_OBJECT (fixture->canvas), (gpointer *) &fixture->canvas);
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_assert_true (scratch_wait_for (scratch_is_null, &fixture->canvas));
  scratch_document_close (fixture->document);
  g_object_unref (fixture->document);
}

/* --- Looking ---------------------------------------------------------------------------------- */

static void
take_screenshot (Fixture *fixture, const char *name)
{
  g_autofree char *file = g_strconcat ("canvas-", name, NULL);

  widgets_take_screenshot (fixture->window, file);
}

/* The last pixel's colour of the picture in the view: what is shown, without overlays. */
static int
get_shown_color (Fixture *fixture)
{
  GdkTexture *texture = esp_image_view_get_texture (fixture->canvas->view);
  EspPicture *picture = texture != NULL ? esp_texture_get_picture (texture) : NULL;
  const guint8 *pixel;

  if (picture == NULL)
    return -1;
  pixel = picture->pixels + ((gsize) picture->width * (gsize) picture->height - 1) * 3;
  return pixel[0] << 16 | pixel[1] << 8 | pixel[2];
}

typedef struct
{
  Fixture *fixture;
  int color;
} Wanted;

static gboolean
is_shown (gpointer data)
{
  Wanted *wanted = data;

  return get_shown_color (wanted->fixture) == wanted->color;
}

static void
assert_comes (Fixture *fixture, int color)
{
  Wanted wanted = { fixture, color };

  g_assert_true (scratch_wait_for (is_shown, &wanted));
}

static void
begin_with_turn (Fixture *fixture)
{
  fixture->turn = scratch_document_add_turn (fixture->document, fixture->photo, "Make it red");
  esp_document_set_current (fixture->document, fixture->turn);
  esp_canvas_set_document (fixture->canvas, fixture->document);
  assert_comes (fixture, PHOTO);
}

/* --- States ----------------------------------------------------------------------------------- */

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  g_assert_null (esp_image_view_get_texture (fixture->canvas->view));
  g_assert_false (gtk_widget_get_visible (fixture->canvas->status_box));
  g_assert_false (gtk_widget_get_visible (fixture->canvas->message_box));
  take_screenshot (fixture, "empty");

  esp_document_set_current (fixture->document, fixture->photo);
  esp_canvas_set_document (fixture->canvas, fixture->document);
  assert_comes (fixture, PHOTO);
  g_assert_false (gtk_widget_get_visible (fixture->canvas->before_button)); /* there is none */
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (fixture->canvas->view),
                                       GTK_ACCESSIBLE_PROPERTY_LABEL, "photo.png");
  take_screenshot (fixture, "photo");
  esp_canvas_set_document (fixture->canvas, NULL);
  g_assert_null (esp_image_view_get_texture (fixture->canvas->view));
}

static void
test_running (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspPicture) preview = scratch_picture_new (80, 60, 0x774444);
  EspNodeProgress progress = { -1, 0, 0, -1, FALSE };
  graphene_rect_t before, after;
  EspCanvas *canvas = fixture->canvas;

  begin_with_turn (fixture);
  esp_node_set_progress (fixture->turn, &progress, NULL);
  g_assert_true (gtk_widget_get_visible (canvas->status_box));
  g_assert_false (gtk_widget_get_visible (GTK_WIDGET (canvas->bar)));
  g_assert_cmpstr (gtk_label_get_label (canvas->status), ==, "Waiting…");
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (canvas->status), GTK_ACCESSIBLE_ROLE_STATUS);
  take_screenshot (fixture, "waiting");
  esp_image_view_get_place (canvas->view, &before);

  progress = (EspNodeProgress){ 0.4, 12, 28, 9.2, FALSE };
  esp_node_set_progress (fixture->turn, &progress, preview);
  g_assert_cmpstr (gtk_label_get_label (canvas->status), ==, "Step 12 of 28 · 10 s left");
  g_assert_true (gtk_widget_get_visible (GTK_WIDGET (canvas->bar)));
  g_assert_cmpfloat_with_epsilon (gtk_progress_bar_get_fraction (canvas->bar), 0.4, 1e-6);
  g_assert_cmphex (get_shown_color (fixture), ==, 0x774444);
  esp_image_view_get_place (canvas->view, &after);
  g_assert_true (graphene_rect_equal (&before, &after)); /* in place */
  scratch_wait (200);
  take_screenshot (fixture, "running");

  /* Where another widget says it, only the bar is left. */
  g_object_set (canvas, "show-status", FALSE, NULL);
  g_assert_false (gtk_widget_get_visible (canvas->status_box));
  g_assert_true (gtk_widget_get_visible (GTK_WIDGET (canvas->bar)));
  g_object_set (canvas, "show-status", TRUE, NULL);
  g_assert_true (gtk_widget_get_visible (canvas->status_box));

  progress.stopping = TRUE;
  esp_node_set_progress (fixture->turn, &progress, NULL);
  g_assert_cmpstr (gtk_label_get_label (canvas->status), ==, "Stopping after this step…");
  g_assert_false (gtk_widget_get_visible (canvas->stop_button));

  scratch_document_finish_turn (fixture->document, fixture->turn, 640, 480, RESULT);
  esp_node_set_progress (fixture->turn, NULL, NULL);
  assert_comes (fixture, RESULT);
  esp_image_view_get_place (canvas->view, &after);
  g_assert_true (graphene_rect_equal (&before, &after));
  g_assert_false (gtk_widget_get_visible (canvas->status_box));
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (canvas->view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Make it red");
  take_screenshot (fixture, "done");
}

static void
test_failed (Fixture *fixture, gconstpointer data)
{
  const char *message
      = "The worker ended: there was not enough memory for 28 steps at 2048 × 2048.";
  EspCanvas *canvas = fixture->canvas;

  begin_with_turn (fixture);
  scratch_document_set_state (fixture->document, fixture->turn, ESP_NODE_FAILED, message);
  g_assert_true (gtk_widget_get_visible (canvas->message_box));
  g_assert_false (gtk_widget_get_visible (canvas->status_box));
  g_assert_cmpstr (gtk_label_get_label (canvas->message), ==, message);
  g_assert_cmpstr (gtk_label_get_label (canvas->message_title), ==, "This turn failed");
  g_assert_cmpstr (gtk_actionable_get_action_name (GTK_ACTIONABLE (canvas->retry_button)), ==,
                   "node.retry");
  take_screenshot (fixture, "failed");

  scratch_document_set_state (fixture->document, fixture->turn, ESP_NODE_CANCELLED, NULL);
  g_assert_cmpstr (gtk_label_get_label (canvas->message_title), ==, "This turn was stopped");
  g_assert_false (gtk_widget_get_visible (canvas->message_scroller));
  take_screenshot (fixture, "cancelled");

  scratch_document_set_state (fixture->document, fixture->turn, ESP_NODE_QUEUED, NULL);
  g_assert_false (gtk_widget_get_visible (canvas->message_box));
  g_assert_true (gtk_widget_get_visible (canvas->status_box));
}

static void
test_before (Fixture *fixture, gconstpointer data)
{
  EspCanvas *canvas = fixture->canvas;

  begin_with_turn (fixture);
  scratch_document_finish_turn (fixture->document, fixture->turn, 640, 480, RESULT);
  assert_comes (fixture, RESULT);
  g_assert_true (gtk_widget_get_visible (canvas->before_button));

  gtk_widget_activate_action (GTK_WIDGET (canvas), "canvas.before", NULL);
  assert_comes (fixture, PHOTO);
  g_assert_true (gtk_widget_get_visible (canvas->caption));
  gtk_test_accessible_assert_state (GTK_ACCESSIBLE (canvas->before_button),
                                    GTK_ACCESSIBLE_STATE_PRESSED, GTK_ACCESSIBLE_TRISTATE_TRUE);
  take_screenshot (fixture, "before");
  gtk_widget_activate_action (GTK_WIDGET (canvas), "canvas.before", NULL);
  g_assert_cmphex (get_shown_color (fixture), ==, RESULT); /* at once: it is kept */
  g_assert_false (gtk_widget_get_visible (canvas->caption));

  g_signal_emit_by_name (canvas->before_button, "clicked");
  g_assert_cmphex (get_shown_color (fixture), ==, PHOTO);
  g_signal_emit_by_name (canvas->before_button, "clicked");
  g_assert_cmphex (get_shown_color (fixture), ==, RESULT);
}

/* The key is held: down shows, up hides, also when it repeats. */
static void
test_before_key (Fixture *fixture, gconstpointer data)
{
  EspCanvas *canvas = fixture->canvas;
  gboolean handled;

  begin_with_turn (fixture);
  scratch_document_finish_turn (fixture->document, fixture->turn, 640, 480, RESULT);
  assert_comes (fixture, RESULT);

  for (int i = 0; i < 3; i++)
    {
      g_signal_emit_by_name (canvas->key_controller, "key-pressed", GDK_KEY_b, 0, 0, &handled);
      g_assert_true (handled);
      g_assert_true (canvas->show_before);
    }
  assert_comes (fixture, PHOTO);
  g_signal_emit_by_name (canvas->key_controller, "key-released", GDK_KEY_b, 0, 0);
  g_assert_false (canvas->show_before);
  g_assert_cmphex (get_shown_color (fixture), ==, RESULT);

  g_signal_emit_by_name (canvas->key_controller, "key-pressed", GDK_KEY_b, 0, GDK_CONTROL_MASK,
                         &handled);
  g_assert_false (handled);
  g_assert_false (canvas->show_before);
}

static void
test_zoom (Fixture *fixture, gconstpointer data)
{
  GtkWidget *widget = GTK_WIDGET (fixture->canvas);

  esp_document_set_current (fixture->document, fixture->photo);
  esp_canvas_set_document (fixture->canvas, fixture->document);
  assert_comes (fixture, PHOTO);
  g_assert_true (esp_canvas_get_fit (fixture->canvas));
  gtk_widget_activate_action (widget, "canvas.zoom-200", NULL);
  g_assert_false (esp_canvas_get_fit (fixture->canvas));
  g_assert_cmpfloat (esp_canvas_get_zoom (fixture->canvas), ==, 2);
  scratch_wait (50);
  g_assert_cmpstr (gtk_menu_button_get_label (fixture->canvas->zoom_button), ==, "200%");
  gtk_widget_activate_action (widget, "canvas.zoom-in", NULL);
  g_assert_cmpfloat (esp_canvas_get_zoom (fixture->canvas), ==, 3);
  gtk_widget_activate_action (widget, "canvas.zoom-out", NULL);
  gtk_widget_activate_action (widget, "canvas.zoom-out", NULL);
  g_assert_cmpfloat (esp_canvas_get_zoom (fixture->canvas), ==, 1.5);
  gtk_widget_activate_action (widget, "canvas.zoom-400", NULL);
  take_screenshot (fixture, "zoomed");
  gtk_widget_activate_action (widget, "canvas.zoom-100", NULL);
  g_assert_cmpfloat (esp_canvas_get_zoom (fixture->canvas), ==, 1);

  /* The zoom is kept with the document. */
  gtk_widget_activate_action (widget, "canvas.zoom-200", NULL);
  esp_canvas_set_document (fixture->canvas, NULL);
  g_assert_cmpstr (esp_document_get_view (fixture->document, "canvas.zoom"), ==, "2.0000");
  esp_canvas_set_fit (fixture->canvas, TRUE);
  esp_canvas_set_document (fixture->canvas, fixture->document);
  g_assert_cmpfloat (esp_canvas_get_zoom (fixture->canvas), ==, 2);
  gtk_widget_activate_action (widget, "canvas.zoom-fit", NULL);
  g_assert_true (esp_canvas_get_fit (fixture->canvas));
}

/* What is seen whole can be dragged out; what is larger than the view is moved by that. */
static void
test_drag (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GListModel) controllers
      = gtk_widget_observe_controllers (GTK_WIDGET (fixture->canvas->view));
  g_autoptr (GObject) source = NULL;
  GdkContentProvider *provider = NULL;
  g_autoptr (GdkContentFormats) formats = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (controllers) && source == NULL; i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_DRAG_SOURCE (controller))
        source = g_steal_pointer (&controller);
    }
  g_assert_nonnull (source);
  esp_document_set_current (fixture->document, fixture->photo);
  esp_canvas_set_document (fixture->canvas, fixture->document);
  assert_comes (fixture, PHOTO);

  g_signal_emit_by_name (source, "prepare", 350.0, 260.0, &provider);
  g_assert_nonnull (provider);
  formats = gdk_content_provider_ref_formats (provider);
  g_assert_true (gdk_content_formats_contain_mime_type (formats, "image/png"));
  g_clear_object (&provider);
  g_signal_emit_by_name (source, "prepare", 2.0, 2.0, &provider); /* beside the image */
  g_assert_null (provider);
  esp_canvas_set_zoom (fixture->canvas, 4);
  g_signal_emit_by_name (source, "prepare", 350.0, 260.0, &provider);
  g_assert_null (provider);
}

/* The settings' grey, or the colour scheme's. */
static void
test_grey (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);
  const int lightness[] = { -1, 50, 0 };
  const int greys[] = { 0xdb, 0x80, 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (greys); i++)
    {
      GtkWidget *widget = GTK_WIDGET (fixture->canvas);
      GtkSnapshot *snapshot = gtk_snapshot_new ();
      g_autoptr (GskRenderNode) node = NULL;
      g_autoptr (GdkTexture) texture = NULL;
      guint32 pixel;

      g_settings_set_int (settings, "canvas-lightness", lightness[i]);
      GTK_WIDGET_GET_CLASS (widget)->snapshot (widget, snapshot);
      node = gtk_snapshot_free_to_node (snapshot);
      texture = gsk_renderer_render_texture (gtk_native_get_renderer (GTK_NATIVE (fixture->window)),
                                             node, &GRAPHENE_RECT_INIT (5, 5, 1, 1));
      gdk_texture_download (texture, (guchar *) &pixel, 4);
      for (int shift = 0; shift < 24; shift += 8)
        g_assert_cmpint (abs ((int) (pixel >> shift & 0xff) - greys[i]), <=, 1);
    }
  g_settings_reset (settings, "canvas-lightness");
}

static void
test_narrow (Fixture *fixture, gconstpointer data)
{
  EspNodeProgress progress = { 0.4, 12, 28, 9.2, FALSE };
  graphene_rect_t status, zoom, before;

  begin_with_turn (fixture);
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 300, 400);
  esp_node_set_progress (fixture->turn, &progress, NULL);
  scratch_wait (100);
  gtk_test_widget_wait_for_draw (fixture->window);
  take_screenshot (fixture, "narrow");
  g_assert_true (gtk_widget_compute_bounds (fixture->canvas->status_box, fixture->window, &status));
  g_assert_true (gtk_widget_compute_bounds (GTK_WIDGET (fixture->canvas->zoom_button),
                                            fixture->window, &zoom));
  g_assert_true (
      gtk_widget_compute_bounds (fixture->canvas->before_button, fixture->window, &before));
  g_assert_false (graphene_rect_intersection (&status, &zoom, NULL));
  g_assert_false (graphene_rect_intersection (&status, &before, NULL));
}

/* Read from the right, the corners change places. */
static void
test_from_the_right (Fixture *fixture, gconstpointer data)
{
  EspNodeProgress progress = { 0.4, 12, 28, 9.2, FALSE };
  graphene_rect_t zoom, before;

  begin_with_turn (fixture);
  esp_node_set_progress (fixture->turn, &progress, NULL);
  gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  scratch_wait (100);
  gtk_test_widget_wait_for_draw (fixture->window);
  take_screenshot (fixture, "from-the-right");
  g_assert_true (gtk_widget_compute_bounds (GTK_WIDGET (fixture->canvas->zoom_button),
                                            fixture->window, &zoom));
  g_assert_true (
      gtk_widget_compute_bounds (fixture->canvas->before_button, fixture->window, &before));
  g_assert_cmpfloat (before.origin.x, <, 20);
  g_assert_cmpfloat (zoom.origin.x + zoom.size.width, >, 680);
  gtk_widget_set_default_direction (GTK_TEXT_DIR_LTR);
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);

  g_test_add ("/canvas/empty", Fixture, NULL, set_up, test_empty, tear_down);
  g_test_add ("/canvas/running", Fixture, NULL, set_up, test_running, tear_down);
  g_test_add ("/canvas/failed", Fixture, NULL, set_up, test_failed, tear_down);
  g_test_add ("/canvas/before", Fixture, NULL, set_up, test_before, tear_down);
  g_test_add ("/canvas/before-key", Fixture, NULL, set_up, test_before_key, tear_down);
  g_test_add ("/canvas/zoom", Fixture, NULL, set_up, test_zoom, tear_down);
  g_test_add ("/canvas/drag", Fixture, NULL, set_up, test_drag, tear_down);
  g_test_add ("/canvas/grey", Fixture, NULL, set_up, test_grey, tear_down);
  g_test_add ("/canvas/narrow", Fixture, NULL, set_up, test_narrow, tear_down);
  g_test_add ("/canvas/from-the-right", Fixture, NULL, set_up, test_from_the_right, tear_down);
  return g_test_run ();
}
