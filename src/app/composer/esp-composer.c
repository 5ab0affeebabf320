/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer.c: what next: the instruction, who makes it, how, and Run. */
#include "esp-composer-private.h"

#include <glib/gi18n-lib.h>

#include "esp-composer-bar.h"
#include "esp-focus-chain.h"
#include "esp-price-text.h"
#include "esp-style.h"

G_DEFINE_FINAL_TYPE (EspComposer, esp_composer, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_DOCUMENT,
  PROP_QUEUE,
  PROP_BUSY,
  PROP_MODEL,
  PROP_REGION,
  N_PROPS
};

enum
{
  ADDED,
  NEEDS_SETUP,
  ERROR,
  ASK,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

void
_esp_composer_emit_error (EspComposer *self, const char *message)
{
  g_signal_emit (self, signals[ERROR], 0, message);
}

gboolean
_esp_composer_emit_ask (EspComposer *self, guint count, gboolean next)
{
  gboolean asked = FALSE;

  g_signal_emit (self, signals[ASK], 0, self->model, count, next, &asked);
  return asked;
}

void
_esp_composer_notify_model (EspComposer *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MODEL]);
}

void
_esp_composer_notify_region (EspComposer *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_REGION]);
}

/* The current node, if this program is working on it. */
static EspNode *
get_busy_node (EspComposer *self)
{
  if (self->current == NULL || self->queue == NULL
      || esp_queue_find (self->queue, self->current) == NULL)
    return NULL;

  return esp_node_get_state (self->current) == ESP_NODE_QUEUED
                 || esp_node_get_state (self->current) == ESP_NODE_RUNNING
             ? self->current
             : NULL;
}

static EspBackend *
get_backend_of (EspComposer *self, EspNode *node)
{
  return esp_registry_find_backend (esp_queue_get_registry (self->queue),
                                    esp_node_get_backend (node));
}

static void
update_price (EspComposer *self)
{
  double price = self->model != NULL ? esp_model_get_price (self->model) : 0;
  guint count = esp_variations_button_get_count (self->variations);
  g_autofree char *one = NULL;
  g_autofree char *text = NULL;

  if (price > 0)
    {
      one = esp_price_format (price, esp_model_get_currency (self->model));
      /* Translators: how many turns at which price each: "3 × $0.025". */
      text = count > 1 ? g_strdup_printf (_ ("%u × %s"), count, one) : g_steal_pointer (&one);
    }
  esp_run_button_set_price (self->run, text);
}

static void
update_summary (EspComposer *self)
{
  g_autofree char *summary = NULL;
  g_autofree char *name = NULL;

  summary = self->signature != NULL ? esp_parameter_controls_dup_summary (self->controls)
                                    : g_strdup (_ ("Settings"));
  name = g_strdup_printf (_ ("Settings: %s"), summary);
  gtk_label_set_label (self->summary, summary);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->settings_button),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

/* What keeps every turn from running is told without being asked for. */
static void
update_trouble (EspComposer *self)
{
  g_autofree char *trouble = _esp_composer_dup_trouble (self);

  gtk_label_set_text (self->trouble, trouble != NULL ? trouble : "");
  gtk_widget_set_visible (GTK_WIDGET (self->trouble), trouble != NULL);
}

static GtkWidget *
create_trouble (EspComposer *self)
{
  self->trouble = g_object_new (
      GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS, "wrap", TRUE, "wrap-mode",
      PANGO_WRAP_WORD_CHAR, "natural-wrap-mode", GTK_NATURAL_WRAP_NONE, "lines", 3, "ellipsize",
      PANGO_ELLIPSIZE_END, "xalign", 0.0f, "margin-start", 6, "visible", FALSE, NULL);
  gtk_widget_add_css_class (GTK_WIDGET (self->trouble), "caption");
  gtk_widget_add_css_class (GTK_WIDGET (self->trouble), "error");
  return GTK_WIDGET (self->trouble);
}

