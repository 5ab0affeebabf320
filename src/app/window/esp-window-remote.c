/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-remote.c: what the window says and asks before something is sent to a provider, and
 * what it offers when that went wrong. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-fault.h"
#include "esp-price-text.h"
#include "esp-remote-backend.h"
#include "esp-transcript.h"
#include "esp-window-private.h"

static EspApplication *
get_application (EspWindow *self)
{
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (self));

  return application != NULL ? ESP_APPLICATION (application) : NULL;
}

static EspRegistry *
get_registry (EspWindow *self)
{
  return esp_queue_get_registry (esp_application_get_queue (get_application (self)));
}

/* --- Accounts ----------------------------------------------------------------------------------
 */

/* The accounts that a backend sends to: its own, or all that a pool of a provider's instances has.
 * (element-type EspAccount) (transfer container) */
static GPtrArray *
dup_accounts (EspWindow *self, const char *backend)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);
  EspAccounts *accounts = esp_application_get_accounts (get_application (self));
  GListModel *list = G_LIST_MODEL (accounts);
  EspAccount *account = backend != NULL ? esp_accounts_find (accounts, backend) : NULL;
  EspBackend *pool = NULL;

  if (account != NULL)
    g_ptr_array_add (found, g_object_ref (account));
  else if (backend != NULL)
    pool = esp_registry_find_backend (get_registry (self), backend);
  if (pool != NULL && ESP_IS_POOL_BACKEND (pool))
    {
      g_autofree char *provider = esp_pool_backend_dup_provider (ESP_POOL_BACKEND (pool));

      for (guint i = 0; i < g_list_model_get_n_items (list); i++)
        {
          g_autoptr (EspAccount) member = g_list_model_get_item (list, i);

          if (g_strcmp0 (esp_account_get_provider (member), provider) == 0)
            g_ptr_array_add (found, g_steal_pointer (&member));
        }
    }
  return found;
}

static char *
dup_host (EspWindow *self, EspAccount *account)
{
  EspProviderCatalog *catalog = esp_application_get_catalog (get_application (self));
  EspProvider *provider = esp_provider_catalog_find (catalog, esp_account_get_provider (account));
  const char *url = esp_account_get_base_url (account);
  const char *host;

  if (url == NULL && provider != NULL && esp_provider_get_problem (provider) == NULL)
    url = esp_provider_get_base_url (provider);
  if (url == NULL || (host = strstr (url, "://")) == NULL)
    return g_strdup (esp_account_get_provider (account));
  host += strlen ("://");
  /* A template's path may hold anything. */
  return g_strndup (host, strcspn (host, "/?#"));
}

/* --- First use ---------------------------------------------------------------------------------
 */

typedef struct
{
  EspWindow *window;
  GPtrArray *accounts;
  EspWindowGoOn go_on;
  gpointer data;
  GDestroyNotify destroy;
} Asking;

static void
asking_free (gpointer data)
{
  Asking *asking = data;

  if (asking->destroy != NULL)
    asking->destroy (asking->data);
  g_ptr_array_unref (asking->accounts);
  g_object_unref (asking->window);
  g_free (asking);
}

static void
asking_closure_free (gpointer data, GClosure *closure)
{
  asking_free (data);
}

static void
on_consent_answer (AdwMessageDialog *dialog, const char *response, Asking *asking)
{
  EspApplication *application = get_application (asking->window);
  g_autoptr (GError) error = NULL;

  if (!g_str_equal (response, "send") || application == NULL)
    return;
  for (guint i = 0; i < asking->accounts->len; i++)
    if (!esp_accounts_set_consented (esp_application_get_accounts (application),
                                     asking->accounts->pdata[i], &error))
      {
        esp_window_toast_error (asking->window, _ ("This could not be remembered"), error);
        g_clear_error (&error);
      }
  asking->go_on (asking->window, asking->data);
}

static char *
dup_hosts (EspWindow *self, GPtrArray *accounts)
{
  g_autoptr (GString) hosts = g_string_new (NULL);

  for (guint i = 0; i < accounts->len; i++)
    {
      g_autofree char *host = dup_host (self, accounts->pdata[i]);

      if (i > 0)
        g_string_append (hosts, ", ");
      g_string_append (hosts, host);
    }
  return g_string_free (g_steal_pointer (&hosts), FALSE);
}

