/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-open.c: documents and pictures on their way into the window, wherever they come from.
 */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-incoming.h"
#include "esp-json-member.h"
#include "esp-window-private.h"

/* A picture on its way into the window. */
typedef struct
{
  EspWindow *window;
  GCancellable *cancellable;
  GBytes *bytes;
  char *name; /* or NULL */
  EspForeignRecipe *recipe;
  EspImageUse use;
  gboolean take_settings;
  gboolean elsewhere;  /* opened from a window with a document: gets a window of its own */
  EspNode *show_after; /* what stays current (references), or NULL */
  GQueue waiting;      /* (element-type Incoming): to be asked about after this one */
} Incoming;

static Incoming *
incoming_new (EspWindow *self, GBytes *bytes, const char *name)
{
  Incoming *incoming = g_new0 (Incoming, 1);

  incoming->window = g_object_ref (self);
  incoming->cancellable = g_object_ref (self->cancellable);
  incoming->bytes = bytes != NULL ? g_bytes_ref (bytes) : NULL;
  incoming->name = g_strdup (name);
  g_queue_init (&incoming->waiting);
  return incoming;
}

static void
incoming_free (Incoming *incoming)
{
  g_queue_clear_full (&incoming->waiting, (GDestroyNotify) incoming_free);
  g_clear_pointer (&incoming->bytes, g_bytes_unref);
  g_clear_pointer (&incoming->recipe, esp_foreign_recipe_free);
  g_clear_object (&incoming->show_after);
  g_object_unref (incoming->cancellable);
  g_object_unref (incoming->window);
  g_free (incoming->name);
  g_free (incoming);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Incoming, incoming_free)

static void
set_opening (EspWindow *self, gboolean opening)
{
  if (self->closing)
    return;
  self->opening = !!opening;
  esp_welcome_set_busy (self->welcome, opening);
}

void
esp_window_set_made_for_file (EspWindow *self)
{
  g_return_if_fail (ESP_IS_WINDOW (self));
  self->made_for_file = TRUE;
}

static gboolean
is_another_window (EspWindow *self)
{
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (self));

  if (application == NULL)
    return FALSE;
  for (GList *l = gtk_application_get_windows (application); l != NULL; l = l->next)
    if (ESP_IS_WINDOW (l->data) && l->data != self && gtk_widget_get_visible (l->data)
        && !esp_window_is_closing (l->data))
      return TRUE;
  return FALSE;
}

static gboolean
leave (gpointer user_data)
{
  EspWindow *self = ESP_WINDOW (user_data);

  if (self->made_for_file && esp_window_is_empty (self) && !self->closing
      && self->failure_dialog == NULL && is_another_window (self))
    esp_window_start_close (self);
  return G_SOURCE_REMOVE;
}

/* When the message has gone, too. */
static void
on_failure_read (EspWindow *self)
{
  g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, leave, g_object_ref (self), g_object_unref);
}

static void
fail_opening (EspWindow *self, const char *name, const GError *error)
{
  g_autofree char *what = NULL;

  if (self->closing)
    return;
  set_opening (self, FALSE);
  if (self->document == NULL)
    g_clear_object (&self->file);
  what = name != NULL ? g_strdup_printf (_ ("“%s” Could Not Be Opened"), name)
                      : g_strdup (_ ("The Image Could Not Be Opened"));
  esp_window_show_failure (self, what, error);
  if (self->made_for_file && self->failure_dialog != NULL)
    g_signal_connect_object (self->failure_dialog, "response", G_CALLBACK (on_failure_read), self,
                             G_CONNECT_SWAPPED | G_CONNECT_AFTER);
}

/* --- Documents -------------------------------------------------------------------------------- */

static void
on_document_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = ESP_WINDOW (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspDocument) document = esp_document_open_finish (result, &error);

  if (document == NULL)
    {
      g_autofree char *name = self->file != NULL ? g_file_get_basename (self->file) : NULL;

      fail_opening (self, name, error);
      return;
    }
  if (self->closing)
    {
      esp_document_close_async (document, NULL, NULL);
      return;
    }
  set_opening (self, FALSE);
  esp_window_set_document (self, document);
}

