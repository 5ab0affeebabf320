/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-account-page.c: an account with a provider: chosen, filled in, tested, changed, removed. */
#define G_LOG_DOMAIN "espalier-preferences"

#include "esp-account-page-private.h"

#include <glib/gi18n-lib.h>

#include "esp-key-store.h"
#include "esp-origin.h"
#include "esp-remote-turn.h"
#include "esp-show-uri.h"
#include "esp-status-label.h"

G_DEFINE_FINAL_TYPE (EspAccountPage, esp_account_page, ADW_TYPE_BIN)

enum
{
  CLOSE,
  MESSAGE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- Words ------------------------------------------------------------------------------------ */

static void
set_busy (EspAccountPage *self, const char *text)
{
  self->busy = text != NULL;
  gtk_spinner_set_spinning (self->spinner, text != NULL);
  gtk_widget_set_sensitive (self->test_button, text == NULL);
  gtk_widget_set_sensitive (self->save_button, text == NULL);
  if (text != NULL)
    esp_status_label_set (self->status, text, FALSE);
}

static const char *
get_text (AdwEntryRow *row)
{
  return gtk_editable_get_text (GTK_EDITABLE (row));
}

/* --- What is filled in ------------------------------------------------------------------------ */

typedef struct
{
  char *name;     /* NULL: the provider's */
  char *base_url; /* NULL: the descriptor's */
  gboolean base_is_own;
  JsonObject *config;
  EspKey *key; /* NULL: none was typed */
} Filled;

static void
filled_free (Filled *filled)
{
  g_free (filled->name);
  g_free (filled->base_url);
  g_clear_pointer (&filled->config, json_object_unref);
  g_clear_pointer (&filled->key, esp_key_unref);
  g_free (filled);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Filled, filled_free)

static char *
dup_stripped (AdwEntryRow *row)
{
  return g_strstrip (g_strdup (get_text (row)));
}

static gboolean
is_open (const char *url)
{
  return g_ascii_strncasecmp (url, "http:", strlen ("http:")) == 0;
}

/* "http://workshop:8188" without encryption, and not this computer. */
static gboolean
needs_own (const char *url)
{
  g_autofree char *origin = NULL;
  g_autoptr (GUri) uri = NULL;

  if (!is_open (url) || (origin = esp_origin_of (url)) == NULL)
    return FALSE;
  uri = g_uri_parse (origin, G_URI_FLAGS_NONE, NULL);
  return uri != NULL && !esp_host_is_loopback (g_uri_get_host (uri));
}

static gboolean
is_key_optional (EspProvider *provider)
{
  const EspDescriptor *descriptor = esp_provider_get_descriptor (provider);

  return descriptor->auth_value == NULL || descriptor->auth_optional
         || esp_provider_is_self_hosted (provider);
}

static gboolean
has_key (EspAccountPage *self)
{
  return self->account != NULL && esp_account_get_has_key (self->account);
}

/* NULL with a sentence where something is missing or wrong. */
static Filled *
read_form (EspAccountPage *self, gboolean needs_key, GError **error)
{
  g_autoptr (Filled) filled = g_new0 (Filled, 1);
  g_autofree char *name = dup_stripped (self->name_row);
  g_autofree char *address = dup_stripped (self->address_row);
  const char *key = get_text (self->key_row);

  if (*name != '\0' && strcmp (name, esp_provider_get_title (self->provider)) != 0)
    filled->name = g_steal_pointer (&name);
  if (*address != '\0' && strcmp (address, esp_provider_get_base_url (self->provider)) != 0)
    {
      g_autofree char *origin = esp_origin_of (address);

      if (origin == NULL)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                       _ ("“%s” is no address of a server. One looks like “https://host/v1” or "
                          "“http://192.168.0.7:8188”."),
                       address);
          return NULL;
        }
      filled->base_url = g_steal_pointer (&address);
    }
  filled->base_is_own
      = gtk_widget_get_visible (self->own_row) && gtk_switch_get_active (self->own_switch);
  if (filled->base_url != NULL && needs_own (filled->base_url) && !filled->base_is_own)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           _ ("Without encryption (http) only servers of yours are asked. Use "
                              "https, or switch on “This Server Is Mine”."));
      return NULL;
    }
  if (self->config == NULL)
    filled->config = json_object_new ();
  else if ((filled->config = esp_config_rows_dup_values (self->config, error)) == NULL)
    return NULL;
  if (*key != '\0')
    {
      const char *problem = esp_key_problem (key);

      if (problem != NULL)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, problem);
          return NULL;
        }
      filled->key = esp_key_new (key);
    }
  else if (needs_key && !is_key_optional (self->provider) && !has_key (self))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           _ ("The key is missing."));
      gtk_widget_grab_focus (GTK_WIDGET (self->key_row));
      return NULL;
    }
  return g_steal_pointer (&filled);
}

