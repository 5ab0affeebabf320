/* SPDX-License-Identifier: MIT */
/* cuda-trials.c: does a way of computing give what it should on this card?
 *
 * Each is tried with shapes that are easily wrong (tails of rows, of columns and of k, more stages
 * than a ring has, blocks that make several tiles), against sums made here.
 *
 * Operands are whole numbers from -3 to 3, which every number format has. Their products' sums are
 * whole numbers below 2^13, so they are the same in whatever order and precision a matrix unit adds
 * them (that of sm_90 keeps no more than 13 bits behind the largest addend when it multiplies fp8:
 * DeepSeek-V3, arXiv 2412.19437, section 3.3.2). What is left for rounding is said at each limit.
 *
 * A way that does not end is waited for as long as GRACE says: kernels for sm_90 give up by
 * themselves (hopper.cuh).
 */
#include "ops/cuda/cuda-trials.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/cuda/cuda-linear.h"

enum
{
  CARD_BYTES = 4 << 20, /* more than the largest case needs */
  LARGEST = CUDA_TRIAL_LARGEST,
};

/* Seconds after which a way is not used, and after which its kernels have given up, if ever. */
#define PATIENCE 2.0
#define GRACE    8.0

/* --- Operands ----------------------------------------------------------------------------------
 */

int
esp_cuda_trial_number (unsigned which, int row, int col)
{
  uint32_t hash = which * 0x9e3779b1u + (uint32_t) row * 0x85ebca6bu + (uint32_t) col * 0xc2b2ae35u;

  hash = (hash ^ hash >> 15) * 0x2c1b3c6du;
  hash ^= hash >> 12;
  return (int) (hash % (2 * LARGEST + 1)) - LARGEST;
}

static void
write_number (CudaNumbers numbers, int value, uint8_t *to)
{
  static const uint16_t bf16[] = { 0, 0x3f80, 0x4000, 0x4040 };
  static const uint16_t f16[] = { 0, 0x3c00, 0x4000, 0x4200 };
  static const uint8_t e4m3[] = { 0, 0x38, 0x40, 0x44 };
  const int size = abs (value);
  uint16_t pair = numbers == CUDA_NUMBERS_F16 ? f16[size] : bf16[size];

  if (value < 0)
    pair |= 0x8000;
  if (numbers == CUDA_NUMBERS_E4M3)
    *to = (uint8_t) (e4m3[size] | (value < 0 ? 0x80 : 0));
  else if (numbers == CUDA_NUMBERS_BYTES)
    *to = (uint8_t) (int8_t) value;
  else
    memcpy (to, &pair, sizeof pair);
}

/* The number that 16 bits are. */
static float
read_number (EspDType type, const uint8_t *from)
{
  uint32_t bits = 0;
  uint16_t pair;
  float value;

  memcpy (&pair, from, sizeof pair);
  if (type == ESP_F16)
    {
      const int exponent = pair >> 10 & 31;
      const float size = exponent == 31  ? INFINITY
                         : exponent == 0 ? ldexpf ((float) (pair & 1023), -24)
                                         : ldexpf ((float) (pair & 1023) + 1024, exponent - 25);

      return pair >> 15 ? -size : size;
    }
  bits = (uint32_t) pair << 16;
  memcpy (&value, &bits, sizeof value);
  return value;
}

/* --- The card ----------------------------------------------------------------------------------
 */

/* `bytes` bytes of the trial's memory, filled with `from`; 0 with a sticky error. */
CUdeviceptr
esp_cuda_trial_put (CudaTrial *trial, const void *from, size_t bytes)
{
  CudaDevice *cuda = trial->cuda;
  const CUdeviceptr place = trial->memory + trial->used;

  trial->used += (bytes + 255) / 256 * 256;
  if (trial->used > CARD_BYTES)
    {
      esp_device_fail (&cuda->base, ESP_ERROR_ARGUMENT, "a check is larger than its memory");
      return 0;
    }
  return esp_cuda_ok (cuda, cuda->cu->copy_to_device (place, from, bytes, cuda->compute),
                      "copying what it is checked with")
             ? place
             : 0;
}