static char *
dup_consent_body (EspWindow *self, EspBackend *backend, GPtrArray *accounts)
{
  g_autoptr (EspModel) model = g_list_model_get_item (esp_backend_get_models (backend), 0);
  double price = model != NULL ? esp_model_get_price (model) : -1;
  g_autofree char *hosts = dup_hosts (self, accounts);
  g_autoptr (GString) body = g_string_new (NULL);

  /* Translators: %s is the address of a server, as in "api.example.com". */
  g_string_append_printf (body,
                          _ ("The image, its references and the instruction leave this computer. "
                             "They are sent to %s."),
                          hosts);
  g_string_append (body, "\n\n");
  if (price > 0)
    {
      g_autofree char *amount = esp_price_format (price, esp_model_get_currency (model));

      /* Translators: %s is an amount of money. */
      g_string_append_printf (body, _ ("Each turn costs about %s."), amount);
    }
  else if (price == 0)
    g_string_append (body, _ ("Its turns are free."));
  else
    g_string_append (body, _ ("What a turn costs is not known here."));
  g_string_append_c (body, ' ');
  g_string_append (body, _ ("You are not asked this again for this provider."));
  return g_string_free (g_steal_pointer (&body), FALSE);
}

gboolean
esp_window_ask_before_sending (EspWindow *self, const char *backend, EspWindowGoOn go_on,
                               gpointer data, GDestroyNotify destroy)
{
  EspBackend *found = esp_registry_find_backend (get_registry (self), backend);
  g_autoptr (GPtrArray) accounts = NULL;
  gboolean consented = TRUE;
  g_autofree char *heading = NULL;
  g_autofree char *body = NULL;
  GtkWidget *dialog;
  Asking *asking;

  if (found == NULL || !esp_backend_is_remote (found))
    return FALSE;
  accounts = dup_accounts (self, backend);
  for (guint i = 0; i < accounts->len; i++)
    consented &= esp_account_get_consented (accounts->pdata[i]);
  if (consented)
    return FALSE;

  asking = g_new0 (Asking, 1);
  asking->window = g_object_ref (self);
  asking->accounts = g_ptr_array_ref (accounts);
  asking->go_on = go_on;
  asking->data = data;
  asking->destroy = destroy;
  heading = g_strdup_printf (_ ("Send to “%s”?"), esp_backend_get_title (found));
  body = dup_consent_body (self, found, accounts);
  dialog = adw_message_dialog_new (GTK_WINDOW (self), heading, body);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _ ("_Cancel"), "send",
                                    _ ("_Send"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "send",
                                              ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "send");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_consent_answer), asking,
                         asking_closure_free, 0);
  gtk_window_present (GTK_WINDOW (dialog));
  return TRUE;
}

typedef struct
{
  guint count;
  gboolean next;
} Composed;

static void
run_composed (EspWindow *self, gpointer data)
{
  Composed *composed = data;

  if (self->composer != NULL)
    esp_composer_run (self->composer, composed->count, composed->next);
}

gboolean
esp_window_on_composer_ask (EspWindow *self, EspModel *model, guint count, gboolean next)
{
  EspBackend *backend = esp_model_get_backend (model);
  Composed *composed;

  if (backend == NULL)
    return FALSE;
  composed = g_new0 (Composed, 1);
  composed->count = count;
  composed->next = next;
  if (esp_window_ask_before_sending (self, esp_backend_get_id (backend), run_composed, composed,
                                     g_free))
    return TRUE;
  g_free (composed);
  return FALSE;
}

/* --- Nothing leaves ----------------------------------------------------------------------------
 */

void
esp_window_update_remote (EspWindow *self)
{
  EspApplication *application = get_application (self);
  EspModel *model;
  EspBackend *backend;
  g_autofree char *text = NULL;

  if (application == NULL || self->composer == NULL)
    return;
  model = esp_composer_get_model (self->composer);
  backend = model != NULL ? esp_model_get_backend (model) : NULL;
  if (self->document == NULL || backend == NULL || !esp_backend_is_remote (backend)
      || !esp_accounts_get_offline (esp_application_get_accounts (application)))
    {
      esp_banner_hide (self->offline_banner);
      esp_composer_set_obstacle (self->composer, NULL);
      return;
    }
  text = g_strdup_printf (_ ("Nothing leaves this computer, as you chose in the preferences: “%s” "
                             "is not asked."),
                          esp_backend_get_title (backend));
  esp_banner_show (
      self->offline_banner, text,
      (const EspBannerButton[]){ { _ ("_Preferences"), "win.show-providers" }, { NULL } });
  esp_composer_set_obstacle (
      self->composer, _ ("Nothing may leave this computer, as you chose in the preferences."));
}

/* --- A turn that failed ------------------------------------------------------------------------
 */