/* --- Testing ---------------------------------------------------------------------------------- */

static void
finish (EspAccountPage *self)
{
  g_signal_emit (self, signals[CLOSE], 0);
}

static void
on_probed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspAccountPage) self = data;
  g_autoptr (GError) error = NULL;
  gboolean known = FALSE;
  gboolean works = esp_remote_probe_finish (result, &known, &error);
  gboolean closing = self->closing;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->title == NULL)
    return;
  self->closing = FALSE;
  set_busy (self, NULL);
  if (!works)
    {
      esp_status_label_set (self->status, error->message, TRUE);
      return;
    }
  if (!known)
    esp_status_label_set (
        self->status,
        _ ("This provider cannot be tested for free: the first turn will show whether it "
           "works."),
        FALSE);
  else
    esp_status_label_set (self->status, _ ("It works."), FALSE);
  if (closing)
    {
      g_autofree char *text = NULL;

      text = g_strdup_printf (known ? _ ("“%s” is set up and works") : _ ("“%s” is set up"),
                              adw_window_title_get_title (self->title));
      g_signal_emit (self, signals[MESSAGE], 0, text);
      finish (self);
    }
}

static void
probe (EspAccountPage *self, Filled *filled, const char *key)
{
  if (self->http == NULL)
    self->http = esp_http_new ();
  esp_remote_probe_async (self->http, self->provider, filled->base_url, filled->base_is_own,
                          filled->config, key, self->cancellable, on_probed, g_object_ref (self));
}

typedef struct
{
  EspAccountPage *page;
  Filled *filled;
} Doing;

static Doing *
doing_new (EspAccountPage *self, Filled *filled)
{
  Doing *doing = g_new0 (Doing, 1);

  doing->page = g_object_ref (self);
  doing->filled = filled;
  return doing;
}

static void
doing_free (Doing *doing)
{
  g_object_unref (doing->page);
  filled_free (doing->filled);
  g_free (doing);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Doing, doing_free)

static void
on_key_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Doing) doing = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspKey) key = esp_key_store_load_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (error != NULL)
    {
      doing->page->closing = FALSE;
      set_busy (doing->page, NULL);
      esp_status_label_set (doing->page->status, error->message, TRUE);
      return;
    }
  probe (doing->page, doing->filled, key != NULL ? esp_key_get (key) : NULL);
}

/* Takes `filled`. */
static void
start_test (EspAccountPage *self, Filled *filled)
{
  if (esp_accounts_get_offline (self->accounts))
    {
      set_busy (self, NULL);
      esp_status_label_set (
          self->status,
          _ ("It was not tested: nothing may leave this computer, as you chose on the page "
             "before."),
          FALSE);
      if (self->closing)
        finish (self);
      filled_free (filled);
      return;
    }
  set_busy (self, _ ("Asking the provider…"));
  if (filled->key != NULL || !has_key (self))
    {
      probe (self, filled, filled->key != NULL ? esp_key_get (filled->key) : NULL);
      filled_free (filled);
    }
  else
    esp_key_store_load_async (esp_account_get_id (self->account), self->cancellable, on_key_loaded,
                              doing_new (self, filled));
}

