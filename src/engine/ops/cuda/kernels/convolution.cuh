/* SPDX-License-Identifier: MIT */
/* convolution.cuh: convolutions as matrix products whose left side is never built: pixels ×
 * (taps · channels), times (taps · channels) × outputs. Included by images.cu.
 *
 * On the matrix unit each f32 number is two bf16, its upper and its lower half, and a product is
 * the sum of three: upper·upper + upper·lower + lower·upper; what is missing is 2^-18 of it. The
 * unit adds up in f32 but cuts off what does not fit (Fasi, Higham, Mikaitis and Pranesh,
 * "Numerical behavior of NVIDIA tensor cores", 2021), which would grow with the number of channels;
 * so every 16 channels its sums are added to others that round.
 */
#pragma once

#include "ops/cuda/kernels/images.h"
#include "ops/cuda/kernels/language.cuh"

/* --- On the way in -----------------------------------------------------------------------------
 */

/* x/(1 + e^-x); for large -x e^-x is infinite and the result 0. */
ESP_DEVICE float
silu (float x)
{
  return __fdividef (x, 1 + esp_exp2 (-1.4426950408889634f * x));
}

ESP_DEVICE float
norm_one (float x, float mean, float factor, float shift, bool activated)
{
  const float y = fmaf (x - mean, factor, shift);

  return activated ? silu (y) : y;
}

ESP_DEVICE float4
norm_four (float4 x, float4 mean, float4 factor, float4 shift, bool activated)
{
  return make_float4 (norm_one (x.x, mean.x, factor.x, shift.x, activated),
                      norm_one (x.y, mean.y, factor.y, shift.y, activated),
                      norm_one (x.z, mean.z, factor.z, shift.z, activated),
                      norm_one (x.w, mean.w, factor.w, shift.w, activated));
}

ESP_DEVICE float4
four_of (uint64_t numbers, int64_t first)
{
  return *reinterpret_cast<const float4 *> (reinterpret_cast<const float *> (numbers) + first);
}

/* --- Weights -----------------------------------------------------------------------------------
 */

ESP_DEVICE float
conv_weight (const CudaConvWeights &a, int out, int in, int tap)
{
  if (out >= a.out || in >= a.in)
    return 0;
  return reinterpret_cast<const float *> (a.from)[(int64_t{ out } * a.in + in) * a.taps + tap];
}

ESP_KERNEL (image_weights_plain, CudaConvWeights, CUDA_IMAGE_THREADS)
{
  const int64_t i = static_cast<int64_t> (blockIdx.x) * CUDA_IMAGE_THREADS + threadIdx.x;
  const int64_t row = i / a.padded_out;

  if (row < int64_t{ a.taps } * a.in)
    reinterpret_cast<float *> (a.to)[i]
        = conv_weight (a, static_cast<int> (i % a.padded_out), static_cast<int> (row % a.in),
                       static_cast<int> (row / a.in));
}

/* A tile of weights has rows of 16 channels, 32 bytes; the two halves of a row change places every
 * four rows, so that the eight rows of an 8 × 8 matrix lie in different banks. */
ESP_DEVICE int
weight_place (int output, int half)
{
  return output * 32 + (half ^ (output >> 2 & 1)) * 16;
}

ESP_KERNEL (image_weights_split, CudaConvWeights, CUDA_IMAGE_THREADS)
{
  const int64_t i = static_cast<int64_t> (blockIdx.x) * CUDA_IMAGE_THREADS + threadIdx.x;
  const int channel = static_cast<int> (i % 16), output = static_cast<int> (i / 16 % a.block);
  const int64_t tile = i / 16 / a.block;
  const int tap = static_cast<int> (tile % a.taps);
  const int chunks = a.padded_in / 16, chunk = static_cast<int> (tile / a.taps % chunks);
  const int64_t block = tile / a.taps / chunks;
  const int tile_bytes = a.block * 32 * (a.exact ? 1 : 2);
  unsigned char *to = reinterpret_cast<unsigned char *> (a.to) + tile * tile_bytes
                      + weight_place (output, channel / 8) + channel % 8 * 2;
  float value;
  __nv_bfloat16 upper;

  if (block * a.block >= a.padded_out)
    return;
  value = conv_weight (a, static_cast<int> (block * a.block) + output, chunk * 16 + channel, tap);
  upper = __float2bfloat16 (value);
  *reinterpret_cast<__nv_bfloat16 *> (to) = upper;
  if (!a.exact)
    *reinterpret_cast<__nv_bfloat16 *> (to + a.block * 32)
        = __float2bfloat16 (value - __bfloat162float (upper));
}

