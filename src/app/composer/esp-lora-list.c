/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "esp-lora-list.h"

#include <glib/gi18n-lib.h>

#include "esp-drop.h"
#include "esp-loras.h"

/* One LoRA: its name, its strength, a button that takes it away. */
typedef struct
{
  char *path;
  GtkWidget *box;
  GtkWidget *spin;
} Row;

struct _EspLoraList
{
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkWidget *rows_box;
  GtkWidget *add;
  GPtrArray *rows; /* of Row */
  GtkFileChooserNative *chooser;
  double minimum, maximum;
  guint updating : 1;
};

G_DEFINE_FINAL_TYPE (EspLoraList, esp_lora_list, GTK_TYPE_WIDGET)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
row_free (gpointer data)
{
  Row *row = data;

  g_free (row->path);
  g_free (row);
}

static void
emit_changed (EspLoraList *self)
{
  if (!self->updating)
    g_signal_emit (self, signals[CHANGED], 0);
}

static void
update (EspLoraList *self)
{
  gtk_widget_set_visible (self->rows_box, self->rows->len > 0);
  gtk_widget_set_sensitive (self->add, self->rows->len < ESP_LORAS_MAX_COUNT);
}

/* --- Rows ------------------------------------------------------------------------------------- */

static Row *
find_row (EspLoraList *self, GtkWidget *widget)
{
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = self->rows->pdata[i];

      if (widget == row->box || gtk_widget_is_ancestor (widget, row->box))
        return row;
    }
  return NULL;
}

static void
on_remove (EspLoraList *self, GtkWidget *button)
{
  Row *row = find_row (self, button);

  if (row == NULL)
    return;
  /* The button that has the focus is about to go. */
  gtk_widget_grab_focus (self->add);
  gtk_box_remove (GTK_BOX (self->rows_box), row->box);
  g_ptr_array_remove (self->rows, row);
  update (self);
  emit_changed (self);
}

static GtkWidget *
create_name (const char *path, const char *name)
{
  GtkWidget *label = gtk_label_new (name);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  /* Names tell versions apart by their ends, and there is little room beside the strength. */
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 12);
  gtk_label_set_lines (GTK_LABEL (label), 6);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_widget_set_tooltip_text (label, path);
  return label;
}