static void
on_test (EspAccountPage *self)
{
  g_autoptr (GError) error = NULL;
  Filled *filled = read_form (self, TRUE, &error);

  if (filled == NULL)
    esp_status_label_set (self->status, error->message, TRUE);
  else
    start_test (self, filled);
}

/* --- Saving ----------------------------------------------------------------------------------- */

static void fill_form (EspAccountPage *self);

static void
on_key_saved (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Doing) doing = data;
  EspAccountPage *self = doing->page;
  g_autoptr (GError) error = NULL;

  if (!esp_key_store_save_finish (result, &error)
      || !esp_accounts_set_has_key (self->accounts, self->account, TRUE, &error))
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->title == NULL)
        return;
      set_busy (self, NULL);
      esp_status_label_set (self->status, error->message, TRUE);
      return;
    }
  if (self->title == NULL)
    return;
  self->closing = TRUE;
  start_test (self, g_steal_pointer (&doing->filled));
  doing->filled = g_new0 (Filled, 1);
}

static gboolean
store (EspAccountPage *self, Filled *filled, GError **error)
{
  guint concurrency = (guint) gtk_spin_button_get_value_as_int (self->concurrency);

  if (self->account == NULL)
    {
      EspAccount *account
          = esp_accounts_add (self->accounts, esp_provider_get_id (self->provider), filled->name,
                              filled->base_url, filled->base_is_own, filled->config, error);

      if (account == NULL)
        return FALSE;
      g_set_object (&self->account, account);
      if (concurrency == 0)
        return TRUE;
    }
  return esp_accounts_change (self->accounts, self->account, filled->name, filled->base_url,
                              filled->base_is_own, filled->config, concurrency, error);
}

static void
on_save (EspAccountPage *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Filled) filled = NULL;
  g_autofree char *title = NULL;
  Doing *doing;

  if (self->busy)
    return;
  filled = read_form (self, TRUE, &error);
  if (filled == NULL || !store (self, filled, &error))
    {
      esp_status_label_set (self->status, error->message, TRUE);
      return;
    }
  adw_window_title_set_title (
      self->title, filled->name != NULL ? filled->name : esp_provider_get_title (self->provider));
  gtk_button_set_label (GTK_BUTTON (self->save_button), _ ("_Save"));
  if (filled->key == NULL)
    {
      self->closing = TRUE;
      start_test (self, g_steal_pointer (&filled));
      return;
    }
  set_busy (self, _ ("Saving the key…"));
  /* Translators: what a key is called in the desktop's key ring; %s is the account's name. */
  title = g_strdup_printf (_ ("Espalier: key for %s"), adw_window_title_get_title (self->title));
  doing = doing_new (self, g_steal_pointer (&filled));
  esp_key_store_save_async (esp_account_get_id (self->account), title, doing->filled->key,
                            self->cancellable, on_key_saved, doing);
}

/* --- Removing and moving ---------------------------------------------------------------------- */

static void
on_key_removed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspAccountPage) self = data;
  g_autoptr (GError) error = NULL;

  if (!esp_key_store_remove_finish (result, &error)
      || !esp_accounts_set_has_key (self->accounts, self->account, FALSE, &error))
    {
      if (self->title != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        esp_status_label_set (self->status, error->message, TRUE);
      return;
    }
  if (self->title == NULL)
    return;
  gtk_widget_hide (self->remove_key_row);
  esp_status_label_set (self->status, _ ("The key was removed."), FALSE);
}

static void
on_remove_key (EspAccountPage *self)
{
  esp_key_store_remove_async (esp_account_get_id (self->account), self->cancellable, on_key_removed,
                              g_object_ref (self));
}

