/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `edit` by a remote backend: everything that is wrong is found before anything is sent. */
#define _GNU_SOURCE /* O_TMPFILE */

#include "cli-remote-edit.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli-report.h"
#include "esp-key-store.h"
#include "esp-origin.h"

/* Ids that differ by no more letters than this are named when one is unknown. */
#define NEAR 3

/* --- The provider ----------------------------------------------------------------------------- */

/* Levenshtein's distance of two short ASCII texts. */
static guint
distance (const char *a, const char *b)
{
  const gsize n = strlen (b);
  g_autofree guint *row = g_new (guint, n + 1);

  for (gsize j = 0; j <= n; j++)
    row[j] = (guint) j;
  for (gsize i = 0; a[i] != '\0'; i++)
    {
      guint diagonal = row[0];

      row[0] = (guint) i + 1;
      for (gsize j = 0; j < n; j++)
        {
          const guint above = row[j + 1];
          const guint replaced = diagonal + (a[i] != b[j]);

          row[j + 1] = MIN (MIN (above, row[j]) + 1, replaced);
          diagonal = above;
        }
    }
  return row[n];
}

static GError *
unknown_provider (EspProviderCatalog *catalog, const char *id)
{
  g_autofree char *valid = g_utf8_make_valid (id, -1);
  g_autoptr (GString) near = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (catalog)); i++)
    {
      g_autoptr (EspProvider) provider = g_list_model_get_item (G_LIST_MODEL (catalog), i);
      const char *other = esp_provider_get_id (provider);

      if (other == NULL || strlen (id) > 200)
        continue;
      if ((strlen (id) >= 3 && strstr (other, id) != NULL) || strstr (id, other) != NULL
          || distance (id, other) <= NEAR)
        g_string_append_printf (near, "%s%s", near->len > 0 ? ", " : "", other);
    }

  if (near->len > 0)
    return cli_remote_argument_new (_ ("--backend: there is no backend “%s”; there are: %s"), valid,
                                    near->str);
  return cli_remote_argument_new (
      _ ("--backend: there is no backend “%s”; espalier-cli providers lists them"), valid);
}

EspProvider *
cli_remote_find_provider (EspProviderCatalog *catalog, EspAccounts *accounts, const char *id,
                          EspAccount **account, GError **error)
{
  EspAccount *found = esp_accounts_find (accounts, id);
  EspProvider *provider
      = esp_provider_catalog_find (catalog, found != NULL ? esp_account_get_provider (found) : id);

  if (account != NULL)
    *account = found;
  if (provider == NULL)
    g_propagate_error (error, unknown_provider (catalog, id));
  else if (esp_provider_get_problem (provider) != NULL)
    g_propagate_error (
        error, cli_remote_argument_new (_ ("--backend: the description of “%s” cannot be used: %s"),
                                        id, esp_provider_get_problem (provider)));
  else
    return provider;
  return NULL;
}

/* --- Files ------------------------------------------------------------------------------------ */

