/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window.c: the window: its parts, its layout, its messages. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-window.h"

#include <glib/gi18n-lib.h>

#include "esp-actions.h"
#include "esp-notifier.h"
#include "esp-recent.h"
#include "esp-window-private.h"

G_DEFINE_FINAL_TYPE (EspWindow, esp_window, ADW_TYPE_APPLICATION_WINDOW)

enum
{
  PROP_0,
  PROP_DOCUMENT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

/* --- Messages --------------------------------------------------------------------------------- */

static const char *
failure_reason (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return _ ("It is not there. It may have been moved, renamed or deleted.");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    return _ ("You have no permission to read it.");
  return error->message;
}

static void
on_failure_closed (EspWindow *self)
{
  self->failure_dialog = NULL;
}

void
esp_window_show_failure (EspWindow *self, const char *heading, const GError *error)
{
  AdwMessageDialog *dialog;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (self->failure_dialog != NULL)
    {
      /* Several files at once: one dialog that tells of all of them. */
      g_autofree char *body = NULL;

      dialog = ADW_MESSAGE_DIALOG (self->failure_dialog);
      body = g_strdup_printf ("%s\n\n%s\n%s", adw_message_dialog_get_body (dialog), heading,
                              failure_reason (error));
      adw_message_dialog_set_body (dialog, body);
      return;
    }

  self->failure_dialog
      = adw_message_dialog_new (GTK_WINDOW (self), heading, failure_reason (error));
  dialog = ADW_MESSAGE_DIALOG (self->failure_dialog);
  adw_message_dialog_add_response (dialog, "close", _ ("_Close"));
  adw_message_dialog_set_default_response (dialog, "close");
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_failure_closed), self,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* --- Layout ----------------------------------------------------------------------------------- */

/* One header bar serves the welcome page, the wide layout and both pages of the narrow one. */
void
esp_window_update_layout (EspWindow *self)
{
  gboolean has_document = self->document != NULL;
  gboolean folded = has_document && esp_split_view_get_folded (self->split);
  gboolean image = has_document && (!folded || esp_split_view_get_show_end (self->split));
  gboolean outline = g_settings_get_boolean (self->settings, "history-outline");

  gtk_widget_set_visible (self->back_button, folded && image);
  gtk_widget_set_visible (self->history_button, has_document && !folded);
  gtk_widget_set_visible (self->open_button, !folded || !image);
  gtk_widget_set_visible (self->compare_button,
                          image && esp_window_get_view (self) == GTK_WIDGET (self->canvas));
  gtk_widget_set_visible (self->export_button, has_document && !folded);
  esp_history_set_outline (self->history, folded || outline);

  esp_compare_view_set_narrow (self->compare_view, folded);
  if (folded)
    gtk_widget_add_css_class (GTK_WIDGET (self), "narrow");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "narrow");
  esp_window_update_actions (self);
  esp_window_lift_toasts_later (self);
}

static void
on_layout_changed (EspWindow *self)
{
  if (self->document != NULL)
    esp_window_update_layout (self);
}

void
esp_window_show_canvas (EspWindow *self)
{
  esp_split_view_set_show_end (self->split, TRUE);
}

static void
on_orientation_setting (EspWindow *self)
{
  esp_history_set_orientation (
      self->history, (GtkOrientation) g_settings_get_enum (self->settings, "history-orientation"));
}

/* --- What the parts say ----------------------------------------------------------------------- */

static void
on_welcome_open (EspWindow *self, GFile *file)
{
  esp_application_open_file (ESP_APPLICATION (gtk_window_get_application (GTK_WINDOW (self))), self,
                             file);
}

static void
on_history_activate (EspWindow *self, EspNode *node)
{
  esp_document_set_current (self->document, node);
  esp_window_show_image (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->canvas));
}

static void
on_history_compare (EspWindow *self, EspNode *dropped, EspNode *onto)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_add (nodes, g_object_ref (dropped));
  g_ptr_array_add (nodes, g_object_ref (onto));
  if (esp_node_has_image (dropped) && esp_node_has_image (onto))
    esp_window_compare (self, nodes);
  else
    esp_window_toast (self, _ ("There is no image to compare with yet."));
}

static void
on_history_reference_drop (EspWindow *self, EspNode *node, const GValue *value)
{
  esp_window_add_reference_value (self, node, value);
}

static void
on_history_drop_failed (EspWindow *self, const GError *error)
{
  esp_window_tell_drop_failed (self, error);
}