void
esp_window_open_document (EspWindow *self, GFile *file)
{
  g_return_if_fail (ESP_IS_WINDOW (self));
  g_return_if_fail (G_IS_FILE (file));
  g_return_if_fail (self->document == NULL);

  g_set_object (&self->file, file);
  set_opening (self, TRUE);
  esp_document_open_async (file, ESP_DOCUMENT_OPEN_DEFAULT, self->cancellable, on_document_opened,
                           g_object_ref (self));
}

/* --- Recipes ---------------------------------------------------------------------------------- */

/* What is being written is the person's: another instruction is only offered. */
static void
take_settings (EspWindow *self, const EspForeignRecipe *recipe)
{
  const char *instruction = esp_json_get_string (recipe->recipe, "prompt");
  g_autofree char *written = g_strstrip (g_strdup (esp_composer_get_instruction (self->composer)));

  if (written[0] == '\0')
    {
      esp_composer_use_recipe (self->composer, recipe->recipe,
                               ESP_COMPOSER_INSTRUCTION | ESP_COMPOSER_SETTINGS);
      return;
    }
  esp_composer_use_recipe (self->composer, recipe->recipe, ESP_COMPOSER_SETTINGS);
  if (instruction != NULL && instruction[0] != '\0' && !g_str_equal (instruction, written))
    {
      AdwToast *toast = adw_toast_new (_ ("Settings taken; your instruction is kept"));

      adw_toast_set_button_label (toast, _ ("Use Its _Instruction"));
      adw_toast_set_action_name (toast, "win.write-instruction");
      adw_toast_set_action_target_value (toast, g_variant_new_string (instruction));
      adw_toast_overlay_add_toast (self->toasts, toast);
    }
}

/* --- Pictures --------------------------------------------------------------------------------- */

static void
on_imported (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Incoming) incoming = user_data;
  EspWindow *self = incoming->window;
  EspDocument *document = ESP_DOCUMENT (source);
  g_autoptr (GError) error = NULL;
  EspNode *node = esp_document_import_finish (document, result, &error);

  if (self->closing)
    {
      if (document != self->document)
        esp_document_close_async (document, NULL, NULL);
      return;
    }
  if (node == NULL)
    {
      fail_opening (self, incoming->name, error);
      return;
    }

  set_opening (self, FALSE);
  if (self->document == NULL)
    {
      esp_document_set_current (document, node);
      esp_window_set_document (self, document);
    }
  else if (incoming->use == ESP_IMAGE_AS_REFERENCE)
    {
      if (incoming->show_after != NULL)
        esp_document_set_current (document, incoming->show_after);
      esp_composer_add_reference (self->composer, node);
    }
  else
    {
      g_autofree char *title = esp_node_dup_title (node);
      g_autofree char *text = g_strdup_printf (_ ("“%s” added"), title);

      esp_document_set_current (document, node);
      esp_history_reveal (self->history, node);
      esp_window_show_canvas (self);
      esp_window_toast_undo (self, text);
    }
  if (incoming->take_settings && incoming->recipe != NULL)
    take_settings (self, incoming->recipe);
}

static void
on_remove_failed_document (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GFile) file = user_data;

  (void) esp_document_close_finish (ESP_DOCUMENT (source), result, NULL);
  g_file_delete_async (file, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}

/* The picture of a new document: without it there is no document. */
static void
on_first_imported (GObject *source, GAsyncResult *result, gpointer user_data)
{
  EspDocument *document = ESP_DOCUMENT (source);

  on_imported (source, result, user_data);
  if (esp_document_get_n_nodes (document) == 0)
    esp_document_close_async (document, on_remove_failed_document,
                              g_object_ref (esp_document_get_file (document)));
}

static void
on_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Incoming) incoming = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspDocument) document = esp_document_create_finish (result, &error);

  if (document == NULL)
    {
      fail_opening (incoming->window, incoming->name, error);
      return;
    }
  esp_document_import_async (document, incoming->bytes, incoming->name, NULL, incoming->cancellable,
                             on_first_imported, incoming);
  (void) g_steal_pointer (&incoming);
}

