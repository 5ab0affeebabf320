/* SPDX-License-Identifier: MIT */
/* Preferred sizes against FluxKontextPipeline's choice and the rule for manifests
 * (tests/data/numerics/sizes.txt, by tools/reference). */
#include "model/image-size.h"

#include <inttypes.h>

#include "check.h"

static void
equals_the_recorded_choices (void)
{
  char path[4096], line[256];
  const char *folder = getenv ("ESP_TEST_DATA");
  snprintf (path, sizeof path, "%s/numerics/sizes.txt", folder ? folder : "tests/data");
  FILE *file = fopen (path, "r");
  CHECK (file != NULL);
  if (!file)
    return;
  int compared = 0;
  while (fgets (line, sizeof line, file))
    {
      int64_t pixels;
      int sw, sh, wanted_w, wanted_h, w = 0, h = 0;
      if (line[0] == '#')
        continue;
      CHECK (sscanf (line, "%" SCNd64 " %d %d %d %d", &pixels, &sw, &sh, &wanted_w, &wanted_h)
             == 5);
      esp_preferred_size (pixels, sw, sh, &w, &h);
      if (w != wanted_w || h != wanted_h)
        printf ("# %" PRId64 " pixels, %d × %d: found %d × %d, wanted %d × %d\n", pixels, sw, sh, w,
                h, wanted_w, wanted_h);
      CHECK (w == wanted_w && h == wanted_h);
      compared++;
    }
  printf ("# %d choices\n", compared);
  CHECK (compared > 400);
  fclose (file);
}

static void
every_working_area_gives_a_legal_size (void)
{
  const int64_t areas[] = { 256, 300, 65536, 1 << 20, 1 << 26 };
  const int sources[][2] = { { 30000, 16 }, { 16, 30000 }, { 1, 1 }, { 4000, 3000 } };
  for (int a = 0; a < 5; a++)
    for (int s = 0; s < 4; s++)
      {
        int w = 0, h = 0;
        esp_preferred_size (areas[a], sources[s][0], sources[s][1], &w, &h);
        CHECK (w >= 16 && w <= 8192 && w % 16 == 0);
        CHECK (h >= 16 && h <= 8192 && h % 16 == 0);
      }
}

int
main (void)
{
  CASE (equals_the_recorded_choices);
  CASE (every_working_area_gives_a_legal_size);
  return check_done ();
}