static void
on_remove_answer (EspAccountPage *self, const char *response)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (!g_str_equal (response, "remove") || self->account == NULL)
    return;
  if (!esp_accounts_remove (self->accounts, self->account, &error))
    {
      esp_status_label_set (self->status, error->message, TRUE);
      return;
    }
  text = g_strdup_printf (_ ("“%s” was removed"), adw_window_title_get_title (self->title));
  g_signal_emit (self, signals[MESSAGE], 0, text);
  finish (self);
}

static void
on_remove (EspAccountPage *self)
{
  /* The name may be long, and libadwaita 1.7 has no room for that in a heading. */
  g_autofree char *body
      = g_strdup_printf (_ ("“%s” and its key are removed from this computer. The provider keeps "
                            "the account and the key with them."),
                         adw_window_title_get_title (self->title));
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))),
                                              _ ("Remove Account?"), body);

  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _ ("_Cancel"), "remove",
                                    _ ("_Remove"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "remove",
                                              ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_remove_answer), self,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static guint
find_position (EspAccountPage *self)
{
  GListModel *list = G_LIST_MODEL (self->accounts);

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EspAccount) account = g_list_model_get_item (list, i);

      if (account == self->account)
        return i;
    }
  return GTK_INVALID_LIST_POSITION;
}

static void
update_place (EspAccountPage *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->accounts));
  guint position = self->account != NULL ? find_position (self) : GTK_INVALID_LIST_POSITION;

  gtk_widget_set_sensitive (self->up_button, position > 0 && position < n);
  gtk_widget_set_sensitive (self->down_button, position + 1 < n && position < n);
}

static void
move (EspAccountPage *self, int step)
{
  g_autoptr (GError) error = NULL;
  guint position = find_position (self);

  if (position == GTK_INVALID_LIST_POSITION || (step < 0 && position == 0))
    return;
  if (!esp_accounts_move (self->accounts, self->account, step < 0 ? position - 1 : position + 1,
                          &error))
    esp_status_label_set (self->status, error->message, TRUE);
  update_place (self);
}

static void
on_up (EspAccountPage *self)
{
  move (self, -1);
}

static void
on_down (EspAccountPage *self)
{
  move (self, 1);
}

/* --- The form --------------------------------------------------------------------------------- */

static void
on_field_changed (EspAccountPage *self)
{
  if (self->provider == NULL)
    return;
  gtk_widget_set_visible (self->own_row, needs_own (get_text (self->address_row)));
  if (!self->busy)
    esp_status_label_set (self->status, NULL, FALSE);
}

static void
on_shown (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (EspAccountPage) self = data;
  g_autoptr (GError) error = NULL;

  if (!esp_show_uri_finish (GTK_WINDOW (source), result, &error) && self->title != NULL
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_signal_emit (self, signals[MESSAGE], 0, error->message);
}

static void
on_keys (EspAccountPage *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  const char *url = esp_provider_get_keys_url (self->provider);

  if (url == NULL)
    url = esp_provider_get_docs (self->provider);
  if (url != NULL)
    esp_show_uri_async (GTK_WINDOW (root), url, self->cancellable, on_shown, g_object_ref (self));
}

static void
fill_key (EspAccountPage *self)
{
  const EspDescriptor *descriptor = esp_provider_get_descriptor (self->provider);
  const char *url = esp_provider_get_keys_url (self->provider);
  gboolean takes_key = descriptor->auth_value != NULL;

  gtk_editable_set_text (GTK_EDITABLE (self->key_row), "");
  gtk_widget_set_visible (GTK_WIDGET (self->key_row), takes_key);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->key_row),
                                 has_key (self)                     ? _ ("New Key")
                                 : is_key_optional (self->provider) ? _ ("Key (if it needs one)")
                                                                    : _ ("Key"));
  gtk_widget_set_visible (self->keys_row, takes_key && url != NULL);
  if (url != NULL)
    adw_action_row_set_subtitle (ADW_ACTION_ROW (self->keys_row), url);
  gtk_widget_set_visible (self->remove_key_row, has_key (self));
}

