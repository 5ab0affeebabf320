/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-actions.c: actions and keys of the compare view. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-view-private.h"

#define N_MODES ((guint) ESP_COMPARE_DIFFERENCE + 1)

/* --- What they are about ---------------------------------------------------------------------- */

static GtkWidget *
get_focus (EspCompareView *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  return root != NULL ? gtk_root_get_focus (root) : NULL;
}

/* The pane with the focus, or NULL. */
static EspComparePane *
get_focused_pane (EspCompareView *self, guint *index)
{
  GtkWidget *focus = get_focus (self);

  for (guint i = 0; i < self->panes->len && focus != NULL && self->mode == ESP_COMPARE_SIDE; i++)
    if (focus == self->panes->pdata[i] || gtk_widget_is_ancestor (focus, self->panes->pdata[i]))
      {
        *index = i;
        return self->panes->pdata[i];
      }
  return NULL;
}

EspImageView *
esp_compare_view_get_active_view (EspCompareView *self)
{
  guint index = 0;
  EspComparePane *pane = get_focused_pane (self, &index);

  if (self->mode != ESP_COMPARE_SIDE)
    return esp_compare_pair_get_view (self->pair);
  if (pane == NULL && self->panes->len > 0)
    pane = self->panes->pdata[0];
  return pane != NULL ? esp_compare_pane_get_view (pane) : NULL;
}

/* Side by side the one with the focus, else B; of two in one place the one that is seen: B, unless
 * the flicker shows A. */
guint
esp_compare_view_get_active_index (EspCompareView *self)
{
  guint index = self->b_index;

  if (get_focused_pane (self, &index) != NULL)
    return index;
  if (self->mode == ESP_COMPARE_FLICKER && esp_compare_pair_get_showing_a (self->pair))
    return 0;
  return self->b_index;
}

static EspNode *
get_node (EspCompareView *self, guint index)
{
  return self->nodes != NULL && index < self->nodes->len ? self->nodes->pdata[index] : NULL;
}

/* --- Marks ------------------------------------------------------------------------------------ */

static void
edited (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!esp_document_edit_finish (ESP_DOCUMENT (source), result, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_warning ("A mark could not be stored: %s", error->message);
}

static void
set_stars (EspCompareView *self, guint index, int stars)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  if (get_node (self, index) == NULL
      || esp_document_get_access (self->document) != ESP_DOCUMENT_WRITABLE)
    return;
  g_ptr_array_add (nodes, get_node (self, index));
  esp_document_set_stars_async (self->document, nodes, stars, NULL, edited, NULL);
}

static void
toggle_rejected (EspCompareView *self, guint index)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  EspNode *node = get_node (self, index);

  if (node == NULL || esp_document_get_access (self->document) != ESP_DOCUMENT_WRITABLE)
    return;
  g_ptr_array_add (nodes, node);
  esp_document_set_rejected_async (self->document, nodes, !esp_node_get_rejected (node), NULL,
                                   edited, NULL);
}

/* --- Actions ---------------------------------------------------------------------------------- */

static void
stars_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  guint index;
  int stars;

  g_variant_get (parameter, "(ui)", &index, &stars);
  set_stars (ESP_COMPARE_VIEW (widget), index, CLAMP (stars, 0, ESP_NODE_MAX_STARS));
}

static void
reject_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  toggle_rejected (ESP_COMPARE_VIEW (widget), g_variant_get_uint32 (parameter));
}

static void
remove_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_compare_view_remove (ESP_COMPARE_VIEW (widget), g_variant_get_uint32 (parameter));
}

static void
emit_for_node (EspCompareView *self, EspCompareSignal signal, guint index)
{
  EspNode *node = get_node (self, index);
  g_autoptr (EspNode) kept = NULL;

  if (node == NULL)
    return;
  kept = g_object_ref (node);
  esp_compare_view_emit (self, signal, kept);
}