/* What can be asked for the same instead; NULL where there is nothing. */
static GMenu *
create_alternatives (EspWindow *self, EspNode *node)
{
  GListModel *models = esp_registry_get_models (get_registry (self));
  g_autoptr (GMenu) menu = g_menu_new ();

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);
      EspBackend *backend = esp_model_get_backend (model);
      EspModelState state = esp_model_get_state (model);
      g_autoptr (GMenuItem) item = NULL;
      g_autoptr (GString) label = NULL;
      double price = esp_model_get_price (model);

      if (backend == NULL || (state != ESP_MODEL_READY && state != ESP_MODEL_STARTING)
          || (g_strcmp0 (esp_backend_get_id (backend), esp_node_get_backend (node)) == 0
              && g_strcmp0 (esp_model_get_id (model), esp_node_get_model (node)) == 0))
        continue;
      label = g_string_new (esp_backend_get_title (backend));
      if (g_strcmp0 (esp_backend_get_title (backend), esp_model_get_name (model)) != 0)
        g_string_append_printf (label, " · %s", esp_model_get_name (model));
      if (price > 0)
        {
          g_autofree char *amount = esp_price_format (price, esp_model_get_currency (model));

          g_string_append_printf (label, " · %s", amount);
        }
      /* An underline is no mnemonic here. */
      g_string_replace (label, "_", "__", 0);
      item = g_menu_item_new (label->str, NULL);
      g_menu_item_set_action_and_target (item, "node.try-with", "(ss)",
                                         esp_backend_get_id (backend), esp_model_get_id (model));
      g_menu_append_item (menu, item);
    }
  return g_menu_model_get_n_items (G_MENU_MODEL (menu)) > 0 ? g_steal_pointer (&menu) : NULL;
}

void
esp_window_update_alternatives (EspWindow *self)
{
  EspNode *node = self->document != NULL ? esp_document_get_current (self->document) : NULL;
  g_autoptr (GMenu) menu = NULL;

  if (get_application (self) == NULL)
    return;
  if (node != NULL && esp_node_get_kind (node) == ESP_NODE_TURN
      && (esp_node_get_state (node) == ESP_NODE_FAILED
          || esp_node_get_state (node) == ESP_NODE_CANCELLED
          || esp_node_get_state (node) == ESP_NODE_BLOCKED))
    menu = create_alternatives (self, node);
  esp_canvas_set_alternatives (self->canvas, menu != NULL ? G_MENU_MODEL (menu) : NULL);
}

typedef struct
{
  EspNode *node;
  EspModel *model; /* NULL: the node's own */
} Trial;

static Trial *
trial_new (EspNode *node, EspModel *model)
{
  Trial *trial = g_new0 (Trial, 1);

  trial->node = g_object_ref (node);
  trial->model = model != NULL ? g_object_ref (model) : NULL;
  return trial;
}

static void
trial_free (gpointer data)
{
  Trial *trial = data;

  g_object_unref (trial->node);
  g_clear_object (&trial->model);
  g_free (trial);
}

static void
go_on_trying (EspWindow *self, gpointer data)
{
  Trial *trial = data;

  if (self->composer == NULL)
    return;
  if (trial->model != NULL)
    esp_composer_try_with (self->composer, trial->node, trial->model);
  else
    esp_composer_run_again (self->composer, trial->node, FALSE);
}

void
esp_window_try_with (EspWindow *self, EspNode *node, GVariant *parameter)
{
  const char *backend, *id;
  EspModel *model;
  Trial *trial;

  g_variant_get (parameter, "(&s&s)", &backend, &id);
  model = esp_registry_find_model (get_registry (self), backend, id);
  if (model == NULL)
    {
      esp_window_toast (self, _ ("This model is not here any more."));
      return;
    }
  trial = trial_new (node, model);
  if (esp_window_ask_before_sending (self, backend, go_on_trying, trial, trial_free))
    return;
  go_on_trying (self, trial);
  trial_free (trial);
}

static void
trial_closure_free (gpointer data, GClosure *closure)
{
  trial_free (data);
}

static void
on_again_answer (AdwMessageDialog *dialog, const char *response, Trial *trial)
{
  GtkWindow *window = gtk_window_get_transient_for (GTK_WINDOW (dialog));

  if (g_str_equal (response, "send") && ESP_IS_WINDOW (window))
    go_on_trying (ESP_WINDOW (window), trial);
}

