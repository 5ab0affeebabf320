/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-providers-page.c: accounts with providers, and what they cost. */
#define G_LOG_DOMAIN "espalier-preferences"

#include "esp-providers-page.h"

#include <glib/gi18n-lib.h>

#include "esp-plain-row.h"
#include "esp-preferences-window.h"
#include "esp-price-text.h"
#include "esp-show-uri.h"

#define MAX_DOCUMENTS 12 /* those that cost most */

struct _EspProvidersPage
{
  AdwPreferencesPage parent_instance;

  GtkSwitch *offline_switch;
  AdwPreferencesGroup *accounts_group;
  AdwActionRow *month_row;
  GtkAdjustment *stop;
  AdwExpanderRow *months_row, *providers_row, *documents_row;
  AdwPreferencesGroup *own_group;
  AdwActionRow *own_row;

  EspRegistry *registry;
  EspProviderCatalog *catalog;
  EspAccounts *accounts;
  GPtrArray *account_rows, *broken_rows; /* borrowed widgets */
  GHashTable *total_rows;                /* widget → its expander */
  guint fill_id, totals_id;
};

G_DEFINE_FINAL_TYPE (EspProvidersPage, esp_providers_page, ADW_TYPE_PREFERENCES_PAGE)

enum
{
  ADD,
  EDIT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- Accounts --------------------------------------------------------------------------------- */

static const char *
get_account_name (EspProvidersPage *self, EspAccount *account)
{
  EspProvider *provider;

  if (esp_account_get_name (account) != NULL)
    return esp_account_get_name (account);
  provider = esp_provider_catalog_find (self->catalog, esp_account_get_provider (account));
  return provider != NULL ? esp_provider_get_title (provider) : esp_account_get_id (account);
}

/* What is wrong is said in words, by the model that is made of the account. */
static char *
dup_state (EspProvidersPage *self, EspAccount *account, gboolean *is_problem)
{
  EspProvider *provider
      = esp_provider_catalog_find (self->catalog, esp_account_get_provider (account));
  EspBackend *backend = esp_registry_find_backend (self->registry, esp_account_get_id (account));
  g_autoptr (EspModel) model
      = backend != NULL ? g_list_model_get_item (esp_backend_get_models (backend), 0) : NULL;
  const char *message;

  *is_problem = TRUE;
  if (provider == NULL)
    return g_strdup (_ ("The description of this provider is gone"));
  if (esp_provider_get_problem (provider) != NULL)
    return g_strdup (esp_provider_get_problem (provider));
  if (model == NULL)
    return g_strdup (_ ("Cannot be used"));
  message = esp_model_get_message (model);
  switch (esp_model_get_state (model))
    {
    case ESP_MODEL_NEEDS_KEY:
      return g_strdup (message != NULL ? message : _ ("Needs a key"));
    case ESP_MODEL_NEEDS_MODEL:
    case ESP_MODEL_BROKEN:
      return g_strdup (message != NULL ? message : _ ("Cannot be used"));
    case ESP_MODEL_STARTING:
    case ESP_MODEL_READY:
    default:
      break;
    }
  *is_problem = FALSE;
  return g_strdup (_ ("Ready"));
}

static gint64
get_month_start (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autoptr (GDateTime) start
      = g_date_time_new_local (g_date_time_get_year (now), g_date_time_get_month (now), 1, 0, 0, 0);

  return g_date_time_to_unix (start) * G_USEC_PER_SEC;
}

static char *
dup_amount (const EspLedgerTotal *total)
{
  g_autofree char *amount = esp_price_format (total->amount, total->currency);

  if (total->estimated > 0)
    /* Translators: an amount of money of which a part is only known from price lists. */
    return g_strdup_printf (_ ("about %s"), amount);
  return g_steal_pointer (&amount);
}

static char *
dup_spent (GPtrArray *totals, const char *key)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < totals->len; i++)
    {
      const EspLedgerTotal *total = g_ptr_array_index (totals, i);

      if (g_strcmp0 (total->key, key) == 0)
        {
          g_autofree char *amount = dup_amount (total);

          if (text->len > 0)
            g_string_append (text, ", ");
          g_string_append (text, amount);
        }
    }
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

static void
on_account_activated (AdwActionRow *row, EspProvidersPage *self)
{
  g_signal_emit (self, signals[EDIT], 0, g_object_get_data (G_OBJECT (row), "esp-account"));
}

static void fill_soon (EspProvidersPage *self);

static void
on_account_changed (GtkWidget *row)
{
  GtkWidget *self = gtk_widget_get_ancestor (row, ESP_TYPE_PROVIDERS_PAGE);

  if (self != NULL)
    fill_soon (ESP_PROVIDERS_PAGE (self));
}

