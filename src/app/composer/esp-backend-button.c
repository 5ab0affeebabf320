/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-backend-button.c: who makes the turn. */
#include "esp-backend-button.h"

#include <glib/gi18n-lib.h>

#include "esp-model-text.h"
#include "esp-price-text.h"

struct _EspBackendButton
{
  GtkWidget parent_instance;

  GtkWidget *button;
  GtkWidget *popover;
  GtkWidget *cloud; /* the chosen model is elsewhere */
  GtkLabel *label;
  GtkListBox *list;
  GtkLabel *empty;

  EspQueue *queue;
  EspModel *model;
};

G_DEFINE_FINAL_TYPE (EspBackendButton, esp_backend_button, GTK_TYPE_WIDGET)

enum
{
  CHOSEN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static guint
count_running (EspBackendButton *self, EspBackend *backend)
{
  GListModel *jobs = self->queue != NULL ? esp_queue_get_jobs (self->queue) : NULL;
  guint count = 0;

  for (guint i = 0; jobs != NULL && i < g_list_model_get_n_items (jobs); i++)
    {
      g_autoptr (EspJob) job = g_list_model_get_item (jobs, i);

      if (esp_job_get_state (job) != ESP_JOB_WAITING
          && g_strcmp0 (esp_node_get_backend (esp_job_get_node (job)), esp_backend_get_id (backend))
                 == 0)
        count++;
    }

  return count;
}

char *
esp_backend_button_dup_state_text (EspBackendButton *self, EspModel *model)
{
  EspBackend *backend;

  g_return_val_if_fail (ESP_IS_BACKEND_BUTTON (self), NULL);
  g_return_val_if_fail (ESP_IS_MODEL (model), NULL);

  backend = esp_model_get_backend (model);
  switch (esp_model_get_state (model))
    {
    case ESP_MODEL_STARTING:
      /* Nothing is wrong with a model that nobody asked for yet. */
      return g_strdup (esp_model_get_preparing (model) ? _ ("Starting…") : "");
    case ESP_MODEL_NEEDS_KEY:
      return g_strdup (_ ("Needs a key"));
    case ESP_MODEL_NEEDS_MODEL:
      return g_strdup (_ ("Needs a model"));
    case ESP_MODEL_BROKEN:
      return g_strdup (esp_model_get_message (model) != NULL ? esp_model_get_message (model)
                                                             : _ ("Cannot be used"));
    case ESP_MODEL_READY:
    default:
      break;
    }

  if (backend != NULL && count_running (self, backend) >= esp_backend_get_concurrency (backend))
    return g_strdup (_ ("Busy"));

  return g_strdup (_ ("Ready"));
}

/* Providers with one model are called by it: said once. */
static gboolean
is_same_name (const char *title, EspModel *model)
{
  return g_strcmp0 (title, esp_model_get_name (model)) == 0;
}

/* What the row is called: the account of a provider, the model of this computer. */
static const char *
get_row_title (EspModel *model)
{
  EspBackend *backend = esp_model_get_backend (model);

  return backend != NULL && esp_backend_is_remote (backend) ? esp_backend_get_title (backend)
                                                            : esp_model_get_name (model);
}

static char *
dup_row_subtitle (EspBackendButton *self, EspModel *model)
{
  g_autofree char *state = esp_backend_button_dup_state_text (self, model);

  if (is_same_name (get_row_title (model), model)
      || esp_model_get_state (model) == ESP_MODEL_BROKEN)
    return g_steal_pointer (&state);
  return state[0] != '\0' ? g_strdup_printf ("%s · %s", esp_model_get_name (model), state)
                          : g_strdup (esp_model_get_name (model));
}

static void
update_row (EspBackendButton *self, GtkWidget *row)
{
  EspModel *model = g_object_get_data (G_OBJECT (row), "model");
  GtkLabel *subtitle = g_object_get_data (G_OBJECT (row), "subtitle");
  GtkLabel *price = g_object_get_data (G_OBJECT (row), "price");
  GtkWidget *check = g_object_get_data (G_OBJECT (row), "check");
  GtkLabel *title = g_object_get_data (G_OBJECT (row), "title");
  g_autofree char *state = dup_row_subtitle (self, model);
  g_autofree char *cost = NULL;
  GString *name = g_string_new (get_row_title (model));
  double amount = esp_model_get_price (model);

  if (amount > 0)
    cost = esp_price_format (amount, esp_model_get_currency (model));
  else
    cost = g_strdup (amount == 0 ? _ ("Free") : "");
  gtk_label_set_label (title, get_row_title (model));
  gtk_label_set_label (subtitle, state);
  gtk_widget_set_visible (GTK_WIDGET (subtitle), state[0] != '\0');
  gtk_label_set_label (price, cost);
  gtk_widget_set_opacity (check, model == self->model ? 1 : 0);
  if (state[0] != '\0')
    g_string_append_printf (name, ", %s", state);
  if (cost[0] != '\0')
    g_string_append_printf (name, ", %s", cost);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, name->str,
                                  -1);
  g_string_free (name, TRUE);
}

