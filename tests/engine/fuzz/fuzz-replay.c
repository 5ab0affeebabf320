/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target without libFuzzer: over every kept input in the folder that is named, and over
 * some variants of each, the same ones every time. Prints TAP. */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

#define VARIANTS  64
#define INPUT_MAX (1 << 20)

static uint64_t
next_random (uint64_t *state)
{
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

/* Changes a few bytes, cuts the end, or repeats a stretch. */
static size_t
vary (const uint8_t *data, size_t size, uint64_t *state, uint8_t *variant)
{
  size_t length = size;

  memcpy (variant, data, size);
  switch (next_random (state) % 4)
    {
    case 0:
      length = size > 0 ? next_random (state) % size : 0;
      break;
    case 1:
      {
        size_t from = size > 0 ? next_random (state) % size : 0;
        size_t to = size > 0 ? next_random (state) % size : 0;
        size_t bytes = size - (from > to ? from : to);

        memmove (variant + to, variant + from, bytes);
        break;
      }
    default:
      for (uint64_t i = next_random (state) % 4 + 1; i > 0 && size > 0; i--)
        {
          static const uint8_t favourites[] = { 0, 1, 0x7F, 0x80, 0xFF, '"', '{', '[' };
          uint8_t byte = favourites[next_random (state) % sizeof favourites];

          variant[next_random (state) % size] ^= byte;
        }
    }
  return length;
}

static int
replay (const char *path)
{
  uint8_t *data = malloc (INPUT_MAX), *variant = malloc (INPUT_MAX);
  FILE *file = fopen (path, "rb");
  uint64_t state = 7;
  size_t size;

  if (data == NULL || variant == NULL || file == NULL)
    return 0;
  size = fread (data, 1, INPUT_MAX, file);
  fclose (file);
  LLVMFuzzerTestOneInput (data, size);
  for (int i = 0; i < VARIANTS; i++)
    {
      size_t length = vary (data, size, &state, variant);

      LLVMFuzzerTestOneInput (variant, length);
    }
  free (data);
  free (variant);
  return 1;
}

int
main (int argc, char **argv)
{
  DIR *directory = argc == 2 ? opendir (argv[1]) : NULL;
  struct dirent *entry;
  int count = 0, read = 0;

  while (directory != NULL && (entry = readdir (directory)) != NULL)
    {
      char path[4096];

      if (entry->d_name[0] == '.')
        continue;
      snprintf (path, sizeof path, "%s/%s", argv[1], entry->d_name);
      count++;
      read += replay (path);
    }
  if (directory != NULL)
    closedir (directory);
  printf ("%s 1 - %d kept inputs\n1..1\n", count > 0 && read == count ? "ok" : "not ok", count);
  return count > 0 && read == count ? 0 : 1;
}
