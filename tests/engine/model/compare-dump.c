/* SPDX-License-Identifier: MIT */
/* compare-dump: how far the tensors of an edit's --dump are from the reference's.
 *
 *     compare-dump OURS.safetensors GOLDEN.safetensors CASE.json [bf16]
 *
 * Prints one line a tensor ("ok - name: distance (limit)" or "not ok - …") and exits with 1 when
 * one is beyond the limits of CASE.json's "tolerances", with 2 when a file cannot be read. With
 * "bf16" only the image is compared, against "bf16_psnr".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/json-file.h"
#include "files/weights.h"

typedef enum
{
  SAME_IDS,    /* every number equal */
  RELATIVE_L2, /* |ours − golden| / |golden| at most the limit */
  PSNR         /* in dB for a range of 1, at least the limit */
} Measure;

typedef struct
{
  const char *tensor;
  Measure measure;
  const char *tolerance; /* field of CASE.json's "tolerances"; NULL: `limit` */
  double limit;
} Row;

static const Row rows[] = {
  { "t5_ids", SAME_IDS, NULL, 0 },
  { "clip_ids", SAME_IDS, NULL, 0 },
  { "sigmas", RELATIVE_L2, NULL, 1e-6 },
  { "noise", RELATIVE_L2, NULL, 1e-6 },
  { "t5_embeds", RELATIVE_L2, "embeddings", 0 },
  { "clip_pooled", RELATIVE_L2, "embeddings", 0 },
  { "reference_latents", RELATIVE_L2, "reference", 0 },
  { "velocity_0", RELATIVE_L2, "velocity", 0 },
  { "latents", RELATIVE_L2, "latents", 0 },
  { "image", PSNR, "psnr", 0 },
};

static bool
same_shape (const EspWeight *a, const EspWeight *b)
{
  return a->dtype == b->dtype && a->dims == b->dims
         && memcmp (a->shape, b->shape, (size_t) a->dims * sizeof a->shape[0]) == 0;
}

static void
print_shape (const char *whose, const EspWeight *weight)
{
  printf (" %s %s [", whose, esp_dtype_name (weight->dtype));
  for (int i = 0; i < weight->dims; i++)
    printf ("%s%lld", i ? ", " : "", (long long) weight->shape[i]);
  printf ("]");
}

/* Sums of squares: of the difference, and of the golden values. NaN anywhere stays NaN. */
static void
measure_squares (const EspWeight *ours, const EspWeight *golden, double *difference, double *size)
{
  float *a = malloc ((size_t) golden->count * sizeof *a + 1);
  float *b = malloc ((size_t) golden->count * sizeof *b + 1);
  *difference = *size = NAN;
  if (a && b)
    {
      esp_weight_to_f32 (ours, 0, ours->count, a);
      esp_weight_to_f32 (golden, 0, golden->count, b);
      *difference = *size = 0;
      for (int64_t i = 0; i < golden->count; i++)
        {
          double off = (double) a[i] - (double) b[i];
          *difference += off * off;
          *size += (double) b[i] * (double) b[i];
        }
    }
  free (a);
  free (b);
}

static bool
compare_row (const Row *row, double limit, const EspWeights *ours, const EspWeights *golden)
{
  const EspWeight *a = esp_weights_find (ours, row->tensor);
  const EspWeight *b = esp_weights_find (golden, row->tensor);
  if (!a || !b || !same_shape (a, b))
    {
      printf ("not ok - %s:", row->tensor);
      if (!a || !b)
        printf (" not in the %s", a ? "reference" : "dump");
      else
        {
          print_shape ("found", a);
          print_shape ("wanted", b);
        }
      printf ("\n");
      return false;
    }

  double difference, size;
  measure_squares (a, b, &difference, &size);
  bool ok;
  char text[160];
  if (row->measure == SAME_IDS)
    {
      ok = memcmp (a->data, b->data, (size_t) b->count * sizeof (int32_t)) == 0;
      snprintf (text, sizeof text, "%lld ids %s", (long long) b->count, ok ? "equal" : "differ");
    }
  else if (row->measure == RELATIVE_L2)
    {
      double distance = sqrt (difference / size);
      ok = distance <= limit;
      snprintf (text, sizeof text, "rel. L2 %.2g (limit %.2g)", distance, limit);
    }
  else
    {
      double decibels = difference == 0 ? 999 : -10 * log10 (difference / (double) b->count);
      ok = decibels >= limit;
      snprintf (text, sizeof text, "%.1f dB (limit %.0f)", decibels, limit);
    }
  printf ("%s - %s: %s\n", ok ? "ok" : "not ok", row->tensor, text);
  return ok;
}

/* Compares every row; *all_ok says whether they were within the limits. */
static EspStatus
compare_all (const json_t *description, const char *path, bool bf16, const EspWeights *ours,
             const EspWeights *golden, bool *all_ok, EspError *error)
{
  const json_t *tolerances = json_object_get (description, "tolerances");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    {
      double limit = rows[i].limit;
      EspStatus status = ESP_OK;
      if (bf16 && rows[i].measure != PSNR)
        continue;
      if (bf16)
        status
            = esp_json_get_double (description, path, "bf16_psnr", true, 1, 200, 0, &limit, error);
      else if (rows[i].tolerance)
        status = esp_json_get_double (tolerances, path, rows[i].tolerance, true, 0, 200, 0, &limit,
                                      error);
      if (status != ESP_OK)
        return status;
      *all_ok = compare_row (&rows[i], limit, ours, golden) && *all_ok;
    }
  return ESP_OK;
}

int
main (int argc, char **argv)
{
  bool bf16 = argc == 5 && strcmp (argv[4], "bf16") == 0;
  if (argc != 4 && !bf16)
    {
      fprintf (stderr, "usage: compare-dump OURS GOLDEN CASE.json [bf16]\n");
      return 2;
    }
  EspError error = ESP_ERROR_INIT;
  EspWeights *ours = NULL, *golden = NULL;
  json_t *description = NULL;
  bool all_ok = true;
  EspStatus status = esp_weights_open_file (argv[1], &ours, &error);
  if (status == ESP_OK)
    status = esp_weights_open_file (argv[2], &golden, &error);
  if (status == ESP_OK)
    status = esp_json_read_object (argv[3], (size_t) 1 << 20, &description, &error);
  if (status == ESP_OK)
    status = compare_all (description, argv[3], bf16, ours, golden, &all_ok, &error);
  if (status != ESP_OK)
    fprintf (stderr, "compare-dump: %s\n", error.message);
  json_decref (description);
  esp_weights_close (golden);
  esp_weights_close (ours);
  return status != ESP_OK ? 2 : !all_ok;
}
