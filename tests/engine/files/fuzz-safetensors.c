/* SPDX-License-Identifier: MIT */
/* A libFuzzer target: any bytes as a safetensors file. Built with clang and -Dfuzzers=true:
 *
 *     CC=clang meson setup _build-fuzz -Dfuzzers=true -Db_sanitize=address,undefined
 * -Db_lundef=false ninja -C _build-fuzz tests/engine/files/fuzz-safetensors
 *     _build-fuzz/tests/engine/files/fuzz-safetensors -max_total_time=60
 */
#define _GNU_SOURCE /* memfd_create */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files/tensor-file.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Reads each tensor's data, so that a view that leaves the map crashes, and looks each one up. */
static void
touch_tensors (const EspWeights *weights)
{
  for (int64_t i = 0; i < esp_weights_count (weights); i++)
    {
      const EspWeight *weight = esp_weights_at (weights, i);

      if (esp_weights_find (weights, weight->name) != weight)
        abort ();
      if (weight->count > 0)
        esp_find_non_finite (weight->dtype, weight->data, weight->count);
    }
}

/* The first eight bytes of a random file hardly ever are a possible length: every input is tried as
 * a whole file and once more as the part after a true length, with 64 bytes of data. */
static void
try_bytes (const uint8_t *data, size_t size, _Bool with_length)
{
  static const uint8_t tensor_data[64];
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  char path[64];
  uint8_t length[8];
  int fd = memfd_create ("fuzz", 0);
  ssize_t written = 0;

  if (fd < 0)
    return;
  for (size_t i = 0; i < 8; i++)
    length[i] = (uint8_t) (size >> (8 * i));
  if (with_length)
    written += write (fd, length, sizeof length);
  written += write (fd, data, size);
  if (with_length)
    written += write (fd, tensor_data, sizeof tensor_data);
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  if (written > 0 && esp_weights_open_file (path, &weights, &error) == ESP_OK)
    touch_tensors (weights);
  else if (written > 0 && strstr (error.message, path) == NULL)
    abort (); /* a message that does not name the file */
  esp_weights_close (weights);
  close (fd);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  try_bytes (data, size, 0);
  try_bytes (data, size, 1);
  return 0;
}
