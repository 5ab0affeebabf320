/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-canvas.c: the current node's image, large: the widget, its properties and actions. */
#define G_LOG_DOMAIN "espalier-canvas"

#include "esp-canvas-private.h"

#include "esp-focus-chain.h"
#include "esp-menu.h"
#include "esp-style.h"
#include "esp-surround.h"

#define REST_DELAY      2500 /* ms after which the buttons leave a resting pointer alone */
#define SAVE_VIEW_DELAY 500  /* ms */
#define MARGIN          12

G_DEFINE_FINAL_TYPE (EspCanvas, esp_canvas, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_DOCUMENT,
  PROP_BEFORE,
  PROP_SHOW_BEFORE,
  PROP_ZOOM,
  PROP_FIT,
  PROP_SHOW_STATUS,
  PROP_SHOW_MASK,
  PROP_DRAW_REGION,
  PROP_REGION,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  FAILED,
  STORED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- Before ----------------------------------------------------------------------------------- */

static void
set_show_before (EspCanvas *self, gboolean show)
{
  if (self->show_before == (show ? 1 : 0))
    return;
  self->show_before = show ? 1 : 0;
  esp_canvas_update_picture (self);
  esp_canvas_update_overlay (self);
  esp_canvas_update_covered (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SHOW_BEFORE]);
}

/* From the keyboard and assistive technologies the button stays down; under the pointer it is held,
 * and the click at the end of that means nothing more. */
static void
on_before_clicked (EspCanvas *self)
{
  if (self->before_held)
    return;
  set_show_before (self, !self->show_before);
}

static gboolean
forget_held (gpointer data)
{
  EspCanvas *self = data;

  self->held_id = 0;
  self->before_held = FALSE;
  return G_SOURCE_REMOVE;
}

static void
on_before_pressed (EspCanvas *self)
{
  g_clear_handle_id (&self->held_id, g_source_remove);
  self->before_held = TRUE;
  set_show_before (self, TRUE);
}

static void
on_before_released (EspCanvas *self)
{
  if (!self->before_held)
    return;
  if (self->held_id == 0)
    self->held_id = g_idle_add (forget_held, self);
  set_show_before (self, FALSE);
}

static gboolean
is_before_key (guint key)
{
  return key == GDK_KEY_b || key == GDK_KEY_B || key == GDK_KEY_backslash;
}

static gboolean
on_key_pressed (EspCanvas *self, guint key, guint code, GdkModifierType state)
{
  if (!is_before_key (key) || (state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK)) != 0
      || !gtk_widget_get_mapped (GTK_WIDGET (self)) || esp_canvas_find_before (self) == NULL)
    return GDK_EVENT_PROPAGATE;
  if (!self->before_key)
    {
      self->before_key = TRUE;
      set_show_before (self, TRUE);
    }
  return GDK_EVENT_STOP;
}

static void
release_before_key (EspCanvas *self)
{
  if (!self->before_key)
    return;
  self->before_key = FALSE;
  set_show_before (self, FALSE);
}

static void
on_key_released (EspCanvas *self, guint key, guint code, GdkModifierType state)
{
  if (is_before_key (key))
    release_before_key (self);
}

/* The key works wherever the focus is but in a text, which keeps its letters to itself. */
static void
esp_canvas_root (GtkWidget *widget)
{
  EspCanvas *self = ESP_CANVAS (widget);

  GTK_WIDGET_CLASS (esp_canvas_parent_class)->root (widget);

  self->key_controller = gtk_event_controller_key_new ();
  g_signal_connect_swapped (self->key_controller, "key-pressed", G_CALLBACK (on_key_pressed), self);
  g_signal_connect_swapped (self->key_controller, "key-released", G_CALLBACK (on_key_released),
                            self);
  self->root = GTK_WIDGET (gtk_widget_get_root (widget));
  gtk_widget_add_controller (self->root, self->key_controller);
  if (GTK_IS_WINDOW (self->root))
    g_signal_connect_swapped (self->root, "notify::is-active", G_CALLBACK (release_before_key),
                              self);
}

static void
esp_canvas_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (esp_canvas_parent_class)->map (widget);
  esp_canvas_wake (ESP_CANVAS (widget));
}