/* --- On the matrix unit ------------------------------------------------------------------------
 *
 * A block makes 8 × 16 pixels of OUTPUTS channels. For every 16 channels of x it takes the pixels
 * that its taps see, each once, through the norm and apart into halves, into shared memory; the
 * taps then read the same pixels from shifted places, since each lane of ldmatrix names its row.
 * While they do, the next channels arrive and the next tap's weights. Only stride 1.
 */

template <int KERNEL> struct ConvTile
{
  static constexpr int taps = KERNEL * KERNEL;
  static constexpr int cols = CUDA_CONV_COLS + KERNEL - 1;
  static constexpr int pixels = (CUDA_CONV_ROWS + KERNEL - 1) * cols;
  /* Each thread takes 4 channels of a pixel at a time: */
  static constexpr int pieces = (pixels * 4 + CUDA_IMAGE_THREADS - 1) / CUDA_IMAGE_THREADS;
  static constexpr int pieces_at_once = KERNEL == 1 ? pieces : 1; /* in one tap */
  static constexpr int bytes = pixels * CUDA_CONV_PIXEL_BYTES;
};

/* What a thread takes of each 16 channels: where its pixels are in x, -1 for zeros. */
template <int KERNEL>
ESP_DEVICE void
find_pixels (const CudaConvolution &a, int top, int left, int place[ConvTile<KERNEL>::pieces])
{
#pragma unroll
  for (int piece = 0; piece < ConvTile<KERNEL>::pieces; piece++)
    {
      const int pixel = (piece * CUDA_IMAGE_THREADS + static_cast<int> (threadIdx.x)) / 4;
      const int y = top + pixel / ConvTile<KERNEL>::cols, x = left + pixel % ConvTile<KERNEL>::cols;
      const int scale = a.doubled ? 1 : 0;

      place[piece] = pixel < ConvTile<KERNEL>::pixels && y >= 0 && x >= 0 && y < a.height << scale
                             && x < a.width << scale
                         ? (y >> scale) * a.width + (x >> scale)
                         : -1;
    }
}

ESP_DEVICE float4
fetch_four (const CudaConvolution &a, const float *image, int place, int channel)
{
  if (place < 0 || channel >= a.in)
    return make_float4 (0, 0, 0, 0);
  return *reinterpret_cast<const float4 *> (image + static_cast<int64_t> (place) * a.in + channel);
}

/* Four channels of a pixel, normed and apart, into the tile. */
ESP_DEVICE void
put_four (const CudaConvolution &a, float4 x, int place, int channel, unsigned char *to)
{
  uint2 upper, lower;

  if (a.mean != 0 && place >= 0 && channel < a.in)
    x = norm_four (x, four_of (a.mean, channel), four_of (a.factor, channel),
                   four_of (a.shift, channel), a.silu);
  upper.x = esp_pack_bf16 (x.x, x.y);
  upper.y = esp_pack_bf16 (x.z, x.w);
  lower.x = esp_pack_bf16 (x.x - __uint_as_float (upper.x << 16),
                           x.y - __uint_as_float (upper.x & 0xffff0000u));
  lower.y = esp_pack_bf16 (x.z - __uint_as_float (upper.y << 16),
                           x.w - __uint_as_float (upper.y & 0xffff0000u));
  *reinterpret_cast<uint2 *> (to) = upper;
  *reinterpret_cast<uint2 *> (to + 32) = lower;
}

/* One tap's products of a warp's pixels and outputs. `pixels` is the address of this lane's row of
 * the first 16 pixels, 16-byte half included. */
