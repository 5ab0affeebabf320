/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-models-page.c: see esp-models-page.h. */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-models-page.h"

#include <glib/gi18n-lib.h>

#include "esp-addition-page.h"
#include "esp-download-row.h"
#include "esp-drop.h"
#include "esp-model-row.h"
#include "esp-offer-page.h"
#include "esp-plain-row.h"
#include "esp-show-uri.h"
#include "esp-worker.h"

struct _EspModelsPage
{
  AdwPreferencesPage parent_instance;

  AdwPreferencesGroup *downloads_group, *models_group, *offers_group;
  GtkAdjustment *limit;

  EspModelLibrary *library;
  EspModelDownloads *downloads;
  EspWorker *worker; /* asked what files are, and what this computer has */
  EspMachine *machine;
  GPtrArray *model_rows, *download_rows, *offer_rows; /* borrowed widgets */
  EspOfferPage *offer_page;                           /* while it shows; weak */
  GtkCheckButton *nobody; /* in no window: one of a group even where there is one model */
  GtkFileChooserNative *chooser;
  GCancellable *cancellable;
  guint fill_id;
};

G_DEFINE_FINAL_TYPE (EspModelsPage, esp_models_page, ADW_TYPE_PREFERENCES_PAGE)

enum
{
  PRESENT,
  CLOSE,
  MESSAGE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
say (EspModelsPage *self, const char *text)
{
  g_signal_emit (self, signals[MESSAGE], 0, text);
}

static void
clear_rows (AdwPreferencesGroup *group, GPtrArray *rows)
{
  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_remove (group, rows->pdata[i]);
  g_ptr_array_set_size (rows, 0);
}

static GtkWindow *
get_window (EspModelsPage *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  return GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL;
}

static void
close_subpage (EspModelsPage *self)
{
  g_signal_emit (self, signals[CLOSE], 0);
}

static void
present (EspModelsPage *self, GtkWidget *subpage)
{
  g_signal_connect_object (subpage, "close", G_CALLBACK (close_subpage), self, G_CONNECT_SWAPPED);
  g_signal_emit (self, signals[PRESENT], 0, subpage);
}

/* --- Removing --------------------------------------------------------------------------------- */

typedef struct
{
  EspModelsPage *page;
  EspLibraryModel *model;
  gboolean to_trash;
} Removing;

static Removing *
removing_new (EspModelsPage *self, EspLibraryModel *model, gboolean to_trash)
{
  Removing *removing = g_new0 (Removing, 1);

  removing->page = g_object_ref (self);
  removing->model = g_object_ref (model);
  removing->to_trash = to_trash;
  return removing;
}

static void
removing_free (Removing *removing)
{
  g_object_unref (removing->page);
  g_object_unref (removing->model);
  g_free (removing);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Removing, removing_free)

static void
removing_closure_free (gpointer data, GClosure *closure)
{
  removing_free (data);
}

static void ask_remove (EspModelsPage *self, EspLibraryModel *model, gboolean to_trash);

static void
on_removed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Removing) removing = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (esp_model_library_remove_finish (ESP_MODEL_LIBRARY (source), result, &error))
    {
      text = g_strdup_printf (_ ("“%s” was removed"), esp_library_model_get_name (removing->model));
      say (removing->page, text);
    }
  else if (g_error_matches (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_NO_TRASH)
           && removing->to_trash && removing->page->library != NULL)
    ask_remove (removing->page, removing->model, FALSE);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    say (removing->page, error->message);
}

static void
on_remove_answer (AdwMessageDialog *dialog, const char *response, Removing *removing)
{
  EspModelsPage *self = removing->page;

  if (!g_str_equal (response, "remove") || self->library == NULL)
    return;
  esp_model_library_remove_async (self->library, removing->model, removing->to_trash,
                                  self->cancellable, on_removed,
                                  removing_new (self, removing->model, removing->to_trash));
}

static void
append_paths (GString *text, char **paths)
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    {
      g_autofree char *name = g_filename_display_name (paths[i]);

      g_string_append_printf (text, "\n%s", name);
    }
}

