/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-table.c: see esp-compare-table.h. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-table.h"

#include <glib/gi18n-lib.h>

#include "esp-compare-row.h"

struct _EspCompareTable
{
  GtkWidget parent_instance;

  GtkWidget *bar, *letters, *scroller, *list;
  GtkSizeGroup *titles;
  EspComparison *comparison;
  guint b_index;
};

G_DEFINE_FINAL_TYPE (EspCompareTable, esp_compare_table, GTK_TYPE_WIDGET)

static GtkWidget *
create_row (gpointer item, gpointer data)
{
  EspCompareTable *self = data;

  return esp_compare_row_new (item, esp_comparison_get_nodes (self->comparison)->len, self->b_index,
                              self->titles);
}

void
esp_compare_table_set_comparison (EspCompareTable *self, EspComparison *comparison, guint b_index)
{
  g_return_if_fail (ESP_IS_COMPARE_TABLE (self));
  g_return_if_fail (comparison == NULL || ESP_IS_COMPARISON (comparison));

  if (comparison == self->comparison && b_index == self->b_index)
    return;
  gtk_list_box_bind_model (GTK_LIST_BOX (self->list), NULL, NULL, NULL, NULL);
  if (self->letters != NULL)
    gtk_box_remove (GTK_BOX (self->bar), self->letters);
  self->letters = NULL;
  g_set_object (&self->comparison, comparison);
  self->b_index = b_index;
  if (comparison == NULL)
    return;
  self->letters = esp_compare_row_new_letters (esp_comparison_get_nodes (comparison)->len);
  gtk_box_append (GTK_BOX (self->bar), self->letters);
  gtk_list_box_bind_model (GTK_LIST_BOX (self->list), G_LIST_MODEL (comparison), create_row, self,
                           NULL);
}

static void
esp_compare_table_dispose (GObject *object)
{
  EspCompareTable *self = ESP_COMPARE_TABLE (object);
  GtkWidget *child;

  if (self->list != NULL)
    gtk_list_box_bind_model (GTK_LIST_BOX (self->list), NULL, NULL, NULL, NULL);
  self->list = NULL;
  g_clear_object (&self->comparison);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->titles);

  G_OBJECT_CLASS (esp_compare_table_parent_class)->dispose (object);
}

static void
esp_compare_table_class_init (EspCompareTableClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = esp_compare_table_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "comparetable");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

/* Shown where all rows that there would be are the same. */
static GtkWidget *
create_placeholder (void)
{
  GtkWidget *label = gtk_label_new (_ ("No setting differs"));

  gtk_widget_add_css_class (label, "dim-label");
  gtk_widget_set_margin_top (label, 12);
  gtk_widget_set_margin_bottom (label, 12);
  return label;
}

static void
esp_compare_table_init (EspCompareTable *self)
{
  GtkWidget *all = gtk_toggle_button_new_with_mnemonic (_ ("_All Rows"));

  gtk_orientable_set_orientation (
      GTK_ORIENTABLE (gtk_widget_get_layout_manager (GTK_WIDGET (self))), GTK_ORIENTATION_VERTICAL);
  self->titles = gtk_size_group_new (GTK_SIZE_GROUP_HORIZONTAL);

  self->bar = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  gtk_widget_add_css_class (self->bar, "compare-table-bar");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (all), "compare.all-rows");
  gtk_widget_set_tooltip_text (all, _ ("Also show what is the same"));
  gtk_widget_set_halign (all, GTK_ALIGN_START);
  gtk_widget_add_css_class (all, "caption");
  gtk_widget_set_valign (all, GTK_ALIGN_CENTER);
  gtk_size_group_add_widget (self->titles, all);
  gtk_box_append (GTK_BOX (self->bar), all);
  gtk_widget_set_parent (self->bar, GTK_WIDGET (self));

  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  gtk_list_box_set_placeholder (GTK_LIST_BOX (self->list), create_placeholder ());
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("What differs"), -1);
  self->scroller = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self->scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (self->scroller), TRUE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self->scroller), self->list);
  gtk_widget_set_vexpand (self->scroller, TRUE);
  gtk_widget_set_parent (self->scroller, GTK_WIDGET (self));
}

GtkWidget *
esp_compare_table_new (void)
{
  return g_object_new (ESP_TYPE_COMPARE_TABLE, NULL);
}