template <int KERNEL, int ROWS, bool exact>
ESP_DEVICE void
multiply_tap (const unsigned char *pixels, const unsigned char *weights, int lower,
              float sums[ROWS][4][4])
{
  uint32_t right[2][2][4]; /* upper and lower halves of 16 outputs each */

#pragma unroll
  for (int n = 0; n < 2; n++)
    {
      esp_load_matrix_x4 (right[0][n], weights + n * 16 * 32);
      if (!exact)
        esp_load_matrix_x4 (right[1][n], weights + lower + n * 16 * 32);
    }
#pragma unroll
  for (int row = 0; row < ROWS; row++)
    {
      const unsigned char *line = pixels + row * ConvTile<KERNEL>::cols * CUDA_CONV_PIXEL_BYTES;
      uint32_t upper[4], left[4];

      esp_load_matrix_x4 (upper, line);
      esp_load_matrix_x4 (left, line + 32);
#pragma unroll
      for (int n = 0; n < 4; n++)
        {
          /* The small ones first. */
          esp_mma_bf16 (sums[row][n], left, right[0][n / 2] + n % 2 * 2);
          if (!exact)
            esp_mma_bf16 (sums[row][n], upper, right[1][n / 2] + n % 2 * 2);
          esp_mma_bf16 (sums[row][n], upper, right[0][n / 2] + n % 2 * 2);
        }
    }
}

template <int ROWS>
ESP_DEVICE void
store_pixels (const CudaConvolution &a, int64_t image, int top, int left, int first,
              const float sums[ROWS][4][4])
{
  const int lane = threadIdx.x % 32;
  const float *bias = reinterpret_cast<const float *> (a.bias);

#pragma unroll
  for (int row = 0; row < ROWS; row++)
#pragma unroll
    for (int half = 0; half < 2; half++)
      {
        const int y = top + row, x = left + lane / 4 + half * 8;
        float *to = reinterpret_cast<float *> (a.y)
                    + ((image * a.out_height + y) * a.out_width + x) * a.out;

        if (y >= a.out_height || x >= a.out_width)
          continue;
#pragma unroll
        for (int n = 0; n < 4; n++)
          {
            const int out = first + n * 8 + lane % 4 * 2;

            if (a.out % 2 == 0 && out < a.out)
              {
                float2 *pair = reinterpret_cast<float2 *> (to + out);
                const float2 old = a.accumulate ? *pair : make_float2 (0, 0);

                *pair = make_float2 (sums[row][n][half * 2] + bias[out] + old.x,
                                     sums[row][n][half * 2 + 1] + bias[out + 1] + old.y);
              }
            else
              for (int i = 0; i < 2 && out + i < a.out; i++)
                to[out + i]
                    = sums[row][n][half * 2 + i] + bias[out + i] + (a.accumulate ? to[out + i] : 0);
          }
      }
}

/* Weights come in as many buffers as fit, two at least. */
template <int OUTPUTS, bool exact> struct ConvWeightTile
{
  static constexpr int bytes = OUTPUTS * 32 * (exact ? 1 : 2);
  static constexpr int buffers = CUDA_CONV_WEIGHT_BYTES / bytes;
};

template <int OUTPUTS, bool exact>
ESP_DEVICE void
fetch_weights (unsigned char *buffers, const unsigned char *from, int step, int steps)
{
  typedef ConvWeightTile<OUTPUTS, exact> Tile;
  const int i = threadIdx.x * 16;

  if (step < steps && i < Tile::bytes)
    esp_copy16 (buffers + step % Tile::buffers * Tile::bytes + i,
                from + static_cast<int64_t> (step) * Tile::bytes + i, true);
  esp_copy_commit ();
}

