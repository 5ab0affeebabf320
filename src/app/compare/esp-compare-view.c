/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-view.c: nodes held side by side: the widget, its properties and its words. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-view.h"

#include <glib/gi18n-lib.h>

#include "esp-compare-view-private.h"
#include "esp-compare-words.h"
#include "esp-focus-chain.h"
#include "esp-menu.h"
#include "esp-style.h"
#include "esp-surround.h"

#define TABLE_SHARE 0.33 /* of the height that the table takes at most */

G_DEFINE_FINAL_TYPE (EspCompareView, esp_compare_view, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_MODE,
  PROP_LINKED,
  PROP_PINNED,
  PROP_NARROW,
  PROP_ALL_ROWS,
  PROP_SHOW_TABLE,
  PROP_SHOWING_A,
  PROP_ALTERNATING,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];
static guint signals[ESP_COMPARE_N_SIGNALS];

/* --- Modes ------------------------------------------------------------------------------------ */

static const GEnumValue modes[] = {
  { ESP_COMPARE_SIDE, "ESP_COMPARE_SIDE", "side" },
  { ESP_COMPARE_SLIDER, "ESP_COMPARE_SLIDER", "slider" },
  { ESP_COMPARE_FLICKER, "ESP_COMPARE_FLICKER", "flicker" },
  { ESP_COMPARE_ONION, "ESP_COMPARE_ONION", "onion" },
  { ESP_COMPARE_DIFFERENCE, "ESP_COMPARE_DIFFERENCE", "difference" },
  { 0, NULL, NULL },
};

GType
esp_compare_mode_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("EspCompareMode", modes));
  return type;
}

const char *
esp_compare_mode_to_string (EspCompareMode mode)
{
  g_return_val_if_fail ((guint) mode <= ESP_COMPARE_DIFFERENCE, NULL);

  return modes[mode].value_nick;
}

gboolean
esp_compare_mode_from_string (const char *text, EspCompareMode *mode)
{
  g_return_val_if_fail (mode != NULL, FALSE);

  for (guint i = 0; modes[i].value_nick != NULL; i++)
    if (g_strcmp0 (text, modes[i].value_nick) == 0)
      {
        *mode = (EspCompareMode) modes[i].value;
        return TRUE;
      }
  return FALSE;
}

EspCompareMode
esp_compare_view_get_mode (EspCompareView *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_VIEW (self), ESP_COMPARE_SIDE);

  return self->mode;
}

/* The part of the image that is seen stays the same from side by side to the others and back. */
static void
show_mode (EspCompareView *self, EspCompareMode before)
{
  EspImageView *view = esp_compare_pair_get_view (self->pair);
  const gboolean had_focus = gtk_widget_get_focus_child (self->images) != NULL;
  EspCompareViewport viewport;

  if (self->mode != ESP_COMPARE_SIDE && before == ESP_COMPARE_SIDE)
    {
      viewport = esp_compare_link_get_viewport (self->link);
      esp_image_view_set_viewport (view, viewport.fit, viewport.zoom, viewport.x, viewport.y);
    }
  else if (self->mode == ESP_COMPARE_SIDE && before != ESP_COMPARE_SIDE)
    {
      viewport = (EspCompareViewport){ esp_image_view_get_fit (view),
                                       esp_image_view_get_zoom (view), 0.5, 0.5 };
      esp_image_view_get_middle (view, &viewport.x, &viewport.y);
      esp_compare_link_set_viewport (self->link, &viewport);
    }
  if (self->mode != ESP_COMPARE_SIDE)
    esp_compare_pair_set_mode (self->pair, self->mode);
  gtk_widget_set_visible (GTK_WIDGET (self->grid), self->mode == ESP_COMPARE_SIDE);
  gtk_widget_set_visible (GTK_WIDGET (self->pair), self->mode != ESP_COMPARE_SIDE);
  if (had_focus)
    gtk_widget_grab_focus (GTK_WIDGET (self));
}

