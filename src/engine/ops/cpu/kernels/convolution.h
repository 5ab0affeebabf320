/* SPDX-License-Identifier: MIT */
/* convolution.h: convolutions on a matrix unit, with f32's accuracy from bf16 products.
 *
 * A number is split into two bf16, high and low, which hold 17 of its 24 bits. Then x·w is
 * high·w + low·w where w is a bf16 already, or high·high + low·high + high·low where it is not:
 * off by 3e-6 of the result either way.
 *
 * An image is cut into planes of 32 channels: each pixel is 32 high parts, then 32 low ones. A
 * strip is 16 pixels of one line of the result; what it needs of the image is a tile at an offset
 * for each tap of the kernel. Weights are right tiles (matrix.h) of 32 inputs by 16 outputs: for
 * each tap the two halves of 32 outputs, then, if they are split, the low parts of these.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ESP_CONVOLUTION_CHANNELS 32 /* of a plane, and outputs of a panel */
#define ESP_CONVOLUTION_PIXEL    64 /* bf16 of a pixel in a plane */
#define ESP_CONVOLUTION_STRIP    16 /* pixels of a strip */
#define ESP_CONVOLUTION_TAPS_MAX 9

/* One plane times one panel: for each of `strips` (even), 16 × 32 sums at sums + strip·512. */
typedef struct EspConvolutionPiece
{
  const uint16_t *plane;
  int64_t strips;
  const int64_t *strip; /* [strips]: where each begins in the plane, in elements */
  int64_t pixel_step;   /* from a strip's pixel to the next, in elements */
  int taps;
  int64_t tap[ESP_CONVOLUTION_TAPS_MAX]; /* added to where the strip begins */
  const uint16_t *weights;
  bool split_weights;
} EspConvolutionPiece;

typedef struct EspConvolutionKernels
{
  /* Sets the calling thread's unit up, and gives it back. */
  void (*begin) (void);
  void (*end) (void);
  /* Pixels of 32 floats into a plane. */
  void (*split) (const float *x, int64_t pixels, uint16_t *plane);
  void (*multiply) (const EspConvolutionPiece *piece, bool accumulate, float *sums);
  /* y (+)= sums + bias for `pixels` rows of n ≤ 32 that are y_step floats from each other. */
  void (*finish) (const float *sums, int64_t pixels, const float *bias, bool accumulate, int64_t n,
                  float *y, int64_t y_step);
} EspConvolutionKernels;

#if defined(__x86_64__)
extern const EspConvolutionKernels esp_convolution_amx;
#endif
