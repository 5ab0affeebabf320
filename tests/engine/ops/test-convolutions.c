/* SPDX-License-Identifier: MIT */
/* test-convolutions.c: every way of doing a convolution against the reference, on the processor at
 * every instruction set level that this machine runs, or on the card ("cuda"), in f32 and bf16
 * (f16), over awkward shapes. */
#include "check.h"

#include "ops-round.h"
#include "ops/cpu/cpu-device.h"

/* On a matrix unit numbers are two bf16, which hold 17 of f32's 24 bits. */
static bool
numbers_are_split (void)
{
  return narrow_round () && (on_card () || ((const CpuDevice *) pair.tested)->matrix != NULL);
}

/* With a group norm on the way in if `groups` is not 0. */
static void
check_conv (EspGrid grid, EspConv conv, int64_t groups, bool accumulate)
{
  /* Both that bf16 holds and that it does not. */
  EspWeight weight
      = random_weight (accumulate ? ESP_BF16 : ESP_F32, 4,
                       (int64_t[]){ conv.out, conv.in, conv.kernel, conv.kernel }, 5, 0.2f);
  EspWeight bias = random_weight (ESP_BF16, 1, (int64_t[]){ conv.out }, 6, 1);
  int64_t scale = conv.doubled ? 2 : 1;
  int64_t height
      = (scale * grid.height + conv.pad_top + conv.pad_bottom - conv.kernel) / conv.stride + 1;
  int64_t width
      = (scale * grid.width + conv.pad_left + conv.pad_right - conv.kernel) / conv.stride + 1;
  TensorPair x
      = tensor_pair (&pair, ESP_F32, grid.batch * grid.height * grid.width, conv.in, conv.in, 1, 1);
  TensorPair y
      = tensor_pair (&pair, ESP_F32, grid.batch * height * width, conv.out, conv.out, 2, 1);
  TensorPair affine = tensor_pair (&pair, ESP_F32, 2, conv.in, conv.in, 3, 1);
  float moments[160];
  EspGroupNorm norms[2];
  EspConv reference;
  char what[128];

  for (int64_t g = 0; g < 2 * groups; g++)
    moments[g] = g % 2 == 0 ? 0.1f * (float) g - 0.3f : 0.5f + 0.1f * (float) g;
  for (int d = 0; d < 2; d++)
    {
      const float *values = d == 0 ? affine.tested.data : affine.reference.data;

      norms[d]
          = (EspGroupNorm){ groups, moments, values, values + conv.in, 1e-6f, grid.batch == 1 };
    }
  conv.weight = &weight;
  conv.bias = &bias;
  reference = conv;
  pair.tested->ops->prepare_conv (pair.tested, &conv);
  pair.reference->ops->prepare_conv (pair.reference, &reference);
  pair.tested->ops->conv2d (pair.tested, x.tested, grid, &conv, groups > 0 ? &norms[0] : NULL,
                            accumulate, y.tested);
  pair.reference->ops->conv2d (pair.reference, x.reference, grid, &reference,
                               groups > 0 ? &norms[1] : NULL, accumulate, y.reference);
  pair.tested->ops->release_conv (pair.tested, &conv);
  pair.reference->ops->release_conv (pair.reference, &reference);
  snprintf (what, sizeof what, "conv %lld × %lld × %lld, %lld → %lld, kernel %d, stride %d%s%s%s",
            (long long) grid.batch, (long long) grid.height, (long long) grid.width,
            (long long) conv.in, (long long) conv.out, conv.kernel, conv.stride,
            conv.doubled ? ", doubled" : "", groups > 0 ? ", normed" : "",
            accumulate ? ", accumulated" : "");
  CHECK (pair_agrees (&pair, &y, numbers_are_split () ? 6e-6 : 2e-6, what));
  weight_clear (&weight);
  weight_clear (&bias);
  tensor_pair_free (&pair, &x);
  tensor_pair_free (&pair, &y);
  tensor_pair_free (&pair, &affine);
}

static EspConv
same_conv (int64_t in, int64_t out)
{
  return (EspConv){ .in = in,
                    .out = out,
                    .kernel = 3,
                    .stride = 1,
                    .pad_top = 1,
                    .pad_left = 1,
                    .pad_bottom = 1,
                    .pad_right = 1 };
}

