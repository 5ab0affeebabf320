/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-key-find.c: where the command line has a key from. */
#define G_LOG_DOMAIN "espalier-accounts"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp-key-private.h"

#define MAX_FILE (64 * 1024)

char *
esp_key_variable_name (const char *backend)
{
  g_autofree char *upper = NULL;

  g_return_val_if_fail (backend != NULL, NULL);

  upper = g_ascii_strup (backend, -1);
  for (char *c = upper; *c != '\0'; c++)
    {
      if (!g_ascii_isalnum (*c))
        *c = '_';
    }
  return g_strconcat ("ESPALIER_KEY_", upper, NULL);
}

/* `from`: where `text` comes from, for people. */
static EspKey *
make_key (const char *text, const char *from, GError **error)
{
  const char *problem = esp_key_problem (text);

  if (problem == NULL)
    return esp_key_new (text);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("%s holds no key. %s"), from,
               problem);
  return NULL;
}

static EspKey *
fail (const char *from, int code, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
               _ ("The key cannot be read from %s: %s"), from, g_strerror (code));
  return NULL;
}

static EspKey *
read_key (int fd, const char *from, GError **error)
{
  char *text = g_malloc (MAX_FILE + 2);
  gsize length = 0;
  gssize n = 1;
  EspKey *key = NULL;
  int code = 0;

  /* One byte more than allowed tells that there are too many. */
  while (n != 0 && length <= MAX_FILE)
    {
      n = read (fd, text + length, MAX_FILE + 1 - length);
      if (n < 0 && errno != EINTR)
        {
          code = errno;
          break;
        }
      length += n > 0 ? (gsize) n : 0;
    }
  text[length] = '\0';

  if (code != 0)
    fail (from, code, error);
  else if (length > MAX_FILE)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 _ ("%s holds no key. It is larger than 64 KiB."), from);
  else
    {
      text[strcspn (text, "\r\n")] = '\0';
      key = make_key (text, from, error);
    }

  explicit_bzero (text, MAX_FILE + 2);
  g_free (text);
  return key;
}

static EspKey *
read_file (const char *file, GError **error)
{
  g_autofree char *from = NULL;
  struct stat info;
  EspKey *key;
  int fd;

  if (strcmp (file, "-") == 0)
    return read_key (STDIN_FILENO, _ ("Standard input"), error);

  from = g_strdup_printf (_ ("“%s”"), file);
  fd = open (file, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail (from, errno, error);
  if (fstat (fd, &info) == 0 && S_ISDIR (info.st_mode))
    key = fail (from, EISDIR, error);
  else
    key = read_key (fd, from, error);
  close (fd);
  return key;
}

EspKey *
esp_key_find (const char *backend, const char *file, GError **error)
{
  g_autofree char *name = NULL;
  const char *value;

  g_return_val_if_fail (backend != NULL, NULL);

  if (file != NULL)
    return read_file (file, error);

  name = esp_key_variable_name (backend);
  value = g_getenv (name);
  if (value != NULL && *value != '\0')
    {
      g_autofree char *from = g_strdup_printf ("$%s", name);

      return make_key (value, from, error);
    }

  return _esp_key_store_load_sync (backend);
}
