/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-offer-page.c: see esp-offer-page.h. */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-offer-page.h"

#include <glib/gi18n-lib.h>

#include "esp-installation.h"
#include "esp-plain-row.h"
#include "esp-show-uri.h"
#include "esp-status-label.h"

struct _EspOfferPage
{
  AdwBin parent_instance;

  AdwWindowTitle *title;
  AdwPreferencesGroup *variants_group;
  AdwPreferencesGroup *token_group;
  AdwActionRow *licence_row, *accept_row, *get_token_row;
  GtkCheckButton *accept_check;
  AdwPasswordEntryRow *token_row;
  GtkLabel *status;
  GtkWidget *download_button;

  EspModelOffer *offer;
  EspModelDownloads *downloads;
  EspMachine *machine;
  GPtrArray *checks;  /* of the variants, in their order; borrowed */
  GPtrArray *rows;    /* likewise */
  GPtrArray *advised; /* likewise: "Recommended" */
  EspKey *key;        /* the one of the key ring; NULL: none, or not asked yet */
  GCancellable *cancellable;
  gboolean chosen; /* by a person */
  gboolean filling, busy;
};

G_DEFINE_FINAL_TYPE (EspOfferPage, esp_offer_page, ADW_TYPE_BIN)

enum
{
  CLOSE,
  STARTED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- Words ------------------------------------------------------------------------------------ */

static const EspModelVariant *
get_chosen (EspOfferPage *self)
{
  for (guint i = 0; i < self->checks->len; i++)
    if (gtk_check_button_get_active (self->checks->pdata[i]))
      return esp_model_offer_get_variant (self->offer, i);
  return NULL;
}

/* What is to be fetched, and whether there is room for it. */
static void
tell_size (EspOfferPage *self)
{
  const EspModelVariant *variant = get_chosen (self);
  g_autofree char *folder = esp_installation_get_user_models ();
  const gint64 space = esp_machine_get_free_space (folder);
  g_autofree char *size = NULL;
  g_autofree char *room = NULL;
  g_autofree char *text = NULL;

  if (variant == NULL || variant->about <= 0)
    {
      esp_status_label_set (self->status, NULL, FALSE);
      return;
    }
  size = g_format_size ((guint64) variant->about);
  if (space < 0)
    {
      text = g_strdup_printf (_ ("%s will be downloaded."), size);
      esp_status_label_set (self->status, text, FALSE);
      return;
    }
  room = g_format_size ((guint64) space);
  text = g_strdup_printf (space > variant->about
                              ? _ ("%s will be downloaded; %s are free on the disk.")
                              : _ ("This needs %s, but only %s are free on the disk."),
                          size, room);
  esp_status_label_set (self->status, text, space <= variant->about);
}

/* --- What is chosen --------------------------------------------------------------------------- */

static gboolean
needs_token (EspOfferPage *self)
{
  return esp_model_offer_get_token_account (self->offer) != NULL;
}

static const char *
get_token (EspOfferPage *self)
{
  return gtk_editable_get_text (GTK_EDITABLE (self->token_row));
}

static void
on_filled (EspOfferPage *self)
{
  gboolean accepted = esp_model_offer_is_accepted (self->offer)
                      || gtk_check_button_get_active (self->accept_check);
  gboolean token = !needs_token (self) || self->key != NULL || *get_token (self) != '\0';

  gtk_widget_set_sensitive (self->download_button,
                            !self->busy && accepted && token && get_chosen (self) != NULL);
  if (!self->busy)
    tell_size (self);
}

static void
on_variant (EspOfferPage *self)
{
  if (self->filling)
    return;
  self->chosen = TRUE;
  on_filled (self);
}

static char *
dup_variant_subtitle (EspOfferPage *self, const EspModelVariant *variant)
{
  g_autofree char *warning = esp_model_variant_dup_warning (variant, self->machine);
  g_autofree char *size = variant->about > 0 ? g_format_size ((guint64) variant->about) : NULL;
  g_autoptr (GString) text = g_string_new (variant->format);

  if (size != NULL)
    g_string_append_printf (text, "%s%s", text->len > 0 ? " · " : "", size);
  if (variant->note != NULL)
    g_string_append_printf (text, "\n%s", variant->note);
  if (warning != NULL)
    g_string_append_printf (text, "\n%s", warning);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The words on this computer, and what it is advised to take. */
static void
fill_advice (EspOfferPage *self)
{
  g_autofree char *sentence = NULL;
  const EspModelVariant *best = esp_model_recommend (self->offer, self->machine, &sentence, NULL);

  self->filling = TRUE;
  adw_preferences_group_set_description (self->variants_group, sentence);
  for (guint i = 0; i < self->checks->len; i++)
    {
      const EspModelVariant *variant = esp_model_offer_get_variant (self->offer, i);
      g_autofree char *subtitle = dup_variant_subtitle (self, variant);

      esp_plain_row_set_lines (self->rows->pdata[i], subtitle);
      gtk_widget_set_visible (self->advised->pdata[i], variant == best);
      if (!self->chosen)
        gtk_check_button_set_active (self->checks->pdata[i], variant == best);
    }
  self->filling = FALSE;
  on_filled (self);
}

static void
add_variant (EspOfferPage *self, const EspModelVariant *variant)
{
  GtkWidget *row = esp_plain_row_new (ADW_TYPE_ACTION_ROW, variant->name, NULL, 8);
  GtkWidget *check = gtk_check_button_new ();
  GtkWidget *advised = gtk_label_new (_ ("Recommended"));

  if (self->checks->len > 0)
    gtk_check_button_set_group (GTK_CHECK_BUTTON (check), self->checks->pdata[0]);
  gtk_widget_set_valign (check, GTK_ALIGN_CENTER);
  gtk_accessible_update_property (GTK_ACCESSIBLE (check), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  variant->name, -1);
  g_signal_connect_object (check, "toggled", G_CALLBACK (on_variant), self, G_CONNECT_SWAPPED);
  gtk_widget_add_css_class (advised, "accent");
  gtk_widget_add_css_class (advised, "caption-heading");
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), check);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), advised);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), check);
  adw_preferences_group_add (self->variants_group, row);
  g_ptr_array_add (self->checks, check);
  g_ptr_array_add (self->rows, row);
  g_ptr_array_add (self->advised, advised);
}