void
_esp_composer_update (EspComposer *self)
{
  g_autofree char *obstacle = NULL;
  g_autofree char *hint = NULL;
  EspNode *base, *busy;
  gboolean can_run;
  gboolean can_add
      = self->document != NULL && esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE;

  /* The window was closed while turns were being stored. */
  if (self->box == NULL)
    return;

  obstacle = _esp_composer_dup_obstacle (self);
  base = _esp_composer_get_base (self);
  busy = get_busy_node (self);
  can_run = obstacle == NULL && !self->adding;
  if (obstacle == NULL && base != self->current)
    {
      g_autofree char *title = esp_node_dup_title (base);

      hint = g_strdup_printf (_ ("Starts from “%s”, since this turn has no image"), title);
    }
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "composer.run", can_run);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "composer.run-next", can_run);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "composer.run-times", can_run);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "composer.stop", busy != NULL);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "composer.add-reference", can_add);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "composer.paste-reference", can_add);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "composer.reference-current",
                                 self->current != NULL && esp_node_has_image (self->current));
  gtk_widget_set_sensitive (self->reference_button, can_add);
  esp_run_button_set_can_run (self->run, can_run);
  esp_run_button_set_hint (self->run, obstacle != NULL ? obstacle : hint);
  esp_run_button_set_backend (self->run, busy != NULL ? get_backend_of (self, busy) : NULL);
  esp_run_button_set_node (self->run, busy);
  if (self->busy != (busy != NULL))
    {
      self->busy = busy != NULL;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BUSY]);
    }
  update_trouble (self);
  update_price (self);
  update_summary (self);
}

/* --- Following the document ------------------------------------------------------------------- */

static void
on_node_changed (EspComposer *self)
{
  _esp_composer_update (self);
}

static void
follow_current (EspComposer *self)
{
  EspNode *current = self->document != NULL ? esp_document_get_current (self->document) : NULL;

  if (self->current != current)
    {
      if (self->current != NULL)
        g_signal_handlers_disconnect_by_func (self->current, on_node_changed, self);
      g_set_object (&self->current, current);
      if (current != NULL)
        g_signal_connect_object (current, "changed", G_CALLBACK (on_node_changed), self,
                                 G_CONNECT_SWAPPED);
    }
  _esp_composer_update (self);
}

static void
load_history (EspComposer *self)
{
  g_auto (GStrv) history
      = self->document != NULL ? esp_document_dup_instructions (self->document) : NULL;

  esp_instruction_view_set_history (self->instruction, (const char *const *) history);
}

EspDocument *
esp_composer_get_document (EspComposer *self)
{
  g_return_val_if_fail (ESP_IS_COMPOSER (self), NULL);

  return self->document;
}

void
esp_composer_set_document (EspComposer *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_COMPOSER (self));
  g_return_if_fail (document == NULL || ESP_IS_DOCUMENT (document));

  if (self->document == document)
    return;

  if (self->document != NULL)
    {
      g_signal_handlers_disconnect_by_func (self->document, follow_current, self);
      /* What was written stays; what was run belongs to the other document. */
      esp_instruction_view_clear_session (self->instruction);
    }
  g_set_object (&self->document, document);
  g_clear_object (&self->last_added);
  esp_reference_chips_set_document (self->references, document);
  if (document != NULL)
    {
      g_signal_connect_object (document, "notify::current", G_CALLBACK (follow_current), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (document, "notify::access", G_CALLBACK (follow_current), self,
                               G_CONNECT_SWAPPED);
    }
  load_history (self);
  follow_current (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DOCUMENT]);
}

void
esp_composer_set_queue (EspComposer *self, EspQueue *queue)
{
  EspRegistry *registry;

  g_return_if_fail (ESP_IS_COMPOSER (self));
  g_return_if_fail (queue == NULL || ESP_IS_QUEUE (queue));

  if (self->queue == queue)
    return;

  if (self->queue != NULL)
    {
      g_signal_handlers_disconnect_by_func (self->queue, on_node_changed, self);
      g_signal_handlers_disconnect_by_func (
          esp_registry_get_models (esp_queue_get_registry (self->queue)),
          _esp_composer_follow_registry, self);
    }
  g_set_object (&self->queue, queue);
  esp_backend_button_set_queue (self->backend_button, queue);
  if (queue != NULL)
    {
      registry = esp_queue_get_registry (queue);
      g_signal_connect_object (queue, "job-added", G_CALLBACK (on_node_changed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (queue, "job-finished", G_CALLBACK (on_node_changed), self,
                               G_CONNECT_SWAPPED | G_CONNECT_AFTER);
      g_signal_connect_object (esp_registry_get_models (registry), "items-changed",
                               G_CALLBACK (_esp_composer_follow_registry), self, G_CONNECT_SWAPPED);
      if (self->wanted_model == NULL)
        {
          self->wanted_backend = g_settings_get_string (self->settings, "last-backend");
          self->wanted_model = g_settings_get_string (self->settings, "last-model");
        }
      _esp_composer_follow_registry (self);
    }
  _esp_composer_update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_QUEUE]);
}