static void
on_history_selection_changed (EspWindow *self)
{
  esp_window_update_node_actions (self);
}

static void
on_composer_added (EspWindow *self, EspNode *node)
{
  esp_window_dismiss_undo_toast (self);
  /* The new turn is what one wants to see. */
  g_object_set (self->canvas, "show-before", FALSE, NULL);
  esp_history_reveal (self->history, node);
  esp_window_show_image (self);
}

static void
on_composer_needs_setup (EspWindow *self, EspModel *model)
{
  EspBackend *backend = esp_model_get_backend (model);

  if (backend != NULL && esp_model_get_state (model) == ESP_MODEL_NEEDS_KEY)
    {
      gtk_widget_activate_action (GTK_WIDGET (self), "app.setup-provider", "s",
                                  esp_backend_get_id (backend));
      return;
    }
  gtk_widget_activate_action (GTK_WIDGET (self), "app.show-models", NULL);
}

static void
on_composer_error (EspWindow *self, const char *message)
{
  esp_window_toast (self, message);
}

static void
on_show_before (EspWindow *self)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), "compare");
  gboolean shown = FALSE;

  if (action == NULL) /* it closes */
    return;
  g_object_get (self->canvas, "show-before", &shown, NULL);
  g_simple_action_set_state (G_SIMPLE_ACTION (action), g_variant_new_boolean (shown));
  /* What two chosen nodes set goes with the view that they were chosen for. */
  if (!shown)
    esp_canvas_set_before (self->canvas, NULL);
  esp_window_update_node_actions (self);
}

/* The mask and the region are seen on the image. */
static void
on_tool (EspWindow *self)
{
  gboolean mask = FALSE, region = FALSE;

  g_object_get (self->canvas, "show-mask", &mask, "draw-region", &region, NULL);
  if (!(mask || region) || self->document == NULL)
    return;
  if (esp_window_get_view (self) != GTK_WIDGET (self->canvas))
    esp_window_show_image (self);
  else
    esp_window_show_canvas (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->canvas));
}

static void
on_mask_failed (EspWindow *self, const char *message)
{
  g_autofree char *text = NULL;

  /* Translators: %s is a sentence that says why. */
  text = g_strdup_printf (_ ("The mask was not changed: %s"), message);
  esp_window_toast (self, text);
}

static void
on_is_active (EspWindow *self)
{
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (self));

  if (gtk_window_is_active (GTK_WINDOW (self)) && self->file != NULL && application != NULL)
    esp_notifier_seen (application, self->file);
}

/* --- Menus ------------------------------------------------------------------------------------ */

/* The sections of the main menu that are the same in all windows are made once: GTK 4.8 never lets
 * go of a section that was shown. */
static void
append_section (GMenu *menu, const char *const *names)
{
  static GHashTable *sections; /* the first name → GMenu */
  GMenu *section;

  if (sections == NULL)
    sections = g_hash_table_new (g_str_hash, g_str_equal);
  section = g_hash_table_lookup (sections, names[0]);
  if (section == NULL)
    {
      section = g_menu_new ();
      g_hash_table_insert (sections, (gpointer) names[0], section);
      for (; *names != NULL; names++)
        esp_actions_append_item (section, *names);
    }
  g_menu_append_section (menu, NULL, G_MENU_MODEL (section));
}

static void
on_main_menu (GtkMenuButton *button, gpointer user_data)
{
  esp_window_fill_sweeps_menu (ESP_WINDOW (user_data));
}

static void
init_main_menu (EspWindow *self)
{
  g_autoptr (GMenu) menu = g_menu_new ();

  append_section (menu, (const char *[]){ "app.new-window", "win.paste", NULL });
  append_section (menu, (const char *[]){ "win.undo", "win.redo", NULL });
  append_section (menu, (const char *[]){ "win.sweep", NULL });
  g_menu_append_section (menu, NULL, G_MENU_MODEL (self->sweeps_menu));
  append_section (menu, (const char *[]){ "win.save-as", "node.export", "win.export-all",
                                          "win.rename", "win.properties", NULL });
  append_section (menu, (const char *[]){ "win.find", "win.history-outline", "win.hide-rejected",
                                          "win.details", "win.fullscreen", NULL });
  append_section (menu, (const char *[]){ "app.preferences", "win.show-help-overlay", "app.help",
                                          "app.about", NULL });
  gtk_menu_button_set_menu_model (self->menu_button, G_MENU_MODEL (menu));
  gtk_menu_button_set_create_popup_func (self->menu_button, on_main_menu, self, NULL);
}