static void
fill_form (EspAccountPage *self)
{
  EspProvider *provider = self->provider;
  EspAccount *account = self->account;
  const char *name = account != NULL ? esp_account_get_name (account) : NULL;
  const char *address = account != NULL ? esp_account_get_base_url (account) : NULL;
  g_autofree char *price = _esp_account_page_dup_price (provider);
  const char *description = esp_provider_get_summary (provider);
  g_autofree char *intro = NULL;

  if (name == NULL)
    name = esp_provider_get_title (provider);
  adw_window_title_set_title (self->title, name);
  adw_window_title_set_subtitle (self->title, account != NULL ? _ ("Account") : _ ("New Account"));
  intro = g_strjoin (price != NULL && description != NULL ? "\n" : "",
                     description != NULL ? description : "", price != NULL ? price : "", NULL);
  {
    g_autofree char *markup = g_markup_escape_text (intro, -1);

    adw_preferences_group_set_description (self->fields_group, markup);
  }
  gtk_editable_set_text (GTK_EDITABLE (self->name_row), name);
  gtk_widget_set_visible (GTK_WIDGET (self->address_row),
                          esp_provider_is_self_hosted (provider) || address != NULL);
  gtk_editable_set_text (GTK_EDITABLE (self->address_row),
                         address != NULL ? address : esp_provider_get_base_url (provider));
  gtk_switch_set_active (self->own_switch,
                         account != NULL && esp_account_get_base_is_own (account));
  gtk_widget_set_visible (self->own_row, needs_own (get_text (self->address_row)));
  fill_key (self);
  g_clear_pointer (&self->config, esp_config_rows_free);
  self->config = esp_config_rows_new (self->config_row, provider,
                                      account != NULL ? esp_account_get_config (account) : NULL);
  adw_expander_row_set_expanded (self->config_row, FALSE);
  gtk_spin_button_set_value (self->concurrency,
                             account != NULL ? esp_account_get_concurrency (account) : 0);
  gtk_button_set_label (GTK_BUTTON (self->save_button), account != NULL ? _ ("_Save") : _ ("_Add"));
  gtk_widget_set_visible (self->remove_group, account != NULL);
  update_place (self);
  set_busy (self, NULL);
  esp_status_label_set (self->status, NULL, FALSE);
  gtk_stack_set_visible_child_name (self->stack, "form");
}

void
esp_account_page_add (EspAccountPage *self, EspProvider *provider)
{
  g_return_if_fail (ESP_IS_ACCOUNT_PAGE (self));
  g_return_if_fail (ESP_IS_PROVIDER (provider));

  if (esp_provider_get_problem (provider) != NULL)
    {
      esp_account_page_choose (self);
      return;
    }
  g_clear_object (&self->account);
  g_set_object (&self->provider, provider);
  fill_form (self);
  gtk_widget_grab_focus (
      GTK_WIDGET (esp_provider_is_self_hosted (provider) ? self->address_row : self->key_row));
}

void
esp_account_page_edit (EspAccountPage *self, EspAccount *account)
{
  EspProvider *provider;

  g_return_if_fail (ESP_IS_ACCOUNT_PAGE (self));
  g_return_if_fail (ESP_IS_ACCOUNT (account));

  provider = esp_provider_catalog_find (self->catalog, esp_account_get_provider (account));
  if (provider == NULL || esp_provider_get_problem (provider) != NULL)
    return;
  self->from_list = FALSE;
  g_set_object (&self->account, account);
  g_set_object (&self->provider, provider);
  fill_form (self);
  if (!has_key (self) && !is_key_optional (provider))
    gtk_widget_grab_focus (GTK_WIDGET (self->key_row));
}

/* --- Coming and going ------------------------------------------------------------------------- */