static void
esp_canvas_unroot (GtkWidget *widget)
{
  EspCanvas *self = ESP_CANVAS (widget);

  release_before_key (self);
  g_signal_handlers_disconnect_by_func (self->root, release_before_key, self);
  gtk_widget_remove_controller (self->root, self->key_controller);
  self->key_controller = NULL;
  self->root = NULL;

  GTK_WIDGET_CLASS (esp_canvas_parent_class)->unroot (widget);
}

/* --- Buttons that leave a resting pointer alone ----------------------------------------------- */

static void
set_resting (EspCanvas *self, gboolean resting)
{
  GtkWidget *corners[] = { GTK_WIDGET (self->zoom_button), self->before_button, self->mask_button };

  for (gsize i = 0; i < G_N_ELEMENTS (corners); i++)
    if (resting)
      gtk_widget_add_css_class (corners[i], "resting");
    else
      gtk_widget_remove_css_class (corners[i], "resting");
}

static gboolean
is_in_use (EspCanvas *self, GtkWidget *widget)
{
  const GtkStateFlags flags = gtk_widget_get_state_flags (widget);

  return (flags
          & (GTK_STATE_FLAG_PRELIGHT | GTK_STATE_FLAG_FOCUS_VISIBLE | GTK_STATE_FLAG_ACTIVE
             | GTK_STATE_FLAG_FOCUS_WITHIN))
         != 0;
}

static gboolean
rest (gpointer data)
{
  EspCanvas *self = data;
  GtkPopover *menu = gtk_menu_button_get_popover (self->zoom_button);

  if (is_in_use (self, GTK_WIDGET (self->zoom_button)) || is_in_use (self, self->corner)
      || (menu != NULL && gtk_widget_get_visible (GTK_WIDGET (menu))))
    return G_SOURCE_CONTINUE;
  self->rest_id = 0;
  set_resting (self, TRUE);
  return G_SOURCE_REMOVE;
}

void
esp_canvas_wake (EspCanvas *self)
{
  set_resting (self, FALSE);
  g_clear_handle_id (&self->rest_id, g_source_remove);
  self->rest_id = g_timeout_add (REST_DELAY, rest, self);
}

static void
on_motion (EspCanvas *self)
{
  esp_canvas_wake (self);
}

/* --- Zoom ------------------------------------------------------------------------------------- */

static gboolean
save_view (gpointer data)
{
  EspCanvas *self = data;
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  self->save_view_id = 0;
  if (self->document == NULL)
    return G_SOURCE_REMOVE;
  g_ascii_formatd (number, sizeof number, "%.4f", esp_image_view_get_zoom (self->view));
  esp_document_set_view (self->document, "canvas.zoom",
                         esp_image_view_get_fit (self->view) ? "fit" : number);
  return G_SOURCE_REMOVE;
}

static void
restore_view (EspCanvas *self)
{
  const char *text = esp_document_get_view (self->document, "canvas.zoom");
  const double zoom = text != NULL ? g_ascii_strtod (text, NULL) : 0;

  if (zoom >= ESP_IMAGE_VIEW_MIN_ZOOM && zoom <= ESP_IMAGE_VIEW_MAX_ZOOM)
    esp_image_view_set_zoom (self->view, zoom);
  else
    esp_image_view_set_fit (self->view, TRUE);
}

static void
schedule_save_view (EspCanvas *self)
{
  if (self->save_view_id == 0 && self->document != NULL)
    self->save_view_id = g_timeout_add (SAVE_VIEW_DELAY, save_view, self);
}

static void
on_zoom_changed (EspCanvas *self)
{
  esp_canvas_update_zoom_label (self);
  esp_canvas_wake (self);
  if (!esp_image_view_get_fit (self->view))
    schedule_save_view (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ZOOM]);
}

static void
on_fit_changed (EspCanvas *self)
{
  schedule_save_view (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FIT]);
}

static void
zoom_in_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_image_view_zoom_in (ESP_CANVAS (widget)->view);
}

static void
zoom_out_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_image_view_zoom_out (ESP_CANVAS (widget)->view);
}

