/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-squash-dialog.c: asks how the instructions that lead to a picture are to be run once more: as
 * one edit or one after another, from which picture, with which model; and says what it costs. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-model-text.h"
#include "esp-replay.h"
#include "esp-window-private.h"

#define ESP_TYPE_SQUASH_DIALOG (esp_squash_dialog_get_type ())

G_DECLARE_FINAL_TYPE (EspSquashDialog, esp_squash_dialog, ESP, SQUASH_DIALOG, AdwWindow)

struct _EspSquashDialog
{
  AdwWindow parent_instance;

  EspDocument *document;
  EspRegistry *registry;
  EspNode *end;
  GPtrArray *starts; /* of EspNode */
  GPtrArray *path;   /* from the chosen one */
  GPtrArray *models; /* of EspModel */

  GtkWidget *run;
  AdwComboRow *start_row;
  GtkCheckButton *as_one, *in_order;
  GtkWidget *one_group;
  GtkTextView *instruction;
  AdwComboRow *model_row;
  AdwPreferencesGroup *order_group;
  GPtrArray *rows; /* of the turns */
  GtkLabel *said;  /* what is in the way, or what it costs */

  guint typed : 1; /* the person changed the instruction */
  guint setting : 1;
};

G_DEFINE_FINAL_TYPE (EspSquashDialog, esp_squash_dialog, ADW_TYPE_WINDOW)

static EspNode *
get_start (EspSquashDialog *self)
{
  const guint selected = adw_combo_row_get_selected (self->start_row);

  return selected < self->starts->len ? self->starts->pdata[selected] : NULL;
}

static EspModel *
get_model (EspSquashDialog *self)
{
  const guint selected = adw_combo_row_get_selected (self->model_row);

  return selected < self->models->len ? self->models->pdata[selected] : NULL;
}

static gboolean
is_as_one (EspSquashDialog *self)
{
  return gtk_check_button_get_active (self->as_one);
}

static char *
dup_instruction (EspSquashDialog *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->instruction);
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  return g_strstrip (gtk_text_buffer_get_text (buffer, &start, &end, FALSE));
}

/* --- What may be run, and what it costs --------------------------------------------------------
 */

static char *
dup_obstacle_as_one (EspSquashDialog *self)
{
  EspModel *model = get_model (self);
  g_autofree char *instruction = dup_instruction (self);
  char *obstacle;

  if (model == NULL || esp_model_get_backend (model) == NULL)
    return g_strdup (_ ("Choose a model first."));
  obstacle = esp_model_dup_obstacle (model);
  if (obstacle != NULL)
    return obstacle;
  if (*instruction == '\0')
    return g_strdup (_ ("Write what should change."));
  return NULL;
}

static char *
dup_price (EspSquashDialog *self)
{
  EspModel *model = get_model (self);
  const char *currency = NULL;
  double price;

  if (!is_as_one (self))
    {
      price = esp_replay_estimate (self->registry, self->path, &currency);
      return esp_window_dup_replay_price (price, currency);
    }
  return model != NULL ? esp_window_dup_replay_price (esp_model_get_price (model),
                                                      esp_model_get_currency (model))
                       : NULL;
}

static void
update (EspSquashDialog *self)
{
  EspWindow *window = ESP_WINDOW (gtk_window_get_transient_for (GTK_WINDOW (self)));
  g_autofree char *obstacle = NULL;
  g_autofree char *price = NULL;

  if (self->path == NULL || window == NULL)
    return;
  obstacle = is_as_one (self) ? dup_obstacle_as_one (self)
                              : esp_window_dup_replay_obstacle (window, self->path);
  price = dup_price (self);
  gtk_widget_set_visible (self->one_group, is_as_one (self));
  gtk_widget_set_visible (GTK_WIDGET (self->order_group), !is_as_one (self));
  gtk_widget_set_sensitive (self->run, obstacle == NULL);
  gtk_label_set_label (self->said, obstacle != NULL ? obstacle : price != NULL ? price : "");
  gtk_widget_set_visible (GTK_WIDGET (self->said), obstacle != NULL || price != NULL);
}

/* --- What is chosen ----------------------------------------------------------------------------
 */

