/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-row.c: see esp-model-row.h. */
#include "esp-model-row.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-plain-row.h"

struct _EspModelRow
{
  AdwActionRow parent_instance;

  EspLibraryModel *model;
  GtkCheckButton *check;
  GtkWidget *warning;
  GtkWidget *locate;
  GtkWidget *open;
  GtkWidget *remove;
  gboolean filling;
};

G_DEFINE_FINAL_TYPE (EspModelRow, esp_model_row, ADW_TYPE_ACTION_ROW)

enum
{
  CHOOSE,
  LOCATE,
  REMOVE,
  OPEN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* What lies in the person's home is said from there. */
static char *
dup_place (EspLibraryModel *model)
{
  g_autofree char *name = g_filename_display_name (esp_library_model_get_place (model));
  const char *home = g_get_home_dir ();

  return esp_path_lies_in (name, home) ? g_strconcat ("~", name + strlen (home), NULL)
                                       : g_steal_pointer (&name);
}

/* Which of its parts are gone; from where, the page says that finds them. */
static char *
dup_loss (EspLibraryModel *model)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (const char *const *part = esp_library_model_get_missing (model); *part != NULL; part++)
    g_string_append_printf (list, "%s%s", list->len > 0 ? ", " : "",
                            esp_model_component_title (*part));
  /* Translators: parts of a model */
  return g_strdup_printf (_ ("Files are gone: %s. Locate them, or remove the model."), list->str);
}

/* "GGUF Q4_K · 17.1 GB · CC0-1.0", and where it is, or what is wrong with it, on a line of its own.
 */
static char *
dup_subtitle (EspLibraryModel *model)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *facts[4] = { NULL };
  gboolean usable = esp_library_model_get_problem (model) == NULL;
  g_autofree char *place = usable ? dup_place (model) : dup_loss (model);
  g_autofree char *size = NULL;

  if (usable && esp_library_model_get_size (model) > 0)
    size = g_format_size (esp_library_model_get_size (model));
  facts[0] = esp_library_model_get_format (model);
  facts[1] = size;
  facts[2] = esp_library_model_get_licence (model);
  if (!esp_library_model_is_own (model))
    facts[3] = _ ("comes with the program");
  else if (esp_library_model_is_demo (model))
    facts[3] = _ ("demo model");
  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    if (facts[i] != NULL && *facts[i] != '\0')
      g_string_append_printf (text, "%s%s", text->len > 0 ? " · " : "", facts[i]);
  g_string_append_printf (text, "%s%s", text->len > 0 ? "\n" : "", place);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Who hears a button without seeing the row hears of which model it is; takes `label`. */
static void
set_label (GtkWidget *button, char *label)
{
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  g_free (label);
}

static void
fill (EspModelRow *self)
{
  EspLibraryModel *model = self->model;
  g_autofree char *subtitle = dup_subtitle (model);
  const char *name = esp_library_model_get_name (model);
  gboolean usable = esp_library_model_get_problem (model) == NULL;

  self->filling = TRUE;
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), name);
  esp_plain_row_set_lines (ADW_ACTION_ROW (self), subtitle);
  gtk_widget_set_visible (GTK_WIDGET (self->check), usable);
  gtk_check_button_set_active (self->check, esp_library_model_is_default (model));
  gtk_widget_set_visible (self->warning, !usable);
  set_label (self->locate, g_strdup_printf (_ ("Locate the Files of “%s”…"), name));
  set_label (self->open, g_strdup_printf (_ ("Open the Folder of “%s”"), name));
  set_label (self->remove, g_strdup_printf (_ ("Remove “%s”…"), name));
  gtk_widget_set_visible (self->locate, !usable && esp_library_model_is_own (model));
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (self),
                                         usable ? GTK_WIDGET (self->check) : self->locate);
  /* In it there is nothing but a note of where the files should be. */
  gtk_widget_set_visible (self->open, usable);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), esp_library_model_get_problem (model));
  gtk_widget_set_visible (self->remove, esp_library_model_is_own (model));
  self->filling = FALSE;
}

static void
on_toggled (EspModelRow *self)
{
  if (!self->filling && gtk_check_button_get_active (self->check))
    g_signal_emit (self, signals[CHOOSE], 0);
}

