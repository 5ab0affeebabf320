/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-accounts.c: the list of accounts and its file. */
#define G_LOG_DOMAIN "espalier-accounts"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "esp-accounts-private.h"
#include "esp-json-member.h"

/* The file of a person with a thousand accounts is far smaller. */
#define MAX_FILE (1 << 20)

/* A file that is written comes with several notices. */
#define RELOAD_MS 50

enum
{
  PROP_OFFLINE = 1,
  PROP_MONTHLY_STOP,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static GType
get_item_type (GListModel *list)
{
  return ESP_TYPE_ACCOUNT;
}

static guint
get_n_items (GListModel *list)
{
  return ESP_ACCOUNTS (list)->accounts->len;
}

static gpointer
get_item (GListModel *list, guint position)
{
  EspAccounts *self = ESP_ACCOUNTS (list);

  return position < self->accounts->len
             ? g_object_ref (g_ptr_array_index (self->accounts, position))
             : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EspAccounts, esp_accounts, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

EspAccount *
esp_accounts_find (EspAccounts *self, const char *id)
{
  g_return_val_if_fail (ESP_IS_ACCOUNTS (self), NULL);

  for (guint i = 0; i < self->accounts->len; i++)
    {
      EspAccount *account = g_ptr_array_index (self->accounts, i);

      if (g_strcmp0 (esp_account_get_id (account), id) == 0)
        return account;
    }
  return NULL;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static void
replace_accounts (EspAccounts *self, GPtrArray *fresh)
{
  g_autoptr (GPtrArray) old = self->accounts;
  guint start = 0, end = 0;
  const guint shorter = MIN (old->len, fresh->len);

  while (start < shorter && g_ptr_array_index (old, start) == g_ptr_array_index (fresh, start))
    start++;
  while (end < shorter - start
         && g_ptr_array_index (old, old->len - 1 - end)
                == g_ptr_array_index (fresh, fresh->len - 1 - end))
    end++;

  self->accounts = g_ptr_array_ref (fresh);
  if (old->len != fresh->len || start + end < fresh->len)
    g_list_model_items_changed (G_LIST_MODEL (self), start, old->len - start - end,
                                fresh->len - start - end);
}

/* Shows what `root` (taken) says. */
static void
take_root (EspAccounts *self, JsonObject *root)
{
  JsonArray *list = esp_json_get_array (root, "accounts");
  g_autoptr (GPtrArray) fresh = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  const gboolean offline = esp_json_get_number (root, "offline", 0) > 0;
  const double stop = MAX (0, esp_json_get_number (root, "monthly_stop", 0));

  if (self->root != root)
    {
      g_clear_pointer (&self->root, json_object_unref);
      self->root = root;
    }

  for (guint i = 0; list != NULL && i < json_array_get_length (list); i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      JsonObject *members;
      EspAccount *account;
      const char *id;

      if (!_esp_account_check (node))
        continue;
      members = json_node_get_object (node);
      id = json_object_get_string_member (members, "id");
      if (!g_hash_table_add (seen, (gpointer) id))
        continue;

      account = esp_accounts_find (self, id);
      if (account == NULL)
        account = _esp_account_new (json_object_ref (members));
      else
        _esp_account_set_members (g_object_ref (account), json_object_ref (members));
      g_ptr_array_add (fresh, account);
    }
  replace_accounts (self, fresh);

  if (self->offline != offline)
    {
      self->offline = offline;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_OFFLINE]);
    }
  if (self->monthly_stop < stop || self->monthly_stop > stop)
    {
      self->monthly_stop = stop;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MONTHLY_STOP]);
    }
}

static void
set_aside (EspAccounts *self, const char *reason)
{
  g_autofree char *aside = g_strconcat (self->path, ".damaged", NULL);

  if (g_rename (self->path, aside) == 0)
    g_warning ("The list of accounts could not be read (%s); it is kept as “%s”", reason, aside);
  else
    g_warning ("The list of accounts could not be read (%s)", reason);
}

