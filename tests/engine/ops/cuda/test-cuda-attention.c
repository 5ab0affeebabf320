/* SPDX-License-Identifier: MIT */
/* test-cuda-attention.c: attention on the card against plain loops, where the matrix unit does it:
 * the columns of a fused buffer, every head and tile size, tails of queries and of keys, scores
 * that leave one key or, for a while, none. On a real card of sm_90 wgmma and mma.sync are both
 * asked. Runs on an emulated card (emulator/) or a real one.
 */
#include "check.h"

#include <math.h>
#include <stdlib.h>

#include "device-pair.h"
#include "ops/cuda/cuda-device.h"

static DevicePair pair;

static CudaDevice *
card (void)
{
  return (CudaDevice *) pair.tested;
}

typedef struct Case
{
  int64_t queries, keys, heads, depth;
  bool causal, biased, narrow_out;
  float size;   /* of q and k; 1 gives scores of a few units */
  float unseen; /* if not 0, the bias of keys that are further back than 5 */
} Case;

static TensorPair
columns (const TensorPair *whole, int64_t first, int64_t count)
{
  return (TensorPair){ esp_tensor_cols (whole->tested, first, count),
                       esp_tensor_cols (whole->reference, first, count) };
}

static TensorPair
bias_of (const Case *c)
{
  int64_t offsets = c->queries + c->keys - 1;
  float *values = random_values (c->heads * offsets, 5, 2);
  TensorPair bias;

  for (int64_t i = 0; c->unseen != 0 && i < c->heads * offsets; i++)
    if (i % offsets < c->queries - 6)
      values[i] = c->unseen;
  bias = tensor_pair_of (&pair, ESP_F32, c->heads, offsets, offsets, values);
  free (values);
  return bias;
}

/* Relative L2 difference; huge for anything that is not a number. */
static double
difference (const TensorPair *out)
{
  int64_t count = out->tested.rows * out->tested.cols;
  float *found = malloc ((size_t) count * sizeof *found);
  float *wanted = malloc ((size_t) count * sizeof *wanted);
  double error = 0, size = 0;

  if (found == NULL || wanted == NULL)
    abort ();
  pair.tested->ops->download (pair.tested, out->tested, found);
  pair.reference->ops->download (pair.reference, out->reference, wanted);
  for (int64_t i = 0; i < count; i++)
    {
      double d = (double) found[i] - wanted[i];

      error += d * d;
      size += (double) wanted[i] * wanted[i];
    }
  free (found);
  free (wanted);
  return isfinite (error) ? sqrt (error / size) : 1e9;
}

/* How far the card is from the reference; `precise` in f32 throughout. */
static double
attend (const Case *c, bool precise)
{
  const EspDType type = pair.tested->compute;
  int64_t cols = c->heads * c->depth, stride = (3 * cols + 7) / 8 * 8;
  TensorPair mixed = tensor_pair (&pair, type, c->queries, 3 * cols, stride, 1, c->size);
  TensorPair other = tensor_pair (&pair, type, c->keys, 3 * cols, stride, 2, c->size);
  TensorPair q = columns (&mixed, 0, cols), k = columns (&other, cols, cols);
  TensorPair v = columns (&other, 2 * cols, cols);
  TensorPair out = tensor_pair (&pair, c->narrow_out ? type : ESP_F32, c->queries, cols,
                                cols + (cols % 2 == 0 ? 2 : 1), 4, 1);
  TensorPair bias = bias_of (c);
  EspAttention tested = {
    .q = q.tested,
    .k = k.tested,
    .v = v.tested,
    .out = out.tested,
    .heads = c->heads,
    .head_dim = c->depth,
    .scale = 1 / sqrtf ((float) c->depth),
    .causal = c->causal,
    .relative_bias = c->biased ? bias.tested.data : NULL,
    .precise = precise,
  };
  EspAttention reference = tested;
  double apart;
  char what[160];

  reference.q = q.reference;
  reference.k = k.reference;
  reference.v = v.reference;
  reference.out = out.reference;
  reference.relative_bias = c->biased ? bias.reference.data : NULL;
  pair.tested->ops->attention (pair.tested, &tested);
  pair.reference->ops->attention (pair.reference, &reference);
  snprintf (what, sizeof what, "%lld × %lld, %lld × %lld%s%s%s%s", (long long) c->queries,
            (long long) c->keys, (long long) c->heads, (long long) c->depth,
            c->causal ? ", causal" : "", c->biased ? ", biased" : "", precise ? ", precise" : "",
            card ()->plain ? ", plain" : "");
  /* Weights are rounded relative to another maximum than the reference's. */
  CHECK (pair_agrees (&pair, &out, type == ESP_BF16 ? 6e-3 : 1e-3, what));
  apart = difference (&out);
  tensor_pair_free (&pair, &mixed);
  tensor_pair_free (&pair, &other);
  tensor_pair_free (&pair, &out);
  tensor_pair_free (&pair, &bias);
  return apart;
}

