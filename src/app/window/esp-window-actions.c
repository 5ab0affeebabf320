/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-actions.c: the window's own actions, "win". */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-actions.h"
#include "esp-window-private.h"

typedef struct
{
  EspWindow *window;
  char *text;
} Told;

static void
told_free (Told *told)
{
  g_object_unref (told->window);
  g_free (told->text);
  g_free (told);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Told, told_free)

static Told *
told_new (EspWindow *self, char *text)
{
  Told *told = g_new0 (Told, 1);

  told->window = g_object_ref (self);
  told->text = text;
  return told;
}

/* --- Undo ------------------------------------------------------------------------------------- */

static void
on_undone (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Told) told = user_data;
  g_autoptr (GError) error = NULL;

  if (!esp_document_edit_finish (ESP_DOCUMENT (source), result, &error))
    esp_window_toast_error (told->window, _ ("It could not be undone"), error);
  else if (told->text != NULL)
    esp_window_toast (told->window, told->text);
}

static void
undo (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);
  g_autofree char *title = NULL;

  /* What is not in the document yet is undone first. */
  if (self->document == NULL || esp_canvas_undo (self->canvas)
      || !esp_document_can_undo (self->document))
    return;
  esp_window_dismiss_undo_toast (self);
  title = esp_document_dup_undo_title (self->document);
  esp_document_undo_async (
      self->document, NULL, on_undone,
      /* Translators: %s is the name of what was undone, "Delete 3 Turns". */
      told_new (self, title != NULL ? g_strdup_printf (_ ("Undone: %s"), title) : NULL));
}

static void
redo (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);
  g_autofree char *title = NULL;

  if (self->document == NULL || !esp_document_can_redo (self->document))
    return;
  esp_window_dismiss_undo_toast (self);
  title = esp_document_dup_redo_title (self->document);
  esp_document_redo_async (
      self->document, NULL, on_undone,
      /* Translators: %s is the name of what was done again, "Delete 3 Turns". */
      told_new (self, title != NULL ? g_strdup_printf (_ ("Redone: %s"), title) : NULL));
}

/* --- Files ------------------------------------------------------------------------------------ */

static void
open_file (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  esp_window_choose_file (ESP_WINDOW (user_data));
}

static void
open_sample (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);
  EspApplication *application = ESP_APPLICATION (gtk_window_get_application (GTK_WINDOW (self)));
  g_autoptr (GFile) file = esp_application_dup_sample_photo (application);

  if (file == NULL)
    {
      esp_window_toast (self, _ ("The sample photo is missing from this installation."));
      return;
    }
  esp_application_open_file (application, self, file);
}

static void
paste (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  esp_window_paste (ESP_WINDOW (user_data));
}

static void
on_saved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Told) told = user_data;
  g_autoptr (GError) error = NULL;

  /* What went wrong lasts, and is shown by the banner. */
  if (esp_document_save_finish (ESP_DOCUMENT (source), result, &error))
    esp_window_toast (told->window, _ ("Saved"));
}

static void
save (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);

  if (self->document != NULL)
    esp_document_save_async (self->document, NULL, on_saved, told_new (self, NULL));
}

static void
save_as (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  esp_window_choose_save_as (ESP_WINDOW (user_data));
}

static void
on_overwritten (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Told) told = user_data;
  g_autoptr (GError) error = NULL;

  if (!esp_document_overwrite_finish (ESP_DOCUMENT (source), result, &error))
    esp_window_toast_error (told->window, _ ("The document could not be saved"), error);
}

static void
overwrite (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);

  if (self->document != NULL)
    esp_document_overwrite_async (self->document, NULL, on_overwritten, told_new (self, NULL));
}

static void
export_all (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);

  if (self->document != NULL)
    esp_window_show_export (self, NULL);
}

static void
show_properties (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);

  if (self->document != NULL)
    gtk_window_present (esp_properties_window_new (GTK_WINDOW (self), self->document));
}

/* --- Turns ------------------------------------------------------------------------------------ */

static void
run (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);

  if (esp_window_is_setting_up_sweep (self))
    esp_sweep_page_start (self->sweep_page);
  else
    gtk_widget_activate_action (GTK_WIDGET (self->composer), "composer.run", NULL);
}