static void
update_rows (EspBackendButton *self)
{
  GtkWidget *row;

  for (row = gtk_widget_get_first_child (GTK_WIDGET (self->list)); row != NULL;
       row = gtk_widget_get_next_sibling (row))
    if (g_object_get_data (G_OBJECT (row), "model") != NULL)
      update_row (self, row);
}

static void
update_label (EspBackendButton *self)
{
  EspBackend *backend = self->model != NULL ? esp_model_get_backend (self->model) : NULL;
  g_autofree char *text = NULL;
  g_autofree char *name = NULL;

  gtk_widget_set_visible (self->cloud, backend != NULL && esp_backend_is_remote (backend));
  text = self->model != NULL ? esp_model_dup_title (self->model) : g_strdup (_ ("No Model"));
  name = g_strdup_printf (_ ("Model: %s"), text);
  gtk_label_set_label (self->label, text);
  gtk_widget_set_tooltip_text (self->button, text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
}

static void
on_model_changed (GtkWidget *row)
{
  GtkWidget *self = gtk_widget_get_ancestor (row, ESP_TYPE_BACKEND_BUTTON);

  if (self != NULL)
    update_row (ESP_BACKEND_BUTTON (self), row);
}

static GtkWidget *
create_row (gpointer item, gpointer user_data)
{
  EspBackendButton *self = user_data;
  EspModel *model = item;
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *texts = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *title = gtk_label_new (esp_model_get_name (model));
  GtkWidget *subtitle = gtk_label_new (NULL);
  GtkWidget *price = gtk_label_new (NULL);
  GtkWidget *check = gtk_image_new_from_icon_name ("object-select-symbolic");

  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_ellipsize (GTK_LABEL (title), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_width_chars (GTK_LABEL (title), 16); /* with large text, too */
  gtk_label_set_xalign (GTK_LABEL (subtitle), 0);
  gtk_label_set_wrap (GTK_LABEL (subtitle), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (subtitle), 32);
  gtk_widget_add_css_class (subtitle, "dim-label");
  gtk_widget_add_css_class (subtitle, "caption");
  gtk_widget_add_css_class (price, "dim-label");
  gtk_widget_add_css_class (price, "numeric");
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_box_append (GTK_BOX (texts), title);
  gtk_box_append (GTK_BOX (texts), subtitle);
  gtk_box_append (GTK_BOX (box), texts);
  gtk_box_append (GTK_BOX (box), price);
  gtk_box_append (GTK_BOX (box), check);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_widget_add_css_class (row, "esp-model");

  g_object_set_data_full (G_OBJECT (row), "model", g_object_ref (model), g_object_unref);
  g_object_set_data (G_OBJECT (row), "title", title);
  g_object_set_data (G_OBJECT (row), "subtitle", subtitle);
  g_object_set_data (G_OBJECT (row), "price", price);
  g_object_set_data (G_OBJECT (row), "check", check);
  g_signal_connect_object (model, "changed", G_CALLBACK (on_model_changed), row, G_CONNECT_SWAPPED);
  update_row (self, row);

  return row;
}

static gboolean
is_remote (EspModel *model)
{
  EspBackend *backend = esp_model_get_backend (model);

  return backend != NULL && esp_backend_is_remote (backend);
}

/* Those of this computer below its name, all others below one heading: each is its own account. */
static void
update_header (GtkListBoxRow *row, GtkListBoxRow *before, gpointer user_data)
{
  EspModel *model = g_object_get_data (G_OBJECT (row), "model");
  EspModel *previous = before != NULL ? g_object_get_data (G_OBJECT (before), "model") : NULL;
  EspBackend *backend = esp_model_get_backend (model);
  GtkWidget *box, *label;

  if (backend == NULL
      || (previous != NULL
          && (esp_model_get_backend (previous) == backend
              || (is_remote (previous) && is_remote (model)))))
    {
      gtk_list_box_row_set_header (row, NULL);
      return;
    }

  box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  label = gtk_label_new (is_remote (model) ? _ ("Providers") : esp_backend_get_title (backend));
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (label, "heading");
  gtk_box_append (GTK_BOX (box), label);
  if (is_remote (model))
    {
      GtkWidget *cloud = gtk_image_new_from_icon_name ("esp-remote-symbolic");

      gtk_widget_add_css_class (cloud, "dim-label");
      gtk_widget_set_tooltip_text (cloud, _ ("The image is sent there"));
      gtk_box_append (GTK_BOX (box), cloud);
    }
  gtk_widget_set_margin_start (box, 12);
  gtk_widget_set_margin_end (box, 12);
  gtk_widget_set_margin_top (box, before != NULL ? 12 : 6);
  gtk_widget_set_margin_bottom (box, 6);
  gtk_list_box_row_set_header (row, box);
}

static void
on_row_activated (EspBackendButton *self, GtkListBoxRow *row)
{
  g_autoptr (EspModel) model = g_object_ref (g_object_get_data (G_OBJECT (row), "model"));

  gtk_popover_popdown (GTK_POPOVER (self->popover));
  g_signal_emit (self, signals[CHOSEN], 0, model);
}

static void
on_models_changed (EspBackendButton *self)
{
  GListModel *models
      = self->queue != NULL ? esp_registry_get_models (esp_queue_get_registry (self->queue)) : NULL;

  gtk_widget_set_visible (GTK_WIDGET (self->empty),
                          models == NULL || g_list_model_get_n_items (models) == 0);
}

static void
esp_backend_button_dispose (GObject *object)
{
  EspBackendButton *self = ESP_BACKEND_BUTTON (object);

  g_clear_pointer (&self->button, gtk_widget_unparent);
  g_clear_object (&self->queue);
  g_clear_object (&self->model);

  G_OBJECT_CLASS (esp_backend_button_parent_class)->dispose (object);
}

static void
esp_backend_button_class_init (EspBackendButtonClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_backend_button_dispose;

  signals[CHOSEN] = g_signal_new ("chosen", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 1, ESP_TYPE_MODEL);

  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static GtkWidget *
create_entry (EspBackendButton *self, const char *label, const char *action)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "esp-menu-entry");
  gtk_label_set_xalign (GTK_LABEL (gtk_button_get_child (GTK_BUTTON (button))), 0);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  /* A window that cannot do it does not offer it. */
  g_object_bind_property (button, "sensitive", button, "visible", G_BINDING_SYNC_CREATE);
  g_signal_connect_object (button, "clicked", G_CALLBACK (gtk_popover_popdown), self->popover,
                           G_CONNECT_SWAPPED);

  return button;
}

static void
create_popover (EspBackendButton *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *scroller = gtk_scrolled_window_new ();

  self->popover = gtk_popover_new ();
  self->list = GTK_LIST_BOX (gtk_list_box_new ());
  gtk_list_box_set_selection_mode (self->list, GTK_SELECTION_NONE);
  gtk_list_box_set_header_func (self->list, update_header, NULL, NULL);
  gtk_widget_add_css_class (GTK_WIDGET (self->list), "navigation-sidebar");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Models"), -1);
  g_signal_connect_object (self->list, "row-activated", G_CALLBACK (on_row_activated), self,
                           G_CONNECT_SWAPPED);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), 420);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), GTK_WIDGET (self->list));
  gtk_widget_set_size_request (scroller, 270, -1);

  self->empty = GTK_LABEL (gtk_label_new (_ ("No model is installed.")));
  gtk_widget_add_css_class (GTK_WIDGET (self->empty), "dim-label");
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->empty));
  gtk_box_append (GTK_BOX (box), scroller);
  gtk_box_append (GTK_BOX (box), gtk_separator_new (GTK_ORIENTATION_HORIZONTAL));
  gtk_box_append (GTK_BOX (box), create_entry (self, _ ("_Add a Provider…"), "win.setup-provider"));
  gtk_box_append (GTK_BOX (box), create_entry (self, _ ("_Get a Model…"), "win.setup-model"));
  gtk_popover_set_child (GTK_POPOVER (self->popover), box);
  g_signal_connect_object (self->popover, "show", G_CALLBACK (update_rows), self,
                           G_CONNECT_SWAPPED);
}

