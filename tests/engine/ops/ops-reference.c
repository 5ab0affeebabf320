/* SPDX-License-Identifier: MIT */
/* ops-reference.c: see ops-reference.h. Nothing here is fast; every line should be checkable
 * against the comments in ops.h. */
#include "ops-reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double
get (const EspTensor *x, int64_t row, int64_t col)
{
  int64_t i = row * x->stride + col;
  float value;

  if (x->dtype == ESP_F32)
    return ((const float *) x->data)[i];
  esp_to_f32 (x->dtype, (const uint16_t *) x->data + i, &value, 1);
  return value;
}

/* The nearest number of 16 bits that is no bf16, ties to even; not by the engine's own function,
 * which is measured by this. */
static uint16_t
narrow_half (float value)
{
  unsigned sign = signbit (value) ? 0x8000 : 0;
  float magnitude = fabsf (value);
  int exponent;

  if (isnan (value))
    return (uint16_t) (sign | 0x7e00);
  if (magnitude >= 65520.0f)
    return (uint16_t) (sign | 0x7c00);
  if (magnitude < 0x1p-14f)
    return (uint16_t) (sign | (unsigned) nearbyintf (magnitude * 0x1p24f));
  magnitude = nearbyintf (frexpf (magnitude, &exponent) * 0x1p11f);
  return (uint16_t) (sign | (((unsigned) (exponent + 14) << 10) + (unsigned) magnitude - 1024));
}

/* The nearest number of 16 bits, ties to even. */
static uint16_t
narrow_bits (EspDType dtype, float value)
{
  uint16_t bits;

  if (dtype == ESP_BF16)
    esp_f32_to_bf16 (&value, &bits, 1);
  else
    bits = narrow_half (value);
  return bits;
}

static void
put (const EspTensor *y, int64_t row, int64_t col, double value)
{
  int64_t i = row * y->stride + col;
  float narrow = (float) value;

  if (y->dtype == ESP_F32)
    ((float *) y->data)[i] = narrow;
  else
    ((uint16_t *) y->data)[i] = narrow_bits (y->dtype, narrow);
}

/* A value as an operand of a product. */
static double
operand (const EspDevice *device, double value)
{
  float wide = (float) value;
  uint16_t narrow;

  if (device->compute == ESP_F32)
    return value;
  narrow = narrow_bits (device->compute, wide);
  esp_to_f32 (device->compute, &narrow, &wide, 1);
  return wide;
}

static bool
failed (const EspDevice *device)
{
  return device->error.status != ESP_OK;
}

/* Numbers to work in, freed by the caller; NULL with a sticky error. */
static double *
scratch (EspDevice *device, int64_t count)
{
  double *values = malloc ((size_t) (count + 1) * sizeof *values);

  if (values == NULL)
    esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory");
  return values;
}

/* --- Memory ------------------------------------------------------------------------------------
 */

static void
destroy (EspDevice *device)
{
  free (device);
}

static void *
allocate (EspDevice *device, size_t bytes)
{
  void *memory;

  if (failed (device))
    return NULL;
  memory = bytes < SIZE_MAX / 2 ? aligned_alloc (64, (bytes / 64 + 1) * 64) : NULL;
  if (memory == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for %zu bytes", bytes);
      return NULL;
    }
  device->allocated += bytes;
  if (device->allocated > device->peak)
    device->peak = device->allocated;
  return memory;
}

static void
release (EspDevice *device, void *memory, size_t bytes)
{
  if (memory == NULL)
    return;
  free (memory);
  device->allocated -= bytes;
}

static void
upload (EspDevice *device, const float *host, EspTensor y)
{
  if (failed (device))
    return;
  for (int64_t r = 0; r < y.rows; r++)
    for (int64_t c = 0; c < y.cols; c++)
      put (&y, r, c, host[r * y.cols + c]);
}

static void
download (EspDevice *device, EspTensor x, float *host)
{
  if (failed (device))
    return;
  for (int64_t r = 0; r < x.rows; r++)
    for (int64_t c = 0; c < x.cols; c++)
      host[r * x.cols + c] = (float) get (&x, r, c);
}

static void
synchronize (EspDevice *device)
{
}