/* Exactly what goes and what stays. */
static char *
dup_remove_body (EspModelsPage *self, EspLibraryModel *model, gboolean to_trash)
{
  g_autoptr (EspModelRemoval) removal = esp_model_library_plan_removal (self->library, model);
  g_autofree char *size = g_format_size (removal->bytes);
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text,
                          to_trash ? _ ("This goes to the trash (%s):")
                                   : _ ("The trash cannot take it. This is deleted for good (%s):"),
                          size);
  append_paths (text, removal->deleted);
  if (removal->kept != NULL && removal->kept[0] != NULL)
    {
      g_string_append_printf (text, "\n\n%s", _ ("These files stay where they are:"));
      append_paths (text, removal->kept);
    }
  g_string_append_printf (text, "\n\n%s",
                          _ ("Turns that were made with it stay in their documents."));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
ask_remove (EspModelsPage *self, EspLibraryModel *model, gboolean to_trash)
{
  g_autofree char *body = dup_remove_body (self, model, to_trash);
  g_autofree char *whole = NULL;
  GtkWidget *dialog;

  whole = g_strdup_printf ("%s\n%s", esp_library_model_get_name (model), body);
  dialog = adw_message_dialog_new (get_window (self), _ ("Remove This Model?"), whole);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _ ("_Cancel"), "remove",
                                    to_trash ? _ ("_Remove") : _ ("_Delete"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "remove",
                                              ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_remove_answer),
                         removing_new (self, model, to_trash), removing_closure_free, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* --- Files that were moved -------------------------------------------------------------------- */

static void
on_mended (EspModelsPage *self, const char *id)
{
  EspLibraryModel *model = esp_model_library_find (self->library, id);
  g_autofree char *text = NULL;

  close_subpage (self);
  text = g_strdup_printf (_ ("“%s” can be used again"),
                          model != NULL ? esp_library_model_get_name (model) : id);
  say (self, text);
}

static void
on_row_locate (EspModelsPage *self, EspModelRow *row)
{
  g_autoptr (EspModelAddition) addition = esp_model_addition_new_for_model (
      self->library, self->worker, esp_model_row_get_model (row));
  GtkWidget *page = esp_addition_page_new (addition);

  g_signal_connect_object (page, "added", G_CALLBACK (on_mended), self, G_CONNECT_SWAPPED);
  present (self, page);
}

/* --- Installed -------------------------------------------------------------------------------- */

static void
on_row_remove (EspModelsPage *self, EspModelRow *row)
{
  ask_remove (self, esp_model_row_get_model (row), TRUE);
}

static void
on_row_choose (EspModelsPage *self, EspModelRow *row)
{
  g_autoptr (GError) error = NULL;

  if (!esp_model_library_set_default (
          self->library, esp_library_model_get_id (esp_model_row_get_model (row)), &error))
    say (self, error->message);
}

static void
on_folder_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspModelsPage) self = data;
  g_autoptr (GError) error = NULL;

  if (!esp_show_uri_finish (GTK_WINDOW (source), result, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    say (self, error->message);
}

static void
on_row_open (EspModelsPage *self, EspModelRow *row)
{
  const char *place = esp_library_model_get_place (esp_model_row_get_model (row));
  g_autofree char *folder
      = g_file_test (place, G_FILE_TEST_IS_DIR) ? g_strdup (place) : g_path_get_dirname (place);
  g_autofree char *uri = g_filename_to_uri (folder, NULL, NULL);

  if (uri != NULL && get_window (self) != NULL)
    esp_show_uri_async (get_window (self), uri, self->cancellable, on_folder_opened,
                        g_object_ref (self));
}

static void
on_formats_known (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!esp_model_library_examine_finish (ESP_MODEL_LIBRARY (source), result, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_message ("%s", error->message);
}

/* Rows of the same models stay, and the focus with them. FALSE: they are others. */
static gboolean
keep_rows (EspModelsPage *self, GListModel *list)
{
  if (self->model_rows->len != g_list_model_get_n_items (list))
    return FALSE;
  for (guint i = 0; i < self->model_rows->len; i++)
    {
      g_autoptr (EspLibraryModel) model = g_list_model_get_item (list, i);
      EspLibraryModel *shown = esp_model_row_get_model (self->model_rows->pdata[i]);

      if (!g_str_equal (esp_library_model_get_id (model), esp_library_model_get_id (shown)))
        return FALSE;
    }
  for (guint i = 0; i < self->model_rows->len; i++)
    {
      g_autoptr (EspLibraryModel) model = g_list_model_get_item (list, i);

      esp_model_row_set_model (self->model_rows->pdata[i], model);
    }
  return TRUE;
}

static void
make_rows (EspModelsPage *self, GListModel *list)
{
  clear_rows (self->models_group, self->model_rows);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EspLibraryModel) model = g_list_model_get_item (list, i);
      GtkWidget *row = esp_model_row_new (model, self->nobody);

      g_signal_connect_object (row, "choose", G_CALLBACK (on_row_choose), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (row, "locate", G_CALLBACK (on_row_locate), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (row, "remove", G_CALLBACK (on_row_remove), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (row, "open", G_CALLBACK (on_row_open), self, G_CONNECT_SWAPPED);
      adw_preferences_group_add (self->models_group, row);
      g_ptr_array_add (self->model_rows, row);
    }
}

static gboolean
on_fill (gpointer data)
{
  EspModelsPage *self = data;
  GListModel *list = G_LIST_MODEL (self->library);

  self->fill_id = 0;
  if (!keep_rows (self, list))
    make_rows (self, list);
  adw_preferences_group_set_description (
      self->models_group, self->model_rows->len == 0
                              ? _ ("No model was found. Without one nothing can be run here.")
                              : _ ("The marked one is taken where none is named."));
  esp_model_library_examine_async (self->library, self->worker, self->cancellable, on_formats_known,
                                   NULL);
  return G_SOURCE_REMOVE;
}

/* Several things change at once: the list is made anew once, and not while a row of it is being
 * pressed. */
static void
fill_soon (EspModelsPage *self)
{
  if (self->fill_id == 0)
    self->fill_id = g_idle_add (on_fill, self);
}

static void
on_refresh (EspModelsPage *self)
{
  esp_model_library_refresh (self->library);
}

/* --- Adding ----------------------------------------------------------------------------------- */

static void
on_added (EspModelsPage *self, const char *id)
{
  EspLibraryModel *model = esp_model_library_find (self->library, id);
  g_autofree char *text = NULL;

  close_subpage (self);
  text = g_strdup_printf (_ ("“%s” was added"),
                          model != NULL ? esp_library_model_get_name (model) : id);
  say (self, text);
}

void
esp_models_page_add_files (EspModelsPage *self, const char *const *paths)
{
  g_autoptr (EspModelAddition) addition = NULL;
  GtkWidget *page;

  g_return_if_fail (ESP_IS_MODELS_PAGE (self));

  addition = esp_model_addition_new (self->library, self->worker);
  page = esp_addition_page_new (addition);
  g_signal_connect_object (page, "added", G_CALLBACK (on_added), self, G_CONNECT_SWAPPED);
  present (self, page);
  esp_addition_page_take (ESP_ADDITION_PAGE (page), paths);
}

static void
take_files (EspModelsPage *self, GSList *files)
{
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();
  g_auto (GStrv) strv = NULL;

  for (GSList *l = files; l != NULL; l = l->next)
    if (g_file_peek_path (l->data) != NULL)
      g_strv_builder_add (paths, g_file_peek_path (l->data));
  strv = g_strv_builder_end (paths);
  if (strv[0] != NULL)
    esp_models_page_add_files (self, (const char *const *) strv);
  else
    say (self, _ ("Models can only be added from folders of this computer."));
}

static void
on_chosen (EspModelsPage *self, int response)
{
  g_autoptr (GtkFileChooserNative) chooser = g_steal_pointer (&self->chooser);
  g_autoptr (GListModel) files = NULL;
  g_autoslist (GFile) list = NULL;

  if (response != GTK_RESPONSE_ACCEPT)
    return;
  files = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (chooser));
  for (guint i = 0; i < g_list_model_get_n_items (files); i++)
    list = g_slist_append (list, g_list_model_get_item (files, i));
  take_files (self, list);
}

static void
choose (EspModelsPage *self, const char *title, GtkFileChooserAction action)
{
  if (self->chooser != NULL)
    return;
  self->chooser
      = gtk_file_chooser_native_new (title, get_window (self), action, _ ("_Add"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (self->chooser), TRUE);
  if (action == GTK_FILE_CHOOSER_ACTION_OPEN)
    {
      g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

      gtk_file_filter_set_name (filter, _ ("Model files"));
      gtk_file_filter_add_suffix (filter, "safetensors");
      gtk_file_filter_add_suffix (filter, "gguf");
      gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), filter);
    }
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (on_chosen), self,
                           G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
on_add_files (EspModelsPage *self)
{
  choose (self, _ ("Add a Model From Files"), GTK_FILE_CHOOSER_ACTION_OPEN);
}

static void
on_add_folder (EspModelsPage *self)
{
  choose (self, _ ("Add a Model From a Folder"), GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER);
}

static gboolean
on_drop (GtkWidget *widget, GObject *place, const GValue *value)
{
  EspModelsPage *self = ESP_MODELS_PAGE (widget);
  g_autoslist (GFile) files = gdk_file_list_get_files (g_value_get_boxed (value));
  for (GSList *l = files; l != NULL; l = l->next)
    g_object_ref (l->data);
  take_files (self, files);
  return TRUE;
}

/* --- Downloads -------------------------------------------------------------------------------- */

static void
on_started (EspModelsPage *self)
{
  close_subpage (self);
}

static EspOfferPage *
show_offer (EspModelsPage *self, EspModelOffer *offer)
{
  GtkWidget *page = esp_offer_page_new (offer, self->downloads, self->machine);

  g_signal_connect_object (page, "started", G_CALLBACK (on_started), self, G_CONNECT_SWAPPED);
  g_set_weak_pointer (&self->offer_page, ESP_OFFER_PAGE (page));
  present (self, page);
  return ESP_OFFER_PAGE (page);
}

static void
on_offer (AdwActionRow *row, EspModelsPage *self)
{
  show_offer (self, g_object_get_data (G_OBJECT (row), "esp-offer"));
}

static void
add_offer (EspModelsPage *self, EspModelOffer *offer)
{
  GtkWidget *row = esp_plain_row_new (ADW_TYPE_ACTION_ROW, esp_model_offer_get_name (offer),
                                      esp_model_offer_get_summary (offer), 5);

  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row),
                             g_object_new (GTK_TYPE_IMAGE, "icon-name", "go-next-symbolic",
                                           "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION,
                                           NULL));
  g_object_set_data_full (G_OBJECT (row), "esp-offer", g_object_ref (offer), g_object_unref);
  g_signal_connect_object (row, "activated", G_CALLBACK (on_offer), self, 0);
  adw_preferences_group_add (self->offers_group, row);
  g_ptr_array_add (self->offer_rows, row);
}