/* --- Links ------------------------------------------------------------------------------------ */

static void
show_uri (EspOfferPage *self, const char *uri)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  if (uri != NULL && GTK_IS_WINDOW (root))
    esp_show_uri_async (GTK_WINDOW (root), uri, NULL, NULL, NULL);
}

static void
on_licence (EspOfferPage *self)
{
  show_uri (self, esp_model_offer_get_licence (self->offer)->url);
}

static void
on_get_token (EspOfferPage *self)
{
  show_uri (self, esp_model_offer_get_token_url (self->offer));
}

/* --- Starting --------------------------------------------------------------------------------- */

static void
set_busy (EspOfferPage *self, gboolean busy)
{
  self->busy = busy;
  on_filled (self);
}

static void
start (EspOfferPage *self, EspKey *key)
{
  g_autoptr (GError) error = NULL;
  const EspModelVariant *variant = get_chosen (self);

  if ((!esp_model_offer_is_accepted (self->offer) && !esp_model_offer_accept (self->offer, &error))
      || esp_model_downloads_start (self->downloads, self->offer, variant, key, &error) == NULL)
    {
      set_busy (self, FALSE);
      esp_status_label_set (self->status, error->message, TRUE);
      return;
    }
  g_signal_emit (self, signals[STARTED], 0);
}

static void
on_token_saved (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspOfferPage) self = data;
  g_autoptr (GError) error = NULL;
  gboolean saved = esp_key_store_save_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->offer == NULL)
    return;
  /* Without a key ring it serves this once. */
  if (!saved)
    g_message ("The access token could not be kept: %s", error->message);
  start (self, self->key);
}

static void
on_download (EspOfferPage *self)
{
  const char *text = get_token (self);
  const char *problem;

  if (!gtk_widget_get_sensitive (self->download_button))
    return;
  set_busy (self, TRUE);
  if (!needs_token (self) || *text == '\0')
    {
      start (self, self->key);
      return;
    }
  problem = esp_key_problem (text);
  if (problem != NULL)
    {
      set_busy (self, FALSE);
      esp_status_label_set (self->status, problem, TRUE);
      return;
    }
  g_clear_pointer (&self->key, esp_key_unref);
  self->key = esp_key_new (text);
  esp_key_store_save_async (esp_model_offer_get_token_account (self->offer),
                            esp_model_offer_get_source_name (self->offer), self->key,
                            self->cancellable, on_token_saved, g_object_ref (self));
}

static void
on_token_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspOfferPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspKey) key = esp_key_store_load_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->offer == NULL)
    return;
  if (key == NULL || self->key != NULL)
    return;
  self->key = g_steal_pointer (&key);
  adw_preferences_group_set_description (
      self->token_group,
      _ ("An access token is in the key ring of this computer. Type another one to replace it."));
  on_filled (self);
}

static void
on_back (EspOfferPage *self)
{
  g_signal_emit (self, signals[CLOSE], 0);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
fill_licence (EspOfferPage *self)
{
  const EspModelLicence *licence = esp_model_offer_get_licence (self->offer);
  g_autoptr (GString) text = g_string_new (licence->text);

  if (licence->non_commercial)
    g_string_append_printf (text, "%s%s", text->len > 0 ? "\n" : "", _ ("Not for commercial use."));
  if (licence->gated)
    {
      g_string_append (text, text->len > 0 ? "\n" : "");
      g_string_append_printf (
          text, _ ("%s hands the files out only to accounts that have accepted it there, too."),
          esp_model_offer_get_source_name (self->offer) != NULL
              ? esp_model_offer_get_source_name (self->offer)
              : _ ("The source"));
    }
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->licence_row), licence->name);
  adw_action_row_set_subtitle (self->licence_row, text->str);
  gtk_widget_set_visible (GTK_WIDGET (self->accept_row),
                          !esp_model_offer_is_accepted (self->offer));
}