static void
esp_backend_button_init (EspBackendButton *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  self->label = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_ellipsize (self->label, PANGO_ELLIPSIZE_END);
  gtk_label_set_width_chars (self->label, 6);
  self->cloud = gtk_image_new_from_icon_name ("esp-remote-symbolic");
  gtk_box_append (GTK_BOX (box), self->cloud);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->label));
  gtk_box_append (GTK_BOX (box), gtk_image_new_from_icon_name ("pan-down-symbolic"));

  create_popover (self);
  self->button = gtk_menu_button_new ();
  gtk_menu_button_set_child (GTK_MENU_BUTTON (self->button), box);
  gtk_menu_button_set_direction (GTK_MENU_BUTTON (self->button), GTK_ARROW_UP);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (self->button), self->popover);
  gtk_widget_add_css_class (self->button, "flat");
  gtk_widget_set_parent (self->button, GTK_WIDGET (self));
  update_label (self);
}

GtkWidget *
esp_backend_button_new (void)
{
  return g_object_new (ESP_TYPE_BACKEND_BUTTON, NULL);
}

void
esp_backend_button_set_queue (EspBackendButton *self, EspQueue *queue)
{
  GListModel *models;

  g_return_if_fail (ESP_IS_BACKEND_BUTTON (self));
  g_return_if_fail (queue == NULL || ESP_IS_QUEUE (queue));

  if (self->queue != NULL)
    g_signal_handlers_disconnect_by_data (
        esp_registry_get_models (esp_queue_get_registry (self->queue)), self);
  if (!g_set_object (&self->queue, queue))
    return;

  models = queue != NULL ? esp_registry_get_models (esp_queue_get_registry (queue)) : NULL;
  gtk_list_box_bind_model (self->list, models, create_row, self, NULL);
  if (models != NULL)
    g_signal_connect_object (models, "items-changed", G_CALLBACK (on_models_changed), self,
                             G_CONNECT_SWAPPED);
  on_models_changed (self);
}

void
esp_backend_button_set_model (EspBackendButton *self, EspModel *model)
{
  g_return_if_fail (ESP_IS_BACKEND_BUTTON (self));
  g_return_if_fail (model == NULL || ESP_IS_MODEL (model));

  g_set_object (&self->model, model);
  update_label (self);
  update_rows (self);
}

GtkListBox *
esp_backend_button_get_list (EspBackendButton *self)
{
  g_return_val_if_fail (ESP_IS_BACKEND_BUTTON (self), NULL);

  return self->list;
}