/* Tries it: permissions alone do not tell (root, read-only file systems, /proc). 0 or an errno. */
static int
try_to_create (const char *folder)
{
  g_autofree char *name = NULL;
  int fd;

#ifdef O_TMPFILE
  fd = open (folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (fd >= 0)
    {
      close (fd);
      return 0;
    }
#endif

  name = g_build_filename (folder, ".espalier-XXXXXX", NULL);
  fd = g_mkstemp (name);
  if (fd < 0)
    return errno;
  close (fd);
  g_unlink (name);
  return 0;
}

gboolean
cli_remote_check_output (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_filename_display_name (path);
  g_autofree char *folder_name = g_filename_display_name (folder);
  g_autoptr (GError) own_error = NULL;
  EspPictureFormat format;
  int code = 0;

  if (path[0] == '\0')
    g_propagate_error (error, cli_remote_argument_new (_ ("--output: the name is empty")));
  else if (!esp_picture_format_from_path (path, &format, &own_error))
    g_propagate_error (error, cli_remote_argument_new ("--output: %s", own_error->message));
  else if (g_file_test (path, G_FILE_TEST_IS_DIR))
    g_propagate_error (error, cli_remote_argument_new (_ ("--output: %s: is a folder"), name));
  else if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    g_propagate_error (error, cli_remote_argument_new (_ ("--output: %s: there is no folder %s"),
                                                       name, folder_name));
  else if (g_file_test (path, G_FILE_TEST_EXISTS) && g_access (path, W_OK) != 0)
    code = errno;
  else
    code = try_to_create (folder);

  if (*error == NULL && code != 0)
    g_propagate_error (error, cli_remote_argument_new (_ ("--output: %s: cannot be written: %s"),
                                                       name, g_strerror (code)));
  return *error == NULL;
}

/* The same for the mask, which goes beside it. */
static gboolean
check_mask_out (const char *path, GError **error)
{
  g_autofree char *folder = path != NULL ? g_path_get_dirname (path) : NULL;
  g_autofree char *name = path != NULL ? g_filename_display_name (path) : NULL;
  int code = 0;

  if (path == NULL)
    return TRUE;
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    g_propagate_error (error,
                       cli_remote_argument_new (_ ("%s: %s: is a folder"), "--mask-out", name));
  else if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    g_propagate_error (error, cli_remote_argument_new (_ ("%s: %s: there is no folder %s"),
                                                       "--mask-out", name, folder));
  else
    code = try_to_create (folder);
  if (code != 0)
    g_propagate_error (error,
                       cli_remote_argument_new (_ ("%s: %s: the folder cannot be written: %s"),
                                                "--mask-out", name, g_strerror (code)));
  return *error == NULL;
}

static GBytes *
read_input (const char *path, GError **error)
{
  g_autofree char *name = g_filename_display_name (path);
  g_autoptr (GError) own_error = NULL;
  struct stat st;
  char *data;
  gsize size;

  if (g_stat (path, &st) != 0)
    g_propagate_error (error, cli_remote_argument_new ("%s: %s", name, g_strerror (errno)));
  else if (!S_ISREG (st.st_mode))
    g_propagate_error (error, cli_remote_argument_new (_ ("%s: is not a regular file"), name));
  else if ((guint64) st.st_size > ESP_PICTURE_MAX_FILE_SIZE)
    g_propagate_error (error,
                       cli_remote_argument_new (_ ("%s: is larger than a picture may be"), name));
  else if (!g_file_get_contents (path, &data, &size, &own_error))
    g_propagate_error (error, cli_remote_argument_new ("%s", own_error->message));
  else
    return g_bytes_new_take (data, size);
  return NULL;
}

/* A thread looks whether they can be decoded at all; one after the other, pictures may be large. */
typedef struct
{
  GPtrArray *images;
  char **names;
} Looking;

static void
looking_free (gpointer data)
{
  Looking *self = data;

  g_ptr_array_unref (self->images);
  g_strfreev (self->names);
  g_free (self);
}

static void
look_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Looking *self = data;

  for (guint i = 0; i < self->images->len; i++)
    {
      g_autofree char *name = g_filename_display_name (self->names[i]);
      g_autoptr (EspPicture) picture = NULL;
      GError *error = NULL;

      picture = esp_picture_load_bytes (g_ptr_array_index (self->images, i), name, NULL,
                                        cancellable, &error);
      if (picture == NULL)
        {
          g_task_return_error (task, error);
          return;
        }
    }
  g_task_return_pointer (task, GINT_TO_POINTER (TRUE), NULL);
}

GPtrArray *
cli_remote_read_images (CliRemote *self, char **paths, GError **error)
{
  g_autoptr (GPtrArray) images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GError) own_error = NULL;
  Looking *looking;

  for (char **path = paths; *path != NULL; path++)
    {
      GBytes *bytes = read_input (*path, error);

      if (bytes == NULL)
        return NULL;
      g_ptr_array_add (images, bytes);
    }

  looking = g_new0 (Looking, 1);
  looking->images = g_ptr_array_ref (images);
  looking->names = g_strdupv (paths);
  if (cli_session_run (&self->session, look_thread, looking, looking_free, FALSE, &own_error)
      != NULL)
    return g_steal_pointer (&images);

  if (g_error_matches (own_error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("Interrupted."));
  else
    g_propagate_error (error, cli_remote_argument_new ("%s", own_error->message));
  return NULL;
}

/* --- The turn --------------------------------------------------------------------------------- */

/* A command under way. */
typedef struct
{
  CliEditOptions *options;
  CliRemote remote;
  CliRemoteJob job;
  EspProviderCatalog *catalog;
  EspProvider *provider; /* the catalog's */
  EspAccount *account;   /* or NULL */
  JsonObject *parameters, *config, *client;
  GPtrArray *images;
  EspKey *key;
  guint patience;
} Edit;

static void
edit_clear (Edit *self)
{
  cli_remote_job_clear (&self->job);
  g_clear_pointer (&self->parameters, json_object_unref);
  g_clear_pointer (&self->config, json_object_unref);
  g_clear_pointer (&self->client, json_object_unref);
  g_clear_pointer (&self->images, g_ptr_array_unref);
  g_clear_pointer (&self->key, esp_key_unref);
  g_clear_object (&self->catalog);
}