static void
fill_turns (EspSquashDialog *self)
{
  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (self->order_group, self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  for (guint i = 0; i < self->path->len; i++)
    {
      EspNode *node = self->path->pdata[i];
      EspModel *model = esp_registry_find_model (self->registry, esp_node_get_backend (node),
                                                 esp_node_get_model (node));
      g_autofree char *title
          = model != NULL ? esp_model_dup_title (model) : g_strdup (esp_node_get_model_name (node));
      GtkWidget *row = adw_action_row_new ();

      adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
      adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), esp_node_get_instruction (node));
      adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 3);
      adw_action_row_set_subtitle (ADW_ACTION_ROW (row), title != NULL ? title : "");
      gtk_widget_set_focusable (row, FALSE);
      adw_preferences_group_add (self->order_group, row);
      g_ptr_array_add (self->rows, row);
    }
}

static void
on_start_chosen (EspSquashDialog *self)
{
  EspNode *start = get_start (self);
  g_autofree char *joined = NULL;

  if (start == NULL)
    return;
  g_clear_pointer (&self->path, g_ptr_array_unref);
  self->path = esp_replay_dup_path (start, self->end);
  if (self->path == NULL)
    {
      /* The tree is another one now. */
      gtk_window_close (GTK_WINDOW (self));
      return;
    }
  if (!self->typed)
    {
      joined = esp_replay_dup_joined (self->path);
      self->setting = TRUE;
      gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->instruction), joined, -1);
      self->setting = FALSE;
    }
  fill_turns (self);
  update (self);
}

static void
on_typed (EspSquashDialog *self)
{
  if (!self->setting)
    self->typed = TRUE;
  update (self);
}

static void
on_model_chosen (EspSquashDialog *self)
{
  EspModel *model = get_model (self);

  if (model != NULL)
    esp_model_prepare (model);
  update (self);
}

static void
on_run (EspSquashDialog *self)
{
  GtkWindow *window = gtk_window_get_transient_for (GTK_WINDOW (self));
  g_autoptr (EspNode) start = get_start (self) != NULL ? g_object_ref (get_start (self)) : NULL;
  g_autoptr (GPtrArray) path = self->path != NULL ? g_ptr_array_ref (self->path) : NULL;
  g_autoptr (EspModel) model
      = is_as_one (self) && get_model (self) != NULL ? g_object_ref (get_model (self)) : NULL;
  g_autofree char *instruction = dup_instruction (self);
  const gboolean as_one = is_as_one (self);
  const gboolean possible = ESP_IS_WINDOW (window)
                            && ESP_WINDOW (window)->document == self->document
                            && !esp_node_is_deleted (self->end) && start != NULL && path != NULL;

  gtk_window_close (GTK_WINDOW (self));
  if (!possible)
    return;
  if (as_one && model != NULL)
    esp_window_run_as_one (ESP_WINDOW (window), start, path, model, instruction);
  else if (!as_one)
    esp_window_run_again_in_order (ESP_WINDOW (window), start, path, TRUE, _ ("Squash"));
}

/* --- The widgets ------------------------------------------------------------------------------ */

static AdwComboRow *
create_combo (const char *title, GtkStringList *names, GCallback chosen, EspSquashDialog *self)
{
  AdwComboRow *row = ADW_COMBO_ROW (adw_combo_row_new ());

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_combo_row_set_model (row, G_LIST_MODEL (names));
  g_signal_connect_object (row, "notify::selected", chosen, self, G_CONNECT_SWAPPED);
  return row;
}

static GtkCheckButton *
add_choice (AdwPreferencesGroup *group, const char *title, const char *subtitle,
            EspSquashDialog *self)
{
  GtkWidget *row = adw_action_row_new ();
  GtkWidget *check = gtk_check_button_new ();

  gtk_widget_set_valign (check, GTK_ALIGN_CENTER);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), check);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), check);
  g_signal_connect_object (check, "toggled", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  adw_preferences_group_add (group, row);
  return GTK_CHECK_BUTTON (check);
}

