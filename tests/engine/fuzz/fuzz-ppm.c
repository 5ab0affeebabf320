/* SPDX-License-Identifier: MIT */
/* Any bytes as a picture of the spool: what the worker reads, and what it writes of that again. */
#include <stdio.h>
#include <unistd.h>

#include "files/ppm.h"
#include "fuzz.h"

#define MAX_PIXELS (1 << 16)

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EspError error = ESP_ERROR_INIT;
  EspImage image = { .pixels = NULL };
  int fd;
  EspStatus status
      = esp_ppm_read (fuzz_file (NULL, 0, data, size, &fd), MAX_PIXELS, &image, &error);

  PROMISE ((status == ESP_OK) == (image.pixels != NULL));
  PROMISE (status == ESP_OK || error.message[0] != '\0');
  if (status == ESP_OK)
    {
      size_t bytes = (size_t) image.width * (size_t) image.height * 3;
      char path[256];
      EspImage again = { .pixels = NULL };

      PROMISE (image.width > 0 && image.height > 0 && bytes <= 3 * MAX_PIXELS && bytes <= size);
      snprintf (path, sizeof path, "%s/spiece.model", fuzz_folder ());
      PROMISE (esp_ppm_write (path, &image, &error) == ESP_OK);
      PROMISE (esp_ppm_read (path, MAX_PIXELS, &again, &error) == ESP_OK);
      PROMISE (memcmp (image.pixels, again.pixels, bytes) == 0);
      free (again.pixels);
    }
  free (image.pixels);
  close (fd);
  return 0;
}