static gboolean
check_arguments (CliEditOptions *options, GError **error)
{
  g_autoptr (GError) own_error = NULL;

  if (!cli_keep_read (&options->keep, ESP_KEEP_OFF, &own_error))
    g_propagate_error (error, cli_remote_argument_new ("%s", own_error->message));
  else if (options->inputs[0] == NULL)
    g_propagate_error (error, cli_remote_argument_new (_ ("INPUT: the photo to edit is missing")));
  else if (options->prompt == NULL)
    g_propagate_error (error, cli_remote_argument_new (_ ("--prompt: is missing")));
  else if (options->output == NULL)
    g_propagate_error (error, cli_remote_argument_new (_ ("--output: is missing")));
  else if (options->own_host && options->base_url == NULL)
    g_propagate_error (error,
                       cli_remote_argument_new (_ ("--own-host: says nothing without --base-url")));
  else if (options->base_url != NULL
           && (options->base_url[0] == '\0' || !g_utf8_validate (options->base_url, -1, NULL)))
    g_propagate_error (error,
                       cli_remote_argument_new (_ ("--base-url: is not the address of a server")));
  else
    return TRUE;
  return FALSE;
}

/* Offline switch and monthly stop hold for the command line, too. */
static gboolean
check_leave (Edit *self, GError **error)
{
  EspAccounts *accounts = self->remote.accounts;
  const EspDescriptor *descriptor = esp_provider_get_descriptor (self->provider);
  double stop = esp_accounts_get_monthly_stop (accounts);
  EspFaultReport report = { .charged = ESP_CHARGED_NO };

  if (esp_accounts_get_offline (accounts))
    {
      report.fault = ESP_FAULT_OFFLINE;
      g_propagate_error (error,
                         esp_fault_error_new (&report, _ ("Nothing may leave this computer: that "
                                                          "is how the preferences are set.")));
      return FALSE;
    }
  if (stop > 0
      && esp_ledger_is_over (esp_accounts_get_ledger (accounts), stop, 0,
                             MAX (descriptor->price_amount, 0)))
    {
      g_autofree char *message = g_strdup_printf (
          _ ("This turn would go over the %.2f dollars that may be spent in a month, as the "
             "preferences say."),
          stop);

      report.fault = ESP_FAULT_BUDGET;
      g_propagate_error (error, esp_fault_error_new (&report, message));
      return FALSE;
    }
  return TRUE;
}

static gboolean
find_key (Edit *self, GError **error)
{
  g_autoptr (GError) own_error = NULL;

  self->key = esp_key_find (self->options->backend, self->options->key_file, &own_error);
  if (own_error == NULL)
    return TRUE;
  /* Without a key that was not asked for by name it may go on; whether one is needed shows then. */
  if (self->options->key_file == NULL)
    return TRUE;
  if (g_error_matches (own_error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA))
    {
      EspFaultReport report = { .fault = ESP_FAULT_AUTH, .charged = ESP_CHARGED_NO };
      g_autofree char *message = g_strdup_printf ("--key-file: %s", own_error->message);

      g_propagate_error (error, esp_fault_error_new (&report, message));
      return FALSE;
    }
  g_propagate_error (error, cli_remote_argument_new ("--key-file: %s", own_error->message));
  return FALSE;
}

static EspRemoteRequest
get_request (Edit *self)
{
  const CliEditOptions *options = self->options;
  EspRemoteRequest request = {
    .provider = self->provider,
    .account = self->account != NULL ? esp_account_get_id (self->account) : NULL,
    .base_url = options->base_url,
    .base_is_own = options->own_host,
    .config = self->config,
    .key = self->key != NULL ? esp_key_get (self->key) : NULL,
    .images = self->images,
    .parameters = self->parameters,
    .id = self->job.id,
    .client = self->client,
    .patience = self->patience,
  };

  if (request.base_url == NULL && self->account != NULL)
    {
      request.base_url = esp_account_get_base_url (self->account);
      request.base_is_own = esp_account_get_base_is_own (self->account);
    }
  return request;
}