void
esp_compare_view_set_mode (EspCompareView *self, EspCompareMode mode)
{
  const EspCompareMode before = self->mode;

  g_return_if_fail (ESP_IS_COMPARE_VIEW (self));
  g_return_if_fail ((guint) mode <= ESP_COMPARE_DIFFERENCE);

  if (self->narrow && mode != ESP_COMPARE_SLIDER && mode != ESP_COMPARE_FLICKER)
    {
      self->wide_mode = mode;
      mode = ESP_COMPARE_SLIDER;
    }
  if (mode == before)
    return;
  self->mode = mode;
  if (mode != ESP_COMPARE_FLICKER)
    {
      esp_compare_view_set_alternating (self, FALSE);
      esp_compare_pair_set_showing_a (self->pair, FALSE);
    }
  show_mode (self, before);
  esp_compare_view_update_controls (self);
  esp_compare_view_update_words (self);
  esp_compare_view_update_actions (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MODE]);
}

static void set_show_table (EspCompareView *self, gboolean show);

void
esp_compare_view_set_narrow (EspCompareView *self, gboolean narrow)
{
  EspCompareMode mode;

  g_return_if_fail (ESP_IS_COMPARE_VIEW (self));

  if (self->narrow == (narrow ? 1 : 0))
    return;
  if (narrow)
    {
      self->wide_mode = self->mode;
      self->wide_table = self->show_table;
    }
  mode = self->wide_mode;
  self->narrow = narrow ? 1 : 0;
  if (narrow)
    gtk_widget_add_css_class (GTK_WIDGET (self), "narrow");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "narrow");
  esp_compare_view_set_mode (self, mode);
  /* There is hardly room for the images; the menu shows the table. */
  set_show_table (self, !narrow && self->wide_table);
  esp_compare_view_update_controls (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NARROW]);
}

/* --- Switches --------------------------------------------------------------------------------- */

gboolean
esp_compare_view_get_linked (EspCompareView *self)
{
  return esp_compare_link_get_linked (self->link);
}

void
esp_compare_view_set_linked (EspCompareView *self, gboolean linked)
{
  if (esp_compare_link_get_linked (self->link) == linked)
    return;
  esp_compare_link_set_linked (self->link, linked);
  esp_compare_view_update_controls (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LINKED]);
}

static void
set_pinned (EspCompareView *self, gboolean pinned)
{
  if (self->pinned == (pinned ? 1 : 0))
    return;
  self->pinned = pinned ? 1 : 0;
  esp_compare_view_update_actions (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PINNED]);
}

static void
set_all_rows (EspCompareView *self, gboolean all)
{
  if (self->all_rows == (all ? 1 : 0))
    return;
  self->all_rows = all ? 1 : 0;
  if (self->comparison != NULL)
    esp_comparison_set_all (self->comparison, all);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ALL_ROWS]);
}

static void
set_show_table (EspCompareView *self, gboolean show)
{
  if (self->show_table == (show ? 1 : 0))
    return;
  self->show_table = show ? 1 : 0;
  gtk_widget_set_visible (self->table, show);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SHOW_TABLE]);
}

static void
on_showing_a (EspCompareView *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SHOWING_A]);
}

/* --- Nodes ------------------------------------------------------------------------------------ */

EspDocument *
esp_compare_view_get_document (EspCompareView *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_VIEW (self), NULL);

  return self->document;
}

GPtrArray *
esp_compare_view_get_nodes (EspCompareView *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_VIEW (self), NULL);

  return self->nodes;
}

EspNode *
esp_compare_view_get_b (EspCompareView *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_VIEW (self), NULL);

  return self->nodes != NULL ? self->nodes->pdata[self->b_index] : NULL;
}

EspNode *
esp_compare_view_get_active (EspCompareView *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_VIEW (self), NULL);

  return self->nodes != NULL ? self->nodes->pdata[esp_compare_view_get_active_index (self)] : NULL;
}

EspComparison *
esp_compare_view_get_comparison (EspCompareView *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_VIEW (self), NULL);

  return self->comparison;
}

void
esp_compare_view_set_registry (EspCompareView *self, EspRegistry *registry)
{
  g_return_if_fail (ESP_IS_COMPARE_VIEW (self));
  g_return_if_fail (registry == NULL || ESP_IS_REGISTRY (registry));

  g_set_object (&self->registry, registry);
  if (self->comparison != NULL)
    esp_comparison_set_registry (self->comparison, registry);
}