static void
continue_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  emit_for_node (ESP_COMPARE_VIEW (widget), ESP_COMPARE_SIGNAL_CONTINUE,
                 g_variant_get_uint32 (parameter));
}

static void
use_settings_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  emit_for_node (ESP_COMPARE_VIEW (widget), ESP_COMPARE_SIGNAL_USE_SETTINGS,
                 g_variant_get_uint32 (parameter));
}

static void
step_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_compare_view_step (ESP_COMPARE_VIEW (widget), g_str_equal (name, "compare.next") ? 1 : -1);
}

static void
swap_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_compare_view_swap (ESP_COMPARE_VIEW (widget));
}

static void
align_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_compare_link_align (ESP_COMPARE_VIEW (widget)->link);
}

static void
leave_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_compare_view_emit (ESP_COMPARE_VIEW (widget), ESP_COMPARE_SIGNAL_LEAVE, NULL);
}

static void
export_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_compare_view_emit (ESP_COMPARE_VIEW (widget), ESP_COMPARE_SIGNAL_EXPORT,
                         (gpointer) g_variant_get_string (parameter, NULL));
}

static void
zoom_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  EspImageView *view = esp_compare_view_get_active_view (ESP_COMPARE_VIEW (widget));

  if (view == NULL)
    return;
  if (g_str_equal (name, "compare.zoom-in"))
    esp_image_view_zoom_in (view);
  else if (g_str_equal (name, "compare.zoom-out"))
    esp_image_view_zoom_out (view);
  else if (g_str_equal (name, "compare.zoom-fit"))
    esp_image_view_set_fit (view, TRUE);
  else
    esp_image_view_set_zoom (view, g_str_equal (name, "compare.zoom-200") ? 2 : 1);
}

static void
turn_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  EspCompareDivider *divider = esp_compare_pair_get_divider (ESP_COMPARE_VIEW (widget)->pair);

  if (g_str_equal (name, "compare.reset-line"))
    esp_compare_divider_reset (divider);
  else
    esp_compare_divider_turn (divider, g_variant_get_double (parameter));
}

void
esp_compare_view_update_actions (EspCompareView *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  const gboolean held = self->nodes != NULL;
  const gboolean writable
      = held && esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE;

  gtk_widget_action_set_enabled (widget, "compare.next", esp_compare_view_can_step (self, 1));
  gtk_widget_action_set_enabled (widget, "compare.previous", esp_compare_view_can_step (self, -1));
  gtk_widget_action_set_enabled (widget, "compare.swap", held);
  gtk_widget_action_set_enabled (widget, "compare.export", held);
  gtk_widget_action_set_enabled (widget, "compare.align", held && self->mode == ESP_COMPARE_SIDE);
  gtk_widget_action_set_enabled (widget, "compare.stars", writable);
  gtk_widget_action_set_enabled (widget, "compare.reject", writable);
  gtk_widget_action_set_enabled (widget, "compare.remove", held && self->nodes->len > 2);
}

