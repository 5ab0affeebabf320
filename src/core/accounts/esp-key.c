/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-key.c: a key in memory: in pages of its own, which are kept out of swap and of crash reports
 * as far as the system lets us, and wiped. */
#define G_LOG_DOMAIN "espalier-accounts"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "esp-key-store.h"

struct _EspKey
{
  gatomicrefcount n_refs;
  char *text;
  gsize size;      /* of the memory */
  gboolean mapped; /* else it is of the heap */
};

EspKey *
esp_key_new (const char *text)
{
  const gsize page = (gsize) sysconf (_SC_PAGESIZE);
  EspKey *self;
  gsize length;

  g_return_val_if_fail (text != NULL, NULL);

  while (g_ascii_isspace (*text))
    text++;
  length = strlen (text);
  while (length > 0 && g_ascii_isspace (text[length - 1]))
    length--;

  self = g_new0 (EspKey, 1);
  g_atomic_ref_count_init (&self->n_refs);
  self->size = (length / page + 1) * page;
  self->text = mmap (NULL, self->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  self->mapped = self->text != MAP_FAILED;
  if (!self->mapped)
    self->text = g_malloc0 (self->size);
  else if (mlock (self->text, self->size) != 0
           || madvise (self->text, self->size, MADV_DONTDUMP) != 0)
    g_debug ("A key's memory cannot be locked");
  memcpy (self->text, text, length);
  return self;
}

EspKey *
esp_key_ref (EspKey *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->n_refs);
  return self;
}

void
esp_key_unref (EspKey *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->n_refs))
    return;

  explicit_bzero (self->text, self->size);
  if (self->mapped)
    munmap (self->text, self->size);
  else
    g_free (self->text);
  g_free (self);
}

const char *
esp_key_get (EspKey *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->text;
}

const char *
esp_key_problem (const char *text)
{
  gsize length = text != NULL ? strlen (text) : 0;
  gsize start = 0;

  while (start < length && g_ascii_isspace (text[start]))
    start++;
  while (length > start && g_ascii_isspace (text[length - 1]))
    length--;

  if (start == length)
    return _ ("It is empty.");
  if (length - start > 16384)
    return _ ("It is longer than any key.");
  for (gsize i = start; i < length; i++)
    {
      if (text[i] == '\n' || text[i] == '\r')
        return _ ("It has several lines.");
      if ((guchar) text[i] < 0x20 || text[i] == 0x7f)
        return _ ("It has control characters in it.");
      /* A header of HTTP cannot carry them, and no provider makes such keys. */
      if ((guchar) text[i] >= 0x80)
        return _ ("It has characters in it that no key has.");
    }
  return NULL;
}