static void
zoom_fit_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_image_view_set_fit (ESP_CANVAS (widget)->view, TRUE);
}

/* canvas.zoom-100 and its like say in their names how much. */
static void
zoom_to_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  const char *percent = strrchr (name, '-') + 1;

  esp_image_view_set_zoom (ESP_CANVAS (widget)->view,
                           (double) g_ascii_strtoll (percent, NULL, 10) / 100);
}

static void
menu_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_canvas_popup_menu (ESP_CANVAS (widget), gtk_widget_get_width (widget) / 2.0,
                         gtk_widget_get_height (widget) / 2.0);
}

/* --- The document and its current node -------------------------------------------------------- */

static void
on_node_changed (EspCanvas *self, guint what)
{
  esp_canvas_update_picture (self);
  esp_canvas_update_overlay (self);
  esp_canvas_update_mask (self);
}

static void
on_node_progress (EspCanvas *self)
{
  if (!self->show_before)
    esp_canvas_update_picture (self);
  esp_canvas_update_progress (self);
}

static void
update_current (EspCanvas *self)
{
  EspNode *current = self->document != NULL ? esp_document_get_current (self->document) : NULL;

  if (self->current == current)
    return;
  g_set_object (&self->current, current);
  g_signal_group_set_target (self->node_signals, current);
  esp_canvas_update_picture (self);
  esp_canvas_update_overlay (self);
  esp_canvas_update_mask (self);
}

EspDocument *
esp_canvas_get_document (EspCanvas *self)
{
  g_return_val_if_fail (ESP_IS_CANVAS (self), NULL);

  return self->document;
}

void
esp_canvas_set_document (EspCanvas *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_CANVAS (self));
  g_return_if_fail (document == NULL || ESP_IS_DOCUMENT (document));

  if (self->document == document)
    return;
  if (self->save_view_id != 0)
    {
      g_source_remove (self->save_view_id);
      save_view (self);
    }
  esp_canvas_drop_pictures (self);
  g_clear_object (&self->before);
  self->show_before = FALSE;
  esp_canvas_set_show_mask (self, FALSE);
  esp_canvas_set_draw_region (self, FALSE);
  g_hash_table_remove_all (self->regions);
  g_set_object (&self->document, document);
  g_signal_group_set_target (self->document_signals, document);
  update_current (self);
  if (document != NULL)
    restore_view (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DOCUMENT]);
}

EspNode *
esp_canvas_get_before (EspCanvas *self)
{
  g_return_val_if_fail (ESP_IS_CANVAS (self), NULL);

  return self->before;
}

void
esp_canvas_set_alternatives (EspCanvas *self, GMenuModel *alternatives)
{
  g_return_if_fail (ESP_IS_CANVAS (self));
  g_return_if_fail (alternatives == NULL || G_IS_MENU_MODEL (alternatives));

  gtk_menu_button_set_menu_model (self->with_button, alternatives);
  esp_canvas_update_message (self);
}

void
esp_canvas_set_before (EspCanvas *self, EspNode *before)
{
  g_return_if_fail (ESP_IS_CANVAS (self));
  g_return_if_fail (before == NULL || ESP_IS_NODE (before));

  if (!g_set_object (&self->before, before))
    return;
  esp_canvas_update_picture (self);
  esp_canvas_update_overlay (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BEFORE]);
}

double
esp_canvas_get_zoom (EspCanvas *self)
{
  g_return_val_if_fail (ESP_IS_CANVAS (self), 1);

  return esp_image_view_get_zoom (self->view);
}

void
esp_canvas_set_zoom (EspCanvas *self, double zoom)
{
  g_return_if_fail (ESP_IS_CANVAS (self));

  esp_image_view_set_zoom (self->view, zoom);
}

gboolean
esp_canvas_get_fit (EspCanvas *self)
{
  g_return_val_if_fail (ESP_IS_CANVAS (self), TRUE);

  return esp_image_view_get_fit (self->view);
}

void
esp_canvas_set_fit (EspCanvas *self, gboolean fit)
{
  g_return_if_fail (ESP_IS_CANVAS (self));

  esp_image_view_set_fit (self->view, fit);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_canvas_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  esp_surround_snapshot (widget, snapshot);
  GTK_WIDGET_CLASS (esp_canvas_parent_class)->snapshot (widget, snapshot);
}