/* --- What the person does --------------------------------------------------------------------- */

static void
on_model_chosen (EspComposer *self, EspModel *model)
{
  EspModelState state = esp_model_get_state (model);

  _esp_composer_choose_model (self, model);
  if (state == ESP_MODEL_NEEDS_KEY || state == ESP_MODEL_NEEDS_MODEL)
    g_signal_emit (self, signals[NEEDS_SETUP], 0, model);
}

static void
on_suggestion (EspComposer *self, const char *text)
{
  esp_instruction_view_set_text (self->instruction, text);
  esp_composer_focus (self);
}

static void
on_instruction_run (EspComposer *self, gboolean next)
{
  _esp_composer_run (self, esp_variations_button_get_count (self->variations), next);
}

static void
run_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  EspComposer *self = ESP_COMPOSER (widget);
  guint count = parameter != NULL
                    ? (guint) CLAMP (g_variant_get_int32 (parameter), 1, ESP_MAX_VARIATIONS)
                    : esp_variations_button_get_count (self->variations);

  _esp_composer_run (self, count, g_str_equal (name, "composer.run-next"));
}

static void
reference_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  EspComposer *self = ESP_COMPOSER (widget);

  if (g_str_equal (name, "composer.add-reference"))
    _esp_composer_choose_reference (self);
  else if (g_str_equal (name, "composer.paste-reference"))
    _esp_composer_paste_reference (self);
  else
    _esp_composer_reference_current (self);
}

static void
stop_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  _esp_composer_stop (ESP_COMPOSER (widget));
}

void
esp_composer_focus (EspComposer *self)
{
  g_return_if_fail (ESP_IS_COMPOSER (self));

  gtk_widget_grab_focus (GTK_WIDGET (self->instruction));
}

const char *
esp_composer_get_instruction (EspComposer *self)
{
  g_return_val_if_fail (ESP_IS_COMPOSER (self), NULL);

  return esp_instruction_view_get_text (self->instruction);
}

EspModel *
esp_composer_get_model (EspComposer *self)
{
  g_return_val_if_fail (ESP_IS_COMPOSER (self), NULL);

  return self->model;
}

void
esp_composer_set_model (EspComposer *self, EspModel *model)
{
  g_return_if_fail (ESP_IS_COMPOSER (self));
  g_return_if_fail (ESP_IS_MODEL (model));

  _esp_composer_choose_model (self, model);
}

void
esp_composer_set_obstacle (EspComposer *self, const char *obstacle)
{
  g_return_if_fail (ESP_IS_COMPOSER (self));

  if (g_strcmp0 (self->obstacle, obstacle) == 0)
    return;
  g_free (self->obstacle);
  self->obstacle = g_strdup (obstacle);
  _esp_composer_update (self);
}

/* --- The widget ------------------------------------------------------------------------------- */

static gboolean
esp_composer_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (GTK_WIDGET (ESP_COMPOSER (widget)->instruction));
}