template <int KERNEL, int OUTPUTS, bool exact>
ESP_DEVICE void
convolve (const CudaConvolution &a)
{
  typedef ConvTile<KERNEL> Tile;
  typedef ConvWeightTile<OUTPUTS, exact> Weights;
  constexpr int across = OUTPUTS / 32, rows = across; /* warps along outputs; a warp's pixel rows */
  ESP_SHARED (unsigned char, tiles);
  unsigned char *buffers = tiles + 2 * Tile::bytes;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int block = static_cast<int> (blockIdx.x) % (a.padded_out / OUTPUTS);
  const int tile = static_cast<int> (blockIdx.x) / (a.padded_out / OUTPUTS);
  const int tiles_across = (a.out_width + CUDA_CONV_COLS - 1) / CUDA_CONV_COLS;
  const int top = tile / tiles_across * CUDA_CONV_ROWS;
  const int left = tile % tiles_across * CUDA_CONV_COLS;
  const int chunks = (a.in + 15) / 16, steps = chunks * Tile::taps;
  const int quad = threadIdx.x % 4 * 4; /* of 16 channels, those that this thread takes */
  const float *image = reinterpret_cast<const float *> (a.x)
                       + static_cast<int64_t> (blockIdx.z) * a.height * a.width * a.in;
  const unsigned char *weights = reinterpret_cast<const unsigned char *> (a.weights)
                                 + static_cast<int64_t> (block) * steps * Weights::bytes;
  const int line = warp / across * rows; /* the warp's first row of pixels */
  const int place_x = (line * Tile::cols + (lane & 15)) * CUDA_CONV_PIXEL_BYTES + (lane >> 4) * 16;
  const int place_w
      = weight_place (warp % across * 32 + (lane & 7) + (lane >> 4) * 8, lane >> 3 & 1);
  unsigned char *mine = tiles + threadIdx.x / 4 * CUDA_CONV_PIXEL_BYTES + quad * 2;
  constexpr int piece_step = CUDA_IMAGE_THREADS / 4 * CUDA_CONV_PIXEL_BYTES;
  int place[Tile::pieces], step = 0;
  float total[rows][4][4], sums[rows][4][4];

  find_pixels<KERNEL> (a, top - a.pad_top, left - a.pad_left, place);
#pragma unroll
  for (int i = 0; i < rows * 16; i++)
    total[i / 16][i / 4 % 4][i % 4] = 0;
  for (int i = 0; i < Weights::buffers - 1; i++)
    fetch_weights<OUTPUTS, exact> (buffers, weights, i, steps);
#pragma unroll
  for (int piece = 0; piece < Tile::pieces; piece++)
    if (piece * CUDA_IMAGE_THREADS / 4 + static_cast<int> (threadIdx.x) / 4 < Tile::pixels)
      put_four (a, fetch_four (a, image, place[piece], quad), place[piece], quad,
                mine + piece * piece_step);
  for (int chunk = 0; chunk < chunks; chunk++)
    {
      const unsigned char *now = tiles + chunk % 2 * Tile::bytes;
      const int next = (chunk + 1) * 16 + quad;
      unsigned char *ahead = mine + (chunk + 1) % 2 * Tile::bytes;

#pragma unroll
      for (int i = 0; i < rows * 16; i++)
        sums[i / 16][i / 4 % 4][i % 4] = 0;
      for (int tap = 0; tap < Tile::taps; tap++, step++)
        {
          /* This tap's weights and, before the first tap, this chunk's pixels are there for all,
           * and nobody reads the buffers any more that are filled now. */
          esp_copy_wait<Weights::buffers - 2> ();
          __syncthreads ();
          fetch_weights<OUTPUTS, exact> (buffers, weights, step + Weights::buffers - 1, steps);

          float4 held[Tile::pieces_at_once];
#pragma unroll
          for (int i = 0; i < Tile::pieces_at_once; i++)
#pragma unroll
            for (int piece = i; piece < Tile::pieces; piece += Tile::pieces_at_once)
              if (tap == piece / Tile::pieces_at_once && chunk + 1 < chunks)
                held[i] = fetch_four (a, image, place[piece], next);
          multiply_tap<KERNEL, rows, exact> (
              now + place_x + (tap / KERNEL * Tile::cols + tap % KERNEL) * CUDA_CONV_PIXEL_BYTES,
              buffers + step % Weights::buffers * Weights::bytes + place_w, OUTPUTS * 32, sums);
#pragma unroll
          for (int i = 0; i < Tile::pieces_at_once; i++)
#pragma unroll
            for (int piece = i; piece < Tile::pieces; piece += Tile::pieces_at_once)
              if (tap == piece / Tile::pieces_at_once && chunk + 1 < chunks
                  && piece * CUDA_IMAGE_THREADS / 4 + static_cast<int> (threadIdx.x) / 4
                         < Tile::pixels)
                put_four (a, held[i], place[piece], next, ahead + piece * piece_step);
        }
#pragma unroll
      for (int i = 0; i < rows * 16; i++)
        total[i / 16][i / 4 % 4][i % 4] += sums[i / 16][i / 4 % 4][i % 4];
    }
  store_pixels<rows> (a, blockIdx.z, top + line, left, block * OUTPUTS + warp % across * 32, total);
}