static void
add_account (EspProvidersPage *self, EspAccount *account, GPtrArray *totals)
{
  GtkWidget *row
      = esp_plain_row_new (ADW_TYPE_ACTION_ROW, get_account_name (self, account), NULL, 4);
  g_autofree char *spent = dup_spent (totals, esp_account_get_id (account));
  gboolean is_problem;
  g_autofree char *state = dup_state (self, account, &is_problem);
  EspProvider *provider
      = esp_provider_catalog_find (self->catalog, esp_account_get_provider (account));
  g_autoptr (GString) subtitle = g_string_new (NULL);

  if (esp_account_get_name (account) != NULL && provider != NULL)
    g_string_append_printf (subtitle, "%s · ", esp_provider_get_title (provider));
  g_string_append (subtitle, state);
  if (spent != NULL)
    {
      g_string_append (subtitle, " · ");
      /* Translators: %s is an amount of money. */
      g_string_append_printf (subtitle, _ ("%s this month"), spent);
    }
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle->str);
  if (is_problem)
    adw_action_row_set_icon_name (ADW_ACTION_ROW (row), "dialog-warning-symbolic");
  adw_action_row_add_suffix (ADW_ACTION_ROW (row),
                             g_object_new (GTK_TYPE_IMAGE, "icon-name", "go-next-symbolic",
                                           "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION,
                                           NULL));
  g_object_set_data_full (G_OBJECT (row), "esp-account", g_object_ref (account), g_object_unref);
  g_signal_connect_object (row, "activated", G_CALLBACK (on_account_activated), self, 0);
  g_signal_connect_object (account, "changed", G_CALLBACK (on_account_changed), row,
                           G_CONNECT_SWAPPED);
  adw_preferences_group_add (self->accounts_group, row);
  g_ptr_array_add (self->account_rows, row);
}

static void
fill_accounts (EspProvidersPage *self)
{
  GListModel *list = G_LIST_MODEL (self->accounts);
  g_autoptr (GPtrArray) totals = esp_ledger_dup_totals (esp_accounts_get_ledger (self->accounts),
                                                        ESP_LEDGER_BY_ACCOUNT, get_month_start ());

  for (guint i = 0; i < self->account_rows->len; i++)
    adw_preferences_group_remove (self->accounts_group, self->account_rows->pdata[i]);
  g_ptr_array_set_size (self->account_rows, 0);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EspAccount) account = g_list_model_get_item (list, i);

      add_account (self, account, totals);
    }
  adw_preferences_group_set_description (
      self->accounts_group,
      self->account_rows->len == 0
          ? _ ("Turns can also be made by services on the Internet, or by other computers of "
               "yours. Images are sent there only when you choose one.")
          : NULL);
}

/* --- Own descriptions ------------------------------------------------------------------------- */

static void
fill_own (EspProvidersPage *self)
{
  GListModel *list = G_LIST_MODEL (self->catalog);
  g_autofree char *text = NULL;

  for (guint i = 0; i < self->broken_rows->len; i++)
    adw_preferences_group_remove (self->own_group, self->broken_rows->pdata[i]);
  g_ptr_array_set_size (self->broken_rows, 0);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EspProvider) provider = g_list_model_get_item (list, i);
      GtkWidget *row;

      if (!esp_provider_is_own (provider) && esp_provider_get_problem (provider) == NULL)
        continue;
      row = esp_plain_row_new (ADW_TYPE_ACTION_ROW, esp_provider_get_title (provider),
                               esp_provider_get_problem (provider) != NULL
                                   ? esp_provider_get_problem (provider)
                                   : _ ("Without errors"),
                               6);
      if (esp_provider_get_problem (provider) != NULL)
        adw_action_row_set_icon_name (ADW_ACTION_ROW (row), "dialog-warning-symbolic");
      adw_preferences_group_add (self->own_group, row);
      g_ptr_array_add (self->broken_rows, row);
    }
  text = g_strdup_printf (_ ("Put its description, a JSON file, into %s. It shows up here at once, "
                             "with its errors if it has some."),
                          esp_provider_catalog_get_own_folder (self->catalog));
  adw_action_row_set_subtitle (self->own_row, text);
}

static void
on_folder_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!esp_show_uri_finish (GTK_WINDOW (source), result, &error)
      && ESP_IS_PREFERENCES_WINDOW (source))
    esp_preferences_window_tell (ESP_PREFERENCES_WINDOW (source), error->message);
}