void
esp_window_send_again (EspWindow *self, EspNode *node)
{
  EspModel *model = esp_node_get_backend (node) != NULL && esp_node_get_model (node) != NULL
                        ? esp_registry_find_model (get_registry (self), esp_node_get_backend (node),
                                                   esp_node_get_model (node))
                        : NULL;
  double price = model != NULL ? esp_model_get_price (model) : -1;
  g_autofree char *amount = NULL;
  g_autofree char *body = NULL;
  GtkWidget *dialog;

  if (price > 0)
    {
      amount = esp_price_format (price, esp_model_get_currency (model));
      /* Translators: %s is an amount of money. */
      body = g_strdup_printf (_ ("The provider may have taken the first one, and may charge for "
                                 "both: %s more. The first one stays here and can still be asked "
                                 "after."),
                              amount);
    }
  else
    body = g_strdup (_ ("The provider may have taken the first one, and may charge for both. The "
                        "first one stays here and can still be asked after."));
  dialog = adw_message_dialog_new (GTK_WINDOW (self), _ ("Send It Again?"), body);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _ ("_Cancel"), "send",
                                    _ ("_Send Again"), NULL);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_again_answer), trial_new (node, NULL),
                         trial_closure_free, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* --- As commands for others --------------------------------------------------------------------
 */

/* The node's own values, with what they are called on the way out. */
static JsonObject *
dup_sent_parameters (EspNode *node)
{
  JsonObject *all = json_object_new ();
  JsonObject *own = esp_node_get_parameters (node);
  g_autoptr (GList) members = json_object_get_members (own);

  for (GList *item = members; item != NULL; item = item->next)
    json_object_set_member (all, item->data,
                            json_node_copy (json_object_get_member (own, item->data)));
  if (esp_node_get_width (node) > 0)
    {
      json_object_set_int_member (all, "width", esp_node_get_width (node));
      json_object_set_int_member (all, "height", esp_node_get_height (node));
    }
  json_object_set_string_member (all, "prompt", esp_node_get_instruction (node));
  if (esp_node_get_negative_prompt (node) != NULL)
    json_object_set_string_member (all, "negative_prompt", esp_node_get_negative_prompt (node));
  if (esp_node_has_seed (node))
    json_object_set_int_member (all, "seed", (gint64) esp_node_get_seed (node));
  return all;
}

static char *
dup_image_name (EspNode *node, guint number)
{
  const char *type = esp_node_get_media_type (node);
  const char *extension = g_strcmp0 (type, "image/jpeg") == 0   ? "jpg"
                          : g_strcmp0 (type, "image/webp") == 0 ? "webp"
                                                                : "png";

  return g_strdup_printf ("image-%u.%s", number, extension);
}

gboolean
esp_window_can_copy_requests (EspWindow *self, EspNode *node)
{
  EspBackend *backend;

  if (get_application (self) == NULL || node == NULL || esp_node_get_kind (node) != ESP_NODE_TURN
      || esp_node_get_backend (node) == NULL)
    return FALSE;
  backend = esp_registry_find_backend (get_registry (self), esp_node_get_backend (node));
  return backend != NULL && ESP_IS_REMOTE_BACKEND (backend)
         && esp_provider_get_problem (
                esp_remote_backend_get_provider (ESP_REMOTE_BACKEND (backend)))
                == NULL;
}

void
esp_window_copy_requests (EspWindow *self, EspNode *node, gboolean as_python)
{
  EspRemoteBackend *backend;
  EspAccount *account;
  g_autoptr (JsonObject) parameters = NULL;
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  GPtrArray *references;

  if (!esp_window_can_copy_requests (self, node))
    return;
  backend = ESP_REMOTE_BACKEND (
      esp_registry_find_backend (get_registry (self), esp_node_get_backend (node)));
  account = esp_remote_backend_get_account (backend);
  parameters = dup_sent_parameters (node);
  names = g_ptr_array_new_with_free_func (g_free);
  if (esp_node_get_parent (node) != NULL)
    g_ptr_array_add (names, dup_image_name (esp_node_get_parent (node), 1));
  references = esp_node_get_references (node);
  for (guint i = 0; i < references->len; i++)
    g_ptr_array_add (names, dup_image_name (references->pdata[i], i + 2));
  g_ptr_array_add (names, NULL);
  text = esp_transcript_new (as_python ? ESP_TRANSCRIPT_PYTHON : ESP_TRANSCRIPT_CURL,
                             esp_remote_backend_get_provider (backend),
                             account != NULL ? esp_account_get_base_url (account) : NULL,
                             account != NULL ? esp_account_get_config (account) : NULL, parameters,
                             (const char *const *) names->pdata, &error);
  if (text == NULL)
    {
      esp_window_toast_error (self, _ ("Nothing was copied"), error);
      return;
    }
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
  esp_window_toast (self, as_python ? _ ("Python program copied; the key is not in it")
                                    : _ ("cURL commands copied; the key is not in them"));
}