/* The status is at the bottom between the buttons, or above them where it is narrow. */
static gboolean
on_get_child_position (GtkOverlay *overlay, GtkWidget *child, GdkRectangle *allocation,
                       gpointer data)
{
  EspCanvas *self = data;
  const int width = gtk_widget_get_width (GTK_WIDGET (overlay));
  const int height = gtk_widget_get_height (GTK_WIDGET (overlay));
  GtkRequisition size, zoom, corner;
  int room;

  if (child != self->status_box)
    return FALSE;
  gtk_widget_get_preferred_size (child, NULL, &size);
  gtk_widget_get_preferred_size (GTK_WIDGET (self->zoom_button), &zoom, NULL);
  gtk_widget_get_preferred_size (self->corner, &corner, NULL);
  room = width - 2 * (MAX (zoom.width, corner.width) + MARGIN);

  allocation->width = MIN (size.width, MAX (width - 2 * MARGIN, 1));
  allocation->height = size.height;
  allocation->x = (width - allocation->width) / 2;
  allocation->y = height - size.height - MARGIN;
  if (size.width > room)
    allocation->y -= zoom.height;
  return TRUE;
}

static gboolean
esp_canvas_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (GTK_WIDGET (ESP_CANVAS (widget)->view));
}

static void
esp_canvas_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspCanvas *self = ESP_CANVAS (widget);

  gtk_widget_allocate (self->overlay, width, height, baseline, NULL);
  if (self->context_popover != NULL)
    gtk_popover_present (GTK_POPOVER (self->context_popover));
}

static void
esp_canvas_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                    int *natural, int *minimum_baseline, int *natural_baseline)
{
  gtk_widget_measure (ESP_CANVAS (widget)->overlay, orientation, for_size, minimum, natural, NULL,
                      NULL);
  *minimum = MAX (*minimum, 120);
  *natural = MAX (*natural, *minimum);
}

static void
set_show_status (EspCanvas *self, gboolean show_status)
{
  if (self->show_status == show_status)
    return;
  self->show_status = show_status != FALSE;
  esp_canvas_update_progress (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SHOW_STATUS]);
}