/* What failed for want of a person goes where a person can help; the rest tries again. */
static void
on_resume (EspModelsPage *self, EspDownloadRow *row)
{
  EspModelDownload *download = esp_download_row_get_download (row);
  EspModelOffer *offer = esp_model_download_get_offer (download);
  const GError *error = esp_model_download_get_error (download);

  if (g_error_matches (error, ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_TOKEN)
      || g_error_matches (error, ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_LICENCE))
    {
      esp_offer_page_show_problem (show_offer (self, offer), error);
      return;
    }
  esp_model_download_resume_kept (download);
}

static void
on_cancel_answer (AdwMessageDialog *dialog, const char *response, EspModelDownload *download)
{
  if (g_str_equal (response, "delete"))
    esp_model_download_cancel (download);
}

static void
on_cancel (EspModelsPage *self, EspDownloadRow *row)
{
  EspModelDownload *download = esp_download_row_get_download (row);
  g_autofree char *size = NULL;
  g_autofree char *body = NULL;
  GtkWidget *dialog;

  if (esp_model_download_get_done (download) <= 0)
    {
      esp_model_download_cancel (download);
      return;
    }
  size = g_format_size ((guint64) esp_model_download_get_done (download));
  body = g_strdup_printf (_ ("%s that have come are deleted."), size);
  dialog = adw_message_dialog_new (get_window (self), _ ("Give This Download Up?"), body);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _ ("_Keep"), "delete",
                                    _ ("_Give Up"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "delete",
                                              ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_cancel_answer), download, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
on_clear (EspModelsPage *self, EspDownloadRow *row)
{
  esp_model_downloads_clear (self->downloads, esp_download_row_get_download (row));
}

static void
fill_downloads (EspModelsPage *self)
{
  GListModel *list = G_LIST_MODEL (self->downloads);

  clear_rows (self->downloads_group, self->download_rows);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EspModelDownload) download = g_list_model_get_item (list, i);
      GtkWidget *row = esp_download_row_new (download);

      g_signal_connect_object (row, "resume", G_CALLBACK (on_resume), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (row, "cancel", G_CALLBACK (on_cancel), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (row, "clear", G_CALLBACK (on_clear), self, G_CONNECT_SWAPPED);
      adw_preferences_group_add (self->downloads_group, row);
      g_ptr_array_add (self->download_rows, row);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->downloads_group), self->download_rows->len > 0);
}