void
esp_account_page_choose (EspAccountPage *self)
{
  g_return_if_fail (ESP_IS_ACCOUNT_PAGE (self));

  self->from_list = FALSE;
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  self->cancellable = g_cancellable_new ();
  g_clear_object (&self->account);
  adw_window_title_set_title (self->title, _ ("Add a Provider"));
  adw_window_title_set_subtitle (self->title, "");
  gtk_stack_set_visible_child_name (self->stack, "choose");
}

static void
on_back (EspAccountPage *self)
{
  /* What is typed and not added is gone with the form. */
  if (self->from_list && self->account == NULL)
    esp_account_page_choose (self);
  else
    finish (self);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_account_page_dispose (GObject *object)
{
  EspAccountPage *self = ESP_ACCOUNT_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_pointer (&self->config, esp_config_rows_free);
  g_clear_object (&self->catalog);
  g_clear_object (&self->accounts);
  g_clear_object (&self->http);
  g_clear_object (&self->provider);
  g_clear_object (&self->account);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_ACCOUNT_PAGE);

  G_OBJECT_CLASS (esp_account_page_parent_class)->dispose (object);
}

static void
esp_account_page_finalize (GObject *object)
{
  g_clear_object (&ESP_ACCOUNT_PAGE (object)->cancellable);

  G_OBJECT_CLASS (esp_account_page_parent_class)->finalize (object);
}

#define BIND(name) gtk_widget_class_bind_template_child (widget_class, EspAccountPage, name)

static void
esp_account_page_class_init (EspAccountPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_account_page_dispose;
  object_class->finalize = esp_account_page_finalize;
  signals[CLOSE] = g_signal_new ("close", ESP_TYPE_ACCOUNT_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
  signals[MESSAGE] = g_signal_new ("message", ESP_TYPE_ACCOUNT_PAGE, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/preferences/esp-account-page.ui");
  BIND (title);
  BIND (stack);
  BIND (services_group);
  BIND (servers_group);
  BIND (broken_group);
  BIND (fields_group);
  BIND (name_row);
  BIND (address_row);
  BIND (own_row);
  BIND (own_switch);
  BIND (key_row);
  BIND (keys_row);
  BIND (more_group);
  BIND (config_row);
  BIND (concurrency);
  BIND (spinner);
  BIND (status);
  BIND (test_button);
  BIND (save_button);
  BIND (remove_group);
  BIND (remove_key_row);
  BIND (up_button);
  BIND (down_button);
  gtk_widget_class_bind_template_callback (widget_class, on_back);
  gtk_widget_class_bind_template_callback (widget_class, on_field_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_keys);
  gtk_widget_class_bind_template_callback (widget_class, on_test);
  gtk_widget_class_bind_template_callback (widget_class, on_save);
  gtk_widget_class_bind_template_callback (widget_class, on_up);
  gtk_widget_class_bind_template_callback (widget_class, on_down);
  gtk_widget_class_bind_template_callback (widget_class, on_remove_key);
  gtk_widget_class_bind_template_callback (widget_class, on_remove);
}

static void
esp_account_page_init (EspAccountPage *self)
{
  self->cancellable = g_cancellable_new ();
  self->rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
esp_account_page_new (EspProviderCatalog *catalog, EspAccounts *accounts)
{
  EspAccountPage *self;

  g_return_val_if_fail (ESP_IS_PROVIDER_CATALOG (catalog), NULL);
  g_return_val_if_fail (ESP_IS_ACCOUNTS (accounts), NULL);

  self = g_object_new (ESP_TYPE_ACCOUNT_PAGE, NULL);
  self->catalog = g_object_ref (catalog);
  self->accounts = g_object_ref (accounts);
  g_signal_connect_object (catalog, "items-changed", G_CALLBACK (_esp_account_page_fill_list), self,
                           G_CONNECT_SWAPPED);
  _esp_account_page_fill_list (self);
  return GTK_WIDGET (self);
}
