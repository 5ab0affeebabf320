/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-bar.c: see esp-mask-bar.h. */
#define G_LOG_DOMAIN "espalier-mask"

#include "esp-mask-bar.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-menu.h"
#include "esp-style.h"

struct _EspMaskBar
{
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkToggleButton *add_button, *erase_button;
  GtkWidget *brush_button, *edge_button, *result_button, *more_button;
  GtkAdjustment *size, *hardness, *grow, *feather;
  GtkWidget *feather_button;
  GtkCheckButton *automatic_button;
  GtkLabel *words, *said;

  EspMaskEditor *editor;
  EspBrush *brush;
  guint held_id;
  guint updating : 1; /* the controls show what is; nobody has changed them */
  guint show_result : 1;
  guint held : 1; /* by the pointer, or just let go */
};

G_DEFINE_FINAL_TYPE (EspMaskBar, esp_mask_bar, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_SHOW_RESULT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  LEAVE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- Words ------------------------------------------------------------------------------------ */

/* What the keyboard has done, for those who do not see it. */
static void
say (EspMaskBar *self, const char *text)
{
  gtk_label_set_label (self->said, text);
  gtk_widget_set_visible (GTK_WIDGET (self->said), *text != '\0');
}

static void
say_place (EspMaskBar *self)
{
  g_autofree char *text = NULL;
  double x, y;

  if (!esp_brush_get_place (self->brush, &x, &y))
    return;
  if (!esp_brush_is_painting (self->brush))
    /* Translators: where the brush is, in pixels from the left and from the top. */
    text = g_strdup_printf (_ ("Brush at %d, %d"), (int) lround (x), (int) lround (y));
  else if (esp_brush_get_erasing (self->brush))
    text = g_strdup_printf (_ ("Erasing at %d, %d"), (int) lround (x), (int) lround (y));
  else
    text = g_strdup_printf (_ ("Painting at %d, %d"), (int) lround (x), (int) lround (y));
  say (self, text);
}

static void
say_brush (EspMaskBar *self)
{
  g_autofree char *text = g_strdup_printf (
      _ ("Brush: %d px, hardness %d%%"), (int) lround (esp_brush_get_size (self->brush)),
      (int) lround (esp_brush_get_hardness (self->brush) * 100));

  say (self, text);
}

/* --- The brush -------------------------------------------------------------------------------- */

static void
show_brush (EspMaskBar *self)
{
  const gboolean erasing = esp_brush_get_erasing (self->brush);

  self->updating = TRUE;
  gtk_toggle_button_set_active (erasing ? self->erase_button : self->add_button, TRUE);
  gtk_adjustment_set_value (self->size, esp_brush_get_size (self->brush));
  gtk_adjustment_set_value (self->hardness, esp_brush_get_hardness (self->brush) * 100);
  self->updating = FALSE;
}

static void
on_brush_changed (EspMaskBar *self)
{
  if (self->updating)
    return;
  show_brush (self);
  say_brush (self);
}

static void
on_erasing_changed (EspMaskBar *self)
{
  show_brush (self);
  if (!self->updating && gtk_widget_get_mapped (GTK_WIDGET (self)))
    say (self, esp_brush_get_erasing (self->brush) ? _ ("Erase") : _ ("Paint"));
}

static void
on_brush_set (EspMaskBar *self)
{
  if (self->updating || self->brush == NULL)
    return;
  self->updating = TRUE;
  esp_brush_set_erasing (self->brush, gtk_toggle_button_get_active (self->erase_button));
  esp_brush_set_size (self->brush, gtk_adjustment_get_value (self->size));
  esp_brush_set_hardness (self->brush, gtk_adjustment_get_value (self->hardness) / 100);
  self->updating = FALSE;
}

/* --- The mask --------------------------------------------------------------------------------- */

static void
show_mask (EspMaskBar *self)
{
  const gboolean can_paint = esp_mask_editor_can_paint (self->editor);
  const gboolean can_change = esp_mask_editor_can_change (self->editor);
  const double feather = esp_mask_editor_get_feather (self->editor);
  g_autofree char *words = esp_mask_editor_dup_words (self->editor);
  GtkWidget *painting[] = { GTK_WIDGET (self->add_button), GTK_WIDGET (self->erase_button),
                            self->brush_button, self->edge_button };

  if (g_strcmp0 (gtk_label_get_label (self->words), words) != 0)
    gtk_label_set_label (self->words, words);
  for (gsize i = 0; i < G_N_ELEMENTS (painting); i++)
    gtk_widget_set_sensitive (painting[i], can_paint);
  gtk_widget_set_sensitive (self->result_button, can_change);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "mask.take-all", can_change);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "mask.take-nothing", can_paint);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "mask.find-again", can_change);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "mask.forget",
                                 esp_mask_editor_can_forget (self->editor)
                                     && !esp_mask_editor_is_busy (self->editor));

  self->updating = TRUE;
  gtk_adjustment_set_value (self->grow, esp_mask_editor_get_grow (self->editor));
  gtk_check_button_set_active (self->automatic_button, feather < 0);
  gtk_widget_set_sensitive (self->feather_button, feather >= 0);
  gtk_adjustment_set_value (self->feather, esp_mask_editor_get_seam (self->editor));
  self->updating = FALSE;
}

