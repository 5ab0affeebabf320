/* SPDX-License-Identifier: MIT */
#include "files/gguf.h"

#include <stdlib.h>
#include <string.h>

bool
esp_gguf_is (const unsigned char *bytes, size_t size)
{
  return size >= 4 && memcmp (bytes, "GGUF", 4) == 0;
}

EspStatus
esp_gguf_read (EspTensorFile *file, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "%s: GGUF files are not read yet",
                        file->path);
}

void
esp_gguf_free (EspGguf *gguf)
{
  free (gguf);
}
