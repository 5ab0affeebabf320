/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-arranger.c: see esp-sweep-arranger.h. */
#include "esp-sweep-arranger.h"

#include <glib/gi18n-lib.h>

#define MAX_LIST_HEIGHT 200 /* px */

struct _EspSweepArranger
{
  GtkPopover parent_instance;

  EspSweep *sweep;
  EspSweepArrangement *arrangement;
  GtkGrid *grid;
  int n_rows;
  GtkDropDown *places[ESP_N_PLACES], *sorts[2]; /* by EspSweepPlace */
  gboolean updating;
};

G_DEFINE_FINAL_TYPE (EspSweepArranger, esp_sweep_arranger, GTK_TYPE_POPOVER)

enum
{
  CHANGED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

#define KEY_AXIS  "espalier-axis"
#define KEY_VALUE "espalier-value"

static GPtrArray *
get_axes (EspSweepArranger *self)
{
  return esp_sweep_plan_get_axes (esp_sweep_get_plan (self->sweep));
}

/* The places as they are now: choosing one may change another. */
static void
update (EspSweepArranger *self)
{
  self->updating = TRUE;
  for (guint i = 0; i < ESP_N_PLACES; i++)
    if (self->places[i] != NULL)
      gtk_drop_down_set_selected (
          self->places[i],
          (guint) (esp_sweep_arrangement_get_axis (self->arrangement, (EspSweepPlace) i) + 1));
  for (guint i = 0; i < G_N_ELEMENTS (self->sorts); i++)
    gtk_drop_down_set_selected (self->sorts[i], (guint) esp_sweep_arrangement_get_sort (
                                                    self->arrangement, (EspSweepPlace) i));
  self->updating = FALSE;
}

static void
on_place (EspSweepArranger *self, GParamSpec *pspec, GtkDropDown *choice)
{
  if (self->updating)
    return;
  for (guint i = 0; i < ESP_N_PLACES; i++)
    if (self->places[i] == choice)
      esp_sweep_arrangement_set_axis (self->arrangement, (EspSweepPlace) i,
                                      (int) gtk_drop_down_get_selected (choice) - 1);
  update (self);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
on_sort (EspSweepArranger *self, GParamSpec *pspec, GtkDropDown *choice)
{
  if (self->updating)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (self->sorts); i++)
    if (self->sorts[i] == choice)
      esp_sweep_arrangement_set_sort (self->arrangement, (EspSweepPlace) i,
                                      (EspSweepSort) gtk_drop_down_get_selected (choice));
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
on_value_toggled (EspSweepArranger *self, GtkCheckButton *button)
{
  guint axis = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (button), KEY_AXIS));
  guint value = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (button), KEY_VALUE));
  gboolean hidden = !gtk_check_button_get_active (button);

  if (self->updating || hidden == esp_sweep_arrangement_is_hidden (self->arrangement, axis, value))
    return;
  if (esp_sweep_arrangement_set_hidden (self->arrangement, axis, value, hidden))
    g_signal_emit (self, signals[CHANGED], 0);
  else
    {
      /* The last one stays. */
      self->updating = TRUE;
      gtk_check_button_set_active (button, TRUE);
      self->updating = FALSE;
      gtk_widget_error_bell (GTK_WIDGET (button));
    }
}

/* --- Rows ------------------------------------------------------------------------------------- */

static GtkDropDown *
add_choice (EspSweepArranger *self, const char *title, const char *const *choices,
            GCallback callback)
{
  GtkWidget *label = gtk_label_new_with_mnemonic (title);
  GtkWidget *choice = gtk_drop_down_new_from_strings (choices);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (label), choice);
  gtk_widget_set_hexpand (choice, TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (choice), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  gtk_label_get_text (GTK_LABEL (label)), -1);
  gtk_grid_attach (self->grid, label, 0, self->n_rows, 1, 1);
  gtk_grid_attach (self->grid, choice, 1, self->n_rows++, 1, 1);
  g_signal_connect_swapped (choice, "notify::selected", callback, self);
  return GTK_DROP_DOWN (choice);
}

static void
add_places (EspSweepArranger *self)
{
  static const char *const titles[ESP_N_PLACES] = { N_ ("_Columns"), N_ ("_Rows"), N_ ("_Pages") };
  GPtrArray *axes = get_axes (self);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  /* Translators: no axis of a sweep is on these rows, columns or pages. */
  g_ptr_array_add (names, _ ("None"));
  for (guint i = 0; i < axes->len; i++)
    g_ptr_array_add (names, (gpointer) esp_axis_get_title (axes->pdata[i]));
  g_ptr_array_add (names, NULL);
  for (guint i = 0; i < ESP_N_PLACES; i++)
    if (i != ESP_PLACE_PAGES || axes->len > 1)
      self->places[i] = add_choice (self, _ (titles[i]), (const char *const *) names->pdata,
                                    G_CALLBACK (on_place));
}