/* name_KERNEL_OUTPUTS[_exact]: exact where bf16 holds every weight. Grid: x over tiles of pixels
 * and, for each, blocks of outputs, which share the tile in the cache; z over images. */
#if defined __CUDA_ARCH__ && __CUDA_ARCH__ < 800
#define CONVOLUTION_RUNS false /* no bf16 */
#else
#define CONVOLUTION_RUNS true
#endif

#define CONVOLVE(name, kernel, outputs, exact)                                                     \
  ESP_KERNEL_RESIDENT (name, CudaConvolution, CUDA_IMAGE_THREADS, 2)                               \
  {                                                                                                \
    if constexpr (CONVOLUTION_RUNS)                                                                \
      convolve<kernel, outputs, exact> (a);                                                        \
  }

CONVOLVE (image_convolve_3_64, 3, 64, false)
CONVOLVE (image_convolve_3_64_exact, 3, 64, true)
CONVOLVE (image_convolve_3_32, 3, 32, false)
CONVOLVE (image_convolve_3_32_exact, 3, 32, true)
CONVOLVE (image_convolve_1_64, 1, 64, false)
CONVOLVE (image_convolve_1_64_exact, 1, 64, true)
CONVOLVE (image_convolve_1_32, 1, 32, false)
CONVOLVE (image_convolve_1_32_exact, 1, 32, true)

/* --- Plain f32 ---------------------------------------------------------------------------------
 *
 * Any kernel, stride and number of channels. A block makes 128 pixels (of the batch in a row) × 64
 * outputs, a thread 8 × 4 of them; the next 16 channels of a tap wait in registers. Grid: x over
 * stretches of pixels and, for each, blocks of outputs.
 */

/* A thread's pixel on the way in: where its window begins. */
typedef struct ConvPixel
{
  const float *image; /* nullptr: there is no such pixel */
  int top, left;
} ConvPixel;

ESP_DEVICE ConvPixel
conv_pixel (const CudaConvolution &a, int64_t pixel)
{
  const int64_t per_image = static_cast<int64_t> (a.out_height) * a.out_width;
  const int64_t image = pixel / per_image;
  const int place = static_cast<int> (pixel % per_image);
  ConvPixel found;

  found.image = image < a.batch
                    ? reinterpret_cast<const float *> (a.x) + image * a.height * a.width * a.in
                    : nullptr;
  found.top = place / a.out_width * a.stride - a.pad_top;
  found.left = place % a.out_width * a.stride - a.pad_left;
  return found;
}

/* Channels [first, first + 8) of the pixel under `tap`. */
ESP_DEVICE void
fetch_channels (const CudaConvolution &a, const ConvPixel &pixel, int tap, int first, float x[8])
{
  const int scale = a.doubled ? 1 : 0;
  const int row = pixel.top + tap / a.kernel, col = pixel.left + tap % a.kernel;
  const bool inside = pixel.image != nullptr && row >= 0 && col >= 0 && row < a.height << scale
                      && col < a.width << scale;
  const float *from
      = inside
            ? pixel.image + (static_cast<int64_t> (row >> scale) * a.width + (col >> scale)) * a.in
            : nullptr;

#pragma unroll
  for (int i = 0; i < 8; i++)
    {
      const int c = first + i;

      x[i] = inside && c < a.in ? from[c] : 0;
      if (inside && c < a.in && a.mean != 0)
        x[i] = norm_one (x[i], reinterpret_cast<const float *> (a.mean)[c],
                         reinterpret_cast<const float *> (a.factor)[c],
                         reinterpret_cast<const float *> (a.shift)[c], a.silu);
    }
}