static void
on_edge_set (EspMaskBar *self)
{
  if (self->updating || self->editor == NULL)
    return;
  esp_mask_editor_set_shape (self->editor, gtk_adjustment_get_value (self->grow),
                             gtk_check_button_get_active (self->automatic_button)
                                 ? -1
                                 : gtk_adjustment_get_value (self->feather));
}

static void
take_all (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_mask_editor_take_all (ESP_MASK_BAR (widget)->editor);
}

static void
take_nothing (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_mask_editor_take_nothing (ESP_MASK_BAR (widget)->editor);
}

static void
find_again (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_mask_editor_find_again (ESP_MASK_BAR (widget)->editor);
}

static void
forget (GtkWidget *widget, const char *name, GVariant *parameter)
{
  esp_mask_editor_forget (ESP_MASK_BAR (widget)->editor);
}

static void
leave (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_signal_emit (widget, signals[LEAVE], 0);
}

/* --- The result as it was made ---------------------------------------------------------------- */

gboolean
esp_mask_bar_get_show_result (EspMaskBar *self)
{
  g_return_val_if_fail (ESP_IS_MASK_BAR (self), FALSE);

  return self->show_result;
}

void
esp_mask_bar_set_show_result (EspMaskBar *self, gboolean show_result)
{
  g_return_if_fail (ESP_IS_MASK_BAR (self));

  if (self->show_result == (show_result ? 1 : 0))
    return;
  self->show_result = show_result ? 1 : 0;
  gtk_accessible_update_state (
      GTK_ACCESSIBLE (self->result_button), GTK_ACCESSIBLE_STATE_PRESSED,
      show_result ? GTK_ACCESSIBLE_TRISTATE_TRUE : GTK_ACCESSIBLE_TRISTATE_FALSE, -1);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SHOW_RESULT]);
}

/* From the keyboard and assistive technologies the button stays down; under the pointer it is held,
 * and the click at the end of that means nothing more. */
static void
on_result_clicked (EspMaskBar *self)
{
  if (!self->held)
    esp_mask_bar_set_show_result (self, !self->show_result);
}

static gboolean
forget_held (gpointer data)
{
  EspMaskBar *self = data;

  self->held_id = 0;
  self->held = FALSE;
  return G_SOURCE_REMOVE;
}

static void
on_result_pressed (EspMaskBar *self)
{
  g_clear_handle_id (&self->held_id, g_source_remove);
  self->held = TRUE;
  esp_mask_bar_set_show_result (self, TRUE);
}

static void
on_result_released (EspMaskBar *self)
{
  if (!self->held)
    return;
  if (self->held_id == 0)
    self->held_id = g_idle_add (forget_held, self);
  esp_mask_bar_set_show_result (self, FALSE);
}

/* --- The widget ------------------------------------------------------------------------------- */