/* --- This computer ---------------------------------------------------------------------------- */

static void
on_described (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspModelsPage) self = data;
  g_autoptr (JsonObject) description
      = esp_worker_describe_finish (ESP_WORKER (source), result, NULL);

  if (description == NULL || self->machine == NULL)
    return;
  esp_machine_take_description (self->machine, description);
  if (self->offer_page != NULL)
    esp_offer_page_set_machine (self->offer_page, self->machine);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_models_page_dispose (GObject *object)
{
  EspModelsPage *self = ESP_MODELS_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_handle_id (&self->fill_id, g_source_remove);
  g_clear_weak_pointer (&self->offer_page);
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  if (self->worker != NULL)
    esp_worker_stop_async (self->worker, NULL, NULL);
  g_clear_object (&self->worker);
  g_clear_object (&self->nobody);
  g_clear_object (&self->library);
  g_clear_object (&self->downloads);
  g_clear_pointer (&self->machine, esp_machine_free);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_MODELS_PAGE);
  G_OBJECT_CLASS (esp_models_page_parent_class)->dispose (object);
}

static void
esp_models_page_finalize (GObject *object)
{
  EspModelsPage *self = ESP_MODELS_PAGE (object);

  g_clear_object (&self->cancellable);
  g_ptr_array_unref (self->model_rows);
  g_ptr_array_unref (self->download_rows);
  g_ptr_array_unref (self->offer_rows);
  G_OBJECT_CLASS (esp_models_page_parent_class)->finalize (object);
}

