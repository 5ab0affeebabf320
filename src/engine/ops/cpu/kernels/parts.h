/* SPDX-License-Identifier: MIT */
/* parts.h: this level's kernels by name, for the table and for each other. What each does is said
 * in kernels.h. */
#pragma once

#include "ops/cpu/kernels/kernels.h"
#include "ops/cpu/kernels/vector.h"

#if defined(__AVX512F__)
#define ESP_TILE_ROWS 12
#else
#define ESP_TILE_ROWS 6
#endif

void ESP_KERNEL (esp_widen_bf16) (const uint16_t *x, int64_t n, float *y);
void ESP_KERNEL (esp_narrow_bf16) (const float *x, int64_t n, uint16_t *y);
void ESP_KERNEL (esp_round_bf16) (const float *x, int64_t n, float *y);
void ESP_KERNEL (esp_activate) (EspActivation activation, const float *x, int64_t n, float *y);
void ESP_KERNEL (esp_multiply) (const float *a, const float *b, int64_t n, float *y);
void ESP_KERNEL (esp_scale_add) (float a, const float *x, float b, int64_t n, float *y);
void ESP_KERNEL (esp_scale) (float a, int64_t n, float *y);
void ESP_KERNEL (esp_finish_row) (const float *x, const float *bias, EspActivation activation,
                                  const float *gate, bool accumulate, int64_t n, float *y);
void ESP_KERNEL (esp_norm_row) (const float *x, int64_t n, const float *scale, float scale_offset,
                                const float *shift, float eps, float *y);
void ESP_KERNEL (esp_rms_row) (const float *x, int64_t n, const float *weight, float eps, float *y);
void ESP_KERNEL (esp_head_norm_row) (const float *x, int64_t heads, int64_t head_dim,
                                     const float *weight, float eps, const float *cosine,
                                     const float *sine, float *y);
float ESP_KERNEL (esp_dot) (const float *x, const float *w, int64_t n);
float ESP_KERNEL (esp_dot_bf16) (const float *x, const uint16_t *w, int64_t n);
extern const EspDecodeBlocks ESP_KERNEL (esp_decode_blocks)[ESP_DTYPE_COUNT];
void ESP_KERNEL (esp_expand_groups) (const int8_t *q, const float *scales, const float *minimums,
                                     int group, int64_t n, float *y);
void ESP_KERNEL (esp_widen_weights) (EspDType dtype, const void *x, float scale, int64_t n,
                                     float *y);
void ESP_KERNEL (esp_tile) (int rows, int64_t k, const float *a, int64_t lda, const float *b,
                            const float *next, bool accumulate, float *c, int64_t ldc);
void ESP_KERNEL (esp_pack_transposed) (const float *x, int64_t stride, int64_t count, int64_t depth,
                                       float *panel);
float ESP_KERNEL (esp_softmax_piece) (float *s, int64_t n, float scale, const float *bias,
                                      float *maximum, float *sum);
void ESP_KERNEL (esp_group_norm) (const float *x, int64_t x_step, int64_t pixels, int64_t n,
                                  const float *mean, const float *factor, const float *bias,
                                  bool silu, float *y, int64_t y_step);
void ESP_KERNEL (esp_channel_sums) (const float *x, int64_t pixels, int64_t n, const float *shift,
                                    double *sum, double *square);
void ESP_KERNEL (esp_winograd_input) (const float *x, int64_t row_step, int64_t pixel_step,
                                      int64_t channels, float *v, int64_t point_step);
void ESP_KERNEL (esp_winograd_weights) (const float *w, int64_t in, float *u, int64_t point_step);
void ESP_KERNEL (esp_winograd_output) (const float *m, int64_t point_step, const float *bias,
                                       bool accumulate, int64_t channels, int rows, int cols,
                                       float *y, int64_t row_step, int64_t pixel_step);
