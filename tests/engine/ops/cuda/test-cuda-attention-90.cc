/* SPDX-License-Identifier: MIT */
/* test-cuda-attention-90.cc: the kernel of attention-90.cu, with wgmma, the copy engine and its
 * barriers emulated as the PTX manual has them (emulator/cuda-hopper.h), against plain loops: who
 * waits for what, whose turn it is, where operands lie, tails of queries and of keys. Whether the
 * card agrees with the manual's readers, only a card can tell (test-cuda-attention.c on one).
 */
#define CUEMU_HOPPER
#include "ops/cuda/kernels/attention-90.cu"

#include <algorithm>
#include <cstdio>
#include <vector>

unsigned
cuemu::capability (void)
{
  return 90;
}

typedef struct Case
{
  int queries, keys, heads, type;
} Case;

static std::vector<float>
numbers (size_t count, uint32_t state)
{
  std::vector<float> values (count);

  for (float &value : values)
    {
      float sum = 0;

      for (int i = 0; i < 3; i++)
        {
          state = state * 1664525u + 1013904223u;
          sum += static_cast<float> (state >> 8) * 0x1p-24f - 0.5f;
        }
      value = cuemu_from_bf16 (cuemu_to_bf16 (2 * sum));
    }
  return values;
}

static std::vector<uint16_t>
narrowed (const std::vector<float> &values)
{
  std::vector<uint16_t> narrow (values.size ());

  std::transform (values.begin (), values.end (), narrow.begin (), cuemu_to_bf16);
  return narrow;
}

/* One query's sum over all keys, of one head. */
static std::vector<double>
attended (const float *q, const float *k, const float *v, int keys, int stride)
{
  std::vector<double> sum (128), weight (static_cast<size_t> (keys));
  double most = -INFINITY, total = 0;

  for (int key = 0; key < keys; key++)
    {
      double score = 0;

      for (int d = 0; d < 128; d++)
        score += static_cast<double> (q[d]) * k[key * stride + d];
      weight[key] = score / sqrt (128.0);
      most = std::max (most, weight[key]);
    }
  for (int key = 0; key < keys; key++)
    {
      weight[key] = exp (weight[key] - most);
      total += weight[key];
      for (int d = 0; d < 128; d++)
        sum[d] += weight[key] * v[key * stride + d];
    }
  for (double &value : sum)
    value /= total;
  return sum;
}

static bool
agrees (const Case &c)
{
  const int cols = c.heads * 128, stride = cols + 8, tail = 64;
  const std::vector<float> q = numbers (static_cast<size_t> (c.queries * stride + tail), 1);
  const std::vector<float> k = numbers (static_cast<size_t> (c.keys * stride + tail), 2);
  const std::vector<float> v = numbers (static_cast<size_t> (c.keys * stride + tail), 3);
  const std::vector<uint16_t> q16 = narrowed (q), k16 = narrowed (k), v16 = narrowed (v);
  std::vector<float> out (static_cast<size_t> (c.queries * cols), -7);
  CudaAttention90 a = {};
  double error = 0, size = 0;
  const struct
  {
    CudaTensorMap *map;
    const std::vector<uint16_t> *from;
    int rows;
  } maps[] = { { &a.q, &q16, c.queries }, { &a.k, &k16, c.keys }, { &a.v, &v16, c.keys } };

  for (const auto &m : maps)
    {
      const cuemu::TensorMap map
          = { reinterpret_cast<uint64_t> (m.from->data ()), cols, m.rows, 2 * stride, 128, 2 };

      memcpy (m.map, &map, sizeof map);
    }
  a.out = { reinterpret_cast<uint64_t> (out.data ()), c.queries, cols, cols, c.type };
  a.queries = c.queries;
  a.keys = c.keys;
  a.scale = 1 / sqrtf (128);
  cuemu::run_grid (
      *cuemu::kernels,
      dim3 ((c.queries + CUDA_ATTENTION_90_QUERIES - 1) / CUDA_ATTENTION_90_QUERIES, c.heads),
      dim3 (CUDA_ATTENTION_90_THREADS), CUDA_ATTENTION_90_SHARED, &a);
  for (int query = 0; query < c.queries; query++)
    for (int head = 0; head < c.heads; head++)
      {
        const std::vector<double> wanted = attended (
            &q[query * stride + head * 128], &k[head * 128], &v[head * 128], c.keys, stride);

        for (int d = 0; d < 128; d++)
          {
            const int place = query * cols + head * 128 + d;
            const double found
                = c.type == CUDA_F32
                      ? out[place]
                      : cuemu_from_bf16 (reinterpret_cast<uint16_t *> (out.data ())[place]);

            error += (found - wanted[d]) * (found - wanted[d]);
            size += wanted[d] * wanted[d];
          }
      }
  printf ("# %d × %d, %d heads: relative difference %.3g\n", c.queries, c.keys, c.heads,
          sqrt (error / size));
  return sqrt (error / size) < 5e-3; /* NaN is not */
}

int
main (void)
{
  static const Case cases[] = { { 5, 1, 1, CUDA_F32 },
                                { 64, 128, 1, CUDA_BF16 },
                                { 130, 129, 2, CUDA_BF16 },
                                { 100, 300, 1, CUDA_F32 },
                                { 128, 700, 1, CUDA_BF16 } };
  bool good = true;

  for (const Case &c : cases)
    good = agrees (c) && good;
  printf ("%s 1 - attention_by_wgmma_agrees\n1..1\n", good ? "ok" : "not ok");
  return good ? 0 : 1;
}