/* The documents of late, filled each time the menu opens. */
static void
fill_recent_menu (EspWindow *self)
{
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autolist (GtkRecentInfo) infos
      = gtk_recent_manager_get_items (gtk_recent_manager_get_default ());
  int n = 0;

  for (GList *l = infos; l != NULL && n < 10; l = l->next)
    {
      GtkRecentInfo *info = l->data;
      g_autofree char *name = NULL;
      g_auto (GStrv) parts = NULL;
      g_autoptr (GMenuItem) item = NULL;

      if (!esp_recent_is_ours (info))
        continue;
      name = g_strdup (gtk_recent_info_get_display_name (info));
      if (g_str_has_suffix (name, ".espalier"))
        name[strlen (name) - strlen (".espalier")] = '\0';
      /* An underline is no mnemonic here. */
      parts = g_strsplit (name, "_", -1);
      g_free (name);
      name = g_strjoinv ("__", parts);
      item = g_menu_item_new (name, NULL);
      g_menu_item_set_action_and_target (item, "app.open-uri", "s", gtk_recent_info_get_uri (info));
      g_menu_append_item (menu, item);
      n++;
    }
  if (n == 0)
    {
      g_autoptr (GMenuItem) item = g_menu_item_new (_ ("No Recent Documents"), "win.nothing");
      g_menu_append_item (menu, item);
    }
  adw_split_button_set_menu_model (ADW_SPLIT_BUTTON (self->open_button), G_MENU_MODEL (menu));
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_window_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_DOCUMENT:
      g_value_set_object (value, ESP_WINDOW (object)->document);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_window_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_DOCUMENT:
      esp_window_set_document (ESP_WINDOW (object), g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_window_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  GTK_WIDGET_CLASS (esp_window_parent_class)->size_allocate (widget, width, height, baseline);
  esp_window_lift_toasts_later (ESP_WINDOW (widget));
}

/* Some of them hold widgets and follow settings. Whoever still has the group would keep all that,
 * and GTK 4.8 tells a window that is gone of every change. */
static void
remove_actions (EspWindow *self)
{
  g_auto (GStrv) names = g_action_group_list_actions (G_ACTION_GROUP (self));

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    g_action_map_remove_action (G_ACTION_MAP (self), names[i]);
}

static void
esp_window_dispose (GObject *object)
{
  EspWindow *self = ESP_WINDOW (object);

  g_cancellable_cancel (self->cancellable);
  if (self->document != NULL)
    esp_window_detach_document (self);
  remove_actions (self);
  g_clear_object (&self->undo_toast);
  g_clear_handle_id (&self->lift_id, g_source_remove);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_WINDOW);

  G_OBJECT_CLASS (esp_window_parent_class)->dispose (object);
}

static void
esp_window_finalize (GObject *object)
{
  EspWindow *self = ESP_WINDOW (object);

  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->asked, g_variant_unref);
  g_clear_object (&self->settings);
  g_clear_object (&self->node_actions);
  g_clear_object (&self->current_actions);
  g_clear_object (&self->compare_actions);
  g_clear_object (&self->sweep_actions);
  g_clear_object (&self->sweeps_menu);
  g_clear_object (&self->file);
  g_clear_pointer (&self->document_state, g_variant_unref);
  g_clear_pointer (&self->left_over, g_ptr_array_unref);

  G_OBJECT_CLASS (esp_window_parent_class)->finalize (object);
}

static void
bind_children (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, EspWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, header);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, title);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, back_button);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, history_button);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, open_button);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, compare_button);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, export_button);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, menu_button);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, welcome);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, access_banner);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, save_banner);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, left_over_banner);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, offline_banner);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, split);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, flap);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, history);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, views);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, canvas);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, compare_view);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, sweep_grid);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, queue_button);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, below);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, composer);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, sweep_page);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, details);
  gtk_widget_class_bind_template_child (widget_class, EspWindow, announcer);
}