/* --- Weights -----------------------------------------------------------------------------------
 */

/* A prepared layer is its weights and biases, each stacked and widened. */
typedef struct Prepared
{
  float *weight, *bias;
  size_t weight_bytes, bias_bytes;
} Prepared;

static void
widen (EspDevice *device, const EspWeight *weight, float *target)
{
  int64_t bad = esp_find_non_finite (weight->dtype, weight->data, weight->count);

  if (bad >= 0)
    esp_device_fail (device, ESP_ERROR_NUMERIC, "%s: tensor %s has NaN or infinity at index %lld",
                     weight->file, weight->name, (long long) bad);
  else
    esp_weight_to_f32 (weight, 0, weight->count, target);
}

static void
release_prepared (EspDevice *device, void **prepared)
{
  Prepared *layer = *prepared;

  if (layer == NULL)
    return;
  release (device, layer->weight, layer->weight_bytes);
  release (device, layer->bias, layer->bias_bytes);
  free (layer);
  *prepared = NULL;
}

static Prepared *
prepare_parts (EspDevice *device, int parts, const EspWeight *const *weight,
               const EspWeight *const *bias, int64_t out, int64_t per_out)
{
  Prepared *layer = calloc (1, sizeof *layer);
  int64_t first = 0;

  if (layer == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory");
      return NULL;
    }
  layer->weight_bytes = (size_t) (out * per_out) * sizeof (float);
  layer->bias_bytes = (size_t) out * sizeof (float);
  layer->weight = allocate (device, layer->weight_bytes);
  layer->bias = allocate (device, layer->bias_bytes);
  for (int p = 0; p < parts && !failed (device); p++)
    {
      int64_t count = weight[p]->count / per_out;

      widen (device, weight[p], layer->weight + first * per_out);
      if (bias[p] != NULL)
        widen (device, bias[p], layer->bias + first);
      else
        memset (layer->bias + first, 0, (size_t) count * sizeof (float));
      first += count;
    }
  return layer;
}

static void
prepare_linear (EspDevice *device, EspLinear *linear)
{
  if (failed (device))
    return;
  linear->prepared = prepare_parts (device, linear->parts, linear->weight, linear->bias,
                                    linear->out, linear->in);
  for (int64_t i = 0; !failed (device) && i < linear->out * linear->in; i++)
    {
      float *weight = ((Prepared *) linear->prepared)->weight;

      weight[i] = (float) operand (device, weight[i]);
    }
  if (failed (device))
    release_prepared (device, &linear->prepared);
}

static void
release_linear (EspDevice *device, EspLinear *linear)
{
  release_prepared (device, &linear->prepared);
}

static void
prepare_conv (EspDevice *device, EspConv *conv)
{
  if (failed (device))
    return;
  conv->prepared = prepare_parts (device, 1, &conv->weight, &conv->bias, conv->out,
                                  conv->in * conv->kernel * conv->kernel);
  if (failed (device))
    release_prepared (device, &conv->prepared);
}

static void
release_conv (EspDevice *device, EspConv *conv)
{
  release_prepared (device, &conv->prepared);
}

static void
gather_rows (EspDevice *device, const EspWeight *table, const int32_t *ids, EspTensor y)
{
  float *row;

  if (failed (device))
    return;
  row = allocate (device, (size_t) y.cols * sizeof *row);
  for (int64_t r = 0; row != NULL && r < y.rows; r++)
    {
      esp_weight_to_f32 (table, ids[r] * y.cols, y.cols, row);
      for (int64_t c = 0; c < y.cols; c++)
        put (&y, r, c, row[c]);
    }
  release (device, row, (size_t) y.cols * sizeof *row);
}

/* --- Products ----------------------------------------------------------------------------------
 */

static double
activated (EspActivation activation, double x)
{
  switch (activation)
    {
    case ESP_ACTIVATION_SILU:
      return x / (1 + exp (-x));
    case ESP_ACTIVATION_GELU_TANH:
      return 0.5 * x * (1 + tanh (sqrt (2 / M_PI) * (x + 0.044715 * x * x * x)));
    case ESP_ACTIVATION_GELU_ERF:
      return 0.5 * x * (1 + erf (x / sqrt (2)));
    case ESP_ACTIVATION_QUICK_GELU:
      return x / (1 + exp (-1.702 * x));
    case ESP_ACTIVATION_NONE:
      break;
    }
  return x;
}