/* "harbour.JPG" makes a document named "harbour". */
static char *
dup_title (const char *name)
{
  const char *dot;

  if (name == NULL || name[0] == '\0')
    return g_strdup (_ ("Untitled"));
  dot = strrchr (name, '.');
  return dot != NULL && dot != name ? g_strndup (name, (gsize) (dot - name)) : g_strdup (name);
}

static void
take (Incoming *incoming)
{
  EspWindow *self = incoming->window;

  if (self->document == NULL)
    {
      g_autofree char *title = dup_title (incoming->name);

      set_opening (self, TRUE);
      esp_document_create_async (NULL, title, incoming->cancellable, on_created, incoming);
      return;
    }
  if (esp_document_get_access (self->document) != ESP_DOCUMENT_WRITABLE)
    {
      esp_window_toast (self, _ ("This document cannot be changed; the image was not added."));
      incoming_free (incoming);
      return;
    }
  g_set_object (&incoming->show_after, esp_document_get_current (self->document));
  esp_document_import_async (self->document, incoming->bytes, incoming->name, NULL,
                             incoming->cancellable, on_imported, incoming);
}

/* What was opened from a window with a document becomes a document in a window of its own. */
static void
move_elsewhere (Incoming *incoming)
{
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (incoming->window));

  if (!incoming->elsewhere || application == NULL)
    return;
  incoming->elsewhere = FALSE;
  g_object_unref (incoming->window);
  incoming->window
      = g_object_ref (esp_application_window_for_opening (ESP_APPLICATION (application), NULL));
  g_set_object (&incoming->cancellable, incoming->window->cancellable);
  gtk_window_present (GTK_WINDOW (incoming->window));
}

static void ask_about_recipe (Incoming *incoming);

static void
on_recipe_answer (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  g_autoptr (Incoming) incoming = g_object_steal_data (G_OBJECT (dialog), "incoming");
  g_autoptr (EspWindow) self = NULL;
  Incoming *next;

  if (incoming == NULL)
    return;
  self = g_object_ref (incoming->window);
  self->ask_shown = FALSE;
  self->recipe_dialog = NULL;
  next = g_queue_pop_head (&incoming->waiting);
  if (next != NULL)
    {
      next->waiting = incoming->waiting;
      g_queue_init (&incoming->waiting);
    }

  if (g_str_equal (response, "continue") || g_str_equal (response, "with-settings"))
    {
      incoming->take_settings = g_str_equal (response, "with-settings");
      move_elsewhere (incoming);
      take (g_steal_pointer (&incoming));
    }
  else if (g_str_equal (response, "reference"))
    {
      incoming->use = ESP_IMAGE_AS_REFERENCE;
      take (g_steal_pointer (&incoming));
    }
  else
    {
      if (g_str_equal (response, "settings") && self->document != NULL)
        {
          take_settings (self, incoming->recipe);
          esp_window_show_canvas (self);
          esp_composer_focus (self->composer);
        }
      set_opening (self, FALSE);
    }
  if (next != NULL)
    ask_about_recipe (next);
}