void
esp_compare_view_emit (EspCompareView *self, EspCompareSignal signal, gpointer value)
{
  if (signal == ESP_COMPARE_SIGNAL_LEAVE || signal == ESP_COMPARE_SIGNAL_NODES_CHANGED)
    g_signal_emit (self, signals[signal], 0);
  else
    g_signal_emit (self, signals[signal], 0, value);
}

/* --- Words ------------------------------------------------------------------------------------ */

static void
append_line (GString *lines, const char *line)
{
  if (line == NULL)
    return;
  if (lines->len > 0)
    g_string_append_c (lines, '\n');
  g_string_append (lines, line);
}

static void
append_difference (EspCompareView *self, GString *lines)
{
  EspDifferenceMap *difference = esp_compare_pair_get_difference (self->pair);
  EspDifference *measured = esp_difference_map_get_difference (difference);
  const char *message = esp_difference_map_get_message (difference);
  g_autofree char *figures = NULL;

  if (message != NULL)
    append_line (lines, message);
  else if (measured != NULL)
    {
      figures = esp_compare_words_dup_figures (esp_difference_get_figures (measured));
      append_line (lines, figures);
    }
  else
    append_line (lines, " "); /* the line is there from the beginning, so that nothing jumps */
}

static void
update_notice (EspCompareView *self)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autofree char *left_out = esp_compare_words_dup_left_out (self->left_out);
  g_autofree char *fitted = NULL;

  if (self->nodes != NULL)
    {
      EspFrameSize sizes[ESP_COMPARISON_MAX];

      for (guint i = 0; i < self->pictures->len; i++)
        sizes[i] = esp_compare_picture_get_size (self->pictures->pdata[i]);
      fitted = esp_compare_words_dup_fitted (self->frame, sizes, self->pictures->len);
      if (self->mode == ESP_COMPARE_DIFFERENCE)
        append_difference (self, lines);
    }
  append_line (lines, left_out);
  append_line (lines, fitted);
  gtk_label_set_label (GTK_LABEL (self->notice), lines->str);
  gtk_widget_set_visible (self->notice, lines->len > 0);
}

void
esp_compare_view_update_words (EspCompareView *self)
{
  g_autofree char *a = NULL;
  g_autofree char *b = NULL;

  update_notice (self);
  if (self->nodes == NULL)
    return;
  for (guint i = 0; i < self->panes->len; i++)
    {
      g_autofree char *name
          = esp_compare_words_dup_name (self->nodes->pdata[i], i, self->comparison);

      esp_compare_pane_set_name (self->panes->pdata[i], name);
    }
  a = esp_compare_words_dup_name (self->nodes->pdata[0], 0, self->comparison);
  b = esp_compare_words_dup_name (self->nodes->pdata[self->b_index], self->b_index,
                                  self->comparison);
  esp_compare_pair_set_names (self->pair, a, b);
}

static gboolean
update_words_now (gpointer data)
{
  EspCompareView *self = data;

  self->update_id = 0;
  esp_compare_view_update_words (self);
  return G_SOURCE_REMOVE;
}

void
esp_compare_view_schedule_words (EspCompareView *self)
{
  if (self->update_id == 0)
    self->update_id = g_idle_add_full (G_PRIORITY_HIGH_IDLE, update_words_now, self, NULL);
}

static void
on_pair_changed (EspCompareView *self)
{
  update_notice (self);
  esp_compare_view_update_controls (self);
}

/* --- Layout ----------------------------------------------------------------------------------- */

static void
esp_compare_view_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                          int *natural, int *minimum_baseline, int *natural_baseline)
{
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      int child_minimum, child_natural;

      if (!gtk_widget_should_layout (child))
        continue;
      gtk_widget_measure (child, orientation, -1, &child_minimum, &child_natural, NULL, NULL);
      if (orientation == GTK_ORIENTATION_HORIZONTAL)
        {
          *minimum = MAX (*minimum, child_minimum);
          *natural = MAX (*natural, child_natural);
        }
      else
        {
          *minimum += child_minimum;
          *natural += child_natural;
        }
    }
}