void
esp_compare_view_install_actions (GtkWidgetClass *class)
{
  static const char *const zooms[] = { "compare.zoom-in", "compare.zoom-out", "compare.zoom-fit",
                                       "compare.zoom-100", "compare.zoom-200" };

  gtk_widget_class_install_property_action (class, "compare.mode", "mode");
  gtk_widget_class_install_property_action (class, "compare.link", "linked");
  gtk_widget_class_install_property_action (class, "compare.pin", "pinned");
  gtk_widget_class_install_property_action (class, "compare.all-rows", "all-rows");
  gtk_widget_class_install_property_action (class, "compare.table", "show-table");
  gtk_widget_class_install_property_action (class, "compare.flip", "showing-a");
  gtk_widget_class_install_property_action (class, "compare.alternate", "alternating");
  gtk_widget_class_install_action (class, "compare.next", NULL, step_action);
  gtk_widget_class_install_action (class, "compare.previous", NULL, step_action);
  gtk_widget_class_install_action (class, "compare.swap", NULL, swap_action);
  gtk_widget_class_install_action (class, "compare.align", NULL, align_action);
  gtk_widget_class_install_action (class, "compare.leave", NULL, leave_action);
  gtk_widget_class_install_action (class, "compare.export", "s", export_action);
  gtk_widget_class_install_action (class, "compare.turn", "d", turn_action);
  gtk_widget_class_install_action (class, "compare.reset-line", NULL, turn_action);
  gtk_widget_class_install_action (class, "compare.stars", "(ui)", stars_action);
  gtk_widget_class_install_action (class, "compare.reject", "u", reject_action);
  gtk_widget_class_install_action (class, "compare.remove", "u", remove_action);
  gtk_widget_class_install_action (class, "compare.continue", "u", continue_action);
  gtk_widget_class_install_action (class, "compare.use-settings", "u", use_settings_action);
  for (gsize i = 0; i < G_N_ELEMENTS (zooms); i++)
    gtk_widget_class_install_action (class, zooms[i], NULL, zoom_action);
}

/* --- Keys ------------------------------------------------------------------------------------- */

static void
cycle_mode (EspCompareView *self, int direction)
{
  guint mode = (guint) self->mode;

  do
    mode = (mode + N_MODES + (guint) direction) % N_MODES;
  while (self->narrow && mode != ESP_COMPARE_SLIDER && mode != ESP_COMPARE_FLICKER);
  esp_compare_view_set_mode (self, (EspCompareMode) mode);
}

static void
toggle (EspCompareView *self, const char *property)
{
  gboolean value;

  g_object_get (self, property, &value, NULL);
  g_object_set (self, property, !value, NULL);
}

static gboolean
is_on_image (EspCompareView *self)
{
  GtkWidget *focus = get_focus (self);

  return focus != NULL && ESP_IS_IMAGE_VIEW (focus);
}

/* Arrows go to other images before the image under the focus is moved by them; with Control they
 * move it. */
static gboolean
on_arrow (EspCompareView *self, guint key, guint code, GdkModifierType state)
{
  const gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  const gboolean left = key == GDK_KEY_Left || key == GDK_KEY_KP_Left;

  if ((!left && key != GDK_KEY_Right && key != GDK_KEY_KP_Right) || !is_on_image (self)
      || (state & gtk_accelerator_get_default_mod_mask ()) != 0)
    return GDK_EVENT_PROPAGATE;
  if (!esp_compare_view_step (self, left == rtl ? 1 : -1))
    gtk_widget_error_bell (GTK_WIDGET (self));
  return GDK_EVENT_STOP;
}

static void
popup_menu (EspCompareView *self)
{
  const guint index = esp_compare_view_get_active_index (self);

  if (self->mode == ESP_COMPARE_SIDE)
    esp_compare_pane_popup_menu (self->panes->pdata[index]);
  else
    esp_compare_pair_popup_menu (self->pair, index == 0);
}