static void
esp_canvas_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspCanvas *self = ESP_CANVAS (object);

  switch (prop_id)
    {
    case PROP_DOCUMENT:
      g_value_set_object (value, self->document);
      break;
    case PROP_BEFORE:
      g_value_set_object (value, self->before);
      break;
    case PROP_SHOW_BEFORE:
      g_value_set_boolean (value, self->show_before);
      break;
    case PROP_ZOOM:
      g_value_set_double (value, esp_canvas_get_zoom (self));
      break;
    case PROP_FIT:
      g_value_set_boolean (value, esp_canvas_get_fit (self));
      break;
    case PROP_SHOW_STATUS:
      g_value_set_boolean (value, self->show_status);
      break;
    case PROP_SHOW_MASK:
      g_value_set_boolean (value, self->show_mask);
      break;
    case PROP_DRAW_REGION:
      g_value_set_boolean (value, self->draw_region);
      break;
    case PROP_REGION:
      g_value_set_boxed (value, esp_canvas_get_region (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_canvas_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  EspCanvas *self = ESP_CANVAS (object);

  switch (prop_id)
    {
    case PROP_DOCUMENT:
      esp_canvas_set_document (self, g_value_get_object (value));
      break;
    case PROP_BEFORE:
      esp_canvas_set_before (self, g_value_get_object (value));
      break;
    case PROP_SHOW_BEFORE:
      set_show_before (self, g_value_get_boolean (value));
      break;
    case PROP_ZOOM:
      esp_canvas_set_zoom (self, g_value_get_double (value));
      break;
    case PROP_FIT:
      esp_canvas_set_fit (self, g_value_get_boolean (value));
      break;
    case PROP_SHOW_STATUS:
      set_show_status (self, g_value_get_boolean (value));
      break;
    case PROP_SHOW_MASK:
      esp_canvas_set_show_mask (self, g_value_get_boolean (value));
      break;
    case PROP_DRAW_REGION:
      esp_canvas_set_draw_region (self, g_value_get_boolean (value));
      break;
    case PROP_REGION:
      esp_canvas_set_region (self, g_value_get_boxed (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_canvas_dispose (GObject *object)
{
  EspCanvas *self = ESP_CANVAS (object);

  if (self->save_view_id != 0)
    {
      g_source_remove (self->save_view_id);
      save_view (self);
    }
  g_clear_handle_id (&self->rest_id, g_source_remove);
  g_clear_handle_id (&self->held_id, g_source_remove);
  if (self->document_signals != NULL)
    g_signal_group_set_target (self->document_signals, NULL);
  if (self->node_signals != NULL)
    g_signal_group_set_target (self->node_signals, NULL);
  g_clear_object (&self->document_signals);
  g_clear_object (&self->node_signals);
  esp_canvas_dispose_mask (self);
  if (self->kept != NULL)
    esp_canvas_drop_pictures (self);
  g_clear_object (&self->current);
  g_clear_object (&self->before);
  g_clear_object (&self->document);
  g_clear_pointer (&self->context_popover, gtk_widget_unparent);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_CANVAS);

  G_OBJECT_CLASS (esp_canvas_parent_class)->dispose (object);
}

static void
esp_canvas_finalize (GObject *object)
{
  g_clear_pointer (&ESP_CANVAS (object)->kept, g_hash_table_unref);

  G_OBJECT_CLASS (esp_canvas_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  properties[PROP_DOCUMENT]
      = g_param_spec_object ("document", NULL, NULL, ESP_TYPE_DOCUMENT, flags);
  properties[PROP_BEFORE] = g_param_spec_object ("before", NULL, NULL, ESP_TYPE_NODE, flags);
  properties[PROP_SHOW_BEFORE] = g_param_spec_boolean ("show-before", NULL, NULL, FALSE, flags);
  properties[PROP_ZOOM]
      = g_param_spec_double ("zoom", NULL, NULL, 0, ESP_IMAGE_VIEW_MAX_ZOOM, 1, flags);
  properties[PROP_FIT] = g_param_spec_boolean ("fit", NULL, NULL, TRUE, flags);
  properties[PROP_SHOW_STATUS] = g_param_spec_boolean ("show-status", NULL, NULL, TRUE, flags);
  properties[PROP_SHOW_MASK] = g_param_spec_boolean ("show-mask", NULL, NULL, FALSE, flags);
  properties[PROP_DRAW_REGION] = g_param_spec_boolean ("draw-region", NULL, NULL, FALSE, flags);
  properties[PROP_REGION] = g_param_spec_boxed ("region", NULL, NULL, ESP_TYPE_REGION, flags);
  g_object_class_install_properties (class, N_PROPS, properties);
}

static void
install_actions (GtkWidgetClass *class)
{
  gtk_widget_class_install_action (class, "canvas.zoom-in", NULL, zoom_in_action);
  gtk_widget_class_install_action (class, "canvas.zoom-out", NULL, zoom_out_action);
  gtk_widget_class_install_action (class, "canvas.zoom-fit", NULL, zoom_fit_action);
  gtk_widget_class_install_action (class, "canvas.zoom-100", NULL, zoom_to_action);
  gtk_widget_class_install_action (class, "canvas.zoom-200", NULL, zoom_to_action);
  gtk_widget_class_install_action (class, "canvas.zoom-400", NULL, zoom_to_action);
  gtk_widget_class_install_action (class, "canvas.menu", NULL, menu_action);
  gtk_widget_class_install_property_action (class, "canvas.before", "show-before");
  gtk_widget_class_install_property_action (class, "canvas.show-mask", "show-mask");
  gtk_widget_class_install_property_action (class, "canvas.draw-region", "draw-region");

  gtk_widget_class_add_binding_action (class, GDK_KEY_F10, GDK_SHIFT_MASK, "canvas.menu", NULL);
  gtk_widget_class_add_binding_action (class, GDK_KEY_Menu, 0, "canvas.menu", NULL);
}

static void
esp_canvas_class_init (EspCanvasClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->dispose = esp_canvas_dispose;
  object_class->finalize = esp_canvas_finalize;
  object_class->get_property = esp_canvas_get_property;
  object_class->set_property = esp_canvas_set_property;
  widget_class->map = esp_canvas_map;
  widget_class->root = esp_canvas_root;
  widget_class->unroot = esp_canvas_unroot;
  widget_class->measure = esp_canvas_measure;
  widget_class->size_allocate = esp_canvas_size_allocate;
  widget_class->snapshot = esp_canvas_snapshot;
  widget_class->focus = esp_focus_chain_move;
  widget_class->grab_focus = esp_canvas_grab_focus;
  install_properties (object_class);
  install_actions (widget_class);
  signals[FAILED] = g_signal_new ("failed", ESP_TYPE_CANVAS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[STORED] = g_signal_new ("stored", ESP_TYPE_CANVAS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 0);

  g_type_ensure (ESP_TYPE_IMAGE_VIEW);
  g_type_ensure (ESP_TYPE_MASK_BAR);
  g_type_ensure (ESP_TYPE_REGION_BAR);
  gtk_widget_class_set_css_name (widget_class, "canvas");
  gtk_widget_class_set_template_from_resource (widget_class, "/espalier/app/canvas/esp-canvas.ui");
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, overlay);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, scroller);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, view);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, caption);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, zoom_button);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, corner);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, mask_button);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, before_button);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, mask_bar);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, region_bar);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, status_box);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, status);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, stop_button);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, bar);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, message_box);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, message_title);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, message_scroller);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, message);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, message_facts);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, retry_button);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, check_button);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, again_button);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, key_button);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, reword_button);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, settings_button);
  gtk_widget_class_bind_template_child (widget_class, EspCanvas, with_button);
  gtk_widget_class_bind_template_callback (widget_class, on_get_child_position);
  gtk_widget_class_bind_template_callback (widget_class, on_zoom_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_fit_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_before_clicked);
}