static const Case cases[] = {
  /* Every head, a tile and a bit in both directions. */
  { 129, 65, 2, 128, false, false, true, 1, 0 },
  { 65, 200, 1, 128, false, false, false, 1, 0 },
  { 130, 70, 3, 64, false, false, true, 1, 0 },
  { 33, 129, 3, 32, false, false, false, 1, 0 },
  /* Whole tiles, one row, one key. */
  { 128, 128, 1, 128, false, false, true, 1, 0 },
  { 1, 130, 2, 64, false, false, true, 1, 0 },
  { 7, 1, 2, 128, false, false, false, 1, 0 },
  /* CLIP and T5. */
  { 77, 77, 2, 64, true, false, true, 1, 0 },
  { 200, 200, 1, 128, true, false, true, 1, 0 },
  { 140, 140, 1, 32, true, false, false, 1, 0 },
  { 70, 140, 2, 64, false, true, false, 1, 0 },
  { 77, 77, 2, 64, true, true, true, 1, 0 },
  /* Scores of hundreds: all but one key weigh nothing. */
  { 66, 150, 1, 128, false, false, false, 12, 0 },
  { 66, 150, 1, 64, false, true, false, 12, -30000 },
  /* Late rows see none of the first tiles of keys. */
  { 200, 210, 1, 64, false, true, false, 1, -INFINITY },
};

static void
attention_on_the_matrix_unit_agrees (void)
{
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int plain = 0; plain < (card ()->capability == 90 ? 2 : 1); plain++)
      {
        card ()->plain = plain;
        attend (&cases[i], false);
      }
  card ()->plain = false;
}

/* In f32 the same attention is another thousand times nearer: so the matrix unit it was. */
static void
it_was_the_matrix_unit (void)
{
  static const int64_t depths[] = { 32, 64, 128 };

  for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
    {
      const Case c = { 70, 70, 1, depths[i], false, depths[i] == 64, false, 1, 0 };
      EspDType compute = pair.reference->compute;
      double rounded, precise;

      pair.reference->compute = ESP_F32;
      rounded = attend (&c, false);
      precise = attend (&c, true);
      pair.reference->compute = compute;
      CHECK (rounded > 5e-5);
      CHECK (precise < 2e-6);
    }
}

/* A view that cannot be copied 16 bytes at a time, or a head of another size, is no mistake. */
static void
other_views_go_the_plain_way (void)
{
  const Case odd = { 20, 70, 3, 20, false, false, false, 1, 0 };
  const Case wide = { 5, 9, 1, 136, false, false, true, 1, 0 };

  attend (&odd, false);
  attend (&wide, false);
}

/* The autoencoder's head, on a card that may take two bf16 for f32: nearer than bf16 by far, not as
 * near as f32. Several times as many rows as go at once, and sizes that are no tiles. */
static void
a_wide_head_goes_by_products (void)
{
  static const Case wide[] = {
    { 70, 70, 1, 512, false, false, false, 1, 0 },
    { 133, 33, 1, 264, false, false, false, 1, 0 },
    { 40, 90, 1, 256, false, false, false, 12, 0 },
  };
  const bool has_bf16 = card ()->capability >= 80;

  pair_close (&pair);
  CHECK (pair_open (&pair, "cuda", ESP_COMPUTE_F32, 0, 0));
  for (size_t i = 0; i < sizeof wide / sizeof *wide && has_bf16; i++)
    {
      double split, plain;

      card ()->split = true;
      split = attend (&wide[i], false);
      card ()->split = false;
      plain = attend (&wide[i], false);
      if (split > 3e-5 || plain > 2e-6 || split < 2 * plain)
        printf ("# split %.2g, plain %.2g\n", split, plain);
      CHECK (split < 3e-5 && plain < 2e-6 && split > 2 * plain);
    }
}

int
main (void)
{
  if (!pair_open (&pair, "cuda", ESP_COMPUTE_AUTO, 0, 0))
    {
      printf ("1..0 # SKIP no card\n");
      return 0;
    }
  printf ("# %s: %s\n", pair.label, pair.tested->description);
  CASE (attention_on_the_matrix_unit_agrees);
  CASE (it_was_the_matrix_unit);
  CASE (other_views_go_the_plain_way);
  CASE (a_wide_head_goes_by_products);
  pair_close (&pair);
  return check_done ();
}