static void
run_next (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_widget_activate_action (GTK_WIDGET (ESP_WINDOW (user_data)->composer), "composer.run-next",
                              NULL);
}

static void
focus_instruction (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);

  esp_window_leave_sweep_page (self);
  esp_window_show_canvas (self);
  esp_composer_focus (self->composer);
}

static void
write_instruction (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);
  g_autoptr (JsonObject) recipe = json_object_new ();

  json_object_set_string_member (recipe, "prompt", g_variant_get_string (parameter, NULL));
  esp_composer_use_recipe (self->composer, recipe, ESP_COMPOSER_INSTRUCTION);
  focus_instruction (action, NULL, self);
}

static void
sweep (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);

  if (esp_window_is_setting_up_sweep (self))
    esp_window_leave_sweep_page (self);
  else
    esp_window_set_up_sweep (self);
}

static void
show_sweep (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  esp_window_open_sweep (ESP_WINDOW (user_data), g_variant_get_int64 (parameter));
}

static void
take_up (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  esp_window_take_up_left_over (ESP_WINDOW (user_data), TRUE);
}

static void
dismiss (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  esp_window_take_up_left_over (ESP_WINDOW (user_data), FALSE);
}

static void
setup_model (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_widget_activate_action (GTK_WIDGET (user_data), "app.show-models", NULL);
}

static void
setup_provider (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_widget_activate_action (GTK_WIDGET (user_data), "app.setup-provider", "s", "");
}

static void
show_providers (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_widget_activate_action (GTK_WIDGET (user_data), "app.show-providers", NULL);
}

/* --- Views ------------------------------------------------------------------------------------ */

static void
back (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);

  esp_split_view_set_show_end (self->split, FALSE);
  gtk_widget_child_focus (GTK_WIDGET (self->history), GTK_DIR_TAB_FORWARD);
}

static void
find (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);

  if (esp_split_view_get_folded (self->split))
    esp_split_view_set_show_end (self->split, FALSE);
  else
    esp_split_view_set_show_start (self->split, TRUE);
  esp_history_start_find (self->history);
}

static void
compare (GSimpleAction *action, GVariant *state, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);

  if (g_variant_get_boolean (state))
    esp_canvas_set_before (self->canvas, NULL);
  g_object_set (self->canvas, "show-before", g_variant_get_boolean (state), NULL);
}

static void
main_menu (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_menu_button_popup (ESP_WINDOW (user_data)->menu_button);
}

static void
toggle_fullscreen (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  if (gtk_window_is_fullscreen (GTK_WINDOW (user_data)))
    gtk_window_unfullscreen (GTK_WINDOW (user_data));
  else
    gtk_window_fullscreen (GTK_WINDOW (user_data));
}

static void
escape (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);
  gboolean before = FALSE;

  g_object_get (self->canvas, "show-before", &before, NULL);
  if (before)
    g_object_set (self->canvas, "show-before", FALSE, NULL);
  else if (esp_window_is_comparing (self))
    esp_window_leave_view (self);
  else if (esp_window_get_view (self) == GTK_WIDGET (self->canvas)
           && esp_canvas_escape (self->canvas))
    return;
  else if (esp_window_is_setting_up_sweep (self))
    esp_window_leave_sweep_page (self);
  else if (esp_window_leave_view (self))
    return;
  else if (gtk_window_is_fullscreen (GTK_WINDOW (self)))
    gtk_window_unfullscreen (GTK_WINDOW (self));
  else if (self->document != NULL)
    esp_history_stop_find (self->history);
}

static void
show_help_overlay (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkWidget *window = esp_actions_create_shortcuts_window ();

  gtk_window_set_transient_for (GTK_WINDOW (window), GTK_WINDOW (user_data));
  gtk_window_present (GTK_WINDOW (window));
}

/* Of what is shown: the image, those compared, the cells. */
static void
zoom (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);
  const char *what = g_action_get_name (G_ACTION (action));
  g_autofree char *name = NULL;

  if (!esp_window_is_sweep_shown (self))
    {
      name = g_strconcat (esp_window_is_comparing (self) ? "compare." : "canvas.", what, NULL);
      gtk_widget_activate_action (esp_window_get_view (self), name, NULL);
    }
  else if (g_str_equal (what, "zoom-in"))
    esp_sweep_grid_zoom (self->sweep_grid, 1);
  else if (g_str_equal (what, "zoom-out"))
    esp_sweep_grid_zoom (self->sweep_grid, -1);
  else if (g_str_equal (what, "zoom-fit"))
    esp_sweep_grid_zoom (self->sweep_grid, 0);
}