ESP_KERNEL_RESIDENT (image_convolve_plain, CudaConvolution, CUDA_IMAGE_THREADS, 2)
{
  ESP_SHARED (float, left);
  float *right = left + CUDA_CONV_DEPTH * CUDA_CONV_PITCH;
  const unsigned blocks = a.padded_out / CUDA_CONV_OUTPUTS;
  const int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
  const int column = threadIdx.x % CUDA_CONV_PIXELS, half = threadIdx.x / CUDA_CONV_PIXELS * 8;
  const int64_t first = static_cast<int64_t> (blockIdx.x / blocks) * CUDA_CONV_PIXELS;
  const int64_t pixels = a.batch * a.out_height * a.out_width;
  const ConvPixel pixel = conv_pixel (a, first + column);
  const int out = static_cast<int> (blockIdx.x % blocks) * CUDA_CONV_OUTPUTS;
  const int chunks = (a.in + CUDA_CONV_DEPTH - 1) / CUDA_CONV_DEPTH;
  const int steps = chunks * a.kernel * a.kernel;
  const float *bias = reinterpret_cast<const float *> (a.bias);
  float sums[8][4], x[8];
  float4 weights;

#pragma unroll
  for (int i = 0; i < 32; i++)
    sums[i / 4][i % 4] = 0;
  for (int step = -1; step < steps; step++)
    {
      if (step >= 0)
        {
          __syncthreads ();
#pragma unroll
          for (int i = 0; i < 8; i++)
            left[(half + i) * CUDA_CONV_PITCH + column] = x[i];
          *reinterpret_cast<float4 *> (right + ty * CUDA_CONV_OUTPUTS + tx * 4) = weights;
          __syncthreads ();
        }
      if (step + 1 < steps)
        {
          const int tap = (step + 1) / chunks, channel = (step + 1) % chunks * CUDA_CONV_DEPTH;
          const bool valid = channel + ty < a.in;

          fetch_channels (a, pixel, tap, channel + half, x);
          weights = valid ? four_of (a.weights, (static_cast<int64_t> (tap) * a.in + channel + ty)
                                                        * a.padded_out
                                                    + out + tx * 4)
                          : make_float4 (0, 0, 0, 0);
        }
      if (step >= 0)
#pragma unroll
        for (int k = 0; k < CUDA_CONV_DEPTH; k++)
          {
            const float *l = left + k * CUDA_CONV_PITCH + ty * 8;
            const float4 l0 = *reinterpret_cast<const float4 *> (l);
            const float4 l1 = *reinterpret_cast<const float4 *> (l + 4);
            const float4 r
                = *reinterpret_cast<const float4 *> (right + k * CUDA_CONV_OUTPUTS + tx * 4);
            const float ls[8] = { l0.x, l0.y, l0.z, l0.w, l1.x, l1.y, l1.z, l1.w };
            const float rs[4] = { r.x, r.y, r.z, r.w };

#pragma unroll
            for (int i = 0; i < 32; i++)
              sums[i / 4][i % 4] = fmaf (ls[i / 4], rs[i % 4], sums[i / 4][i % 4]);
          }
    }
#pragma unroll
  for (int i = 0; i < 8; i++)
#pragma unroll
    for (int j = 0; j < 4; j++)
      {
        const int64_t p = first + ty * 8 + i;
        const int o = out + tx * 4 + j;

        if (p < pixels && o < a.out)
          {
            float *y = reinterpret_cast<float *> (a.y) + p * a.out + o;

            *y = sums[i][j] + bias[o] + (a.accumulate ? *y : 0);
          }
      }
}