static GtkWidget *
create_how (EspSquashDialog *self)
{
  AdwPreferencesGroup *group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);

  for (guint i = 0; i < self->starts->len; i++)
    {
      g_autofree char *title = esp_node_dup_title (self->starts->pdata[i]);

      gtk_string_list_append (names, title);
    }
  self->start_row = create_combo (_ ("Start From"), names, G_CALLBACK (on_start_chosen), self);
  adw_preferences_group_set_description (
      group,
      _ ("The instructions that lead to this image are run once more, from an earlier image, "
         "in a new branch. What is there stays."));
  adw_preferences_group_add (group, GTK_WIDGET (self->start_row));
  self->as_one = add_choice (group, _ ("As One Edit"),
                             _ ("One turn: the model is told everything at once."), self);
  self->in_order = add_choice (group, _ ("One After Another"),
                               _ ("Each turn keeps the pixels that it does not mean."), self);
  gtk_check_button_set_group (self->in_order, self->as_one);
  return GTK_WIDGET (group);
}

static GtkWidget *
create_instruction (EspSquashDialog *self)
{
  GtkWidget *row = adw_preferences_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 4);
  GtkWidget *title = gtk_label_new_with_mnemonic (_ ("All _Instructions"));

  self->instruction = GTK_TEXT_VIEW (gtk_text_view_new ());
  gtk_text_view_set_wrap_mode (self->instruction, GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (self->instruction, FALSE);
  gtk_widget_set_size_request (GTK_WIDGET (self->instruction), -1, 84);
  gtk_label_set_mnemonic_widget (GTK_LABEL (title), GTK_WIDGET (self->instruction));
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_widget_add_css_class (title, "caption");
  gtk_widget_add_css_class (title, "dim-label");
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self->instruction),
                                  GTK_ACCESSIBLE_RELATION_LABELLED_BY, title, NULL, -1);
  gtk_box_append (GTK_BOX (box), title);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->instruction));
  gtk_widget_add_css_class (box, "esp-note-row");
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ ("All Instructions"));
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_set_focusable (row, FALSE);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  g_signal_connect_object (gtk_text_view_get_buffer (self->instruction), "changed",
                           G_CALLBACK (on_typed), self, G_CONNECT_SWAPPED);
  return row;
}

/* Those that could make it; the one of the path's last turn is chosen, else the first. */
static void
collect_models (EspSquashDialog *self, GtkStringList *names, guint *chosen)
{
  GListModel *models = esp_registry_get_models (self->registry);

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);
      EspBackend *backend = esp_model_get_backend (model);
      g_autofree char *title = NULL;

      if (backend == NULL
          || (esp_model_get_state (model) != ESP_MODEL_READY
              && esp_model_get_state (model) != ESP_MODEL_STARTING))
        continue;
      if (g_strcmp0 (esp_backend_get_id (backend), esp_node_get_backend (self->end)) == 0
          && g_strcmp0 (esp_model_get_id (model), esp_node_get_model (self->end)) == 0)
        *chosen = self->models->len;
      title = esp_model_dup_title (model);
      gtk_string_list_append (names, title);
      g_signal_connect_object (model, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
      g_ptr_array_add (self->models, g_steal_pointer (&model));
    }
}

static GtkWidget *
create_one_group (EspSquashDialog *self)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  guint chosen = 0;

  self->one_group = adw_preferences_group_new ();
  collect_models (self, names, &chosen);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->one_group), create_instruction (self));
  self->model_row = create_combo (_ ("Model"), names, G_CALLBACK (on_model_chosen), self);
  adw_combo_row_set_selected (self->model_row, chosen);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self->one_group), GTK_WIDGET (self->model_row));
  return self->one_group;
}

static GtkWidget *
create_header (EspSquashDialog *self)
{
  GtkWidget *header = adw_header_bar_new ();
  GtkWidget *cancel = gtk_button_new_with_mnemonic (_ ("_Cancel"));

  adw_header_bar_set_show_end_title_buttons (ADW_HEADER_BAR (header), FALSE);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (cancel), "window.close");
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), cancel);
  self->run = gtk_button_new_with_mnemonic (_ ("_Run"));
  gtk_widget_add_css_class (self->run, "suggested-action");
  g_signal_connect_swapped (self->run, "clicked", G_CALLBACK (on_run), self);
  adw_header_bar_pack_end (ADW_HEADER_BAR (header), self->run);
  return header;
}