static void
add_sorts (EspSweepArranger *self)
{
  /* Translators: orders of the columns or rows of a sweep. */
  const char *const orders[] = { _ ("As Listed"), _ ("By Difference from Before"),
                                 _ ("By Difference Between Neighbours"), NULL };

  self->sorts[ESP_PLACE_COLUMNS]
      = add_choice (self, _ ("_Sort Columns"), orders, G_CALLBACK (on_sort));
  self->sorts[ESP_PLACE_ROWS] = add_choice (self, _ ("S_ort Rows"), orders, G_CALLBACK (on_sort));
}

static GtkWidget *
create_value (EspSweepArranger *self, guint axis, guint value)
{
  const char *label = esp_axis_get_label (g_ptr_array_index (get_axes (self), axis), value);
  GtkWidget *button = gtk_check_button_new ();
  GtkWidget *text = gtk_label_new (label);

  gtk_label_set_ellipsize (GTK_LABEL (text), PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (GTK_LABEL (text), 0);
  gtk_label_set_max_width_chars (GTK_LABEL (text), 32);
  gtk_widget_set_tooltip_text (button, label);
  gtk_check_button_set_child (GTK_CHECK_BUTTON (button), text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  gtk_check_button_set_active (GTK_CHECK_BUTTON (button),
                               !esp_sweep_arrangement_is_hidden (self->arrangement, axis, value));
  g_object_set_data (G_OBJECT (button), KEY_AXIS, GUINT_TO_POINTER (axis));
  g_object_set_data (G_OBJECT (button), KEY_VALUE, GUINT_TO_POINTER (value));
  g_signal_connect_swapped (button, "toggled", G_CALLBACK (on_value_toggled), self);
  return button;
}

/* The values of an axis, those shown with a check. */
static void
add_values (EspSweepArranger *self, guint axis)
{
  EspAxis *about = g_ptr_array_index (get_axes (self), axis);
  GtkWidget *expander = gtk_expander_new (NULL);
  GtkWidget *scroller = gtk_scrolled_window_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  /* Translators: which values of an axis are shown: "Values of Guidance". */
  g_autofree char *title = g_strdup_printf (_ ("Values of %s"), esp_axis_get_title (about));

  for (guint i = 0; i < esp_axis_get_n_values (about); i++)
    gtk_box_append (GTK_BOX (box), create_value (self, axis, i));
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), MAX_LIST_HEIGHT);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), box);
  gtk_expander_set_label (GTK_EXPANDER (expander), title);
  gtk_expander_set_child (GTK_EXPANDER (expander), scroller);
  /* GTK 4.8 would take Tab into it while it is folded away, and complain that it is in no window.
   */
  g_object_bind_property (expander, "expanded", scroller, "visible", G_BINDING_SYNC_CREATE);
  gtk_grid_attach (self->grid, expander, 0, self->n_rows++, 2, 1);
}

static void
add_swap (EspSweepArranger *self)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (_ ("S_wap Columns and Rows"));

  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "sweep.swap");
  g_signal_connect_object (button, "clicked", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  gtk_grid_attach (self->grid, button, 0, self->n_rows++, 2, 1);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_sweep_arranger_dispose (GObject *object)
{
  g_clear_object (&ESP_SWEEP_ARRANGER (object)->sweep);
  G_OBJECT_CLASS (esp_sweep_arranger_parent_class)->dispose (object);
}

static void
esp_sweep_arranger_class_init (EspSweepArrangerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_sweep_arranger_dispose;
  signals[CHANGED] = g_signal_new ("changed", ESP_TYPE_SWEEP_ARRANGER, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_sweep_arranger_init (EspSweepArranger *self)
{
  self->grid = GTK_GRID (gtk_grid_new ());
  gtk_grid_set_row_spacing (self->grid, 6);
  gtk_grid_set_column_spacing (self->grid, 12);
  gtk_popover_set_child (GTK_POPOVER (self), GTK_WIDGET (self->grid));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Arrange and Sort"), -1);
}

GtkWidget *
esp_sweep_arranger_new (EspSweep *sweep, EspSweepArrangement *arrangement)
{
  EspSweepArranger *self = g_object_new (ESP_TYPE_SWEEP_ARRANGER, NULL);

  self->sweep = g_object_ref (sweep);
  self->arrangement = arrangement;
  self->updating = TRUE;
  add_places (self);
  add_swap (self);
  add_sorts (self);
  for (guint i = 0; i < get_axes (self)->len; i++)
    add_values (self, i);
  update (self);
  return GTK_WIDGET (self);
}