static void
convolutions_agree (void)
{
  static const int64_t channels[][2]
      = { { 3, 16 }, { 16, 3 }, { 5, 7 }, { 32, 64 }, { 64, 33 }, { 70, 130 }, { 9, 8 } };
  static const EspGrid grids[] = { { 1, 1, 1 }, { 2, 8, 6 }, { 1, 17, 31 }, { 1, 3, 70 } };

  for (size_t c = 0; c < sizeof channels / sizeof *channels; c++)
    for (size_t g = 0; g < sizeof grids / sizeof *grids; g++)
      {
        int64_t in = channels[c][0], out = channels[c][1];
        EspConv same = same_conv (in, out), doubled = same_conv (in, out);
        EspConv half
            = { .in = in, .out = out, .kernel = 3, .stride = 2, .pad_bottom = 1, .pad_right = 1 };
        EspConv point = { .in = in, .out = out, .kernel = 1, .stride = 1 };

        doubled.doubled = true;
        if (on_card () && in * out > 5000 && g > 1) /* an emulated one takes its time */
          continue;
        check_conv (grids[g], same, 0, false);
        check_conv (grids[g], same, in % 4 == 0 ? 4 : 1, true);
        check_conv (grids[g], doubled, g == 1 ? in : 0, g == 2);
        check_conv (grids[g], point, g == 2, g == 1);
        if (grids[g].height > 1)
          check_conv (grids[g], half, 0, false);
      }
}

/* Weights in one go and in slabs, blocks in one row and many: more than a cache of each. */
static void
large_convolutions_agree (void)
{
  if (on_card ()) /* whose blocks know no caches: several ranges of channels, and of columns */
    {
      check_conv ((EspGrid){ 1, 3, 5 }, same_conv (520, 132), 20, false);
      check_conv ((EspGrid){ 1, 12, 50 }, same_conv (24, 40), 8, true);
      return;
    }
  check_conv ((EspGrid){ 1, 5, 7 }, same_conv (520, 260), 20, false);
  check_conv ((EspGrid){ 1, 30, 100 }, same_conv (24, 40), 8, true);
  check_conv ((EspGrid){ 1, 2, 3 }, same_conv (9, 2100), 0, false);
  check_conv ((EspGrid){ 1, 2, 3 }, same_conv (1100, 520), 0, false);
}

/* Each kind of convolution, in blocks that are cut for 1 and for 3 threads. */
static void
convolutions_do_not_depend_on_threads (void)
{
  static float results[3][2][800 * 48];
  EspWeight weight = random_weight (ESP_F32, 4, (int64_t[]){ 48, 64, 3, 3 }, 5, 0.2f);
  EspWeight bias = random_weight (ESP_F32, 1, (int64_t[]){ 48 }, 6, 1);
  float *affine = random_values (64, 7, 1);
  const float moments[] = { 0.1f, 0.9f, -0.2f, 1.1f };
  const EspGroupNorm norm = { 2, moments, affine, affine, 1e-6f, true };

  for (int i = 0; i < 3; i++)
    for (int doubled = 0; doubled < 2; doubled++)
      {
        DevicePair other;
        EspConv conv = same_conv (64, 48);
        EspTensor x, y;

        open_alike (&other, i == 0 ? 1 : 3);
        conv.weight = &weight;
        conv.bias = &bias;
        conv.doubled = doubled;
        x = tensor_of (other.tested, 200, 64);
        y = esp_tensor_new (other.tested, ESP_F32, doubled ? 800 : 200, 48);
        other.tested->ops->prepare_conv (other.tested, &conv);
        other.tested->ops->conv2d (other.tested, x, (EspGrid){ 1, 10, 20 }, &conv, &norm, false, y);
        other.tested->ops->download (other.tested, y, results[i][doubled]);
        other.tested->ops->release_conv (other.tested, &conv);
        CHECK (other.tested->error.status == ESP_OK);
        esp_tensor_free (other.tested, &x);
        esp_tensor_free (other.tested, &y);
        pair_close (&other);
      }
  CHECK (memcmp (results[0], results[1], sizeof results[0]) == 0);
  CHECK (memcmp (results[0], results[2], sizeof results[0]) == 0);
  free (affine);
  weight_clear (&weight);
  weight_clear (&bias);
}

static void
onednn_never_needs_its_reference_code (void)
{
  CHECK (onednn_had_kernels ());
}

int
main (int argc, char **argv)
{
  static const EspCompute computes[] = { ESP_COMPUTE_F32, ESP_COMPUTE_BF16 };
  const char *level = argc > 1 ? argv[1] : NULL;

  for (size_t c = 0; c < 2; c++)
    {
      if (!round_open (level, computes[c], (size_t) 1 << 30))
        {
          printf ("1..0 # SKIP this machine cannot run the %s kernels\n", level);
          return 0;
        }
      printf ("# %s: %s\n", pair.label, pair.tested->description);
      CASE (convolutions_agree);
      CASE (large_convolutions_agree);
      if (!on_card ())
        {
          CASE (convolutions_do_not_depend_on_threads);
          CASE (onednn_never_needs_its_reference_code);
        }
      round_close ();
    }
  return check_done ();
}