CUdeviceptr
esp_cuda_trial_rows (CudaTrial *trial, const int8_t *values, int64_t count, CudaNumbers numbers)
{
  const size_t size = esp_cuda_numbers_size (numbers);
  uint8_t *bytes = malloc ((size_t) count * size);
  CUdeviceptr place = 0;

  for (int64_t i = 0; i < count && bytes != NULL; i++)
    write_number (numbers, values[i], bytes + (size_t) i * size);
  if (bytes != NULL)
    place = esp_cuda_trial_put (trial, bytes, (size_t) count * size);
  free (bytes);
  return place;
}

static double
seconds_since (const struct timespec *start)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) (now.tv_sec - start->tv_sec) + 1e-9 * (double) (now.tv_nsec - start->tv_nsec);
}

/* After a sticky error, which goes: can the card still be asked for anything? */
CudaVerdict
esp_cuda_trial_error (CudaTrial *trial)
{
  CudaDevice *cuda = trial->cuda;
  const char *why = cuda->base.error.message, *driver = strstr (why, " failed: ");

  /* Whose error it is and that it failed, the caller says. */
  if (driver != NULL)
    why = driver + strlen (" failed: ");
  snprintf (trial->why, sizeof trial->why, "%.*s", (int) sizeof trial->why - 1, why);
  cuda->base.error = (EspError) ESP_ERROR_INIT;
  return cuda->cu->stream_synchronize (cuda->compute) == CUDA_SUCCESS ? CUDA_TRIAL_FAILED
                                                                      : CUDA_TRIAL_LOST;
}

/* Waits for what was launched, but not for ever. */
CudaVerdict
esp_cuda_trial_wait (CudaTrial *trial)
{
  CudaDevice *cuda = trial->cuda;
  const struct timespec nap = { 0, 50000 };
  struct timespec start;
  int asked = 0;
  CUresult result;

  if (cuda->base.error.status != ESP_OK
      || !esp_cuda_ok (cuda, cuda->cu->event_record (trial->done, cuda->compute), "checking"))
    return esp_cuda_trial_error (trial);
  clock_gettime (CLOCK_MONOTONIC, &start);
  while ((result = cuda->cu->event_query (trial->done)) == CUDA_ERROR_NOT_READY)
    {
      /* Each question to an emulated card takes it a hundredth of a second of its own time. */
      const double waited = cuda->cu->emulated ? 0.01 * ++asked : seconds_since (&start);

      trial->late = trial->late || waited > PATIENCE;
      if (waited > PATIENCE + GRACE)
        return CUDA_TRIAL_STUCK;
      if (!cuda->cu->emulated)
        nanosleep (&nap, NULL);
    }
  if (!esp_cuda_ok (cuda, result, "checking"))
    return esp_cuda_trial_error (trial);
  return trial->late ? CUDA_TRIAL_FAILED : CUDA_TRIAL_GOOD;
}

/* --- Products ----------------------------------------------------------------------------------
 */

typedef struct ProductCase
{
  int m, n, k;
  int wrap; /* 0; or: W's rows are repeated from there on */
  bool all; /* scales, bias, GELU, gate and what was there before: and y in the compute type */
  int heads;
} ProductCase;

/* y has so many rows and columns more, which nothing may touch. */
enum
{
  MARGIN = 4
};

#define BEFORE 1.0f /* what is in y at first */
#define EPS    1e-6f

static float
column_value (int col)
{
  return 0.25f * (float) esp_cuda_trial_number (3, 0, col) + 1;
}

