/* SPDX-License-Identifier: MIT */
/* Buckets of relative positions -1100 … 1100, as run lengths of what transformers 5.23's
 * T5Attention._relative_position_bucket gives. */
#include "check.h"

#include "text/t5-encoder.h"

typedef struct Run
{
  int bucket, length;
} Run;

static void
check_runs (int64_t buckets, int64_t max_distance, const Run *runs, size_t count)
{
  int64_t relative = -1100;

  for (size_t i = 0; i < count; i++)
    for (int j = 0; j < runs[i].length; j++, relative++)
      {
        int64_t got = esp_t5_bucket (relative, buckets, max_distance);

        if (got != runs[i].bucket)
          printf ("# %lld: %lld, wanted %d\n", (long long) relative, (long long) got,
                  runs[i].bucket);
        CHECK (got == runs[i].bucket);
      }
  CHECK (relative == 1101);
}

static void
buckets_of_the_published_models (void)
{
  static const Run runs[]
      = { { 15, 1010 }, { 14, 27 }, { 13, 18 },  { 12, 14 }, { 11, 9 }, { 10, 7 }, { 9, 4 },
          { 8, 4 },     { 7, 1 },   { 6, 1 },    { 5, 1 },   { 4, 1 },  { 3, 1 },  { 2, 1 },
          { 1, 1 },     { 0, 1 },   { 17, 1 },   { 18, 1 },  { 19, 1 }, { 20, 1 }, { 21, 1 },
          { 22, 1 },    { 23, 1 },  { 24, 4 },   { 25, 4 },  { 26, 7 }, { 27, 9 }, { 28, 14 },
          { 29, 18 },   { 30, 27 }, { 31, 1010 } };

  check_runs (32, 128, runs, sizeof runs / sizeof *runs);
}

static void
few_buckets (void)
{
  static const Run runs[]
      = { { 7, 1087 }, { 6, 5 },  { 5, 3 },  { 4, 2 },  { 3, 1 },  { 2, 1 },  { 1, 1 },    { 0, 1 },
          { 9, 1 },    { 10, 1 }, { 11, 1 }, { 12, 2 }, { 13, 3 }, { 14, 5 }, { 15, 1087 } };

  check_runs (16, 20, runs, sizeof runs / sizeof *runs);
}

int
main (void)
{
  CASE (buckets_of_the_published_models);
  CASE (few_buckets);
  return check_done ();
}