static void
on_open_own (EspProvidersPage *self)
{
  const char *path = esp_provider_catalog_get_own_folder (self->catalog);
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  g_autofree char *uri = NULL;

  if (path == NULL || g_mkdir_with_parents (path, 0755) != 0)
    return;
  uri = g_filename_to_uri (path, NULL, NULL);
  if (uri != NULL)
    esp_show_uri_async (GTK_WINDOW (root), uri, NULL, on_folder_opened, NULL);
}

/* --- Money ------------------------------------------------------------------------------------ */

static char *
dup_total_title (EspProvidersPage *self, EspLedgerBy by, const EspLedgerTotal *total)
{
  EspProvider *provider;

  if (by == ESP_LEDGER_BY_PROVIDER)
    {
      provider = esp_provider_catalog_find (self->catalog, total->key);
      return g_strdup (provider != NULL ? esp_provider_get_title (provider) : total->key);
    }
  if (by == ESP_LEDGER_BY_MONTH)
    {
      int year, month;
      g_autoptr (GDateTime) date = NULL;

      /* NOLINTNEXTLINE(cert-err34-c): few digits are no number too large */
      if (total->key != NULL && sscanf (total->key, "%4d-%2d", &year, &month) == 2)
        date = g_date_time_new_local (year, month, 1, 12, 0, 0);
      /* Translators: a month and its year, see strftime (3): "November 2026". */
      return date != NULL ? g_date_time_format (date, _ ("%OB %Y")) : g_strdup (total->key);
    }
  return g_strdup (total->key != NULL && *total->key != '\0' ? total->key : _ ("Command line"));
}

static int
compare_totals (gconstpointer a, gconstpointer b)
{
  const EspLedgerTotal *first = *(const EspLedgerTotal *const *) a;
  const EspLedgerTotal *second = *(const EspLedgerTotal *const *) b;

  return first->amount < second->amount ? 1 : first->amount > second->amount ? -1 : 0;
}

static void
fill_total (EspProvidersPage *self, AdwExpanderRow *expander, EspLedgerBy by)
{
  g_autoptr (GPtrArray) totals
      = esp_ledger_dup_totals (esp_accounts_get_ledger (self->accounts), by, 0);
  guint shown = totals->len;

  if (by != ESP_LEDGER_BY_MONTH)
    g_ptr_array_sort (totals, compare_totals);
  if (by == ESP_LEDGER_BY_DOCUMENT)
    shown = MIN (shown, MAX_DOCUMENTS);
  for (guint i = 0; i < shown; i++)
    {
      const EspLedgerTotal *total = g_ptr_array_index (totals, i);
      g_autofree char *title = dup_total_title (self, by, total);
      g_autofree char *turns = NULL;
      g_autofree char *amount = dup_amount (total);
      GtkWidget *row, *label;

      turns = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u turn", "%u turns", total->n_turns),
                               total->n_turns);
      row = esp_plain_row_new (ADW_TYPE_ACTION_ROW, title, turns, 1);
      label = gtk_label_new (amount);
      gtk_widget_add_css_class (label, "numeric");
      adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
      adw_expander_row_add_row (expander, row);
      g_hash_table_insert (self->total_rows, row, expander);
    }
  gtk_widget_set_visible (GTK_WIDGET (expander), shown > 0);
}

static void
fill_totals (EspProvidersPage *self)
{
  double month = esp_ledger_get_month (esp_accounts_get_ledger (self->accounts));
  g_autofree char *text = month > 0 ? esp_price_format (month, "USD") : NULL;
  GHashTableIter iter;
  gpointer row, expander;

  adw_action_row_set_subtitle (self->month_row, text != NULL ? text : _ ("Nothing"));
  g_hash_table_iter_init (&iter, self->total_rows);
  while (g_hash_table_iter_next (&iter, &row, &expander))
    adw_expander_row_remove (expander, row);
  g_hash_table_remove_all (self->total_rows);
  fill_total (self, self->months_row, ESP_LEDGER_BY_MONTH);
  fill_total (self, self->providers_row, ESP_LEDGER_BY_PROVIDER);
  fill_total (self, self->documents_row, ESP_LEDGER_BY_DOCUMENT);
}

static gboolean
on_fill (gpointer data)
{
  EspProvidersPage *self = data;

  self->fill_id = 0;
  fill_accounts (self);
  fill_own (self);
  return G_SOURCE_REMOVE;
}

/* Several things change at once: the list is made anew once, and not while a row of it is being
 * pressed. */
static void
fill_soon (EspProvidersPage *self)
{
  if (self->fill_id == 0)
    self->fill_id = g_idle_add (on_fill, self);
}

static gboolean
on_fill_totals (gpointer data)
{
  EspProvidersPage *self = data;

  self->totals_id = 0;
  fill_totals (self);
  fill_accounts (self);
  return G_SOURCE_REMOVE;
}