void
esp_mask_bar_connect (EspMaskBar *self, EspMaskEditor *editor, EspBrush *brush)
{
  g_return_if_fail (ESP_IS_MASK_BAR (self));
  g_return_if_fail (self->editor == NULL);

  self->editor = g_object_ref (editor);
  self->brush = g_object_ref (brush);
  g_signal_connect_object (editor, "changed", G_CALLBACK (show_mask), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (brush, "moved", G_CALLBACK (say_place), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (brush, "notify::size", G_CALLBACK (on_brush_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (brush, "notify::hardness", G_CALLBACK (on_brush_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (brush, "notify::erasing", G_CALLBACK (on_erasing_changed), self,
                           G_CONNECT_SWAPPED);
  show_brush (self);
  show_mask (self);
}

static void
esp_mask_bar_map (GtkWidget *widget)
{
  say (ESP_MASK_BAR (widget), "");
  GTK_WIDGET_CLASS (esp_mask_bar_parent_class)->map (widget);
}

static void
esp_mask_bar_unmap (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (esp_mask_bar_parent_class)->unmap (widget);
  esp_mask_bar_set_show_result (ESP_MASK_BAR (widget), FALSE);
}

static void
esp_mask_bar_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  if (prop_id == PROP_SHOW_RESULT)
    g_value_set_boolean (value, ESP_MASK_BAR (object)->show_result);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
esp_mask_bar_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  if (prop_id == PROP_SHOW_RESULT)
    esp_mask_bar_set_show_result (ESP_MASK_BAR (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
esp_mask_bar_dispose (GObject *object)
{
  EspMaskBar *self = ESP_MASK_BAR (object);

  g_clear_handle_id (&self->held_id, g_source_remove);
  g_clear_object (&self->editor);
  g_clear_object (&self->brush);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_MASK_BAR);

  G_OBJECT_CLASS (esp_mask_bar_parent_class)->dispose (object);
}

static void
bind_template (GtkWidgetClass *class)
{
  gtk_widget_class_set_template_from_resource (class, "/espalier/app/mask/esp-mask-bar.ui");
  gtk_widget_class_bind_template_child (class, EspMaskBar, box);
  gtk_widget_class_bind_template_child (class, EspMaskBar, add_button);
  gtk_widget_class_bind_template_child (class, EspMaskBar, erase_button);
  gtk_widget_class_bind_template_child (class, EspMaskBar, brush_button);
  gtk_widget_class_bind_template_child (class, EspMaskBar, edge_button);
  gtk_widget_class_bind_template_child (class, EspMaskBar, result_button);
  gtk_widget_class_bind_template_child (class, EspMaskBar, more_button);
  gtk_widget_class_bind_template_child (class, EspMaskBar, size);
  gtk_widget_class_bind_template_child (class, EspMaskBar, hardness);
  gtk_widget_class_bind_template_child (class, EspMaskBar, grow);
  gtk_widget_class_bind_template_child (class, EspMaskBar, feather);
  gtk_widget_class_bind_template_child (class, EspMaskBar, feather_button);
  gtk_widget_class_bind_template_child (class, EspMaskBar, automatic_button);
  gtk_widget_class_bind_template_child (class, EspMaskBar, words);
  gtk_widget_class_bind_template_child (class, EspMaskBar, said);
  gtk_widget_class_bind_template_callback (class, on_result_clicked);
}

static void
esp_mask_bar_class_init (EspMaskBarClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->get_property = esp_mask_bar_get_property;
  object_class->set_property = esp_mask_bar_set_property;
  object_class->dispose = esp_mask_bar_dispose;
  widget_class->map = esp_mask_bar_map;
  widget_class->unmap = esp_mask_bar_unmap;

  properties[PROP_SHOW_RESULT]
      = g_param_spec_boolean ("show-result", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[LEAVE] = g_signal_new ("leave", ESP_TYPE_MASK_BAR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);

  gtk_widget_class_install_action (widget_class, "mask.take-all", NULL, take_all);
  gtk_widget_class_install_action (widget_class, "mask.take-nothing", NULL, take_nothing);
  gtk_widget_class_install_action (widget_class, "mask.find-again", NULL, find_again);
  gtk_widget_class_install_action (widget_class, "mask.forget", NULL, forget);
  gtk_widget_class_install_action (widget_class, "mask.leave", NULL, leave);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "maskbar");
  bind_template (widget_class);
}

static void
esp_mask_bar_init (EspMaskBar *self)
{
  GtkGesture *hold = gtk_gesture_click_new ();
  GtkAdjustment *of_brush[] = { NULL, NULL }, *of_edge[] = { NULL, NULL };

  esp_style_ensure (gtk_widget_get_display (GTK_WIDGET (self)), "/espalier/app/mask", "mask.css");
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (self->more_button),
                                  esp_menu_get ("/espalier/app/mask/esp-mask-menus.ui", "more"));

  of_brush[0] = self->size;
  of_brush[1] = self->hardness;
  of_edge[0] = self->grow;
  of_edge[1] = self->feather;
  for (int i = 0; i < 2; i++)
    {
      g_signal_connect_object (of_brush[i], "value-changed", G_CALLBACK (on_brush_set), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (of_edge[i], "value-changed", G_CALLBACK (on_edge_set), self,
                               G_CONNECT_SWAPPED);
    }
  g_signal_connect_object (self->erase_button, "toggled", G_CALLBACK (on_brush_set), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->automatic_button, "toggled", G_CALLBACK (on_edge_set), self,
                           G_CONNECT_SWAPPED);

  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (hold), GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (hold, "pressed", G_CALLBACK (on_result_pressed), self);
  g_signal_connect_swapped (hold, "released", G_CALLBACK (on_result_released), self);
  g_signal_connect_swapped (hold, "cancel", G_CALLBACK (on_result_released), self);
  g_signal_connect_swapped (hold, "end", G_CALLBACK (on_result_released), self);
  gtk_widget_add_controller (self->result_button, GTK_EVENT_CONTROLLER (hold));
}

GtkWidget *
esp_mask_bar_new (void)
{
  return g_object_new (ESP_TYPE_MASK_BAR, NULL);
}