static void
add_gestures (EspCanvas *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkGesture *hold = gtk_gesture_click_new ();

  g_signal_connect_swapped (motion, "motion", G_CALLBACK (on_motion), self);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);

  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (hold), GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (hold, "pressed", G_CALLBACK (on_before_pressed), self);
  g_signal_connect_swapped (hold, "released", G_CALLBACK (on_before_released), self);
  g_signal_connect_swapped (hold, "cancel", G_CALLBACK (on_before_released), self);
  g_signal_connect_swapped (hold, "end", G_CALLBACK (on_before_released), self);
  gtk_widget_add_controller (self->before_button, GTK_EVENT_CONTROLLER (hold));

  esp_canvas_init_input (self);
}

static void
esp_canvas_init (EspCanvas *self)
{
  esp_style_ensure (gtk_widget_get_display (GTK_WIDGET (self)), "/espalier/app/canvas",
                    "canvas.css");
  self->show_status = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_menu_button_set_menu_model (
      self->zoom_button, esp_menu_get ("/espalier/app/canvas/esp-canvas-menus.ui", "zoom_menu"));

  esp_surround_watch (GTK_WIDGET (self));

  self->kept = g_hash_table_new_full (NULL, NULL, g_object_unref, g_object_unref);
  self->document_signals = g_signal_group_new (ESP_TYPE_DOCUMENT);
  g_signal_group_connect_swapped (self->document_signals, "notify::current",
                                  G_CALLBACK (update_current), self);
  g_signal_group_connect_swapped (self->document_signals, "notify::access",
                                  G_CALLBACK (esp_canvas_update_overlay), self);
  self->node_signals = g_signal_group_new (ESP_TYPE_NODE);
  g_signal_group_connect_swapped (self->node_signals, "changed", G_CALLBACK (on_node_changed),
                                  self);
  g_signal_group_connect_swapped (self->node_signals, "progress", G_CALLBACK (on_node_progress),
                                  self);
  esp_canvas_init_mask (self);
  add_gestures (self);
  esp_canvas_update_overlay (self);
  esp_canvas_update_zoom_label (self);
}

GtkWidget *
esp_canvas_new (void)
{
  return g_object_new (ESP_TYPE_CANVAS, NULL);
}
