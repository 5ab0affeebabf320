/* SPDX-License-Identifier: MIT */
/* cpu-conv.h: a convolution that is under way, and the ways of doing it. */
#pragma once

#include "ops/cpu/cpu-device.h"
#include "ops/cpu/cpu-primitive.h"

/* One size of image wants its weights in one layout; in practice there are one or two. */
enum
{
  CPU_CONV_PACKINGS = 4
};

/* A prepared layer. Which of the packed forms exist depends on what it was used for. */
typedef struct CpuConv
{
  float *bias; /* [out] */
  size_t bias_bytes;
  /* The weights [out, in, k, k] widened, only where the file's blocks do not end with an output. */
  float *plain;
  size_t plain_bytes;
  struct
  {
    CpuLayout layout;
    dnnl_memory_t memory;
    void *data;
    size_t bytes;
  } packings[CPU_CONV_PACKINGS]; /* oneDNN's */
  int packing_count;
  uint16_t *tiles; /* the matrix unit's (cpu-conv-matrix.c) */
  size_t tiles_bytes;
  bool split_weights; /* they come in two parts, because bf16 does not hold them */
} CpuConv;

/* Arguments that have been checked. */
typedef struct CpuConvCall
{
  CpuDevice *cpu;
  const EspConv *conv;
  CpuConv *prepared;
  const float *x;
  EspGrid grid;                       /* of x as it lies */
  bool doubled;                       /* each of its pixels counts as 2 × 2 */
  EspGrid in_grid;                    /* of what is convolved: twice `grid` if doubled */
  EspGrid out_grid;                   /* of y */
  const float *mean, *factor, *shift; /* [in]: (x - mean)·factor + shift first; NULL: x as it is */
  bool silu, accumulate;
  float *y;
} CpuConvCall;

/* Rows [first, first + count) of the weights seen as [out, in·k·k], in f32. */
void esp_cpu_conv_weights (const CpuConvCall *call, int64_t first, int64_t count, float *numbers);

/* A window of what is convolved, which may reach beyond the image. */
typedef struct CpuWindow
{
  int64_t image, top, left, rows, cols;
  int64_t channel, channels;
} CpuWindow;

/* Brings it, doubled and normalised as the call says, zeros outside, to a dense buffer of pixels of
 * `step` floats; what is beyond the channels is zeros too. */
void esp_cpu_conv_fetch (const CpuConvCall *call, const CpuWindow *window, float *buffer,
                         int64_t step);

/* 3 × 3 with stride 1 and padding 1, in f32 on any processor. */
bool esp_cpu_conv_has_winograd (const CpuConvCall *call);
void esp_cpu_conv_winograd (const CpuConvCall *call);

/* Any that the autoencoder has on the matrix unit, where the device computes in bf16. */
bool esp_cpu_conv_has_matrix (const CpuConvCall *call);
void esp_cpu_conv_matrix (const CpuConvCall *call);