static JsonObject *
parse (const char *text, gsize length, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonNode *root;

  if (length > MAX_FILE)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("it is too large"));
      return NULL;
    }
  if (!json_parser_load_from_data (parser, text, (gssize) length, error))
    return NULL;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("it is no JSON object"));
      return NULL;
    }
  return json_object_ref (json_node_get_object (root));
}

static void
load (EspAccounts *self)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  JsonObject *root;
  gsize length = 0;

  if (!g_file_get_contents (self->path, &text, &length, &error))
    {
      if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        {
          /* What is known stays: it may be readable in a moment. */
          g_warning ("The list of accounts could not be read: %s", error->message);
          return;
        }
      g_clear_pointer (&self->text, g_free);
      take_root (self, json_object_new ());
      return;
    }

  if (g_strcmp0 (text, self->text) == 0)
    return;
  g_free (self->text);
  self->text = g_steal_pointer (&text);

  root = parse (self->text, length, &error);
  if (root == NULL)
    {
      set_aside (self, error->message);
      root = json_object_new ();
    }
  take_root (self, root);
}

static gboolean
on_reload (gpointer data)
{
  EspAccounts *self = data;

  self->reload = 0;
  load (self);
  return G_SOURCE_REMOVE;
}

static void
on_file_changed (GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event,
                 gpointer data)
{
  EspAccounts *self = data;

  if (self->reload == 0)
    self->reload = g_timeout_add (RELOAD_MS, on_reload, self);
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* Another process writes the same file: who changes it reads it first, and holds this meanwhile. */
static int
lock (EspAccounts *self, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (self->path);
  g_autofree char *path = g_strconcat (self->path, ".lock", NULL);
  int fd;

  if (g_mkdir_with_parents (folder, 0700) != 0
      || (fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0)
    {
      const int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                   _ ("The list of accounts cannot be written: %s"), g_strerror (code));
      return -1;
    }
  /* Held for a few milliseconds. */
  while (flock (fd, LOCK_EX) != 0 && errno == EINTR)
    ;
  return fd;
}

/* The file as it is now, as a tree that may be changed. */
static JsonObject *
dup_root (EspAccounts *self)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();

  json_node_set_object (node, self->root);
  text = json_to_string (node, FALSE);
  if (!json_parser_load_from_data (parser, text, -1, NULL))
    return json_object_new ();
  return json_node_dup_object (json_parser_get_root (parser));
}

static JsonArray *
get_list (JsonObject *root)
{
  JsonArray *list = esp_json_get_array (root, "accounts");

  if (list == NULL)
    {
      list = json_array_new ();
      json_object_set_array_member (root, "accounts", list);
    }
  return list;
}

/* Writes `root` (taken) and shows it. */
static gboolean
write_root (EspAccounts *self, JsonObject *root, GError **error)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GError) reason = NULL;
  JsonObject *fresh;
  char *text;

  /* Read anew: what the caller lent stays the caller's. */
  json_node_take_object (node, root);
  text = json_to_string (node, TRUE);
  fresh = parse (text, strlen (text), &reason);
  if (fresh == NULL
      || !g_file_set_contents_full (self->path, text, -1,
                                    G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                    0600, &reason))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                   _ ("The list of accounts cannot be written: %s"), reason->message);
      g_clear_pointer (&fresh, json_object_unref);
      g_free (text);
      return FALSE;
    }

  g_free (self->text);
  self->text = text;
  take_root (self, fresh);
  return TRUE;
}

gboolean
_esp_accounts_edit (EspAccounts *self, EspAccountsChange change, gpointer data, GError **error)
{
  const int fd = lock (self, error);
  JsonObject *root;
  gboolean done;

  if (fd < 0)
    return FALSE;

  load (self);
  root = dup_root (self);
  json_object_set_int_member (root, "version", 1);
  done = change (root, get_list (root), data, error);
  if (done)
    done = write_root (self, root, error);
  else
    json_object_unref (root);

  close (fd);
  return done;
}

/* --- What holds for all ----------------------------------------------------------------------- */

static gboolean
do_set_offline (JsonObject *root, JsonArray *list, gpointer data, GError **error)
{
  json_object_set_boolean_member (root, "offline", *(gboolean *) data);
  return TRUE;
}