static void
on_ledger_changed (EspProvidersPage *self)
{
  if (self->totals_id == 0)
    self->totals_id = g_timeout_add (300, on_fill_totals, self);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
on_add (EspProvidersPage *self)
{
  g_signal_emit (self, signals[ADD], 0);
}

static void
on_stop_changed (EspProvidersPage *self)
{
  double stop = gtk_adjustment_get_value (self->stop);

  if (stop != esp_accounts_get_monthly_stop (self->accounts))
    esp_accounts_set_monthly_stop (self->accounts, stop);
}

static void
on_stop_elsewhere (EspProvidersPage *self)
{
  gtk_adjustment_set_value (self->stop, esp_accounts_get_monthly_stop (self->accounts));
}

static void
watch_models (EspProvidersPage *self)
{
  GListModel *models = esp_registry_get_models (self->registry);

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);

      g_signal_handlers_disconnect_by_func (model, fill_soon, self);
      g_signal_connect_object (model, "changed", G_CALLBACK (fill_soon), self, G_CONNECT_SWAPPED);
    }
  fill_soon (self);
}

void
esp_providers_page_set_up (EspProvidersPage *self, EspRegistry *registry,
                           EspProviderCatalog *catalog, EspAccounts *accounts)
{
  g_return_if_fail (ESP_IS_PROVIDERS_PAGE (self));
  g_return_if_fail (ESP_IS_REGISTRY (registry));
  g_return_if_fail (ESP_IS_PROVIDER_CATALOG (catalog));
  g_return_if_fail (ESP_IS_ACCOUNTS (accounts));
  g_return_if_fail (self->accounts == NULL);

  self->registry = g_object_ref (registry);
  self->catalog = g_object_ref (catalog);
  self->accounts = g_object_ref (accounts);
  g_object_bind_property (accounts, "offline", self->offline_switch, "active",
                          G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL);
  on_stop_elsewhere (self);
  g_signal_connect_object (self->stop, "value-changed", G_CALLBACK (on_stop_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (accounts, "notify::monthly-stop", G_CALLBACK (on_stop_elsewhere), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (accounts, "items-changed", G_CALLBACK (fill_soon), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (catalog, "items-changed", G_CALLBACK (fill_soon), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (esp_registry_get_models (registry), "items-changed",
                           G_CALLBACK (watch_models), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (esp_accounts_get_ledger (accounts), "changed",
                           G_CALLBACK (on_ledger_changed), self, G_CONNECT_SWAPPED);
  watch_models (self);
  fill_accounts (self);
  fill_own (self);
  fill_totals (self);
}

static void
esp_providers_page_dispose (GObject *object)
{
  EspProvidersPage *self = ESP_PROVIDERS_PAGE (object);

  g_clear_handle_id (&self->fill_id, g_source_remove);
  g_clear_handle_id (&self->totals_id, g_source_remove);
  g_clear_object (&self->registry);
  g_clear_object (&self->catalog);
  g_clear_object (&self->accounts);
  g_clear_pointer (&self->account_rows, g_ptr_array_unref);
  g_clear_pointer (&self->broken_rows, g_ptr_array_unref);
  g_clear_pointer (&self->total_rows, g_hash_table_unref);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_PROVIDERS_PAGE);

  G_OBJECT_CLASS (esp_providers_page_parent_class)->dispose (object);
}

#define BIND(name) gtk_widget_class_bind_template_child (widget_class, EspProvidersPage, name)

static void
esp_providers_page_class_init (EspProvidersPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_providers_page_dispose;
  signals[ADD] = g_signal_new ("add", ESP_TYPE_PROVIDERS_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                               NULL, G_TYPE_NONE, 0);
  signals[EDIT] = g_signal_new ("edit", ESP_TYPE_PROVIDERS_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 1, ESP_TYPE_ACCOUNT);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/preferences/esp-providers-page.ui");
  BIND (offline_switch);
  BIND (accounts_group);
  BIND (month_row);
  BIND (stop);
  BIND (months_row);
  BIND (providers_row);
  BIND (documents_row);
  BIND (own_group);
  BIND (own_row);
  gtk_widget_class_bind_template_callback (widget_class, on_add);
  gtk_widget_class_bind_template_callback (widget_class, on_open_own);
}

static void
esp_providers_page_init (EspProvidersPage *self)
{
  self->account_rows = g_ptr_array_new ();
  self->broken_rows = g_ptr_array_new ();
  self->total_rows = g_hash_table_new (NULL, NULL);
  gtk_widget_init_template (GTK_WIDGET (self));
}