static void
on_locate (EspModelRow *self)
{
  g_signal_emit (self, signals[LOCATE], 0);
}

static void
on_remove (EspModelRow *self)
{
  g_signal_emit (self, signals[REMOVE], 0);
}

static void
on_open (EspModelRow *self)
{
  g_signal_emit (self, signals[OPEN], 0);
}

static GtkWidget *
add_button (EspModelRow *self, const char *icon, const char *label, GCallback clicked)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  gtk_widget_set_tooltip_text (button, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  g_signal_connect_object (button, "clicked", clicked, self, G_CONNECT_SWAPPED);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), button);
  return button;
}

static void
esp_model_row_dispose (GObject *object)
{
  EspModelRow *self = ESP_MODEL_ROW (object);

  g_clear_object (&self->model);
  G_OBJECT_CLASS (esp_model_row_parent_class)->dispose (object);
}

static void
esp_model_row_class_init (EspModelRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_model_row_dispose;
  signals[CHOOSE] = g_signal_new ("choose", ESP_TYPE_MODEL_ROW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 0);
  signals[LOCATE] = g_signal_new ("locate", ESP_TYPE_MODEL_ROW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 0);
  signals[REMOVE] = g_signal_new ("remove", ESP_TYPE_MODEL_ROW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 0);
  signals[OPEN] = g_signal_new ("open", ESP_TYPE_MODEL_ROW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 0);
}

static void
esp_model_row_init (EspModelRow *self)
{
  self->check = GTK_CHECK_BUTTON (gtk_check_button_new ());
  gtk_widget_set_valign (GTK_WIDGET (self->check), GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->check), _ ("Use where no model is named"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->check), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Use where no model is named"), -1);
  g_signal_connect_object (self->check, "toggled", G_CALLBACK (on_toggled), self,
                           G_CONNECT_SWAPPED);
  adw_action_row_add_prefix (ADW_ACTION_ROW (self), GTK_WIDGET (self->check));
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (self), GTK_WIDGET (self->check));
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (self), 5);

  self->warning = gtk_image_new_from_icon_name ("dialog-warning-symbolic");
  gtk_widget_add_css_class (self->warning, "warning");
  /* As wide as the check button in whose place it is. */
  gtk_widget_set_margin_start (self->warning, 6);
  gtk_widget_set_margin_end (self->warning, 6);
  adw_action_row_add_prefix (ADW_ACTION_ROW (self), self->warning);
  self->locate
      = add_button (self, "edit-find-symbolic", _ ("Locate Files…"), G_CALLBACK (on_locate));
  self->open = add_button (self, "folder-open-symbolic", _ ("Open Folder"), G_CALLBACK (on_open));
  self->remove = add_button (self, "user-trash-symbolic", _ ("Remove…"), G_CALLBACK (on_remove));
}

void
esp_model_row_set_model (EspModelRow *self, EspLibraryModel *model)
{
  g_return_if_fail (ESP_IS_MODEL_ROW (self));
  g_return_if_fail (ESP_IS_LIBRARY_MODEL (model));

  if (self->model != NULL)
    g_signal_handlers_disconnect_by_func (self->model, fill, self);
  g_set_object (&self->model, model);
  g_signal_connect_object (model, "changed", G_CALLBACK (fill), self, G_CONNECT_SWAPPED);
  fill (self);
}

GtkWidget *
esp_model_row_new (EspLibraryModel *model, GtkCheckButton *group)
{
  EspModelRow *self;

  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (model), NULL);
  g_return_val_if_fail (GTK_IS_CHECK_BUTTON (group), NULL);

  /* No markup before there are words (esp-plain-row.h). */
  self = g_object_new (ESP_TYPE_MODEL_ROW, "use-markup", FALSE, NULL);
  gtk_check_button_set_group (self->check, group);
  esp_model_row_set_model (self, model);
  return GTK_WIDGET (self);
}

EspLibraryModel *
esp_model_row_get_model (EspModelRow *self)
{
  g_return_val_if_fail (ESP_IS_MODEL_ROW (self), NULL);
  return self->model;
}