static int
get_height (GtkWidget *child, int width, gboolean natural)
{
  int sizes[2] = { 0, 0 };

  if (gtk_widget_should_layout (child))
    gtk_widget_measure (child, GTK_ORIENTATION_VERTICAL, width, &sizes[0], &sizes[1], NULL, NULL);
  return sizes[natural ? 1 : 0];
}

/* The toolbar and the mode's controls: in one line where it is long enough, else in two. Returns
 * their height. */
static int
allocate_bars (EspCompareView *self, int width)
{
  const gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  const int bar_height = get_height (self->bar, width, TRUE);
  const int controls_height = get_height (self->controls, width, TRUE);
  GtkAllocation bar = { 0, 0, width, bar_height };
  GtkAllocation controls = { 0, bar_height, width, controls_height };
  int bar_width, controls_width;

  if (!gtk_widget_should_layout (self->controls))
    {
      gtk_widget_size_allocate (self->bar, &bar, -1);
      return bar_height;
    }
  gtk_widget_measure (self->bar, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &bar_width, NULL, NULL);
  gtk_widget_measure (self->controls, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &controls_width, NULL,
                      NULL);
  if (bar_width + controls_width <= width)
    {
      const int height = MAX (bar_height, controls_height);
      const int start = (width - bar_width - controls_width) / 2;

      bar = (GtkAllocation){ start, 0, bar_width, height };
      controls = (GtkAllocation){ start + bar_width, 0, controls_width, height };
      if (rtl)
        {
          bar.x = start + controls_width;
          controls.x = start;
        }
    }
  gtk_widget_size_allocate (self->bar, &bar, -1);
  gtk_widget_size_allocate (self->controls, &controls, -1);
  return controls.y + controls.height;
}

/* From top to bottom: bars, images, line, table. The table has what it needs, up to a share; the
 * images have all that is left. */
static void
esp_compare_view_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspCompareView *self = ESP_COMPARE_VIEW (widget);
  const int notice = get_height (self->notice, width, TRUE);
  const int least = get_height (self->table, width, FALSE);
  int table = MIN (get_height (self->table, width, TRUE), (int) (height * TABLE_SHARE));
  int y = allocate_bars (self, width), images;

  table = MAX (table, least);
  images = MAX (height - y - notice - table, get_height (self->images, width, FALSE));
  gtk_widget_size_allocate (self->images, &(GtkAllocation){ 0, y, width, images }, -1);
  y += images;
  if (gtk_widget_should_layout (self->notice))
    gtk_widget_size_allocate (self->notice, &(GtkAllocation){ 0, y, width, notice }, -1);
  y += notice;
  if (gtk_widget_should_layout (self->table))
    gtk_widget_size_allocate (self->table, &(GtkAllocation){ 0, y, width, table }, -1);
}

static void
esp_compare_view_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  esp_surround_snapshot (widget, snapshot);
  GTK_WIDGET_CLASS (esp_compare_view_parent_class)->snapshot (widget, snapshot);
}