static void
esp_offer_page_dispose (GObject *object)
{
  EspOfferPage *self = ESP_OFFER_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->offer);
  g_clear_object (&self->downloads);
  g_clear_pointer (&self->machine, esp_machine_free);
  g_clear_pointer (&self->key, esp_key_unref);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_OFFER_PAGE);
  G_OBJECT_CLASS (esp_offer_page_parent_class)->dispose (object);
}

static void
esp_offer_page_finalize (GObject *object)
{
  EspOfferPage *self = ESP_OFFER_PAGE (object);

  g_clear_object (&self->cancellable);
  g_ptr_array_unref (self->checks);
  g_ptr_array_unref (self->rows);
  g_ptr_array_unref (self->advised);
  G_OBJECT_CLASS (esp_offer_page_parent_class)->finalize (object);
}

static void
esp_offer_page_class_init (EspOfferPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_offer_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = esp_offer_page_finalize;
  signals[CLOSE] = g_signal_new ("close", ESP_TYPE_OFFER_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
  signals[STARTED] = g_signal_new ("started", ESP_TYPE_OFFER_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/models/esp-offer-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EspOfferPage, title);
  gtk_widget_class_bind_template_child (widget_class, EspOfferPage, variants_group);
  gtk_widget_class_bind_template_child (widget_class, EspOfferPage, token_group);
  gtk_widget_class_bind_template_child (widget_class, EspOfferPage, licence_row);
  gtk_widget_class_bind_template_child (widget_class, EspOfferPage, accept_row);
  gtk_widget_class_bind_template_child (widget_class, EspOfferPage, get_token_row);
  gtk_widget_class_bind_template_child (widget_class, EspOfferPage, accept_check);
  gtk_widget_class_bind_template_child (widget_class, EspOfferPage, token_row);
  gtk_widget_class_bind_template_child (widget_class, EspOfferPage, status);
  gtk_widget_class_bind_template_child (widget_class, EspOfferPage, download_button);
  gtk_widget_class_bind_template_callback (widget_class, on_back);
  gtk_widget_class_bind_template_callback (widget_class, on_licence);
  gtk_widget_class_bind_template_callback (widget_class, on_get_token);
  gtk_widget_class_bind_template_callback (widget_class, on_filled);
  gtk_widget_class_bind_template_callback (widget_class, on_download);
}

static void
esp_offer_page_init (EspOfferPage *self)
{
  self->cancellable = g_cancellable_new ();
  self->checks = g_ptr_array_new ();
  self->rows = g_ptr_array_new ();
  self->advised = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
esp_offer_page_new (EspModelOffer *offer, EspModelDownloads *downloads, const EspMachine *machine)
{
  EspOfferPage *self;

  g_return_val_if_fail (ESP_IS_MODEL_OFFER (offer), NULL);
  g_return_val_if_fail (ESP_IS_MODEL_DOWNLOADS (downloads), NULL);
  g_return_val_if_fail (machine != NULL, NULL);

  self = g_object_new (ESP_TYPE_OFFER_PAGE, NULL);
  self->offer = g_object_ref (offer);
  self->downloads = g_object_ref (downloads);
  self->machine = esp_machine_copy (machine);
  adw_window_title_set_title (self->title, esp_model_offer_get_name (offer));
  for (guint i = 0; i < esp_model_offer_get_n_variants (offer); i++)
    add_variant (self, esp_model_offer_get_variant (offer, i));
  fill_licence (self);
  gtk_widget_set_visible (GTK_WIDGET (self->token_group), needs_token (self));
  gtk_widget_set_visible (GTK_WIDGET (self->get_token_row),
                          esp_model_offer_get_token_url (offer) != NULL);
  if (needs_token (self))
    {
      g_autofree char *text = NULL;

      /* Translators: %s is a site on the Internet */
      text = g_strdup_printf (_ ("%s wants an access token of your account. It is kept in the key "
                                 "ring of this computer and sent nowhere else."),
                              esp_model_offer_get_source_name (offer) != NULL
                                  ? esp_model_offer_get_source_name (offer)
                                  : _ ("The source"));
      adw_preferences_group_set_description (self->token_group, text);
      esp_key_store_load_async (esp_model_offer_get_token_account (offer), self->cancellable,
                                on_token_loaded, g_object_ref (self));
    }
  fill_advice (self);
  return GTK_WIDGET (self);
}

void
esp_offer_page_set_machine (EspOfferPage *self, const EspMachine *machine)
{
  g_return_if_fail (ESP_IS_OFFER_PAGE (self));

  esp_machine_free (self->machine);
  self->machine = esp_machine_copy (machine);
  fill_advice (self);
}

void
esp_offer_page_show_problem (EspOfferPage *self, const GError *error)
{
  g_return_if_fail (ESP_IS_OFFER_PAGE (self));

  esp_status_label_set (self->status, error->message, TRUE);
  if (g_error_matches (error, ESP_MODEL_DOWNLOAD_ERROR, ESP_MODEL_DOWNLOAD_ERROR_TOKEN))
    gtk_widget_grab_focus (GTK_WIDGET (self->token_row));
}