/* A weight's numbers as operands; freed by the caller. */
static double *
operands_of (EspDevice *device, const EspWeight *weight)
{
  double *values = scratch (device, weight->count);
  float *wide = malloc ((size_t) (weight->count + 1) * sizeof *wide);

  if (values != NULL && wide != NULL)
    {
      esp_weight_to_f32 (weight, 0, weight->count, wide);
      for (int64_t i = 0; i < weight->count; i++)
        values[i] = operand (device, wide[i]);
    }
  free (wide);
  return values;
}

/* sums [rows, out] += strength·up·(down·x). */
static void
add_adapter (EspDevice *device, EspTensor x, const EspLinear *layer, const EspAdapter *adapter,
             double *sums)
{
  int64_t rank = adapter->down->count / layer->in;
  double *down = operands_of (device, adapter->down), *up = operands_of (device, adapter->up);
  double *narrow = scratch (device, rank), *row = scratch (device, layer->in);

  for (int64_t r = 0; !failed (device) && r < x.rows; r++)
    {
      for (int64_t i = 0; i < layer->in; i++)
        row[i] = operand (device, get (&x, r, i));
      for (int64_t k = 0; k < rank; k++)
        {
          narrow[k] = 0;
          for (int64_t i = 0; i < layer->in; i++)
            narrow[k] += row[i] * down[k * layer->in + i];
          narrow[k] = operand (device, adapter->strength * (float) narrow[k]);
        }
      for (int64_t c = 0; c < adapter->out; c++)
        for (int64_t k = 0; k < rank; k++)
          sums[r * layer->out + adapter->first + c] += up[c * rank + k] * narrow[k];
    }
  free (down);
  free (up);
  free (narrow);
  free (row);
}

/* What all adapters add, [rows, out]; freed by the caller. NULL without any. */
static double *
adapter_sums (EspDevice *device, EspTensor x, const EspLinear *layer)
{
  double *sums = layer->adapter_count > 0 ? scratch (device, x.rows * layer->out) : NULL;

  if (sums != NULL)
    memset (sums, 0, (size_t) (x.rows * layer->out) * sizeof *sums);
  for (int i = 0; sums != NULL && i < layer->adapter_count; i++)
    add_adapter (device, x, layer, &layer->adapters[i], sums);
  return sums;
}

static void
linear (EspDevice *device, EspTensor x, const EspLinear *layer, const EspEpilogue *epilogue,
        EspTensor y)
{
  static const EspEpilogue plain = { ESP_ACTIVATION_NONE, NULL, false };
  const Prepared *prepared = layer->prepared;

  if (failed (device))
    return;
  if (prepared == NULL)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "linear: the layer was not prepared");
      return;
    }
  epilogue = epilogue != NULL ? epilogue : &plain;
  double *row = scratch (device, x.cols), *added = adapter_sums (device, x, layer);
  for (int64_t r = 0; row != NULL && !failed (device) && r < x.rows; r++)
    {
      for (int64_t i = 0; i < layer->in; i++)
        row[i] = operand (device, get (&x, r, i));
      for (int64_t c = 0; c < layer->out; c++)
        {
          double sum = prepared->bias[c];

          for (int64_t i = 0; i < layer->in; i++)
            sum += row[i] * prepared->weight[c * layer->in + i];
          if (added != NULL)
            sum += added[r * layer->out + c];
          sum = activated (epilogue->activation, sum);
          if (epilogue->gate != NULL)
            sum *= epilogue->gate[c];
          if (epilogue->accumulate)
            sum += get (&y, r, c);
          put (&y, r, c, sum);
        }
    }
  free (row);
  free (added);
}

/* One head of q, k or v as operands: [rows, head_dim]. */
static double *
head_operands (EspDevice *device, const EspTensor *x, int64_t head, int64_t head_dim)
{
  double *values = scratch (device, x->rows * head_dim);

  for (int64_t r = 0; values != NULL && r < x->rows; r++)
    for (int64_t d = 0; d < head_dim; d++)
      values[r * head_dim + d] = operand (device, get (x, r, head * head_dim + d));
  return values;
}