static void
fill (EspSquashDialog *self)
{
  GtkWidget *content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 18);
  GtkWidget *clamp = adw_clamp_new ();
  EspModel *model;

  gtk_box_append (GTK_BOX (content), create_header (self));
  gtk_box_append (GTK_BOX (box), create_how (self));
  gtk_box_append (GTK_BOX (box), create_one_group (self));
  self->order_group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->order_group));
  self->said = g_object_new (GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS, "wrap",
                             TRUE, "xalign", 0.0f, "margin-start", 12, "margin-end", 12, NULL);
  gtk_widget_add_css_class (GTK_WIDGET (self->said), "dim-label");
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->said));
  g_object_set (box, "margin-start", 12, "margin-end", 12, "margin-top", 12, "margin-bottom", 18,
                "valign", GTK_ALIGN_START, NULL);
  adw_clamp_set_child (ADW_CLAMP (clamp), box);
  gtk_box_append (GTK_BOX (content),
                  g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", clamp, "vexpand", TRUE,
                                "hscrollbar-policy", GTK_POLICY_NEVER, NULL));
  adw_window_set_content (ADW_WINDOW (self), content);

  model = get_model (self);
  if (model != NULL)
    esp_model_prepare (model);
  /* A model that understands only its own instructions cannot be told several at once. */
  gtk_check_button_set_active (
      model != NULL && (esp_model_get_features (model) & ESP_MODEL_DEMO) != 0 ? self->in_order
                                                                              : self->as_one,
      TRUE);
  on_start_chosen (self);
  /* Once it shows: a focus before that hides the window from screen readers in GTK 4.8. */
  g_signal_connect_swapped (self, "map", G_CALLBACK (gtk_widget_grab_focus), self->start_row);
}

static void
esp_squash_dialog_dispose (GObject *object)
{
  EspSquashDialog *self = ESP_SQUASH_DIALOG (object);

  g_clear_object (&self->document);
  g_clear_object (&self->registry);
  g_clear_object (&self->end);
  g_clear_pointer (&self->starts, g_ptr_array_unref);
  g_clear_pointer (&self->path, g_ptr_array_unref);
  g_clear_pointer (&self->models, g_ptr_array_unref);
  g_clear_pointer (&self->rows, g_ptr_array_unref);

  G_OBJECT_CLASS (esp_squash_dialog_parent_class)->dispose (object);
}

static void
esp_squash_dialog_class_init (EspSquashDialogClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_squash_dialog_dispose;
  gtk_widget_class_add_binding_action (GTK_WIDGET_CLASS (klass), GDK_KEY_Escape, 0, "window.close",
                                       NULL);
}

static void
esp_squash_dialog_init (EspSquashDialog *self)
{
  gtk_window_set_title (GTK_WINDOW (self), _ ("Squash"));
  gtk_window_set_modal (GTK_WINDOW (self), TRUE);
  gtk_window_set_default_size (GTK_WINDOW (self), 480, 600);
  self->models = g_ptr_array_new_with_free_func (g_object_unref);
  self->rows = g_ptr_array_new ();
}

gboolean
esp_squash_dialog_can_show (EspNode *end)
{
  g_autoptr (GPtrArray) starts = esp_replay_dup_starts (end);
  g_autoptr (GPtrArray) path = starts->len > 0 ? esp_replay_dup_path (starts->pdata[0], end) : NULL;

  return path != NULL && path->len > 1;
}

GtkWindow *
esp_squash_dialog_new (GtkWindow *parent, EspDocument *document, EspQueue *queue, EspNode *end)
{
  EspSquashDialog *self;

  g_return_val_if_fail (ESP_IS_WINDOW (parent), NULL);
  g_return_val_if_fail (ESP_IS_DOCUMENT (document), NULL);
  g_return_val_if_fail (ESP_IS_QUEUE (queue), NULL);
  g_return_val_if_fail (ESP_IS_NODE (end) && esp_squash_dialog_can_show (end), NULL);

  self = g_object_new (ESP_TYPE_SQUASH_DIALOG, "transient-for", parent, "destroy-with-parent", TRUE,
                       NULL);
  self->document = g_object_ref (document);
  self->registry = g_object_ref (esp_queue_get_registry (queue));
  self->end = g_object_ref (end);
  self->starts = esp_replay_dup_starts (end);
  fill (self);
  return GTK_WINDOW (self);
}