static void
esp_window_class_init (EspWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = esp_window_get_property;
  object_class->set_property = esp_window_set_property;
  object_class->dispose = esp_window_dispose;
  object_class->finalize = esp_window_finalize;
  widget_class->size_allocate = esp_window_size_allocate;
  GTK_WINDOW_CLASS (klass)->close_request = esp_window_on_close_request;

  properties[PROP_DOCUMENT]
      = g_param_spec_object ("document", NULL, NULL, ESP_TYPE_DOCUMENT,
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (ESP_TYPE_ANNOUNCER);
  g_type_ensure (ESP_TYPE_BANNER);
  g_type_ensure (ESP_TYPE_CANVAS);
  g_type_ensure (ESP_TYPE_COMPARE_VIEW);
  g_type_ensure (ESP_TYPE_COMPOSER);
  g_type_ensure (ESP_TYPE_DETAILS);
  g_type_ensure (ESP_TYPE_HISTORY);
  g_type_ensure (ESP_TYPE_QUEUE_BUTTON);
  g_type_ensure (ESP_TYPE_SPLIT_VIEW);
  g_type_ensure (ESP_TYPE_SWEEP_GRID);
  g_type_ensure (ESP_TYPE_SWEEP_PAGE);
  g_type_ensure (ESP_TYPE_WELCOME);

  gtk_widget_class_set_template_from_resource (widget_class, "/espalier/app/window/esp-window.ui");
  bind_children (widget_class);
  gtk_widget_class_bind_template_callback (widget_class, on_composer_added);
  gtk_widget_class_bind_template_callback (widget_class, on_composer_error);
  gtk_widget_class_bind_template_callback (widget_class, esp_window_on_composer_ask);
  gtk_widget_class_bind_template_callback (widget_class, esp_window_update_remote);
  gtk_widget_class_bind_template_callback (widget_class, on_composer_needs_setup);
  gtk_widget_class_bind_template_callback (widget_class, on_history_activate);
  gtk_widget_class_bind_template_callback (widget_class, esp_window_open_sweep);
  gtk_widget_class_bind_template_callback (widget_class, on_history_compare);
  gtk_widget_class_bind_template_callback (widget_class, on_history_reference_drop);
  gtk_widget_class_bind_template_callback (widget_class, on_history_drop_failed);
  gtk_widget_class_bind_template_callback (widget_class, on_history_selection_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_layout_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_welcome_open);
}

/* The arrow of a split button is a menu button that has a tooltip alone. */
static void
name_arrow (GtkWidget *split_button, const char *name)
{
  GtkWidget *child = gtk_widget_get_first_child (split_button);

  while (child != NULL && !GTK_IS_MENU_BUTTON (child))
    child = gtk_widget_get_next_sibling (child);
  if (child != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (child), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                    -1);
}

static void
esp_window_init (EspWindow *self)
{
  int width, height;

  self->cancellable = g_cancellable_new ();
  self->settings = g_settings_new (ESP_APP_ID);
  gtk_widget_init_template (GTK_WIDGET (self));
#ifdef ESP_DEVELOPMENT
  gtk_widget_add_css_class (GTK_WIDGET (self), "devel");
#endif
  name_arrow (self->open_button, _ ("Recent Documents"));

  g_settings_get (self->settings, "window-size", "(ii)", &width, &height);
  width = CLAMP (width, 360, 16384);
  height = CLAMP (height, 294, 16384);
  gtk_window_set_default_size (GTK_WINDOW (self), width, height);
  if (g_settings_get_boolean (self->settings, "window-maximized"))
    gtk_window_maximize (GTK_WINDOW (self));
  else
    esp_split_view_expect_width (self->split, width);
  esp_split_view_set_position (self->split, g_settings_get_int (self->settings, "history-width"));
  esp_split_view_set_show_start (self->split,
                                 g_settings_get_boolean (self->settings, "history-shown"));
  adw_flap_set_reveal_flap (self->flap, g_settings_get_boolean (self->settings, "details-shown"));
  on_orientation_setting (self);
  g_signal_connect_object (self->settings, "changed::history-orientation",
                           G_CALLBACK (on_orientation_setting), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->settings, "changed::history-outline",
                           G_CALLBACK (esp_window_update_layout), self, G_CONNECT_SWAPPED);

  self->sweeps_menu = g_menu_new ();
  esp_window_init_actions (self);
  esp_window_init_node_actions (self);
  esp_window_init_views (self);
  esp_window_init_sweep (self);
  esp_window_init_drop (self);
  esp_actions_add_keys (GTK_WIDGET (self), ESP_KEYS_OUTSIDE_TEXT);
  esp_actions_add_keys (GTK_WIDGET (self->canvas), ESP_KEYS_VIEWS);
  esp_actions_add_keys (GTK_WIDGET (self->history), ESP_KEYS_VIEWS);
  init_main_menu (self);
  fill_recent_menu (self);
  g_signal_connect_object (gtk_recent_manager_get_default (), "changed",
                           G_CALLBACK (fill_recent_menu), self, G_CONNECT_SWAPPED);

  g_signal_connect_object (self->history, "move-drop", G_CALLBACK (esp_window_move_branch), self,
                           G_CONNECT_SWAPPED);
  /* Each word is said once, and to screen readers too. */
  g_object_bind_property (self->composer, "busy", self->canvas, "show-status",
                          G_BINDING_SYNC_CREATE | G_BINDING_INVERT_BOOLEAN);
  g_object_bind_property (self->canvas, "region", self->composer, "region",
                          G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL);
  g_signal_connect_object (self->canvas, "notify::show-mask", G_CALLBACK (on_tool), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->canvas, "notify::draw-region", G_CALLBACK (on_tool), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->canvas, "failed", G_CALLBACK (on_mask_failed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->canvas, "notify::show-before", G_CALLBACK (on_show_before), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect (self, "notify::is-active", G_CALLBACK (on_is_active), NULL);
  esp_window_update_layout (self);
  esp_window_update_title (self);
}

EspWindow *
esp_window_new (EspApplication *application)
{
  EspWindow *self;

  g_return_val_if_fail (ESP_IS_APPLICATION (application), NULL);

  self = g_object_new (ESP_TYPE_WINDOW, "application", application, NULL);
  esp_queue_button_set_queue (self->queue_button, esp_application_get_queue (application));
  esp_composer_set_queue (self->composer, esp_application_get_queue (application));
  g_signal_connect_object (esp_application_get_accounts (application), "notify::offline",
                           G_CALLBACK (esp_window_update_remote), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (
      esp_registry_get_models (esp_queue_get_registry (esp_application_get_queue (application))),
      "items-changed", G_CALLBACK (esp_window_update_alternatives), self, G_CONNECT_SWAPPED);
  return self;
}

EspDocument *
esp_window_get_document (EspWindow *self)
{
  g_return_val_if_fail (ESP_IS_WINDOW (self), NULL);
  return self->document;
}

void
esp_window_set_document (EspWindow *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_WINDOW (self));
  g_return_if_fail (document == NULL || ESP_IS_DOCUMENT (document));

  if (self->document == document)
    return;

  if (self->document != NULL)
    esp_window_detach_document (self);
  if (document != NULL)
    esp_window_attach_document (self, document);
  gtk_stack_set_visible_child_name (self->stack, document != NULL ? "document" : "welcome");
  if (document != NULL)
    esp_window_restore_view (self);
  esp_window_update_layout (self);
  esp_window_update_title (self);
  esp_window_update_banners (self);
  esp_window_update_node_actions (self);
  esp_window_update_remote (self);
  if (document != NULL && esp_window_get_view (self) == GTK_WIDGET (self->canvas))
    esp_composer_focus (self->composer);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DOCUMENT]);
  if (document != NULL)
    esp_window_do_what_was_asked (self);
}

gboolean
esp_window_is_empty (EspWindow *self)
{
  g_return_val_if_fail (ESP_IS_WINDOW (self), FALSE);
  return self->document == NULL && !self->opening;
}

gboolean
esp_window_is_in_background (EspWindow *self)
{
  g_return_val_if_fail (ESP_IS_WINDOW (self), FALSE);
  return self->background;
}

gboolean
esp_window_is_closing (EspWindow *self)
{
  g_return_val_if_fail (ESP_IS_WINDOW (self), FALSE);
  return self->closing;
}

GFile *
esp_window_get_file (EspWindow *self)
{
  g_return_val_if_fail (ESP_IS_WINDOW (self), NULL);
  return self->file;
}

void
esp_window_show_node (EspWindow *self, gint64 id)
{
  EspNode *node;

  g_return_if_fail (ESP_IS_WINDOW (self));

  esp_window_leave_background (self);
  if (self->document != NULL && (node = esp_document_get_node (self->document, id)) != NULL)
    {
      esp_document_set_current (self->document, node);
      esp_history_reveal (self->history, node);
      esp_window_show_image (self);
    }
  gtk_window_present (GTK_WINDOW (self));
}

/* --- The session ------------------------------------------------------------------------------ */

GVariant *
esp_window_dup_state (EspWindow *self)
{
  g_autoptr (GVariantDict) dict = g_variant_dict_new (NULL);
  int width, height;
  g_autofree char *uri = NULL;
  g_autoptr (GVariant) composer = NULL;
  g_autoptr (GVariant) view = NULL;

  g_return_val_if_fail (ESP_IS_WINDOW (self), NULL);

  if (self->document == NULL)
    return NULL;
  uri = g_file_get_uri (esp_document_get_file (self->document));
  gtk_window_get_default_size (GTK_WINDOW (self), &width, &height);
  g_variant_dict_insert (dict, "uri", "s", uri);
  g_variant_dict_insert (dict, "size", "(ii)", width, height);
  g_variant_dict_insert (dict, "maximized", "b", gtk_window_is_maximized (GTK_WINDOW (self)));
  g_variant_dict_insert (dict, "history-width", "i", esp_split_view_get_position (self->split));
  g_variant_dict_insert (dict, "history-shown", "b", esp_split_view_get_show_start (self->split));
  g_variant_dict_insert (dict, "details-shown", "b", adw_flap_get_reveal_flap (self->flap));
  g_variant_dict_insert (dict, "image-shown", "b", esp_split_view_get_show_end (self->split));
  g_variant_dict_insert (dict, "fit", "b", esp_canvas_get_fit (self->canvas));
  g_variant_dict_insert (dict, "zoom", "d", esp_canvas_get_zoom (self->canvas));
  composer = esp_composer_dup_state (self->composer);
  if (composer != NULL)
    g_variant_dict_insert_value (dict, "composer", composer);
  view = esp_window_dup_view_state (self);
  g_variant_dict_insert_value (dict, "view", view);
  return g_variant_ref_sink (g_variant_dict_end (dict));
}

void
esp_window_restore_state (EspWindow *self, GVariant *state)
{
  int width, height, position;
  gboolean maximized, history_shown, details_shown, image_shown;

  g_return_if_fail (ESP_IS_WINDOW (self));
  g_return_if_fail (state != NULL);

  if (g_variant_lookup (state, "size", "(ii)", &width, &height) && width > 0 && height > 0
      && width <= 16384 && height <= 16384)
    {
      gtk_window_set_default_size (GTK_WINDOW (self), width, height);
      esp_split_view_expect_width (self->split, width);
    }
  if (g_variant_lookup (state, "maximized", "b", &maximized) && maximized)
    gtk_window_maximize (GTK_WINDOW (self));
  if (g_variant_lookup (state, "history-width", "i", &position) && position >= 0)
    esp_split_view_set_position (self->split, position);
  if (g_variant_lookup (state, "history-shown", "b", &history_shown))
    esp_split_view_set_show_start (self->split, history_shown);
  if (g_variant_lookup (state, "details-shown", "b", &details_shown))
    adw_flap_set_reveal_flap (self->flap, details_shown);
  if (g_variant_lookup (state, "image-shown", "b", &image_shown))
    esp_split_view_set_show_end (self->split, image_shown);

  /* The rest belongs to the document, which may be still to come. */
  g_clear_pointer (&self->document_state, g_variant_unref);
  self->document_state = g_variant_ref_sink (state);
  if (self->document != NULL)
    {
      esp_window_restore_document_state (self);
      esp_window_restore_view (self);
    }
}

void
esp_window_restore_document_state (EspWindow *self)
{
  g_autoptr (GVariant) state = g_steal_pointer (&self->document_state);
  g_autoptr (GVariant) composer = NULL;
  g_autoptr (GVariant) view = NULL;
  gboolean fit;
  double zoom;

  if (state == NULL)
    return;
  if (g_variant_lookup (state, "fit", "b", &fit) && !fit
      && g_variant_lookup (state, "zoom", "d", &zoom) && zoom > 0.001 && zoom < 1000)
    {
      esp_canvas_set_fit (self->canvas, FALSE);
      esp_canvas_set_zoom (self->canvas, zoom);
    }
  composer = g_variant_lookup_value (state, "composer", G_VARIANT_TYPE_VARDICT);
  if (composer != NULL)
    esp_composer_restore_state (self->composer, composer);
  view = g_variant_lookup_value (state, "view", G_VARIANT_TYPE_VARDICT);
  if (view != NULL)
    esp_window_take_view_state (self, view);
}