/* The softmax of query i's logits into weights[0 … keys); returns their sum. */
static double
softmax (const EspAttention *a, int64_t head, int64_t i, int64_t keys, const double *q,
         const double *k, double *weights)
{
  double largest = -INFINITY, total = 0;

  for (int64_t j = 0; j < keys; j++)
    {
      double dot = 0;

      for (int64_t d = 0; d < a->head_dim; d++)
        dot += q[i * a->head_dim + d] * k[j * a->head_dim + d];
      weights[j] = dot * a->scale;
      if (a->relative_bias != NULL)
        weights[j] += a->relative_bias[head * (a->q.rows + a->k.rows - 1) + j - i + a->q.rows - 1];
      largest = fmax (largest, weights[j]);
    }
  for (int64_t j = 0; j < keys; j++)
    {
      weights[j] = exp (weights[j] - largest);
      total += weights[j];
    }
  return total;
}

static void
attend_head (EspDevice *device, const EspAttention *a, int64_t head)
{
  double *q = head_operands (device, &a->q, head, a->head_dim);
  double *k = head_operands (device, &a->k, head, a->head_dim);
  double *v = head_operands (device, &a->v, head, a->head_dim);
  double *weights = scratch (device, a->k.rows);

  for (int64_t i = 0; i < a->q.rows && !failed (device); i++)
    {
      int64_t keys = a->causal ? i + 1 : a->k.rows;
      double total = softmax (a, head, i, keys, q, k, weights);

      for (int64_t j = 0; j < keys; j++)
        weights[j] = operand (device, weights[j]);
      for (int64_t d = 0; d < a->head_dim; d++)
        {
          double sum = 0;

          for (int64_t j = 0; j < keys; j++)
            sum += weights[j] * v[j * a->head_dim + d];
          put (&a->out, i, head * a->head_dim + d, sum / total);
        }
    }
  free (q);
  free (k);
  free (v);
  free (weights);
}

static void
attention (EspDevice *device, const EspAttention *a)
{
  for (int64_t head = 0; head < a->heads && !failed (device); head++)
    attend_head (device, a, head);
}

/* --- Norms -------------------------------------------------------------------------------------
 */

static void
norm (EspDevice *device, EspTensor x, const float *scale, double scale_offset, const float *shift,
      double eps, EspTensor y)
{
  if (failed (device))
    return;
  for (int64_t r = 0; r < x.rows; r++)
    {
      double mean = 0, variance = 0;

      for (int64_t c = 0; c < x.cols; c++)
        mean += get (&x, r, c) / (double) x.cols;
      for (int64_t c = 0; c < x.cols; c++)
        variance += pow (get (&x, r, c) - mean, 2) / (double) x.cols;
      for (int64_t c = 0; c < x.cols; c++)
        put (&y, r, c,
             (get (&x, r, c) - mean) / sqrt (variance + eps)
                     * (scale != NULL ? scale[c] + scale_offset : 1)
                 + (shift != NULL ? shift[c] : 0));
    }
}

static void
layer_norm (EspDevice *device, EspTensor x, const float *weight, const float *bias, float eps,
            EspTensor y)
{
  norm (device, x, weight, 0, bias, eps, y);
}

static void
modulated_norm (EspDevice *device, EspTensor x, const float *shift, const float *scale, float eps,
                EspTensor y)
{
  norm (device, x, scale, 1, shift, eps, y);
}

static void
head_norm_rope (EspDevice *device, EspTensor x, int64_t head_dim, const float *weight, float eps,
                const float *cosine, const float *sine, EspTensor y)
{
  double *values;

  if (failed (device))
    return;
  values = malloc ((size_t) head_dim * sizeof *values);
  if (values == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory");
      return;
    }
  for (int64_t r = 0; r < x.rows; r++)
    for (int64_t first = 0; first < x.cols; first += head_dim)
      {
        double squares = 0;

        for (int64_t i = 0; i < head_dim; i++)
          squares += pow (get (&x, r, first + i), 2);
        for (int64_t i = 0; i < head_dim; i++)
          values[i] = get (&x, r, first + i) / sqrt (squares / (double) head_dim + eps) * weight[i];
        for (int64_t i = 0; i < head_dim; i++)
          {
            double value = values[i];

            if (cosine != NULL)
              {
                int64_t angle = r * (head_dim / 2) + i / 2;
                value = i % 2 == 0 ? value * cosine[angle] - values[i + 1] * sine[angle]
                                   : value * cosine[angle] + values[i - 1] * sine[angle];
              }
            put (&y, r, first + i, value);
          }
      }
  free (values);
}

