/* SPDX-License-Identifier: MIT */
/* cuda-trials-attention.c: attention tried on a card (cuda-trials.c). */
#include "ops/cuda/cuda-trials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct AttentionCase
{
  int queries, keys, heads, head_dim;
  int step; /* every so manyth query is looked at, and the last ones */
} AttentionCase;

/* One query of one head: the weighted mean of v, in double. */
static bool
want_attention (const AttentionCase *c, int query, int head, double *mean)
{
  double *weight = malloc ((size_t) c->keys * sizeof *weight);
  double most = -INFINITY, total = 0;

  if (weight == NULL)
    return false;
  memset (mean, 0, (size_t) c->head_dim * sizeof *mean);
  for (int key = 0; key < c->keys; key++)
    {
      int score = 0;

      for (int i = 0; i < c->head_dim; i++)
        score += esp_cuda_trial_number (1, query, head * c->head_dim + i)
                 * esp_cuda_trial_number (2, key, head * c->head_dim + i);
      weight[key] = score / sqrt (c->head_dim);
      most = weight[key] > most ? weight[key] : most;
    }
  for (int key = 0; key < c->keys; key++)
    {
      weight[key] = exp (weight[key] - most);
      total += weight[key];
      for (int i = 0; i < c->head_dim && weight[key] > 1e-9; i++)
        mean[i] += weight[key] * esp_cuda_trial_number (4, key, head * c->head_dim + i);
    }
  for (int i = 0; i < c->head_dim; i++)
    mean[i] /= total;
  free (weight);
  return true;
}

/* Scores are exact. What weighs a row of v is rounded to 16 bits, by 2^-9 of it in bf16 and 2^-12
 * in f16, so a mean of numbers up to CUDA_TRIAL_LARGEST is off by CUDA_TRIAL_LARGEST times that at
 * most, if nothing cancels; twice as much leaves room for the exponential and the sums in f32. */
static bool
is_right_attention (const CudaTrial *trial, const AttentionCase *c, const float *out)
{
  const double limit
      = CUDA_TRIAL_LARGEST * (trial->cuda->base.compute == ESP_BF16 ? 0x1p-8 : 0x1p-11);
  const int cols = c->heads * c->head_dim;
  double mean[128];

  for (int query = 0; query < c->queries; query++)
    for (int head = 0; head < c->heads; head++)
      if (query % c->step == 0 || query >= c->queries - 2)
        {
          if (!want_attention (c, query, head, mean))
            return false;
          for (int i = 0; i < c->head_dim; i++)
            if (!(fabs (out[query * cols + head * c->head_dim + i] - mean[i]) <= limit))
              return false;
        }
  return true;
}

/* Rows of operand `which` in the compute type. */
static EspTensor
put_operand (CudaTrial *trial, unsigned which, int rows, int cols)
{
  const EspDType type = trial->cuda->base.compute;
  int8_t *values = malloc ((size_t) rows * (size_t) cols);
  EspTensor made = { .dtype = type, .rows = rows, .cols = cols, .stride = cols };

  for (int i = 0; i < rows * cols && values != NULL; i++)
    values[i] = (int8_t) esp_cuda_trial_number (which, i / cols, i % cols);
  if (values != NULL)
    made.data = (void *) (uintptr_t) esp_cuda_trial_rows (trial, values, (int64_t) rows * cols,
                                                          esp_cuda_trial_numbers (trial->cuda));
  free (values);
  return made;
}

static CudaVerdict
try_attention_of (CudaTrial *trial, const AttentionCase *c)
{
  CudaDevice *cuda = trial->cuda;
  const int cols = c->heads * c->head_dim;
  const size_t bytes = (size_t) c->queries * (size_t) cols * sizeof (float);
  float *out = calloc (1, bytes);
  EspAttention attention
      = { .heads = c->heads, .head_dim = c->head_dim, .scale = 1 / sqrtf ((float) c->head_dim) };
  CudaVerdict verdict = CUDA_TRIAL_FAILED;

  if (out == NULL)
    return verdict;
  trial->used = 0;
  attention.q = put_operand (trial, 1, c->queries, cols);
  attention.k = put_operand (trial, 2, c->keys, cols);
  attention.v = put_operand (trial, 4, c->keys, cols);
  for (int i = 0; i < c->queries * cols; i++)
    out[i] = NAN;
  attention.out = (EspTensor){ .data = (void *) (uintptr_t) esp_cuda_trial_put (trial, out, bytes),
                               .dtype = ESP_F32,
                               .rows = c->queries,
                               .cols = cols,
                               .stride = cols };
  esp_cuda_attention (&cuda->base, &attention);
  verdict = esp_cuda_trial_wait (trial);
  if (verdict == CUDA_TRIAL_GOOD
      && (!esp_cuda_ok (cuda,
                        cuda->cu->copy_to_host (out, (CUdeviceptr) (uintptr_t) attention.out.data,
                                                bytes, cuda->compute),
                        "reading what it computed")
          || !esp_cuda_ok (cuda, cuda->cu->stream_synchronize (cuda->compute), "checking")))
    verdict = esp_cuda_trial_error (trial);
  if (verdict == CUDA_TRIAL_GOOD && !is_right_attention (trial, c, out))
    verdict = CUDA_TRIAL_WRONG;
  free (out);
  return verdict;
}

CudaVerdict
esp_cuda_try_attention (CudaTrial *trial)
{
  static const AttentionCase cases[]
      = { { 40, 72, 2, 32, 5 }, { 40, 72, 1, 64, 5 }, { 40, 136, 1, 128, 5 } };
  CudaVerdict verdict = CUDA_TRIAL_GOOD;

  for (size_t i = 0; i < sizeof cases / sizeof *cases && verdict == CUDA_TRIAL_GOOD; i++)
    verdict = try_attention_of (trial, &cases[i]);
  return verdict;
}

CudaVerdict
esp_cuda_try_wgmma_attention (CudaTrial *trial)
{
  /* Two tiles of queries; more tiles of keys than there are places for them; and hardly any. */
  static const AttentionCase cases[] = { { 136, 590, 2, 128, 9 }, { 5, 3, 1, 128, 1 } };
  CudaVerdict verdict = try_attention_of (trial, &cases[0]);

  return verdict == CUDA_TRIAL_GOOD ? try_attention_of (trial, &cases[1]) : verdict;
}