static void
history_zoom (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);
  const char *name = g_action_get_name (G_ACTION (action));

  if (g_str_equal (name, "history-zoom-in"))
    esp_history_zoom_in (self->history);
  else if (g_str_equal (name, "history-zoom-out"))
    esp_history_zoom_out (self->history);
  else
    esp_history_zoom_fit (self->history);
}

static void
reload (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  esp_window_reload (ESP_WINDOW (user_data));
}

static const GActionEntry entries[] = {
  { "open", open_file },
  { "open-sample", open_sample },
  { "paste", paste },
  { "undo", undo },
  { "redo", redo },
  { "save", save },
  { "save-as", save_as },
  { "overwrite", overwrite },
  { "reload", reload },
  { "export-all", export_all },
  { "properties", show_properties },
  { "rename", show_properties },
  { "run", run },
  { "run-next", run_next },
  { "focus-instruction", focus_instruction },
  { "write-instruction", write_instruction, "s" },
  { "sweep", sweep },
  { "show-sweep", show_sweep, "x" },
  { "take-up", take_up },
  { "dismiss", dismiss },
  { "setup-model", setup_model },
  { "setup-provider", setup_provider },
  { "show-providers", show_providers },
  { "back", back },
  { "find", find },
  { "compare", NULL, NULL, "false", compare },
  { "main-menu", main_menu },
  { "fullscreen", toggle_fullscreen },
  { "escape", escape },
  { "show-help-overlay", show_help_overlay },
  { "zoom-in", zoom },
  { "zoom-out", zoom },
  { "zoom-fit", zoom },
  { "zoom-100", zoom },
  { "zoom-200", zoom },
  { "history-zoom-in", history_zoom },
  { "history-zoom-out", history_zoom },
  { "history-zoom-fit", history_zoom },
};

void
esp_window_init_actions (EspWindow *self)
{
  g_autoptr (GPropertyAction) history = NULL;
  g_autoptr (GPropertyAction) details = NULL;
  g_autoptr (GPropertyAction) rejected = NULL;
  g_autoptr (GPropertyAction) mask = NULL;
  g_autoptr (GPropertyAction) region = NULL;
  g_autoptr (GAction) outline = NULL;

  g_action_map_add_action_entries (G_ACTION_MAP (self), entries, G_N_ELEMENTS (entries), self);
  history = g_property_action_new ("show-history", self->split, "show-start");
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (history));
  details = g_property_action_new ("details", self->flap, "reveal-flap");
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (details));
  rejected = g_property_action_new ("hide-rejected", self->history, "hide-rejected");
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (rejected));
  mask = g_property_action_new ("show-mask", self->canvas, "show-mask");
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (mask));
  region = g_property_action_new ("edit-region", self->canvas, "draw-region");
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (region));
  outline = g_settings_create_action (self->settings, "history-outline");
  g_action_map_add_action (G_ACTION_MAP (self), outline);
}

static void
set_enabled (EspWindow *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), name);

  if (G_IS_SIMPLE_ACTION (action))
    g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

void
esp_window_update_actions (EspWindow *self)
{
  gboolean has_document = self->document != NULL;
  gboolean writable
      = has_document && esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE;
  gsize n;
  const EspActionInfo *infos = esp_actions_get (&n);

  for (gsize i = 0; i < n; i++)
    if (infos[i].name != NULL && g_str_has_prefix (infos[i].name, "win."))
      set_enabled (self, infos[i].name + strlen ("win."),
                   infos[i].needs == ESP_ACTION_ALWAYS
                       || (infos[i].needs == ESP_ACTION_DOCUMENT ? has_document : writable));

  set_enabled (self, "undo", writable && esp_document_can_undo (self->document));
  set_enabled (self, "redo", writable && esp_document_can_redo (self->document));
  esp_window_update_compare (self);
}