static double
gelu (double x)
{
  return 0.5 * x * (1 + tanh (0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

typedef struct Product
{
  ProductCase c;
  CudaNumbers numbers;
  int8_t *a, *b;
  double *want; /* [m, n] */
} Product;

static void
product_clear (Product *p)
{
  free (p->a);
  free (p->b);
  free (p->want);
}

static double
angle_of (int row, int pair)
{
  return 0.01 * row * (pair % 16);
}

/* Norm and rotation of a row's queries and keys, c.heads columns each. */
static void
want_heads (const ProductCase *c, int row, double *want)
{
  for (int first = 0; first < 2 * c->heads; first += c->heads)
    {
      double squares = 0;

      for (int i = 0; i < c->heads; i++)
        squares += want[first + i] * want[first + i];
      squares = 1 / sqrt (squares / c->heads + EPS);
      for (int i = 0; i < c->heads; i += 2)
        {
          const double even = want[first + i] * squares * column_value (i);
          const double odd = want[first + i + 1] * squares * column_value (i + 1);
          const double angle = angle_of (row, i / 2);

          want[first + i] = even * cos (angle) - odd * sin (angle);
          want[first + i + 1] = odd * cos (angle) + even * sin (angle);
        }
    }
}

static bool
product_init (Product *p, CudaNumbers numbers, const ProductCase *c)
{
  const int depth = c->wrap != 0 ? c->wrap : c->k;

  *p = (Product){ .c = *c,
                  .numbers = numbers,
                  .a = malloc ((size_t) c->m * (size_t) c->k),
                  .b = malloc ((size_t) c->n * (size_t) depth),
                  .want = malloc ((size_t) c->m * (size_t) c->n * sizeof (double)) };
  if (p->a == NULL || p->b == NULL || p->want == NULL)
    return false;
  for (int row = 0; row < c->m; row++)
    for (int k = 0; k < c->k; k++)
      p->a[row * c->k + k] = (int8_t) esp_cuda_trial_number (1, row, k);
  for (int row = 0; row < c->n; row++)
    for (int k = 0; k < depth; k++)
      p->b[row * depth + k] = (int8_t) esp_cuda_trial_number (2, row, k);
  for (int row = 0; row < c->m; row++)
    {
      double *want = p->want + (size_t) row * (size_t) c->n;

      for (int col = 0; col < c->n; col++)
        {
          const int8_t *a = p->a + row * c->k, *b = p->b + col * depth;
          int sum = 0;

          for (int k = 0; k < c->k; k += depth)
#pragma omp simd reduction(+ : sum)
            for (int i = 0; i < depth; i++)
              sum += a[k + i] * b[i];
          want[col] = c->all ? gelu (sum / 32.0 + column_value (col)) * column_value (col) + BEFORE
                             : sum + (c->heads == 0 ? (double) column_value (col) : 0);
        }
      if (c->heads != 0)
        want_heads (c, row, want);
    }
  return true;
}

/* The columns' values: bias, gate, and the norms' weights. */
static CUdeviceptr
put_columns (CudaTrial *trial, int count)
{
  float *values = malloc ((size_t) count * sizeof *values);
  CUdeviceptr place = 0;

  for (int i = 0; i < count && values != NULL; i++)
    values[i] = column_value (i);
  if (values != NULL)
    place = esp_cuda_trial_put (trial, values, (size_t) count * sizeof *values);
  free (values);
  return place;
}

static CUdeviceptr
put_angles (CudaTrial *trial, const ProductCase *c, bool sine)
{
  const int half = c->heads / 2;
  float *values = malloc ((size_t) c->m * (size_t) half * sizeof *values);
  CUdeviceptr place = 0;

  for (int i = 0; i < c->m * half && values != NULL; i++)
    values[i] = (float) (sine ? sin (angle_of (i / half, i % half))
                              : cos (angle_of (i / half, i % half)));
  if (values != NULL)
    place = esp_cuda_trial_put (trial, values, (size_t) c->m * (size_t) half * sizeof *values);
  free (values);
  return place;
}

static EspDType
type_of_y (const CudaTrial *trial, const ProductCase *c)
{
  return c->all ? trial->cuda->base.compute : ESP_F32;
}

/* y, full of what was there before. */
static CUdeviceptr
put_y (CudaTrial *trial, const ProductCase *c)
{
  const size_t count = (size_t) (c->m + MARGIN) * (size_t) (c->n + MARGIN);
  const EspDType type = type_of_y (trial, c);
  const size_t size = esp_dtype_bytes (type, 1);
  uint8_t *bytes = malloc (count * size);
  const float one = BEFORE;
  CUdeviceptr place = 0;

  for (size_t i = 0; i < count && bytes != NULL; i++)
    if (type == ESP_F32)
      memcpy (bytes + i * size, &one, sizeof one);
    else
      write_number (type == ESP_F16 ? CUDA_NUMBERS_F16 : CUDA_NUMBERS_BF16, 1, bytes + i * size);
  if (bytes != NULL)
    place = esp_cuda_trial_put (trial, bytes, count * size);
  free (bytes);
  return place;
}

/* Is the result what it should be? Sums are exact, so in f32 what is left are exponentials and
 * roots, 2^-20 of a number at most; in 16 bits it is one rounding. */
static bool
is_right (const CudaTrial *trial, const Product *p, const uint8_t *y)
{
  const ProductCase *c = &p->c;
  const EspDType type = type_of_y (trial, c);
  const double limit = type == ESP_BF16  ? 0x1p-8
                       : type == ESP_F16 ? 0x1p-10
                       : c->heads != 0   ? 1e-4
                                         : 1e-6;

  for (int row = 0; row < c->m + MARGIN; row++)
    for (int col = 0; col < c->n + MARGIN; col++)
      {
        const bool inside = row < c->m && col < c->n;
        const double want = inside ? p->want[(size_t) row * (size_t) c->n + (size_t) col] : BEFORE;
        const size_t at = (size_t) row * (size_t) (c->n + MARGIN) + (size_t) col;
        float found;

        if (type == ESP_F32)
          memcpy (&found, y + 4 * at, sizeof found);
        else
          found = read_number (type, y + 2 * at);
        /* Not a number is not right either. */
        if (!(fabs (found - want) <= (inside ? limit * (1 + fabs (want)) : 0)))
          return false;
      }
  return true;
}

/* By tiles of this shape; -1: by cuBLASLt. Not possible counts as good. */
static CudaVerdict
try_product (CudaTrial *trial, const Product *p, int shape)
{
  CudaDevice *cuda = trial->cuda;
  const ProductCase *c = &p->c;
  const int64_t size = (int64_t) esp_cuda_numbers_size (p->numbers);
  const int depth = c->wrap != 0 ? c->wrap : c->k;
  const EspDType type = type_of_y (trial, c);
  const size_t bytes
      = (size_t) (c->m + MARGIN) * (size_t) (c->n + MARGIN) * esp_dtype_bytes (type, 1);
  CudaRows a = { .stride = c->k * size, .rows = c->m, .k = c->k, .scale = c->all ? 0.25f : 1 };
  CudaRows b = { .stride = depth * size, .rows = c->n, .k = c->k, .wrap = c->wrap };
  CudaFinish finish = { .y_stride = c->n + MARGIN,
                        .y_type = type == ESP_F32    ? CUDA_F32
                                  : type == ESP_BF16 ? CUDA_BF16
                                                     : CUDA_F16,
                        .scale = 1,
                        .vector = 1 };
  uint8_t *y = malloc (bytes);
  CudaVerdict verdict = CUDA_TRIAL_FAILED;
  bool done = false;

  b.scale = c->all ? 0.125f : 1;
  trial->used = 0;
  a.data = esp_cuda_trial_rows (trial, p->a, (int64_t) c->m * c->k, p->numbers);
  b.data = esp_cuda_trial_rows (trial, p->b, (int64_t) c->n * depth, p->numbers);
  finish.y = put_y (trial, c);
  if (c->heads == 0)
    finish.bias = put_columns (trial, c->n);
  else
    {
      finish.head_dim = finish.head_columns = c->heads;
      finish.eps = EPS;
      finish.weight_q = finish.weight_k = put_columns (trial, c->heads);
      finish.cosine = put_angles (trial, c, false);
      finish.sine = put_angles (trial, c, true);
    }
  if (c->all)
    {
      finish.gate = finish.bias;
      finish.activation = CUDA_ACTIVATION_GELU_TANH;
      finish.accumulate = 1;
    }
  if (y != NULL && cuda->base.error.status == ESP_OK)
    done = shape < 0 ? esp_cuda_blas_product (cuda, p->numbers, &a, &b, &finish)
                     : esp_cuda_tiled_product (cuda, shape, p->numbers, &a, &b, &finish);
  if (done || cuda->base.error.status != ESP_OK)
    verdict = esp_cuda_trial_wait (trial);
  else if (y != NULL)
    verdict = CUDA_TRIAL_GOOD;
  if (done && verdict == CUDA_TRIAL_GOOD)
    {
      if (!esp_cuda_ok (cuda, cuda->cu->copy_to_host (y, finish.y, bytes, cuda->compute),
                        "reading what it computed")
          || !esp_cuda_ok (cuda, cuda->cu->stream_synchronize (cuda->compute), "checking"))
        verdict = esp_cuda_trial_error (trial);
      else if (!is_right (trial, p, y))
        verdict = CUDA_TRIAL_WRONG;
    }
  free (y);
  return verdict;
}

/* Wide: more tiles than blocks have turns, more stages than their rings. */
static const ProductCase wide_case = { .m = 136, .n = 264, .k = 912 };
static const ProductCase small_case = { .m = 40, .n = 72, .k = 208 };
static const ProductCase full_case = { .m = 40, .n = 72, .k = 80, .all = true };
static const ProductCase wrapped_case = { .m = 24, .n = 40, .k = 384, .wrap = 192 };
static const ProductCase heads_case = { .m = 40, .n = 384, .k = 64, .heads = 128 };
static const ProductCase narrow_heads_case = { .m = 24, .n = 96, .k = 64, .heads = 32 };

/* One case by all shapes of tiles that are made by wgmma, or that are not. */
static CudaVerdict
try_shapes (CudaTrial *trial, CudaNumbers numbers, const ProductCase *c, bool wgmma)
{
  Product p;
  CudaVerdict verdict = product_init (&p, numbers, c) ? CUDA_TRIAL_GOOD : CUDA_TRIAL_FAILED;

  for (int shape = 0; shape < esp_cuda_tile_shapes () && verdict == CUDA_TRIAL_GOOD; shape++)
    if (esp_cuda_tiles_by_wgmma (shape) == wgmma)
      verdict = try_product (trial, &p, shape);
  product_clear (&p);
  return verdict;
}

CudaNumbers
esp_cuda_trial_numbers (const CudaDevice *cuda)
{
  return cuda->base.compute == ESP_F16 ? CUDA_NUMBERS_F16 : CUDA_NUMBERS_BF16;
}

static CudaVerdict
try_mma (CudaTrial *trial)
{
  const CudaNumbers numbers = esp_cuda_trial_numbers (trial->cuda);
  CudaVerdict verdict = try_shapes (trial, numbers, &small_case, false);

  if (verdict == CUDA_TRIAL_GOOD)
    verdict = try_shapes (trial, numbers, &full_case, false);
  if (verdict == CUDA_TRIAL_GOOD && numbers == CUDA_NUMBERS_BF16)
    verdict = try_shapes (trial, numbers, &wrapped_case, false);
  return verdict == CUDA_TRIAL_GOOD ? try_shapes (trial, numbers, &narrow_heads_case, false)
                                    : verdict;
}

static CudaVerdict
try_fp8 (CudaTrial *trial)
{
  const CudaVerdict verdict = try_shapes (trial, CUDA_NUMBERS_E4M3, &small_case, false);

  return verdict == CUDA_TRIAL_GOOD ? try_shapes (trial, CUDA_NUMBERS_E4M3, &full_case, false)
                                    : verdict;
}

static CudaVerdict
try_wgmma (CudaTrial *trial)
{
  const CudaDevice *cuda = trial->cuda;
  const CudaNumbers kinds[] = { esp_cuda_trial_numbers (cuda), CUDA_NUMBERS_E4M3 };
  CudaVerdict verdict = CUDA_TRIAL_GOOD;

  for (int i = 0; i < (cuda->fp8 ? 2 : 1) && verdict == CUDA_TRIAL_GOOD; i++)
    {
      verdict = try_shapes (trial, kinds[i], &wide_case, true);
      if (verdict == CUDA_TRIAL_GOOD)
        verdict = try_shapes (trial, kinds[i], &full_case, true);
      if (verdict == CUDA_TRIAL_GOOD)
        verdict = try_shapes (trial, kinds[i], &heads_case, true);
    }
  if (verdict == CUDA_TRIAL_GOOD && kinds[0] == CUDA_NUMBERS_BF16)
    verdict = try_shapes (trial, kinds[0], &wrapped_case, true);
  return verdict;
}

static CudaVerdict
try_blas (CudaTrial *trial)
{
  static const ProductCase *const cases[] = { &small_case, &full_case, &heads_case };
  CudaVerdict verdict = CUDA_TRIAL_GOOD;

  for (size_t i = 0; i < sizeof cases / sizeof *cases && verdict == CUDA_TRIAL_GOOD; i++)
    {
      Product p;

      verdict = product_init (&p, esp_cuda_trial_numbers (trial->cuda), cases[i])
                    ? CUDA_TRIAL_GOOD
                    : CUDA_TRIAL_FAILED;
      if (verdict == CUDA_TRIAL_GOOD)
        verdict = try_product (trial, &p, -1);
      product_clear (&p);
    }
  return verdict;
}

/* --- Products of bytes -------------------------------------------------------------------------
 */

/* Each group of 32 has a scale, and W's or x's a second number (blocks.h, CudaBytes): powers of two
 * and whole numbers, so that these sums are exact, too. */
static float
group_scale (unsigned which, int row, int group)
{
  return ldexpf (1, (row + group + (int) which) % 3 - 1);
}

/* `groups` groups of `rows` rows; of x the second number is the sum of what the group stands for,
 * of W what is to be added to each of its numbers. */
static CUdeviceptr
put_groups (CudaTrial *trial, unsigned which, const int8_t *values, int rows, int groups)
{
  float *pairs = malloc ((size_t) groups * (size_t) rows * 2 * sizeof *pairs);
  CUdeviceptr place = 0;

  for (int group = 0; group < groups && pairs != NULL; group++)
    for (int row = 0; row < rows; row++)
      {
        float *pair = pairs + 2 * ((size_t) group * (size_t) rows + (size_t) row);
        int sum = 0;

        for (int i = 0; i < 32; i++)
          sum += values[(row * groups + group) * 32 + i];
        pair[0] = group_scale (which, row, group);
        pair[1]
            = which == 1 ? pair[0] * (float) sum : (float) esp_cuda_trial_number (5, row, group);
      }
  if (pairs != NULL)
    place = esp_cuda_trial_put (trial, pairs, (size_t) groups * (size_t) rows * 2 * sizeof *pairs);
  free (pairs);
  return place;
}

static void
want_bytes (Product *p, bool affine)
{
  const ProductCase *c = &p->c;

  for (int row = 0; row < c->m; row++)
    for (int col = 0; col < c->n; col++)
      {
        double sum = column_value (col);

        for (int group = 0; group < c->k / 32; group++)
          {
            const int8_t *a = p->a + row * c->k + 32 * group, *b = p->b + col * c->k + 32 * group;
            const double scale = group_scale (1, row, group);
            int dot = 0, plain = 0;

            for (int i = 0; i < 32; i++)
              {
                dot += a[i] * b[i];
                plain += a[i];
              }
            sum += scale * group_scale (2, col, group) * dot
                   + (affine ? scale * plain * esp_cuda_trial_number (5, col, group) : 0);
          }
        p->want[row * c->n + col] = sum;
      }
}

static CudaVerdict
try_bytes_of (CudaTrial *trial, bool affine)
{
  CudaDevice *cuda = trial->cuda;
  const ProductCase c = { .m = 40, .n = 72, .k = 224 };
  const size_t bytes = (size_t) (c.m + MARGIN) * (size_t) (c.n + MARGIN) * sizeof (float);
  CudaRows a = { .stride = c.k, .rows = c.m, .k = c.k, .scale = 1, .group_stride = c.m };
  CudaRows b = { .stride = c.k, .rows = c.n, .k = c.k, .scale = 1, .group_stride = c.n };
  CudaFinish finish = { .y_stride = c.n + MARGIN, .y_type = CUDA_F32, .scale = 1, .vector = 1 };
  Product p;
  bool good = product_init (&p, CUDA_NUMBERS_BYTES, &c);
  uint8_t *y = malloc (bytes);
  CudaVerdict verdict = CUDA_TRIAL_FAILED;

  if (good && y != NULL)
    {
      want_bytes (&p, affine);
      trial->used = 0;
      a.data = esp_cuda_trial_rows (trial, p.a, c.m * c.k, CUDA_NUMBERS_BYTES);
      b.data = esp_cuda_trial_rows (trial, p.b, c.n * c.k, CUDA_NUMBERS_BYTES);
      a.groups = put_groups (trial, 1, p.a, c.m, c.k / 32);
      b.groups = put_groups (trial, 2, p.b, c.n, c.k / 32);
      b.affine = affine;
      finish.y = put_y (trial, &c);
      finish.bias = put_columns (trial, c.n);
      esp_cuda_product (cuda, CUDA_NUMBERS_BYTES, &a, &b, &finish);
      verdict = esp_cuda_trial_wait (trial);
      if (verdict == CUDA_TRIAL_GOOD
          && (!esp_cuda_ok (cuda, cuda->cu->copy_to_host (y, finish.y, bytes, cuda->compute),
                            "reading what it computed")
              || !esp_cuda_ok (cuda, cuda->cu->stream_synchronize (cuda->compute), "checking")))
        verdict = esp_cuda_trial_error (trial);
      if (verdict == CUDA_TRIAL_GOOD && !is_right (trial, &p, y))
        verdict = CUDA_TRIAL_WRONG;
    }
  product_clear (&p);
  free (y);
  return verdict;
}

static CudaVerdict
try_bytes (CudaTrial *trial)
{
  const CudaVerdict verdict = try_bytes_of (trial, false);

  return verdict == CUDA_TRIAL_GOOD ? try_bytes_of (trial, true) : verdict;
}

/* --- One way -----------------------------------------------------------------------------------
 */

CudaVerdict
esp_cuda_try (CudaDevice *cuda, CudaWay way, char *why, size_t size)
{
  static CudaVerdict (*const trials[CUDA_WAY_COUNT]) (CudaTrial * trial)
      = { [CUDA_WAY_PRODUCT] = try_mma,
          [CUDA_WAY_ATTENTION] = esp_cuda_try_attention,
          [CUDA_WAY_BYTES] = try_bytes,
          [CUDA_WAY_FP8] = try_fp8,
          [CUDA_WAY_BLAS] = try_blas,
          [CUDA_WAY_WGMMA_PRODUCT] = try_wgmma,
          [CUDA_WAY_WGMMA_ATTENTION] = esp_cuda_try_wgmma_attention };
  CudaTrial trial = { .cuda = cuda };
  CudaVerdict verdict;

  if (!esp_cuda_ok (cuda, cuda->cu->memory_allocate (&trial.memory, CARD_BYTES),
                    "taking memory for a check")
      || !esp_cuda_ok (cuda, cuda->cu->event_create (&trial.done, CU_EVENT_DISABLE_TIMING),
                       "making an event"))
    verdict = esp_cuda_trial_error (&trial);
  else
    verdict = trials[way](&trial);
  /* Whoever gave memory back would wait. */
  if (verdict != CUDA_TRIAL_STUCK)
    {
      if (trial.done != NULL)
        cuda->cu->event_destroy (trial.done);
      if (trial.memory != 0)
        cuda->cu->memory_free (trial.memory);
    }
  snprintf (why, size, "%s", trial.late ? "it did not end" : trial.why);
  return verdict;
}