static void
rms_norm (EspDevice *device, EspTensor x, const float *weight, float eps, EspTensor y)
{
  head_norm_rope (device, x, x.cols, weight, eps, NULL, NULL, y);
}

/* --- Element by element ------------------------------------------------------------------------
 */

static void
activate (EspDevice *device, EspTensor x, EspActivation activation, EspTensor y)
{
  if (failed (device))
    return;
  for (int64_t r = 0; r < x.rows; r++)
    for (int64_t c = 0; c < x.cols; c++)
      put (&y, r, c, activated (activation, get (&x, r, c)));
}

static void
multiply (EspDevice *device, EspTensor a, EspTensor b, EspTensor y)
{
  if (failed (device))
    return;
  for (int64_t r = 0; r < a.rows; r++)
    for (int64_t c = 0; c < a.cols; c++)
      put (&y, r, c, get (&a, r, c) * get (&b, r, c));
}

static void
scale_add (EspDevice *device, float a, EspTensor x, float b, EspTensor y)
{
  if (failed (device))
    return;
  for (int64_t r = 0; r < x.rows; r++)
    for (int64_t c = 0; c < x.cols; c++)
      put (&y, r, c, a * get (&x, r, c) + (b != 0 ? b * get (&y, r, c) : 0));
}

static void
distance (EspDevice *device, EspTensor x, EspTensor y, double sums[2])
{
  sums[0] = sums[1] = 0;
  if (failed (device))
    return;
  for (int64_t r = 0; r < x.rows; r++)
    for (int64_t c = 0; c < x.cols; c++)
      {
        sums[0] += fabs ((double) get (&x, r, c) - (double) get (&y, r, c));
        sums[1] += fabs ((double) get (&y, r, c));
      }
}

/* --- Images ------------------------------------------------------------------------------------
 */

/* A pixel of what is convolved: doubled and normalised as asked for. */
static double
conv_input (const EspTensor *x, EspGrid grid, const EspConv *conv, const EspGroupNorm *norm,
            int64_t image, int64_t row, int64_t col, int64_t channel)
{
  int64_t scale = conv->doubled ? 2 : 1, group;
  double value, mean, variance;

  if (row < 0 || row >= scale * grid.height || col < 0 || col >= scale * grid.width)
    return 0;
  value = get (x, (image * grid.height + row / scale) * grid.width + col / scale, channel);
  if (norm == NULL)
    return value;
  group = channel / (conv->in / norm->groups);
  mean = norm->moments[2 * group];
  variance = norm->moments[2 * group + 1];
  value
      = (value - mean) / sqrt (variance + norm->eps) * norm->weight[channel] + norm->bias[channel];
  return norm->silu ? activated (ESP_ACTIVATION_SILU, value) : value;
}

static double
convolved (const EspTensor *x, EspGrid grid, const EspConv *conv, const EspGroupNorm *norm,
           int64_t image, int64_t top, int64_t left, int64_t out)
{
  const Prepared *prepared = conv->prepared;
  double sum = prepared->bias[out];

  for (int64_t i = 0; i < conv->in; i++)
    for (int64_t dy = 0; dy < conv->kernel; dy++)
      for (int64_t dx = 0; dx < conv->kernel; dx++)
        sum += conv_input (x, grid, conv, norm, image, top + dy, left + dx, i)
               * prepared->weight[((out * conv->in + i) * conv->kernel + dy) * conv->kernel + dx];
  return sum;
}