static void
esp_composer_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EspComposer *self = ESP_COMPOSER (object);

  switch (id)
    {
    case PROP_DOCUMENT:
      g_value_set_object (value, self->document);
      break;
    case PROP_QUEUE:
      g_value_set_object (value, self->queue);
      break;
    case PROP_BUSY:
      g_value_set_boolean (value, self->busy);
      break;
    case PROP_MODEL:
      g_value_set_object (value, self->model);
      break;
    case PROP_REGION:
      g_value_set_boxed (value, self->region);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
esp_composer_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  switch (id)
    {
    case PROP_DOCUMENT:
      esp_composer_set_document (ESP_COMPOSER (object), g_value_get_object (value));
      break;
    case PROP_QUEUE:
      esp_composer_set_queue (ESP_COMPOSER (object), g_value_get_object (value));
      break;
    case PROP_REGION:
      esp_composer_set_region (ESP_COMPOSER (object), g_value_get_boxed (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
esp_composer_dispose (GObject *object)
{
  EspComposer *self = ESP_COMPOSER (object);

  g_cancellable_cancel (self->cancellable);
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  if (self->document != NULL)
    g_signal_handlers_disconnect_by_data (self->document, self);
  if (self->current != NULL)
    g_signal_handlers_disconnect_by_data (self->current, self);
  if (self->model != NULL)
    g_signal_handlers_disconnect_by_data (self->model, self);
  if (self->queue != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->queue, self);
      g_signal_handlers_disconnect_by_data (
          esp_registry_get_models (esp_queue_get_registry (self->queue)), self);
    }
  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->current);
  g_clear_object (&self->document);
  g_clear_object (&self->queue);
  g_clear_object (&self->model);
  g_clear_object (&self->last_added);
  g_clear_object (&self->settings);
  g_clear_object (&self->presets);

  G_OBJECT_CLASS (esp_composer_parent_class)->dispose (object);
}

static void
esp_composer_finalize (GObject *object)
{
  EspComposer *self = ESP_COMPOSER (object);

  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->memory, g_hash_table_unref);
  g_clear_pointer (&self->signature, g_free);
  g_clear_pointer (&self->obstacle, g_free);
  g_clear_pointer (&self->wanted_backend, g_free);
  g_clear_pointer (&self->wanted_model, g_free);
  g_clear_pointer (&self->wanted_values, json_object_unref);
  g_clear_pointer (&self->region, esp_region_free);
  _esp_composer_forget_turn (self);

  G_OBJECT_CLASS (esp_composer_parent_class)->finalize (object);
}

static void
install_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "composer.run", NULL, run_action);
  gtk_widget_class_install_action (widget_class, "composer.run-next", NULL, run_action);
  gtk_widget_class_install_action (widget_class, "composer.run-times", "i", run_action);
  gtk_widget_class_install_action (widget_class, "composer.add-reference", NULL, reference_action);
  gtk_widget_class_install_action (widget_class, "composer.paste-reference", NULL,
                                   reference_action);
  gtk_widget_class_install_action (widget_class, "composer.reference-current", NULL,
                                   reference_action);
  gtk_widget_class_install_action (widget_class, "composer.stop", NULL, stop_action);
}

