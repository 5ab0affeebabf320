/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare-fixture.c: see compare-fixture.h. */
#include "compare-fixture.h"

#include "esp-compare-view-private.h"

void
compare_set_up (CompareFixture *fixture, gconstpointer data)
{
  static const guint colors[] = { RED, GREEN, BLUE, YELLOW };
  static const char *const instructions[]
      = { "Make it red", "Make it green, and quiet", "Make it blue", "Make it yellow" };

  fixture->document = scratch_document_new ();
  fixture->photo = scratch_document_import (fixture->document, 320, 240, GREY);
  for (guint i = 0; i < G_N_ELEMENTS (colors); i++)
    {
      fixture->turns[i]
          = scratch_document_add_turn (fixture->document, fixture->photo, instructions[i]);
      scratch_document_finish_turn (fixture->document, fixture->turns[i], 320, 240, colors[i]);
    }
  fixture->view = ESP_COMPARE_VIEW (esp_compare_view_new ());
  fixture->window = widgets_show (GTK_WIDGET (fixture->view), 800, 700);
}

/* Nothing holds the view once its window is gone, nor the nodes' pictures. */
void
compare_tear_down (CompareFixture *fixture, gconstpointer data)
{
  g_object_add_weak_pointer (G_OBJECT (fixture->view), (gpointer *) &fixture->view);
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_assert_true (scratch_wait_for (scratch_is_null, &fixture->view));
  scratch_document_close (fixture->document);
  g_object_unref (fixture->document);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

static gboolean
is_settled (gpointer data)
{
  EspCompareView *view = ((CompareFixture *) data)->view;

  if (view->update_id != 0)
    return FALSE;
  for (guint i = 0; view->pictures != NULL && i < view->pictures->len; i++)
    if (esp_node_has_image (view->nodes->pdata[i])
        && !esp_compare_picture_is_loaded (view->pictures->pdata[i]))
      return FALSE;
  return view->mode != ESP_COMPARE_DIFFERENCE
         || esp_difference_map_is_current (esp_compare_pair_get_difference (view->pair));
}

void
compare_settle (CompareFixture *fixture)
{
  g_assert_true (scratch_wait_for (is_settled, fixture));
  gtk_widget_queue_draw (fixture->window);
  gtk_test_widget_wait_for_draw (fixture->window);
}

void
compare_hold (CompareFixture *fixture, EspNode *first, ...)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  va_list arguments;

  va_start (arguments, first);
  for (EspNode *node = first; node != NULL; node = va_arg (arguments, EspNode *))
    g_ptr_array_add (nodes, node);
  va_end (arguments);
  esp_compare_view_set_nodes (fixture->view, fixture->document, nodes);
  compare_settle (fixture);
}

/* --- Looking ---------------------------------------------------------------------------------- */

guint
compare_get_pixel (GtkWidget *widget, double x, double y)
{
  GtkWidget *root = GTK_WIDGET (gtk_widget_get_root (widget));
  g_autoptr (GdkPaintable) paintable = NULL;
  const int width = gtk_widget_get_width (root), height = gtk_widget_get_height (root);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  double root_x, root_y;
  guint32 pixel;

  g_assert_true (gtk_widget_translate_coordinates (widget, root, x * gtk_widget_get_width (widget),
                                                   y * gtk_widget_get_height (widget), &root_x,
                                                   &root_y));
  gtk_test_widget_wait_for_draw (root);
  paintable = gtk_widget_paintable_new (root);
  gdk_paintable_snapshot (paintable, snapshot, width, height);
  node = gtk_snapshot_free_to_node (snapshot);
  g_assert_nonnull (node);
  texture = gsk_renderer_render_texture (
      gtk_native_get_renderer (GTK_NATIVE (root)), node,
      &GRAPHENE_RECT_INIT ((float) (int) root_x, (float) (int) root_y, 1, 1));
  gdk_texture_download (texture, (guchar *) &pixel, 4);
  return pixel & 0xffffff;
}

void
compare_assert_color (guint color, guint expected)
{
  for (guint shift = 0; shift <= 16; shift += 8)
    {
      const int difference = (int) (color >> shift & 0xff) - (int) (expected >> shift & 0xff);

      if (ABS (difference) > 2)
        g_error ("The colour is %06x instead of %06x", color, expected);
    }
}

GtkWidget *
compare_find_shown (CompareFixture *fixture, GType type)
{
  return widgets_find_shown (GTK_WIDGET (fixture->view), widgets_has_type, GSIZE_TO_POINTER (type));
}

char *
compare_dup_label (GtkWidget *widget)
{
  return gtk_test_accessible_check_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                             "\001");
}

/* --- Keys ------------------------------------------------------------------------------------- */

static gboolean
send_key (CompareFixture *fixture, const char *signal, guint key, GdkModifierType state)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (GTK_WIDGET (fixture->view));
  const GtkPropagationPhase phases[] = { GTK_PHASE_CAPTURE, GTK_PHASE_BUBBLE };

  for (guint phase = 0; phase < G_N_ELEMENTS (phases); phase++)
    for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
      {
        g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);
        gboolean handled = FALSE;

        if (!GTK_IS_EVENT_CONTROLLER_KEY (controller)
            || gtk_event_controller_get_propagation_phase (controller) != phases[phase])
          continue;
        if (g_str_equal (signal, "key-pressed"))
          g_signal_emit_by_name (controller, signal, key, 0, state, &handled);
        else
          g_signal_emit_by_name (controller, signal, key, 0, state);
        if (handled)
          return TRUE;
      }
  return FALSE;
}

gboolean
compare_press (CompareFixture *fixture, guint key, GdkModifierType state)
{
  return send_key (fixture, "key-pressed", key, state);
}

gboolean
compare_let_go (CompareFixture *fixture, guint key)
{
  return send_key (fixture, "key-released", key, 0);
}