/* Where the file is not, the turn would fail: better seen now. */
static GtkWidget *
create_warning (const char *path)
{
  GtkWidget *icon = gtk_image_new_from_icon_name ("dialog-warning-symbolic");
  g_autofree char *text = g_strdup_printf (_ ("There is no file “%s”"), path);

  gtk_widget_add_css_class (icon, "warning");
  gtk_widget_set_tooltip_text (icon, text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (icon), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
  gtk_widget_set_visible (icon, !g_file_test (path, G_FILE_TEST_EXISTS));
  return icon;
}

static GtkWidget *
create_spin (EspLoraList *self, const char *name, double strength)
{
  GtkWidget *spin = gtk_spin_button_new_with_range (self->minimum, self->maximum, 0.05);
  /* Translators: the strength of the LoRA of that name */
  g_autofree char *label = g_strdup_printf (_ ("Strength of %s"), name);

  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (spin), 2);
  gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (spin), TRUE);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 5);
  gtk_editable_set_max_width_chars (GTK_EDITABLE (spin), 6);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), strength);
  gtk_widget_set_valign (spin, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (spin, _ ("1 as it was trained, 0 off, negative the other way"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (spin), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_signal_connect_object (spin, "value-changed", G_CALLBACK (emit_changed), self,
                           G_CONNECT_SWAPPED);
  return spin;
}

static void
add_row (EspLoraList *self, const char *path, double strength)
{
  Row *row = g_new0 (Row, 1);
  g_autofree char *name = esp_lora_dup_name (path);
  g_autofree char *label = g_strdup_printf (_ ("Remove %s"), name);
  GtkWidget *remove = gtk_button_new_from_icon_name ("list-remove-symbolic");

  row->path = g_strdup (path);
  row->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  row->spin = create_spin (self, name, strength);
  gtk_widget_add_css_class (remove, "flat");
  gtk_widget_add_css_class (remove, "circular");
  gtk_widget_set_valign (remove, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (remove, _ ("Remove"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (remove), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  g_signal_connect_object (remove, "clicked", G_CALLBACK (on_remove), self, G_CONNECT_SWAPPED);

  gtk_box_append (GTK_BOX (row->box), create_warning (path));
  gtk_box_append (GTK_BOX (row->box), create_name (path, name));
  gtk_box_append (GTK_BOX (row->box), row->spin);
  gtk_box_append (GTK_BOX (row->box), remove);
  gtk_box_append (GTK_BOX (self->rows_box), row->box);
  g_ptr_array_add (self->rows, row);
}

/* --- Adding ----------------------------------------------------------------------------------- */

void
esp_lora_list_add (EspLoraList *self, GFile *file)
{
  g_autofree char *path = NULL;

  g_return_if_fail (ESP_IS_LORA_LIST (self));
  g_return_if_fail (G_IS_FILE (file));

  path = g_file_get_path (file);
  if (path == NULL || self->rows->len >= ESP_LORAS_MAX_COUNT)
    return;
  for (guint i = 0; i < self->rows->len; i++)
    if (g_str_equal (((Row *) self->rows->pdata[i])->path, path))
      {
        gtk_widget_grab_focus (((Row *) self->rows->pdata[i])->spin);
        return;
      }
  add_row (self, path, 1);
  update (self);
  emit_changed (self);
}

static void
on_chosen (EspLoraList *self, int response)
{
  g_autoptr (GtkFileChooserNative) chooser = g_steal_pointer (&self->chooser);
  g_autoptr (GListModel) files = NULL;

  if (chooser == NULL || response != GTK_RESPONSE_ACCEPT)
    return;
  files = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (chooser));
  for (guint i = 0; i < g_list_model_get_n_items (files); i++)
    {
      g_autoptr (GFile) file = g_list_model_get_item (files, i);

      esp_lora_list_add (self, file);
    }
}

static void
on_add (EspLoraList *self)
{
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  if (self->chooser != NULL)
    return;
  self->chooser = gtk_file_chooser_native_new (
      _ ("Add LoRAs"), GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL,
      GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Add"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (self->chooser), TRUE);
  gtk_file_filter_set_name (filter, _ ("LoRA files"));
  gtk_file_filter_add_suffix (filter, "safetensors");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), filter);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (on_chosen), self,
                           G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static gboolean
on_drop (GtkWidget *widget, GObject *place, const GValue *value)
{
  EspLoraList *self = ESP_LORA_LIST (widget);
  g_autoptr (GSList) files = gdk_file_list_get_files (g_value_get_boxed (value));
  const guint before = self->rows->len;

  for (GSList *l = files; l != NULL; l = l->next)
    {
      g_autofree char *path = g_file_get_path (l->data);

      if (path != NULL && g_str_has_suffix (path, ".safetensors"))
        esp_lora_list_add (self, l->data);
    }
  return self->rows->len > before;
}

/* --- The value -------------------------------------------------------------------------------- */

JsonNode *
esp_lora_list_dup_value (EspLoraList *self)
{
  g_autoptr (JsonArray) array = NULL;

  g_return_val_if_fail (ESP_IS_LORA_LIST (self), NULL);

  if (self->rows->len == 0)
    return NULL;
  array = json_array_new ();
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = self->rows->pdata[i];

      json_array_add_object_element (
          array, esp_lora_new (row->path, gtk_spin_button_get_value (GTK_SPIN_BUTTON (row->spin))));
    }
  return json_node_init_array (json_node_alloc (), array);
}

void
esp_lora_list_set_value (EspLoraList *self, JsonNode *value)
{
  JsonArray *array
      = value != NULL && JSON_NODE_HOLDS_ARRAY (value) ? json_node_get_array (value) : NULL;

  g_return_if_fail (ESP_IS_LORA_LIST (self));

  self->updating = TRUE;
  while (self->rows->len > 0)
    {
      gtk_box_remove (GTK_BOX (self->rows_box),
                      ((Row *) self->rows->pdata[self->rows->len - 1])->box);
      g_ptr_array_set_size (self->rows, (int) self->rows->len - 1);
    }
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonObject *lora = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

      if (lora != NULL && esp_lora_get_path (lora) != NULL)
        add_row (self, esp_lora_get_path (lora), esp_lora_get_strength (lora));
    }
  update (self);
  self->updating = FALSE;
  emit_changed (self);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_lora_list_dispose (GObject *object)
{
  EspLoraList *self = ESP_LORA_LIST (object);

  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_pointer (&self->rows, g_ptr_array_unref);

  G_OBJECT_CLASS (esp_lora_list_parent_class)->dispose (object);
}

static void
esp_lora_list_class_init (EspLoraListClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_lora_list_dispose;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_lora_list_init (EspLoraList *self)
{
  static const EspDrop drop = {
    .kinds = ESP_INCOMING_FILES,
    .actions = GDK_ACTION_COPY,
    .take = on_drop,
  };

  self->rows = g_ptr_array_new_with_free_func (row_free);
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  self->rows_box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_box_append (GTK_BOX (self->box), self->rows_box);
  self->add = gtk_button_new_with_mnemonic (_ ("_Add LoRAs…"));
  gtk_widget_set_halign (self->add, GTK_ALIGN_START);
  gtk_widget_set_tooltip_text (self->add, _ ("Choose LoRA files, or drop them here"));
  gtk_box_append (GTK_BOX (self->box), self->add);

  g_signal_connect_object (self->add, "clicked", G_CALLBACK (on_add), self, G_CONNECT_SWAPPED);
  esp_drop_attach (GTK_WIDGET (self), &drop);
  update (self);
}

GtkWidget *
esp_lora_list_new (double minimum, double maximum)
{
  EspLoraList *self = g_object_new (ESP_TYPE_LORA_LIST, NULL);

  self->minimum = MAX (minimum, -ESP_LORAS_MAX_STRENGTH);
  self->maximum = MIN (maximum, ESP_LORAS_MAX_STRENGTH);
  return GTK_WIDGET (self);
}