static gboolean
esp_compare_view_grab_focus (GtkWidget *widget)
{
  EspCompareView *self = ESP_COMPARE_VIEW (widget);

  if (self->mode != ESP_COMPARE_SIDE)
    return gtk_widget_grab_focus (GTK_WIDGET (self->pair));
  if (self->panes->len > self->b_index)
    return gtk_widget_grab_focus (self->panes->pdata[self->b_index]);
  return FALSE;
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_compare_view_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspCompareView *self = ESP_COMPARE_VIEW (object);

  switch (prop_id)
    {
    case PROP_MODE:
      g_value_set_enum (value, (int) self->mode);
      break;
    case PROP_LINKED:
      g_value_set_boolean (value, esp_compare_view_get_linked (self));
      break;
    case PROP_PINNED:
      g_value_set_boolean (value, self->pinned);
      break;
    case PROP_NARROW:
      g_value_set_boolean (value, self->narrow);
      break;
    case PROP_ALL_ROWS:
      g_value_set_boolean (value, self->all_rows);
      break;
    case PROP_SHOW_TABLE:
      g_value_set_boolean (value, self->show_table);
      break;
    case PROP_SHOWING_A:
      g_value_set_boolean (value, esp_compare_pair_get_showing_a (self->pair));
      break;
    case PROP_ALTERNATING:
      g_value_set_boolean (value, self->alternating);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_compare_view_set_property (GObject *object, guint prop_id, const GValue *value,
                               GParamSpec *pspec)
{
  EspCompareView *self = ESP_COMPARE_VIEW (object);

  switch (prop_id)
    {
    case PROP_MODE:
      esp_compare_view_set_mode (self, (EspCompareMode) g_value_get_enum (value));
      break;
    case PROP_LINKED:
      esp_compare_view_set_linked (self, g_value_get_boolean (value));
      break;
    case PROP_PINNED:
      set_pinned (self, g_value_get_boolean (value));
      break;
    case PROP_NARROW:
      esp_compare_view_set_narrow (self, g_value_get_boolean (value));
      break;
    case PROP_ALL_ROWS:
      set_all_rows (self, g_value_get_boolean (value));
      break;
    case PROP_SHOW_TABLE:
      set_show_table (self, g_value_get_boolean (value));
      break;
    case PROP_SHOWING_A:
      esp_compare_view_set_alternating (self, FALSE);
      esp_compare_pair_set_showing_a (self->pair, g_value_get_boolean (value));
      break;
    case PROP_ALTERNATING:
      esp_compare_view_set_alternating (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_compare_view_dispose (GObject *object)
{
  EspCompareView *self = ESP_COMPARE_VIEW (object);

  g_clear_handle_id (&self->update_id, g_source_remove);
  g_clear_handle_id (&self->alternate_id, g_source_remove);
  if (self->document_signals != NULL)
    esp_compare_view_drop_nodes (self);
  g_clear_object (&self->document_signals);
  g_clear_object (&self->registry);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_COMPARE_VIEW);

  G_OBJECT_CLASS (esp_compare_view_parent_class)->dispose (object);
}

static void
esp_compare_view_finalize (GObject *object)
{
  EspCompareView *self = ESP_COMPARE_VIEW (object);

  g_clear_pointer (&self->link, esp_compare_link_free);
  g_clear_pointer (&self->panes, g_ptr_array_unref);
  g_clear_pointer (&self->left_out, g_ptr_array_unref);

  G_OBJECT_CLASS (esp_compare_view_parent_class)->finalize (object);
}

static GParamSpec *
create_switch (const char *name, gboolean value)
{
  return g_param_spec_boolean (name, NULL, NULL, value,
                               G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY
                                   | G_PARAM_STATIC_STRINGS);
}

static void
install_properties (GObjectClass *class)
{
  properties[PROP_MODE]
      = g_param_spec_enum ("mode", NULL, NULL, ESP_TYPE_COMPARE_MODE, ESP_COMPARE_SIDE,
                           G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_LINKED] = create_switch ("linked", TRUE);
  properties[PROP_PINNED] = create_switch ("pinned", TRUE);
  properties[PROP_NARROW] = create_switch ("narrow", FALSE);
  properties[PROP_ALL_ROWS] = create_switch ("all-rows", FALSE);
  properties[PROP_SHOW_TABLE] = create_switch ("show-table", TRUE);
  properties[PROP_SHOWING_A] = create_switch ("showing-a", FALSE);
  properties[PROP_ALTERNATING] = create_switch ("alternating", FALSE);
  g_object_class_install_properties (class, N_PROPS, properties);
}

static guint
add_signal (const char *name, GType type)
{
  if (type == G_TYPE_NONE)
    return g_signal_new (name, ESP_TYPE_COMPARE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                         G_TYPE_NONE, 0);
  return g_signal_new (name, ESP_TYPE_COMPARE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                       G_TYPE_NONE, 1, type);
}

static void
bind_children (GtkWidgetClass *class)
{
  gtk_widget_class_bind_template_child (class, EspCompareView, bar);
  gtk_widget_class_bind_template_child (class, EspCompareView, more_button);
  gtk_widget_class_bind_template_child (class, EspCompareView, notice);
  gtk_widget_class_bind_template_child (class, EspCompareView, table);
  gtk_widget_class_bind_template_child (class, EspCompareView, images);
  gtk_widget_class_bind_template_child (class, EspCompareView, controls);
  gtk_widget_class_bind_template_child (class, EspCompareView, slider_controls);
  gtk_widget_class_bind_template_child (class, EspCompareView, flicker_controls);
  gtk_widget_class_bind_template_child (class, EspCompareView, onion_controls);
  gtk_widget_class_bind_template_child (class, EspCompareView, difference_controls);
  gtk_widget_class_bind_template_child (class, EspCompareView, modes);
  gtk_widget_class_bind_template_child (class, EspCompareView, link_button);
  gtk_widget_class_bind_template_child (class, EspCompareView, pin_button);
  gtk_widget_class_bind_template_child (class, EspCompareView, swap_button);
  gtk_widget_class_bind_template_child (class, EspCompareView, grid);
  gtk_widget_class_bind_template_child (class, EspCompareView, pair);
  gtk_widget_class_bind_template_child (class, EspCompareView, interval);
  gtk_widget_class_bind_template_child (class, EspCompareView, opacity);
  gtk_widget_class_bind_template_child (class, EspCompareView, gain);
  gtk_widget_class_bind_template_child (class, EspCompareView, legend);
  gtk_widget_class_bind_template_child (class, EspCompareView, legend_middle);
  gtk_widget_class_bind_template_child (class, EspCompareView, legend_end);
  gtk_widget_class_bind_template_child (class, EspCompareView, pointed);
}

static void
esp_compare_view_class_init (EspCompareViewClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->dispose = esp_compare_view_dispose;
  object_class->finalize = esp_compare_view_finalize;
  object_class->get_property = esp_compare_view_get_property;
  object_class->set_property = esp_compare_view_set_property;
  widget_class->measure = esp_compare_view_measure;
  widget_class->size_allocate = esp_compare_view_size_allocate;
  widget_class->snapshot = esp_compare_view_snapshot;
  widget_class->focus = esp_focus_chain_move;
  widget_class->grab_focus = esp_compare_view_grab_focus;
  install_properties (object_class);
  signals[ESP_COMPARE_SIGNAL_LEAVE] = add_signal ("leave", G_TYPE_NONE);
  signals[ESP_COMPARE_SIGNAL_CONTINUE] = add_signal ("continue", ESP_TYPE_NODE);
  signals[ESP_COMPARE_SIGNAL_USE_SETTINGS] = add_signal ("use-settings", ESP_TYPE_NODE);
  signals[ESP_COMPARE_SIGNAL_EXPORT] = add_signal ("export", G_TYPE_STRING);
  signals[ESP_COMPARE_SIGNAL_NODES_CHANGED] = add_signal ("nodes-changed", G_TYPE_NONE);
  esp_compare_view_install_actions (widget_class);

  g_type_ensure (ESP_TYPE_COMPARE_GRID);
  g_type_ensure (ESP_TYPE_COMPARE_PAIR);
  g_type_ensure (ESP_TYPE_COMPARE_TABLE);
  gtk_widget_class_set_css_name (widget_class, "compareview");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/compare/esp-compare-view.ui");
  bind_children (widget_class);
}

static void
esp_compare_view_init (EspCompareView *self)
{
  esp_style_ensure (gtk_widget_get_display (GTK_WIDGET (self)), "/espalier/app/compare",
                    "compare.css");
  self->pinned = TRUE;
  self->show_table = TRUE;
  self->b_index = 1;
  self->frame = (EspFrameSize){ 1, 1 };
  esp_compare_view_init_nodes (self);
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_menu_button_set_menu_model (
      self->more_button, esp_menu_get ("/espalier/app/compare/esp-compare-menus.ui", "more"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Comparison"), -1);
  esp_surround_watch (GTK_WIDGET (self));
  g_signal_connect_object (self->pair, "changed", G_CALLBACK (on_pair_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->pair, "notify::showing-a", G_CALLBACK (on_showing_a), self,
                           G_CONNECT_SWAPPED);
  esp_compare_view_init_controls (self);
  esp_compare_view_add_keys (self);
  esp_compare_view_update_controls (self);
  esp_compare_view_update_actions (self);
}

GtkWidget *
esp_compare_view_new (void)
{
  return g_object_new (ESP_TYPE_COMPARE_VIEW, NULL);
}
