/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of a document. The first says which: those of a document of version 1 to 4 with some
 * changed, or the rest as they are. A change is three bytes of a place, a length and so many bytes.
 * With LOG in the first byte what is left after a change of length 0 is a log beside it. */
#include "fuzz-open-document.h"

#include <glib/gstdio.h>

/* Of the first byte. */
#define VERSION  7 /* which, from 4 on none */
#define LOG      8
#define WAL      16 /* and not a journal */
#define BUSY     32 /* another program is at it */
#define NO_FILE  64 /* but a folder with that name, or nothing (with BUSY) */
#define NEW_FILE 128

static void
apply_changes (GByteArray *file, FuzzInput *input)
{
  while (input->size > 4)
    {
      gsize at = (gsize) fuzz_take_byte (input) << 16 | fuzz_take_byte (input) << 8;
      gsize length;

      at |= fuzz_take_byte (input);
      length = fuzz_take_byte (input);
      length = MIN (length, input->size);
      if (length == 0)
        return;
      at %= file->len;
      length = MIN (length, file->len - at);
      memcpy (file->data + at, input->data, length);
      input->data += length;
      input->size -= length;
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  guint how = fuzz_take_byte (&input);
  g_autoptr (GByteArray) file = g_byte_array_new ();
  g_autofree char *path = fuzz_document_path ();

  if ((how & VERSION) < 4)
    {
      gsize length;
      const guint8 *base = g_bytes_get_data (fuzz_document_bytes ((how & VERSION) + 1), &length);

      g_byte_array_append (file, base, (guint) length);
      apply_changes (file, &input);
      if ((how & LOG) != 0)
        g_free (fuzz_write_file ((how & WAL) != 0 ? "fuzz.espalier-wal" : "fuzz.espalier-journal",
                                 input.data, input.size));
    }
  else
    g_byte_array_append (file, input.data, (guint) input.size);
  if ((how & NO_FILE) == 0)
    g_free (fuzz_write_file ("fuzz.espalier", file->data, file->len));
  else if ((how & BUSY) == 0)
    g_mkdir (path, 0700);
  if ((how & NEW_FILE) != 0)
    fuzz_document_create (path);
  fuzz_document_read (path, (how & (BUSY | NO_FILE)) == BUSY);
  if ((how & NO_FILE) != 0)
    g_rmdir (path);
  return 0;
}