/* All that can be found wrong before anything is sent. */
static gboolean
prepare (Edit *self, GError **error)
{
  CliEditOptions *options = self->options;
  EspRemoteRequest request;
  GError *own_error = NULL;

  if (!check_arguments (options, error))
    return FALSE;
  self->catalog = esp_provider_catalog_new (NULL, NULL);
  self->provider = cli_remote_find_provider (self->catalog, self->remote.accounts, options->backend,
                                             &self->account, error);
  if (self->provider == NULL || !cli_remote_check_flags (options, self->provider, error))
    return FALSE;

  self->parameters = cli_remote_read_parameters (options, self->provider, error);
  if (self->parameters == NULL)
    return FALSE;
  self->config = cli_remote_read_config (options->config, self->account, error);
  if (self->config == NULL
      || !cli_remote_read_patience (options->patience_text, &self->patience, error)
      || !cli_remote_check_output (options->output, error)
      || !check_mask_out (options->keep.mask_out, error) || !find_key (self, error))
    return FALSE;
  self->images = cli_remote_read_images (&self->remote, options->inputs, error);
  if (self->images == NULL)
    return FALSE;

  self->job.id = g_uuid_string_random ();
  self->job.backend = g_strdup (options->backend);
  self->job.provider = g_strdup (esp_provider_get_id (self->provider));
  self->job.title = g_strdup (esp_provider_get_name (self->provider));
  self->job.output = g_strdup (options->output);
  self->job.no_metadata = options->no_metadata;
  self->job.keep = esp_composition_copy (options->keep.asked);
  self->job.mask_out = g_strdup (options->keep.mask_out);
  if (!cli_remote_job_take_photo (&self->job, &self->remote, self->images, error))
    return FALSE;
  self->job.asked = json_object_ref (self->parameters);
  self->client = cli_remote_job_dup_client (&self->job, options->inputs, options->key_file);

  request = get_request (self);
  if (!esp_remote_request_check (&request, &own_error))
    {
      if (self->key == NULL)
        cli_remote_explain_missing_key (options->backend, &own_error);
      g_propagate_error (error, own_error);
      return FALSE;
    }
  return check_leave (self, error);
}

/* The image leaves this computer: plainly said, with an account once. */
static void
tell_where (Edit *self, const EspRemoteRequest *request)
{
  const char *base
      = request->base_url != NULL ? request->base_url : esp_provider_get_base_url (self->provider);
  /* Settings stand behind the host. */
  g_auto (GStrv) parts = g_strsplit (base != NULL ? base : "", "{{", 2);
  g_autofree char *origin = esp_origin_of (parts[0] != NULL ? parts[0] : "");
  g_autoptr (GUri) uri = origin != NULL ? g_uri_parse (origin, G_URI_FLAGS_NONE, NULL) : NULL;

  if (self->options->quiet || uri == NULL || esp_host_is_loopback (g_uri_get_host (uri))
      || (self->account != NULL && esp_account_get_consented (self->account)))
    return;
  cli_note (_ ("The image leaves this computer: it is sent to %s"), g_uri_get_host (uri));
  if (self->account != NULL)
    esp_accounts_set_consented (self->remote.accounts, self->account, NULL);
}

int
cli_remote_edit (CliEditOptions *options)
{
  Edit self = { .options = options };
  g_autoptr (GString) json = options->json ? g_string_new (NULL) : NULL;
  g_autoptr (GError) error = NULL;
  int status;

  cli_remote_begin (&self.remote, options->json, options->quiet, options->cancel_on_interrupt);
  if (!prepare (&self, &error))
    status = cli_remote_fail (&self.remote, error, json);
  else
    {
      const EspRemoteRequest request = get_request (&self);

      tell_where (&self, &request);
      status = cli_remote_make (&self.remote, &self.job, &request, NULL, 0, json);
    }

  if (json != NULL)
    {
      g_string_append_c (json, '\n');
      cli_print (json->str);
    }
  status = cli_remote_end (&self.remote, status);
  edit_clear (&self);
  return status;
}

/* --- Command lines that cannot be read -------------------------------------------------------- */

gboolean
cli_remote_edit_wants_json (char **arguments)
{
  gboolean json = FALSE, remote = FALSE;

  for (char **argument = arguments; *argument != NULL && strcmp (*argument, "--") != 0; argument++)
    {
      if (g_str_equal (*argument, "--json"))
        json = TRUE;
      else if (g_str_has_prefix (*argument, "--backend="))
        remote = !g_str_equal (*argument, "--backend=local");
      else if (g_str_equal (*argument, "--backend"))
        remote = argument[1] == NULL || !g_str_equal (argument[1], "local");
    }
  return json && remote;
}

int
cli_remote_edit_refuse (int status)
{
  g_autoptr (GString) json = g_string_new (NULL);

  cli_remote_put_error (json, "argument", cli_get_last_failure (), NULL);
  g_string_append_c (json, '\n');
  cli_print (json->str);
  cli_finish_output ();
  return status;
}
