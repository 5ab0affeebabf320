/* SPDX-License-Identifier: MIT */
/* elements.c: kernels that treat every number on its own. */
#include "ops/cpu/kernels/parts.h"
#include "ops/cpu/kernels/vector.h"

#include <math.h>

void
ESP_KERNEL (esp_widen_bf16) (const uint16_t *x, int64_t n, float *y)
{
  for (int64_t i = 0; i < n; i++)
    {
      uint32_t bits = (uint32_t) x[i] << 16;
      memcpy (&y[i], &bits, sizeof bits);
    }
}

/* Round to nearest even: add half of the last kept place, a little less when that place is even. A
 * NaN keeps its sign and becomes quiet. */
static inline uint32_t
rounded_bits (float x)
{
  uint32_t bits;

  memcpy (&bits, &x, sizeof bits);
  uint32_t rounded = bits + 0x7fff + ((bits >> 16) & 1);
  return (bits & 0x7fffffff) > 0x7f800000 ? (bits | 0x00400000) & 0xffff0000 : rounded & 0xffff0000;
}

void
ESP_KERNEL (esp_narrow_bf16) (const float *x, int64_t n, uint16_t *y)
{
  for (int64_t i = 0; i < n; i++)
    y[i] = (uint16_t) (rounded_bits (x[i]) >> 16);
}

void
ESP_KERNEL (esp_round_bf16) (const float *x, int64_t n, float *y)
{
  for (int64_t i = 0; i < n; i++)
    {
      uint32_t bits = rounded_bits (x[i]);
      memcpy (&y[i], &bits, sizeof bits);
    }
}

/* GELU's tanh form is x·sigmoid (2·√(2/π)·(x + 0.044715·x³)) because (1 + tanh u)/2 = sigmoid (2u);
 * so three of the four are x times a sigmoid. */
static inline vfloat
activated (EspActivation activation, vfloat x)
{
  switch (activation)
    {
    case ESP_ACTIVATION_SILU:
      return vsigmoid_times (x, x);
    case ESP_ACTIVATION_GELU_TANH:
      return vsigmoid_times (x, x * (1.5957691216f + 0.0713548163f * x * x));
    case ESP_ACTIVATION_QUICK_GELU:
      return vsigmoid_times (x, x * 1.702f);
    case ESP_ACTIVATION_GELU_ERF:
      {
        /* No model that the engine runs today has it in a hot place: the C library's erf does. */
        float part[VN];

        vstore (part, x);
        for (int i = 0; i < VN; i++)
          part[i] = 0.5f * part[i] * (1.0f + erff (part[i] * 0.70710678f));
        return vload (part);
      }
    case ESP_ACTIVATION_NONE:
      break;
    }
  return x;
}

static inline void
activate_all (EspActivation activation, const float *x, int64_t n, float *y)
{
  int64_t i = 0;

  for (; i + VN <= n; i += VN)
    vstore (y + i, activated (activation, vload (x + i)));
  if (i < n)
    vstore_part (y + i, activated (activation, vload_part (x + i, n - i)), n - i);
}

/* A constant activation in each call, so that the compiler makes one loop for each. */
void
ESP_KERNEL (esp_activate) (EspActivation activation, const float *x, int64_t n, float *y)
{
  switch (activation)
    {
    case ESP_ACTIVATION_SILU:
      activate_all (ESP_ACTIVATION_SILU, x, n, y);
      break;
    case ESP_ACTIVATION_GELU_TANH:
      activate_all (ESP_ACTIVATION_GELU_TANH, x, n, y);
      break;
    case ESP_ACTIVATION_GELU_ERF:
      activate_all (ESP_ACTIVATION_GELU_ERF, x, n, y);
      break;
    case ESP_ACTIVATION_QUICK_GELU:
      activate_all (ESP_ACTIVATION_QUICK_GELU, x, n, y);
      break;
    case ESP_ACTIVATION_NONE:
      if (x != y)
        memmove (y, x, (size_t) n * sizeof *x);
      break;
    }
}

void
ESP_KERNEL (esp_multiply) (const float *a, const float *b, int64_t n, float *y)
{
  for (int64_t i = 0; i < n; i++)
    y[i] = a[i] * b[i];
}

void
ESP_KERNEL (esp_scale_add) (float a, const float *x, float b, int64_t n, float *y)
{
  if (b == 0.0f && a == 1.0f)
    memmove (y, x, (size_t) n * sizeof *x);
  else if (b == 0.0f)
    for (int64_t i = 0; i < n; i++)
      y[i] = a * x[i];
  else
    for (int64_t i = 0; i < n; i++)
      y[i] = a * x[i] + b * y[i];
}

void
ESP_KERNEL (esp_scale) (float a, int64_t n, float *y)
{
  for (int64_t i = 0; i < n; i++)
    y[i] *= a;
}

static inline void
finish_all (const float *x, const float *bias, EspActivation activation, const float *gate,
            bool accumulate, int64_t n, float *y)
{
  for (int64_t i = 0; i < n; i += VN)
    {
      int64_t left = n - i;
      bool whole = left >= VN;
      vfloat t = whole ? vload (x + i) : vload_part (x + i, left);

      if (bias != NULL)
        t += whole ? vload (bias + i) : vload_part (bias + i, left);
      t = activated (activation, t);
      if (gate != NULL)
        t *= whole ? vload (gate + i) : vload_part (gate + i, left);
      if (accumulate)
        t += whole ? vload (y + i) : vload_part (y + i, left);
      if (whole)
        vstore (y + i, t);
      else
        vstore_part (y + i, t, left);
    }
}

void
ESP_KERNEL (esp_finish_row) (const float *x, const float *bias, EspActivation activation,
                             const float *gate, bool accumulate, int64_t n, float *y)
{
  switch (activation)
    {
    case ESP_ACTIVATION_GELU_TANH:
      finish_all (x, bias, ESP_ACTIVATION_GELU_TANH, gate, accumulate, n, y);
      break;
    case ESP_ACTIVATION_NONE:
      finish_all (x, bias, ESP_ACTIVATION_NONE, gate, accumulate, n, y);
      break;
    default:
      finish_all (x, bias, activation, gate, accumulate, n, y);
      break;
    }
}