/* Nothing of it is taken over unasked: the instruction that is being written is the person's. */
static void
ask_about_recipe (Incoming *incoming)
{
  EspWindow *self = incoming->window;
  const char *instruction = esp_json_get_string (incoming->recipe->recipe, "prompt");
  GtkWidget *dialog;
  AdwMessageDialog *message;

  if (self->recipe_dialog != NULL)
    {
      Incoming *asked = g_object_get_data (G_OBJECT (self->recipe_dialog), "incoming");

      g_queue_push_tail (&asked->waiting, incoming);
      return;
    }
  dialog = adw_message_dialog_new (GTK_WINDOW (self), _ ("This Image Carries Its Recipe"), NULL);
  message = ADW_MESSAGE_DIALOG (dialog);

  if (instruction != NULL && instruction[0] != '\0')
    {
      g_autofree char *line = g_utf8_strlen (instruction, -1) > 160
                                  ? g_utf8_substring (instruction, 0, 160)
                                  : g_strdup (instruction);

      /* Translators: the program that made the image, and the instruction it was made with. */
      adw_message_dialog_format_body (message, _ ("%s made it with “%s”."),
                                      incoming->recipe->source, line);
    }
  else
    adw_message_dialog_format_body (message, _ ("%s made it, and wrote its settings into it."),
                                    incoming->recipe->source);

  adw_message_dialog_add_responses (message, "cancel", _ ("_Cancel"), NULL);
  if (self->document != NULL)
    {
      gboolean writable = esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE;

      adw_message_dialog_add_responses (message, "settings", _ ("Take _Settings Only"), "reference",
                                        _ ("Use as _Reference"), NULL);
      adw_message_dialog_set_response_enabled (message, "reference", writable);
    }
  else
    adw_message_dialog_add_responses (message, "with-settings", _ ("Continue With Its _Settings"),
                                      NULL);
  adw_message_dialog_add_responses (message, "continue", _ ("_Continue From It"), NULL);
  adw_message_dialog_set_response_appearance (message, "continue", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (message, "continue");
  adw_message_dialog_set_close_response (message, "cancel");
  g_object_set_data_full (G_OBJECT (dialog), "incoming", incoming, (GDestroyNotify) incoming_free);
  g_signal_connect (dialog, "response", G_CALLBACK (on_recipe_answer), NULL);
  self->ask_shown = TRUE;
  self->recipe_dialog = dialog;
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
receive (Incoming *incoming)
{
  g_autoptr (GError) error = NULL;

  incoming->recipe = esp_foreign_recipe_read_bytes (
      incoming->bytes, incoming->name != NULL ? incoming->name : _ ("The image"), &error);
  if (incoming->recipe != NULL)
    {
      ask_about_recipe (incoming);
      return;
    }
  move_elsewhere (incoming);
  take (incoming);
}

void
esp_window_take_image (EspWindow *self, GBytes *bytes, const char *file_name)
{
  g_return_if_fail (ESP_IS_WINDOW (self));
  g_return_if_fail (bytes != NULL);

  receive (incoming_new (self, bytes, file_name));
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Incoming) incoming = user_data;
  g_autoptr (GError) error = NULL;

  incoming->bytes = esp_incoming_load_file_finish (G_FILE (source), result, &error);
  if (incoming->bytes == NULL)
    {
      fail_opening (incoming->window, incoming->name, error);
      return;
    }
  if (incoming->use == ESP_IMAGE_AS_REFERENCE)
    take (g_steal_pointer (&incoming));
  else
    receive (g_steal_pointer (&incoming));
}

static void
load_photo (EspWindow *self, GFile *file, EspImageUse use, gboolean elsewhere)
{
  Incoming *incoming;
  g_autofree char *name = g_file_get_basename (file);

  if (self->document == NULL)
    {
      g_set_object (&self->file, file);
      set_opening (self, TRUE);
    }
  incoming = incoming_new (self, NULL, name);
  incoming->use = use;
  incoming->elsewhere = elsewhere;
  esp_incoming_load_file_async (file, self->cancellable, on_loaded, incoming);
}

void
esp_window_open_photo (EspWindow *self, GFile *file)
{
  g_return_if_fail (ESP_IS_WINDOW (self));
  g_return_if_fail (G_IS_FILE (file));

  load_photo (self, file, ESP_IMAGE_AS_ROOT, self->document != NULL);
}

void
esp_window_load_image (EspWindow *self, GFile *file, EspImageUse use)
{
  load_photo (self, file, use, FALSE);
}

void
esp_window_take_bytes (EspWindow *self, GBytes *bytes, EspImageUse use)
{
  Incoming *incoming = incoming_new (self, bytes, NULL);

  incoming->use = use;
  take (incoming);
}

gboolean
esp_window_is_document (GFile *file)
{
  g_autofree char *name = g_file_get_basename (file);

  return name != NULL && g_str_has_suffix (name, ".espalier");
}
