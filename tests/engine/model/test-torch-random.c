/* SPDX-License-Identifier: MIT */
/* The seed's noise against torch.randn (tests/data/numerics/randn.txt, by tools/reference). */
#include "model/torch-random.h"

#include <inttypes.h>
#include <math.h>

#include "check.h"

#define TOLERANCE 1e-6

static FILE *
open_golden (const char *name)
{
  char path[4096];
  const char *folder = getenv ("ESP_TEST_DATA");
  snprintf (path, sizeof path, "%s/numerics/%s", folder ? folder : "tests/data", name);
  FILE *file = fopen (path, "r");
  if (!file)
    printf ("# cannot read %s\n", path);
  return file;
}

static void
equals_torch_for_every_recorded_draw (void)
{
  FILE *file = open_golden ("randn.txt");
  CHECK (file != NULL);
  if (!file)
    return;
  float *values = NULL;
  uint32_t drawn_seed = 0;
  int64_t drawn_count = -1;
  double worst = 0;
  int compared = 0;
  char line[256];
  while (fgets (line, sizeof line, file))
    {
      uint32_t seed;
      int64_t count, index;
      float wanted;
      if (line[0] == '#')
        continue;
      CHECK (sscanf (line, "%" SCNu32 " %" SCNd64 " %" SCNd64 " %f", &seed, &count, &index, &wanted)
             == 4);
      if (values == NULL || seed != drawn_seed || count != drawn_count)
        {
          free (values);
          values = malloc ((size_t) count * sizeof *values);
          esp_torch_randn (seed, values, count);
          drawn_seed = seed;
          drawn_count = count;
        }
      double difference = fabs ((double) values[index] - (double) wanted);
      worst = difference > worst ? difference : worst;
      compared++;
    }
  printf ("# %d values, largest difference %.2g\n", compared, worst);
  CHECK (compared > 1500);
  CHECK (worst <= TOLERANCE);
  free (values);
  fclose (file);
}

static void
same_seed_same_bytes_and_other_seed_others (void)
{
  float first[333], again[333], other[333];
  esp_torch_randn (7, first, 333);
  esp_torch_randn (7, again, 333);
  esp_torch_randn (8, other, 333);
  CHECK (memcmp (first, again, sizeof first) == 0);
  CHECK (memcmp (first, other, sizeof first) != 0);
}

static void
a_long_draw_is_standard_normal (void)
{
  enum
  {
    COUNT = 1 << 18
  };
  float *values = malloc (COUNT * sizeof *values);
  esp_torch_randn (99, values, COUNT);
  double sum = 0, squares = 0;
  for (int i = 0; i < COUNT; i++)
    {
      sum += (double) values[i];
      squares += (double) values[i] * (double) values[i];
    }
  CHECK (fabs (sum / COUNT) < 0.01);
  CHECK (fabs (squares / COUNT - 1) < 0.015);
  free (values);
}

static void
no_values_are_no_problem (void)
{
  float untouched = 5;
  esp_torch_randn (1, &untouched, 0);
  CHECK (untouched == 5);
}

int
main (void)
{
  CASE (equals_torch_for_every_recorded_draw);
  CASE (same_seed_same_bytes_and_other_seed_others);
  CASE (a_long_draw_is_standard_normal);
  CASE (no_values_are_no_problem);
  return check_done ();
}