static gboolean
do_set_monthly_stop (JsonObject *root, JsonArray *list, gpointer data, GError **error)
{
  json_object_set_double_member (root, "monthly_stop", *(double *) data);
  return TRUE;
}

gboolean
esp_accounts_get_offline (EspAccounts *self)
{
  g_return_val_if_fail (ESP_IS_ACCOUNTS (self), FALSE);

  return self->offline;
}

void
esp_accounts_set_offline (EspAccounts *self, gboolean offline)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (ESP_IS_ACCOUNTS (self));

  offline = offline != FALSE;
  if (self->offline == offline)
    return;

  if (!_esp_accounts_edit (self, do_set_offline, &offline, &error))
    {
      /* In force all the same, as long as the program runs. */
      g_warning ("%s", error->message);
      self->offline = offline;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_OFFLINE]);
    }
}

double
esp_accounts_get_monthly_stop (EspAccounts *self)
{
  g_return_val_if_fail (ESP_IS_ACCOUNTS (self), 0);

  return self->monthly_stop;
}

void
esp_accounts_set_monthly_stop (EspAccounts *self, double stop)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (ESP_IS_ACCOUNTS (self));

  stop = isfinite (stop) ? MAX (0, stop) : 0;
  if (!(self->monthly_stop < stop || self->monthly_stop > stop))
    return;

  if (!_esp_accounts_edit (self, do_set_monthly_stop, &stop, &error))
    {
      g_warning ("%s", error->message);
      self->monthly_stop = stop;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MONTHLY_STOP]);
    }
}

EspLedger *
esp_accounts_get_ledger (EspAccounts *self)
{
  g_return_val_if_fail (ESP_IS_ACCOUNTS (self), NULL);

  if (self->ledger == NULL)
    self->ledger = esp_ledger_new (NULL);
  return self->ledger;
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_accounts_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EspAccounts *self = ESP_ACCOUNTS (object);

  switch (id)
    {
    case PROP_OFFLINE:
      g_value_set_boolean (value, self->offline);
      break;

    case PROP_MONTHLY_STOP:
      g_value_set_double (value, self->monthly_stop);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
esp_accounts_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  EspAccounts *self = ESP_ACCOUNTS (object);

  switch (id)
    {
    case PROP_OFFLINE:
      esp_accounts_set_offline (self, g_value_get_boolean (value));
      break;

    case PROP_MONTHLY_STOP:
      esp_accounts_set_monthly_stop (self, g_value_get_double (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
esp_accounts_finalize (GObject *object)
{
  EspAccounts *self = ESP_ACCOUNTS (object);

  g_clear_handle_id (&self->reload, g_source_remove);
  g_clear_object (&self->monitor);
  g_clear_object (&self->ledger);
  g_clear_pointer (&self->root, json_object_unref);
  g_ptr_array_unref (self->accounts);
  g_free (self->text);
  g_free (self->path);

  G_OBJECT_CLASS (esp_accounts_parent_class)->finalize (object);
}

static void
esp_accounts_class_init (EspAccountsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = esp_accounts_get_property;
  object_class->set_property = esp_accounts_set_property;
  object_class->finalize = esp_accounts_finalize;

  props[PROP_OFFLINE] = g_param_spec_boolean ("offline", NULL, NULL, FALSE, flags);
  props[PROP_MONTHLY_STOP]
      = g_param_spec_double ("monthly-stop", NULL, NULL, 0, G_MAXDOUBLE, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
esp_accounts_init (EspAccounts *self)
{
  self->accounts = g_ptr_array_new_with_free_func (g_object_unref);
}

EspAccounts *
esp_accounts_new (const char *path)
{
  EspAccounts *self = g_object_new (ESP_TYPE_ACCOUNTS, NULL);
  g_autoptr (GFile) file = NULL;

  self->path = path != NULL
                   ? g_strdup (path)
                   : g_build_filename (g_get_user_config_dir (), "espalier", "accounts.json", NULL);
  self->root = json_object_new ();
  load (self);

  file = g_file_new_for_path (self->path);
  self->monitor = g_file_monitor_file (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
  if (self->monitor != NULL)
    g_signal_connect (self->monitor, "changed", G_CALLBACK (on_file_changed), self);
  return self;
}