static void
esp_models_page_class_init (EspModelsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_models_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = esp_models_page_finalize;
  signals[PRESENT] = g_signal_new ("present", ESP_TYPE_MODELS_PAGE, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, GTK_TYPE_WIDGET);
  signals[CLOSE] = g_signal_new ("close", ESP_TYPE_MODELS_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
  signals[MESSAGE] = g_signal_new ("message", ESP_TYPE_MODELS_PAGE, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/models/esp-models-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EspModelsPage, downloads_group);
  gtk_widget_class_bind_template_child (widget_class, EspModelsPage, models_group);
  gtk_widget_class_bind_template_child (widget_class, EspModelsPage, offers_group);
  gtk_widget_class_bind_template_child (widget_class, EspModelsPage, limit);
  gtk_widget_class_bind_template_callback (widget_class, on_refresh);
  gtk_widget_class_bind_template_callback (widget_class, on_add_files);
  gtk_widget_class_bind_template_callback (widget_class, on_add_folder);
}

static void
esp_models_page_init (EspModelsPage *self)
{
  static const EspDrop drop = {
    .kinds = ESP_INCOMING_FILES,
    .actions = GDK_ACTION_COPY,
    .take = on_drop,
  };

  self->cancellable = g_cancellable_new ();
  self->model_rows = g_ptr_array_new ();
  self->download_rows = g_ptr_array_new ();
  self->offer_rows = g_ptr_array_new ();
  self->nobody = GTK_CHECK_BUTTON (g_object_ref_sink (gtk_check_button_new ()));
  gtk_widget_init_template (GTK_WIDGET (self));
  esp_drop_attach (GTK_WIDGET (self), &drop);
}

void
esp_models_page_set_up (EspModelsPage *self, EspModelLibrary *library, GListModel *offers,
                        EspModelDownloads *downloads, GSettings *settings)
{
  g_return_if_fail (ESP_IS_MODELS_PAGE (self));
  g_return_if_fail (ESP_IS_MODEL_LIBRARY (library));
  g_return_if_fail (G_IS_LIST_MODEL (offers));
  g_return_if_fail (ESP_IS_MODEL_DOWNLOADS (downloads));

  self->library = g_object_ref (library);
  self->downloads = g_object_ref (downloads);
  self->worker = esp_worker_new (NULL);
  self->machine = esp_machine_new ();
  g_settings_bind (settings, "download-limit", self->limit, "value", G_SETTINGS_BIND_DEFAULT);
  g_signal_connect_object (library, "items-changed", G_CALLBACK (fill_soon), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (downloads, "items-changed", G_CALLBACK (fill_downloads), self,
                           G_CONNECT_SWAPPED);
  for (guint i = 0; i < g_list_model_get_n_items (offers); i++)
    {
      g_autoptr (EspModelOffer) offer = g_list_model_get_item (offers, i);

      add_offer (self, offer);
    }
  fill_downloads (self);
  on_fill (self);
  esp_worker_describe_async (self->worker, NULL, self->cancellable, on_described,
                             g_object_ref (self));
}
