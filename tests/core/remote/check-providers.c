/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check-providers.c: what the reader thinks of descriptors, for test-schema.py: one on each line of
 * stdin, "ok" or the message on each line of stdout. */
#include <stdio.h>
#include <string.h>

#include "esp-provider.h"

int
main (void)
{
  g_autoptr (GIOChannel) input = g_io_channel_unix_new (0);
  g_autoptr (GString) line = g_string_new (NULL);

  g_io_channel_set_encoding (input, NULL, NULL);
  while (g_io_channel_read_line_string (input, line, NULL, NULL) == G_IO_STATUS_NORMAL)
    {
      g_autoptr (GBytes) text = g_bytes_new (line->str, line->len);
      g_autoptr (GError) error = NULL;
      g_autoptr (EspProvider) provider = esp_provider_new (text, "-", TRUE, &error);

      puts (provider != NULL ? "ok" : g_strdelimit (error->message, "\n", ' '));
    }

  return 0;
}