static void
esp_composer_class_init (EspComposerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_composer_dispose;
  object_class->finalize = esp_composer_finalize;
  object_class->get_property = esp_composer_get_property;
  object_class->set_property = esp_composer_set_property;
  widget_class->focus = esp_focus_chain_move;
  widget_class->grab_focus = esp_composer_grab_focus;

  properties[PROP_DOCUMENT]
      = g_param_spec_object ("document", NULL, NULL, ESP_TYPE_DOCUMENT,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  properties[PROP_QUEUE]
      = g_param_spec_object ("queue", NULL, NULL, ESP_TYPE_QUEUE,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  properties[PROP_BUSY]
      = g_param_spec_boolean ("busy", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_MODEL] = g_param_spec_object ("model", NULL, NULL, ESP_TYPE_MODEL,
                                                G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_REGION]
      = g_param_spec_boxed ("region", NULL, NULL, ESP_TYPE_REGION,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[ADDED] = g_signal_new ("added", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 1, ESP_TYPE_NODE);
  signals[NEEDS_SETUP] = g_signal_new ("needs-setup", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                       0, NULL, NULL, NULL, G_TYPE_NONE, 1, ESP_TYPE_MODEL);
  signals[ERROR] = g_signal_new ("error", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[ASK] = g_signal_new ("ask", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                               g_signal_accumulator_true_handled, NULL, NULL, G_TYPE_BOOLEAN, 3,
                               ESP_TYPE_MODEL, G_TYPE_UINT, G_TYPE_BOOLEAN);

  install_actions (widget_class);
  gtk_widget_class_set_css_name (widget_class, "composer");
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static GtkWidget *
create_settings_button (EspComposer *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  EspPresetsPopover *presets = ESP_PRESETS_POPOVER (esp_presets_popover_new (self->presets));

  self->controls = ESP_PARAMETER_CONTROLS (esp_parameter_controls_new ());
  self->popover = ESP_PARAMETER_POPOVER (
      esp_parameter_popover_new (self->controls, presets, _esp_composer_create_keep_row (self)));
  g_signal_connect_object (presets, "apply", G_CALLBACK (_esp_composer_apply_preset), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (presets, "save", G_CALLBACK (_esp_composer_save_preset), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->controls, "changed", G_CALLBACK (_esp_composer_update), self,
                           G_CONNECT_SWAPPED);

  self->summary = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_ellipsize (self->summary, PANGO_ELLIPSIZE_END);
  gtk_label_set_width_chars (self->summary, 4);
  gtk_widget_add_css_class (GTK_WIDGET (self->summary), "numeric");
  gtk_box_append (GTK_BOX (box), gtk_image_new_from_icon_name ("esp-settings-symbolic"));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->summary));

  self->settings_button = gtk_menu_button_new ();
  gtk_menu_button_set_child (GTK_MENU_BUTTON (self->settings_button), box);
  gtk_menu_button_set_direction (GTK_MENU_BUTTON (self->settings_button), GTK_ARROW_UP);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (self->settings_button), GTK_WIDGET (self->popover));
  gtk_widget_add_css_class (self->settings_button, "flat");
  gtk_widget_set_tooltip_text (self->settings_button, _ ("Settings"));

  return self->settings_button;
}

static GtkWidget *
create_reference_button (EspComposer *self)
{
  g_autoptr (GMenu) menu = g_menu_new ();

  g_menu_append (menu, _ ("From _File…"), "composer.add-reference");
  g_menu_append (menu, _ ("_Current Image"), "composer.reference-current");
  g_menu_append (menu, _ ("_Paste"), "composer.paste-reference");
  self->reference_button = gtk_menu_button_new ();
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (self->reference_button),
                                 "esp-reference-symbolic");
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (self->reference_button), G_MENU_MODEL (menu));
  gtk_menu_button_set_direction (GTK_MENU_BUTTON (self->reference_button), GTK_ARROW_UP);
  gtk_widget_add_css_class (self->reference_button, "flat");
  gtk_widget_set_tooltip_text (self->reference_button, _ ("Add Reference"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->reference_button),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Add Reference"), -1);

  return self->reference_button;
}

static GtkWidget *
create_bar (EspComposer *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);

  self->backend_button = ESP_BACKEND_BUTTON (esp_backend_button_new ());
  self->variations = ESP_VARIATIONS_BUTTON (esp_variations_button_new ());
  self->run = ESP_RUN_BUTTON (esp_run_button_new ());
  g_signal_connect_object (self->backend_button, "chosen", G_CALLBACK (on_model_chosen), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->variations, "changed", G_CALLBACK (_esp_composer_update), self,
                           G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->backend_button));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->variations));
  gtk_box_append (GTK_BOX (box), create_settings_button (self));
  gtk_box_append (GTK_BOX (box), create_reference_button (self));

  return esp_composer_bar_new (box, GTK_WIDGET (self->run));
}

static void
esp_composer_init (EspComposer *self)
{
  GtkWidget *bar;

  esp_style_ensure (gtk_widget_get_display (GTK_WIDGET (self)), "/espalier/app/composer",
                    "composer.css");
  self->cancellable = g_cancellable_new ();
  self->memory = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->settings = g_settings_new (ESP_APP_ID);
  self->presets = esp_presets_new (self->settings);

  self->instruction = ESP_INSTRUCTION_VIEW (esp_instruction_view_new ());
  self->suggestions = ESP_SUGGESTIONS (esp_suggestions_new ());
  self->references = ESP_REFERENCE_CHIPS (esp_reference_chips_new ());
  bar = create_bar (self);
  g_signal_connect_object (self->instruction, "changed", G_CALLBACK (_esp_composer_update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->instruction, "run", G_CALLBACK (on_instruction_run), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->suggestions, "chosen", G_CALLBACK (on_suggestion), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->references, "changed", G_CALLBACK (_esp_composer_update), self,
                           G_CONNECT_SWAPPED);

  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->suggestions));
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->instruction));
  gtk_box_append (GTK_BOX (self->box), _esp_composer_create_keep_chips (self));
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->references));
  gtk_box_append (GTK_BOX (self->box), create_trouble (self));
  gtk_box_append (GTK_BOX (self->box), bar);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  gtk_widget_add_css_class (GTK_WIDGET (self), "card");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Next turn"), -1);
  _esp_composer_init_drop (self);
  _esp_composer_init_keep (self);
  _esp_composer_follow_model (self);
}

GtkWidget *
esp_composer_new (void)
{
  return g_object_new (ESP_TYPE_COMPOSER, NULL);
}