static gboolean
on_image_key (EspCompareView *self, guint key)
{
  EspCompareDivider *divider = esp_compare_pair_get_divider (self->pair);

  switch (key)
    {
    case GDK_KEY_space:
    case GDK_KEY_KP_Space:
      if (self->mode != ESP_COMPARE_FLICKER)
        return GDK_EVENT_PROPAGATE;
      esp_compare_pair_set_showing_a (self->pair, TRUE);
      return GDK_EVENT_STOP;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
      emit_for_node (self, ESP_COMPARE_SIGNAL_CONTINUE, esp_compare_view_get_active_index (self));
      return GDK_EVENT_STOP;
    case GDK_KEY_Menu:
      popup_menu (self);
      return GDK_EVENT_STOP;
    case GDK_KEY_bracketleft:
    case GDK_KEY_bracketright:
      if (self->mode != ESP_COMPARE_SLIDER)
        return GDK_EVENT_PROPAGATE;
      esp_compare_divider_turn (divider, key == GDK_KEY_bracketleft ? -ESP_COMPARE_DIVIDER_TURN
                                                                    : ESP_COMPARE_DIVIDER_TURN);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

static gboolean
on_letter (EspCompareView *self, guint key)
{
  const guint index = esp_compare_view_get_active_index (self);
  EspNode *node = get_node (self, index);

  switch (key)
    {
    case GDK_KEY_Escape:
    case GDK_KEY_c:
      esp_compare_view_emit (self, ESP_COMPARE_SIGNAL_LEAVE, NULL);
      break;
    case GDK_KEY_m:
      cycle_mode (self, 1);
      break;
    case GDK_KEY_M:
      cycle_mode (self, -1);
      break;
    case GDK_KEY_l:
      toggle (self, "linked");
      break;
    case GDK_KEY_p:
      toggle (self, "pinned");
      break;
    case GDK_KEY_s:
      esp_compare_view_swap (self);
      break;
    case GDK_KEY_t:
      toggle (self, "show-table");
      break;
    case GDK_KEY_x:
      toggle_rejected (self, index);
      break;
    case GDK_KEY_period:
      set_stars (self, index, node != NULL && esp_node_get_stars (node) > 0 ? 0 : 1);
      break;
    case GDK_KEY_u:
      emit_for_node (self, ESP_COMPARE_SIGNAL_USE_SETTINGS, index);
      break;
    case GDK_KEY_Delete:
    case GDK_KEY_KP_Delete:
      esp_compare_view_remove (self, index);
      break;
    default:
      return GDK_EVENT_PROPAGATE;
    }
  return GDK_EVENT_STOP;
}

/* An open menu has its own letters, and closes with Escape. */
static gboolean
is_in_menu (EspCompareView *self)
{
  GtkWidget *focus = get_focus (self);

  return focus != NULL && gtk_widget_get_ancestor (focus, GTK_TYPE_POPOVER) != NULL;
}

static gboolean
on_key (EspCompareView *self, guint key, guint code, GdkModifierType state)
{
  const GdkModifierType held = state & gtk_accelerator_get_default_mod_mask ();

  if (self->nodes == NULL || (held & ~(GdkModifierType) GDK_SHIFT_MASK) != 0 || is_in_menu (self))
    return GDK_EVENT_PROPAGATE;
  if (key == GDK_KEY_F10 && held == GDK_SHIFT_MASK && is_on_image (self))
    popup_menu (self);
  else if (key >= GDK_KEY_0 && key <= GDK_KEY_5)
    set_stars (self, esp_compare_view_get_active_index (self), (int) (key - GDK_KEY_0));
  else if (key >= GDK_KEY_KP_0 && key <= GDK_KEY_KP_5)
    set_stars (self, esp_compare_view_get_active_index (self), (int) (key - GDK_KEY_KP_0));
  else if (!is_on_image (self) || on_image_key (self, key) == GDK_EVENT_PROPAGATE)
    return on_letter (self, key);
  return GDK_EVENT_STOP;
}

static void
on_key_released (EspCompareView *self, guint key, guint code, GdkModifierType state)
{
  if ((key == GDK_KEY_space || key == GDK_KEY_KP_Space) && self->mode == ESP_COMPARE_FLICKER
      && is_on_image (self))
    esp_compare_pair_set_showing_a (self->pair, FALSE);
}

void
esp_compare_view_add_keys (EspCompareView *self)
{
  GtkEventController *arrows = gtk_event_controller_key_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();

  gtk_event_controller_set_propagation_phase (arrows, GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (arrows, "key-pressed", G_CALLBACK (on_arrow), self);
  gtk_widget_add_controller (GTK_WIDGET (self), arrows);
  /* Before the window's keys, which are about the current node alone. */
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (keys, "key-pressed", G_CALLBACK (on_key), self);
  g_signal_connect_swapped (keys, "key-released", G_CALLBACK (on_key_released), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
}