static void
conv2d (EspDevice *device, EspTensor x, EspGrid grid, const EspConv *conv, const EspGroupNorm *norm,
        bool accumulate, EspTensor y)
{
  int64_t scale = conv->doubled ? 2 : 1;
  int64_t height
      = (scale * grid.height + conv->pad_top + conv->pad_bottom - conv->kernel) / conv->stride + 1;
  int64_t width
      = (scale * grid.width + conv->pad_left + conv->pad_right - conv->kernel) / conv->stride + 1;

  if (failed (device))
    return;
  if (conv->prepared == NULL)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "conv2d: the layer was not prepared");
      return;
    }
  for (int64_t r = 0; r < grid.batch * height * width; r++)
    for (int64_t out = 0; out < conv->out; out++)
      {
        double sum = convolved (&x, grid, conv, norm, r / (height * width),
                                r / width % height * conv->stride - conv->pad_top,
                                r % width * conv->stride - conv->pad_left, out);

        put (&y, r, out, accumulate ? sum + get (&y, r, out) : sum);
      }
}

static void
group_moments (EspDevice *device, EspTensor x, int64_t groups, float *moments)
{
  int64_t per_group = x.cols / groups;

  if (failed (device))
    return;
  for (int64_t g = 0; g < groups; g++)
    {
      double mean = 0, variance = 0, count = 0;

      for (int pass = 0; pass < 2; pass++)
        {
          for (int64_t r = 0; r < x.rows; r++)
            for (int64_t c = g * per_group; c < (g + 1) * per_group; c++)
              if (pass == 0)
                {
                  mean += get (&x, r, c);
                  count++;
                }
              else
                variance += pow (get (&x, r, c) - mean, 2);
          if (pass == 0)
            mean /= count;
        }
      moments[2 * g] = (float) mean;
      moments[2 * g + 1] = (float) (variance / count);
    }
}

static void
group_norm (EspDevice *device, EspTensor x, int64_t groups, const float *moments,
            const float *weight, const float *bias, float eps, bool silu, EspTensor y)
{
  if (failed (device))
    return;
  for (int64_t r = 0; r < x.rows; r++)
    for (int64_t c = 0; c < x.cols; c++)
      {
        const float *moment = moments + c / (x.cols / groups) * 2;
        double value
            = (get (&x, r, c) - moment[0]) / sqrt ((double) moment[1] + eps) * weight[c] + bias[c];

        put (&y, r, c, silu ? activated (ESP_ACTIVATION_SILU, value) : value);
      }
}

static void
copy_window (EspDevice *device, EspTensor x, EspGrid grid, int64_t batch_index, int64_t top,
             int64_t left, EspGrid window, EspTensor y)
{
  if (failed (device))
    return;
  for (int64_t row = 0; row < window.height; row++)
    for (int64_t col = 0; col < window.width; col++)
      for (int64_t c = 0; c < y.cols; c++)
        put (&y, (window.batch * window.height + row) * window.width + col, c,
             get (&x, (batch_index * grid.height + top + row) * grid.width + left + col, c));
}

static const EspOps reference_ops = {
  .name = "reference",
  .destroy = destroy,
  .allocate = allocate,
  .release = release,
  .upload = upload,
  .download = download,
  .synchronize = synchronize,
  .prepare_linear = prepare_linear,
  .release_linear = release_linear,
  .prepare_conv = prepare_conv,
  .release_conv = release_conv,
  .gather_rows = gather_rows,
  .linear = linear,
  .attention = attention,
  .layer_norm = layer_norm,
  .modulated_norm = modulated_norm,
  .rms_norm = rms_norm,
  .head_norm_rope = head_norm_rope,
  .activate = activate,
  .multiply = multiply,
  .scale_add = scale_add,
  .distance = distance,
  .conv2d = conv2d,
  .group_moments = group_moments,
  .group_norm = group_norm,
  .copy_window = copy_window,
};

EspStatus
esp_reference_device_new (EspCompute compute, EspDevice **device, EspError *error)
{
  *device = calloc (1, sizeof **device);
  if (*device == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the reference device");
  (*device)->ops = &reference_ops;
  (*device)->compute = compute == ESP_COMPUTE_BF16 ? ESP_BF16 : ESP_F32;
  (*device)->threads = 1;
  snprintf ((*device)->description, sizeof (*device)->description, "plain loops");
  return ESP_OK;
}
