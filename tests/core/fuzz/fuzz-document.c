/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of a document. The first says which: those of a document of version 1 to 4 with some
 * changed, or the rest as they are. A change is three bytes of a place, a length and so many bytes.
 * With 8 in the first byte what is left after a change of length 0 is a log beside it. */
#include "fuzz-open-document.h"

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

  if (how % 8 < 4)
    {
      gsize length;
      const guint8 *base = g_bytes_get_data (fuzz_document_bytes (how % 8 + 1), &length);

      g_byte_array_append (file, base, (guint) length);
      apply_changes (file, &input);
      if ((how & 8) != 0)
        g_free (fuzz_write_file ((how & 16) != 0 ? "fuzz.espalier-wal" : "fuzz.espalier-journal",
                                 input.data, input.size));
    }
  else
    g_byte_array_append (file, input.data, (guint) input.size);
  g_free (fuzz_write_file ("fuzz.espalier", file->data, file->len));
  fuzz_document_read (path);
  return 0;
}
