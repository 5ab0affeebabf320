/* SPDX-License-Identifier: MIT */
/* Any bytes as a safetensors file. The first eight bytes of a random file hardly ever are a
 * possible length: every input is tried as a whole file and once more as the part after a true
 * length, with 64 bytes of data. */
#include <unistd.h>

#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const uint8_t tensor_data[64] = { 0, 0, 128, 63 };
  uint8_t length[8], *padded = malloc (size + sizeof tensor_data);
  int fd;

  fuzz_weights (fuzz_file (NULL, 0, data, size, &fd));
  close (fd);
  if (padded == NULL)
    return 0;
  for (size_t i = 0; i < 8; i++)
    length[i] = (uint8_t) (size >> (8 * i));
  if (size > 0)
    memcpy (padded, data, size);
  memcpy (padded + size, tensor_data, sizeof tensor_data);
  fuzz_weights (fuzz_file (length, 8, padded, size + sizeof tensor_data, &fd));
  close (fd);
  free (padded);
  return 0;
}
