/* SPDX-License-Identifier: MIT */
/* cpu-linear.c: linear layers. Three ways, by how many rows there are and how much memory (in bf16
 * on a matrix unit the packing is our own, cpu-matrix.c, and nothing is multiplied in place):
 *
 * - up to VECTOR_ROWS rows (timestep, guidance and modulation layers): dot products with the mapped
 *   file as it is, bound by memory; nothing is ever packed for them;
 * - more rows, the first time within the weight budget: the weight is packed in oneDNN's own layout
 *   and stays so;
 * - beyond the budget: bf16 files are multiplied in place, others packed stretch by stretch into
 *   scratch memory at every call.
 */
#include "ops/cpu/cpu-matrix.h"
#include "ops/cpu/cpu-primitive.h"

#include <stdlib.h>
#include <string.h>

enum
{
  VECTOR_ROWS = 4,
  MATRIX_ROWS = 4096,              /* of x packed at once for the matrix unit */
  MATRIX_STREAM_BYTES = 128 << 20, /* of x packed at once where the weight is not kept packed */
  CHUNK_ROWS = 1024,               /* rows of a product that waits for its epilogue */
  STREAM_ELEMENTS = 8 << 20,       /* of a weight packed for one call */
  CONVERT_ELEMENTS = 64 << 10,     /* of a weight that one thread converts at once */
};

typedef struct CpuLinear
{
  float *bias; /* [out], all parts; NULL if no part has one */
  size_t bias_bytes;
  bool packing_tried;
  void *packed;
  size_t packed_bytes;
  dnnl_memory_t memory; /* of `packed` */
} CpuLinear;

/* --- Preparing ---------------------------------------------------------------------------------
 */

static bool
check_finite (CpuDevice *cpu, const EspWeight *weight)
{
  int64_t parts = (weight->count + CONVERT_ELEMENTS - 1) / CONVERT_ELEMENTS, bad = INT64_MAX;

#pragma omp parallel for num_threads(esp_cpu_team(cpu, weight->count)) reduction(min : bad)
  for (int64_t part = 0; part < parts; part++)
    {
      int64_t first = part * CONVERT_ELEMENTS;
      int64_t left = weight->count - first;
      int64_t found = esp_find_non_finite (weight->dtype,
                                           (const char *) weight->data
                                               + esp_dtype_bytes (weight->dtype, first),
                                           left < CONVERT_ELEMENTS ? left : CONVERT_ELEMENTS);
      if (found >= 0 && first + found < bad)
        bad = first + found;
    }
  if (bad == INT64_MAX)
    return true;
  esp_device_fail (&cpu->base, ESP_ERROR_NUMERIC, "%s: tensor %s has NaN or infinity at index %lld",
                   weight->file, weight->name, (long long) bad);
  return false;
}

static bool
check_layer (CpuDevice *cpu, const EspLinear *linear)
{
  int64_t out = 0;
  bool fits = linear->parts > 0 && linear->parts <= ESP_LINEAR_MAX_PARTS && linear->in > 0;

  for (int i = 0; fits && i < linear->parts; i++)
    {
      const EspWeight *weight = linear->weight[i], *bias = linear->bias[i];

      fits = weight != NULL && weight->count % linear->in == 0 && weight->dtype != ESP_I32
             && (bias == NULL || bias->count == weight->count / linear->in);
      out += fits ? weight->count / linear->in : 0;
    }
  if (fits && out == linear->out && out > 0)
    return true;
  esp_device_fail (
      &cpu->base, ESP_ERROR_ARGUMENT, "prepare_linear: the parts of %s do not make %lld × %lld",
      linear->parts > 0 && linear->weight[0] != NULL ? linear->weight[0]->name : "a layer",
      (long long) linear->out, (long long) linear->in);
  return false;
}

static bool
stack_bias (CpuDevice *cpu, const EspLinear *linear, CpuLinear *prepared)
{
  bool any = false;
  int64_t first = 0;

  for (int i = 0; i < linear->parts; i++)
    any = any || linear->bias[i] != NULL;
  if (!any)
    return true;
  prepared->bias_bytes = (size_t) linear->out * sizeof *prepared->bias;
  prepared->bias = esp_cpu_allocate (&cpu->base, prepared->bias_bytes);
  if (prepared->bias == NULL)
    return false;
  for (int i = 0; i < linear->parts; i++)
    {
      int64_t out = linear->weight[i]->count / linear->in;

      if (linear->bias[i] == NULL)
        memset (prepared->bias + first, 0, (size_t) out * sizeof *prepared->bias);
      else if (!check_finite (cpu, linear->bias[i]))
        return false;
      else
        esp_weight_to_f32 (linear->bias[i], 0, out, prepared->bias + first);
      first += out;
    }
  return true;
}

void
esp_cpu_prepare_linear (EspDevice *device, EspLinear *linear)
{
  CpuDevice *cpu = (CpuDevice *) device;
  CpuLinear *prepared;
  bool good = true;

  if (device->error.status != ESP_OK || linear->prepared != NULL || !check_layer (cpu, linear))
    return;
  prepared = calloc (1, sizeof *prepared);
  if (prepared == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for %s", linear->weight[0]->name);
      return;
    }
  linear->prepared = prepared;
  for (int i = 0; good && i < linear->parts; i++)
    good = check_finite (cpu, linear->weight[i]);
  if (!good || !stack_bias (cpu, linear, prepared))
    esp_cpu_release_linear (device, linear);
}

void
esp_cpu_release_linear (EspDevice *device, EspLinear *linear)
{
  CpuDevice *cpu = (CpuDevice *) device;
  CpuLinear *prepared = linear->prepared;

  if (prepared == NULL)
    return;
  if (prepared->memory != NULL)
    dnnl_memory_destroy (prepared->memory);
  if (prepared->packed != NULL)
    cpu->weight_used -= prepared->packed_bytes;
  esp_cpu_release (device, prepared->packed, prepared->packed_bytes);
  esp_cpu_release (device, prepared->bias, prepared->bias_bytes);
  free (prepared);
  linear->prepared = NULL;
}

/* --- Weights as operands -----------------------------------------------------------------------
 */

/* True if oneDNN can read the file's numbers where they are. */
static bool
usable_in_place (const EspWeight *weight, EspDType operand)
{
  return weight->dtype == operand
         && (uintptr_t) weight->data % esp_dtype_bytes (weight->dtype, 1) == 0;
}

/* True where f32 operands must hold numbers that are rounded to bf16. */
static bool
rounds_operands (const CpuDevice *cpu)
{
  return cpu->base.compute == ESP_BF16 && cpu->operand == ESP_F32;
}

/* True if the file's numbers are oneDNN's operands as they are. */
static bool
is_operand (const CpuDevice *cpu, const EspWeight *weight)
{
  return usable_in_place (weight, cpu->operand) && !rounds_operands (cpu);
}

/* `count` numbers of a weight from `first` on, in the operand type. */
static void
convert_stretch (const CpuDevice *cpu, const EspWeight *weight, int64_t first, int64_t count,
                 EspDType operand, void *destination)
{
  const char *source = (const char *) weight->data + esp_dtype_bytes (weight->dtype, first);
  float wide[1024];

  if (weight->dtype == operand)
    memcpy (destination, source, esp_dtype_bytes (operand, count));
  else if (operand == ESP_F32)
    esp_weight_to_f32 (weight, first, count, destination);
  else
    for (int64_t i = 0; i < count; i += 1024)
      {
        int64_t n = count - i < 1024 ? count - i : 1024;

        esp_weight_to_f32 (weight, first + i, n, wide);
        cpu->kernels->narrow_bf16 (wide, n, (uint16_t *) destination + i);
      }
  if (rounds_operands (cpu) && weight->dtype != ESP_BF16)
    cpu->kernels->round_bf16 (destination, count, destination);
}

static void
convert_weight (CpuDevice *cpu, const EspWeight *weight, int64_t first, int64_t count,
                EspDType operand, void *destination)
{
  int64_t parts = (count + CONVERT_ELEMENTS - 1) / CONVERT_ELEMENTS;

#pragma omp parallel for num_threads(esp_cpu_team(cpu, count)) schedule(static)
  for (int64_t part = 0; part < parts; part++)
    {
      int64_t start = part * CONVERT_ELEMENTS, left = count - start;

      convert_stretch (cpu, weight, first + start,
                       left < CONVERT_ELEMENTS ? left : CONVERT_ELEMENTS, operand,
                       (char *) destination + esp_dtype_bytes (operand, start));
    }
}

/* Packs all parts, once, if the budget allows. */
static void
try_packing (CpuDevice *cpu, const EspLinear *linear)
{
  CpuLinear *prepared = linear->prepared;
  EspDType operand = cpu->operand;
  CpuLayout plain = CPU_LAYOUT_NONE;
  CpuLayoutRef packing = esp_cpu_product_packing (cpu, operand, linear->in, linear->out);
  const void *source = linear->weight[0]->data;

  prepared->packing_tried = true;
  if (packing == NULL)
    return;
  size_t bytes = dnnl_memory_desc_get_size (packing);
  if (bytes > cpu->weight_budget || cpu->weight_used > cpu->weight_budget - bytes)
    return;
  if (linear->parts > 1 || !is_operand (cpu, linear->weight[0]))
    {
      char *stacked = esp_cpu_scratch (cpu, SCRATCH_WEIGHT,
                                       esp_dtype_bytes (operand, linear->in * linear->out));
      if (stacked == NULL)
        return;
      source = stacked;
      for (int i = 0; i < linear->parts; i++)
        {
          convert_weight (cpu, linear->weight[i], 0, linear->weight[i]->count, operand, stacked);
          stacked += esp_dtype_bytes (operand, linear->weight[i]->count);
        }
    }
  prepared->packed = esp_cpu_allocate (&cpu->base, bytes);
  if (prepared->packed == NULL)
    return;
  prepared->packed_bytes = bytes;
  cpu->weight_used += bytes;
  esp_cpu_plain_weights (cpu, operand, linear->in, linear->out, &plain);
  if (cpu->base.error.status == ESP_OK)
    esp_cpu_reorder (cpu, cpu_layout_ref (&plain), source, packing, prepared->packed);
  if (cpu->base.error.status == ESP_OK)
    prepared->memory = esp_cpu_memory (cpu, packing, prepared->packed);
  cpu_layout_clear (&plain);
}

/* --- Few rows ----------------------------------------------------------------------------------
 */

typedef struct VectorPart
{
  const EspWeight *weight;
  int64_t rows, in, out; /* out: of this part */
  const float *x;        /* [rows, in] */
  float *y;              /* [rows, y_stride], at this part's columns */
  int64_t y_stride;
} VectorPart;

/* Outputs [first, last) of a part: each weight row is read once for all x rows. */
static void
vector_outputs (const CpuDevice *cpu, const VectorPart *part, int64_t first, int64_t last,
                float *wide)
{
  const EspWeight *weight = part->weight;
  size_t row_bytes = esp_dtype_bytes (weight->dtype, part->in);
  bool rounded = cpu->base.compute == ESP_BF16;

  for (int64_t out = first; out < last; out++)
    {
      const void *row = (const char *) weight->data + (size_t) out * row_bytes;
      const float *w = row;
      bool narrow = usable_in_place (weight, ESP_BF16);

      if (!narrow && (rounded || !usable_in_place (weight, ESP_F32)))
        {
          esp_weight_to_f32 (weight, out * part->in, part->in, wide);
          if (rounded)
            cpu->kernels->round_bf16 (wide, part->in, wide);
          w = wide;
        }
      for (int64_t i = 0; i < part->rows; i++)
        {
          const float *x = part->x + i * part->in;

          part->y[i * part->y_stride + out] = narrow ? cpu->kernels->dot_bf16 (x, row, part->in)
                                                     : cpu->kernels->dot (x, w, part->in);
        }
    }
}

static void
vector_linear (CpuDevice *cpu, const EspTensor *x, const EspLinear *linear,
               const EspEpilogue *epilogue, const EspTensor *y)
{
  const CpuLinear *prepared = linear->prepared;
  float *operand
      = esp_cpu_scratch (cpu, SCRATCH_OPERAND, (size_t) (x->rows * linear->in) * sizeof *operand);
  float *result = esp_cpu_scratch (cpu, SCRATCH_RESULT,
                                   (size_t) ((x->rows + 1) * linear->out) * sizeof *result);
  float *wide = esp_cpu_scratch (cpu, SCRATCH_THREADS,
                                 (size_t) (linear->in * cpu->base.threads) * sizeof *wide);
  int64_t first = 0;

  if (operand == NULL || result == NULL || wide == NULL)
    return;
  for (int64_t i = 0; i < x->rows; i++)
    {
      float *row = operand + i * linear->in;
      const float *in = esp_cpu_row (cpu, x, i, 0, linear->in, row);

      if (cpu->base.compute == ESP_BF16)
        cpu->kernels->round_bf16 (in, linear->in, row);
      else if (in != row)
        memcpy (row, in, (size_t) linear->in * sizeof *row);
    }
  for (int p = 0; p < linear->parts; p++)
    {
      VectorPart part
          = { linear->weight[p], x->rows,        linear->in, linear->weight[p]->count / linear->in,
              operand,           result + first, linear->out };
      int team = esp_cpu_team (cpu, part.weight->count);

#pragma omp parallel for num_threads(team) schedule(static)
      for (int member = 0; member < team; member++)
        vector_outputs (cpu, &part, part.out * member / team, part.out * (member + 1) / team,
                        wide + member * linear->in);
      first += part.out;
    }
  for (int64_t i = 0; i < x->rows; i++)
    {
      float *spare = result + x->rows * linear->out;
      float *out = esp_cpu_row_out (y, i, 0, spare);

      if (out == spare && epilogue->accumulate)
        esp_cpu_row (cpu, y, i, 0, linear->out, spare);
      cpu->kernels->finish_row (result + i * linear->out, prepared->bias, epilogue->activation,
                                epilogue->gate, epilogue->accumulate, linear->out, out);
      esp_cpu_row_done (cpu, y, i, 0, linear->out, out);
    }
}

/* --- Many rows ---------------------------------------------------------------------------------
 */

/* One product in flight: some rows of x, in the operand type and dense, times all of the layer. */
typedef struct Multiplication
{
  const EspLinear *linear;
  const void *x;
  int64_t rows;
  const EspEpilogue *epilogue;
  EspTensor y; /* those rows of it */
} Multiplication;

/* The epilogue that oneDNN does not do: result [rows, cols] → y, bias and gate start at its first
 * column. */
static void
finish_rows (CpuDevice *cpu, const EspTensor *result, const float *bias, const float *gate,
             const EspEpilogue *epilogue, const EspTensor *y)
{
  int team = esp_cpu_team (cpu, result->rows * result->cols);
  float *spare = esp_cpu_scratch (cpu, SCRATCH_THREADS, (size_t) (y->cols * team) * sizeof *spare);

  if (spare == NULL)
    return;
#pragma omp parallel for num_threads(team) schedule(static)
  for (int member = 0; member < team; member++)
    for (int64_t i = result->rows * member / team; i < result->rows * (member + 1) / team; i++)
      {
        float *own = spare + member * y->cols;
        float *out = esp_cpu_row_out (y, i, 0, own);

        if (out == own && epilogue->accumulate)
          esp_cpu_row (cpu, y, i, 0, y->cols, own);
        cpu->kernels->finish_row ((const float *) result->data + i * result->stride, bias,
                                  epilogue->activation, gate, epilogue->accumulate, y->cols, out);
        esp_cpu_row_done (cpu, y, i, 0, y->cols, out);
      }
}

/* Columns [first, first + count) of y with weights that are ready. oneDNN writes only dense results
 * fast, does not do activations as exactly as we do, and with a gate takes its reference code on
 * processors without AVX-512: in those cases, and for sums in bf16, the product goes to scratch
 * memory and we finish it. */
static void
multiply_columns (CpuDevice *cpu, const Multiplication *m, int64_t first, int64_t count,
                  dnnl_memory_t weights, bool packed)
{
  const float *bias = ((const CpuLinear *) m->linear->prepared)->bias;
  const float *gate = m->epilogue->gate;
  EspTensor y = esp_tensor_cols (m->y, first, count), result = y;
  bool finish = y.stride != count || m->epilogue->activation != ESP_ACTIVATION_NONE || gate != NULL
                || (y.dtype != ESP_F32 && (m->epilogue->accumulate || cpu->operand == ESP_F32));
  CpuProduct product = { .rows = m->rows,
                         .in = m->linear->in,
                         .out = count,
                         .operand = cpu->operand,
                         .result = finish ? ESP_F32 : y.dtype,
                         .packed = packed };
  CpuPrimitive *primitive;

  bias = bias != NULL ? bias + first : NULL;
  gate = gate != NULL ? gate + first : NULL;
  if (finish)
    {
      result = (EspTensor){ NULL, ESP_F32, m->rows, count, count };
      result.data
          = esp_cpu_scratch (cpu, SCRATCH_RESULT, (size_t) (m->rows * count) * sizeof (float));
      if (result.data == NULL)
        return;
    }
  else
    {
      product.bias = bias != NULL;
      product.accumulate = m->epilogue->accumulate;
    }
  primitive = esp_cpu_product (cpu, &product);
  if (primitive == NULL)
    return;
  esp_cpu_primitive_run (cpu, primitive, m->x, weights, bias, result.data);
  if (finish && cpu->base.error.status == ESP_OK)
    finish_rows (cpu, &result, bias, gate, m->epilogue, &y);
}

/* Rows of a weight as oneDNN takes them: packed into scratch memory, or as they lie. NULL with a
 * sticky error; free with dnnl_memory_destroy (). */
static dnnl_memory_t
rows_memory (CpuDevice *cpu, const void *source, int64_t in, int64_t count, bool packed)
{
  EspDType operand = cpu->operand;
  CpuLayout plain = CPU_LAYOUT_NONE;
  CpuLayoutRef packing;
  dnnl_memory_t memory = NULL;
  void *space;

  esp_cpu_plain_weights (cpu, operand, in, count, &plain);
  if (cpu->base.error.status == ESP_OK && !packed)
    memory = esp_cpu_memory (cpu, cpu_layout_ref (&plain), (void *) (uintptr_t) source);
  else if (cpu->base.error.status == ESP_OK
           && (packing = esp_cpu_product_packing (cpu, operand, in, count)) != NULL
           && (space = esp_cpu_scratch (cpu, SCRATCH_PACKED, dnnl_memory_desc_get_size (packing)))
                  != NULL)
    {
      esp_cpu_reorder (cpu, cpu_layout_ref (&plain), source, packing, space);
      memory = esp_cpu_memory (cpu, packing, space);
    }
  cpu_layout_clear (&plain);
  return memory;
}

/* Multiplies by rows [row, row + count) of a part's weight, which make columns from `first` on. */
static void
multiply_unpacked (CpuDevice *cpu, const Multiplication *m, const EspWeight *weight, int64_t row,
                   int64_t count, int64_t first)
{
  EspDType operand = cpu->operand;
  int64_t in = m->linear->in;
  const char *source = (const char *) weight->data + esp_dtype_bytes (weight->dtype, row * in);
  bool in_place = is_operand (cpu, weight), packed = !(in_place && operand == ESP_BF16);
  dnnl_memory_t memory;

  if (!in_place)
    {
      char *converted
          = esp_cpu_scratch (cpu, SCRATCH_WEIGHT, esp_dtype_bytes (operand, in * count));
      if (converted == NULL)
        return;
      convert_weight (cpu, weight, row * in, in * count, operand, converted);
      source = converted;
    }
  memory = rows_memory (cpu, source, in, count, packed);
  if (memory == NULL)
    return;
  multiply_columns (cpu, m, first, count, memory, packed);
  dnnl_memory_destroy (memory);
}

static void
multiply_all (CpuDevice *cpu, const Multiplication *m)
{
  const CpuLinear *prepared = m->linear->prepared;
  int64_t first = 0, at_once = STREAM_ELEMENTS / m->linear->in / 64 * 64;

  if (prepared->memory != NULL)
    {
      multiply_columns (cpu, m, 0, m->linear->out, prepared->memory, true);
      return;
    }
  at_once = at_once < 64 ? 64 : at_once;
  for (int p = 0; p < m->linear->parts; p++)
    {
      const EspWeight *weight = m->linear->weight[p];
      int64_t out = weight->count / m->linear->in;
      int64_t stretch = cpu->operand == ESP_BF16 && is_operand (cpu, weight) ? out : at_once;

      for (int64_t row = 0; row < out; row += stretch)
        multiply_unpacked (cpu, m, weight, row, out - row < stretch ? out - row : stretch,
                           first + row);
      first += out;
    }
}

/* Rows of x dense and in the operand type: themselves, or copied into scratch memory. */
static const void *
operand_rows (CpuDevice *cpu, EspTensor x)
{
  EspTensor operand = { NULL, cpu->operand, x.rows, x.cols, x.cols };
  bool round = rounds_operands (cpu) && x.dtype == ESP_F32;

  if (x.dtype == operand.dtype && x.stride == x.cols && !round)
    return x.data;
  operand.data
      = esp_cpu_scratch (cpu, SCRATCH_OPERAND, esp_dtype_bytes (operand.dtype, x.rows * x.cols));
  if (operand.data == NULL)
    return NULL;
  esp_cpu_scale_add (&cpu->base, 1.0f, x, 0.0f, operand);
  if (round)
    cpu->kernels->round_bf16 (operand.data, x.rows * x.cols, operand.data);
  return operand.data;
}

static void
matrix_linear (CpuDevice *cpu, EspTensor x, const EspLinear *linear, const EspEpilogue *epilogue,
               EspTensor y)
{
  CpuLinear *prepared = linear->prepared;
  int64_t chunk = x.rows;

  /* What waits for its epilogue should still be in a cache then. */
  if (epilogue->activation != ESP_ACTIVATION_NONE || y.stride != y.cols)
    chunk = CHUNK_ROWS;
  if (!prepared->packing_tried)
    try_packing (cpu, linear);
  for (int64_t row = 0; row < x.rows && cpu->base.error.status == ESP_OK; row += chunk)
    {
      Multiplication m = { .linear = linear, .epilogue = epilogue };

      m.rows = x.rows - row < chunk ? x.rows - row : chunk;
      m.x = operand_rows (cpu, esp_tensor_rows (x, row, m.rows));
      m.y = esp_tensor_rows (y, row, m.rows);
      if (m.x != NULL)
        multiply_all (cpu, &m);
    }
}

/* --- Many rows on a matrix unit ----------------------------------------------------------------
 */

/* Packs all parts, once, if the budget allows and every part starts a panel. */
static void
try_matrix_packing (CpuDevice *cpu, const EspLinear *linear)
{
  CpuLinear *prepared = linear->prepared;
  size_t bytes = (size_t) esp_cpu_matrix_packed_count (linear->in, linear->out) * sizeof (uint16_t);
  uint16_t *packed;

  prepared->packing_tried = true;
  for (int p = 0; p + 1 < linear->parts; p++)
    if (linear->weight[p]->count / linear->in % ESP_MATRIX_PANEL != 0)
      return;
  if (bytes > cpu->weight_budget || cpu->weight_used > cpu->weight_budget - bytes)
    return;
  packed = esp_cpu_allocate (&cpu->base, bytes);
  if (packed == NULL)
    return;
  prepared->packed = packed;
  prepared->packed_bytes = bytes;
  cpu->weight_used += bytes;
  for (int p = 0; p < linear->parts; p++)
    {
      int64_t out = linear->weight[p]->count / linear->in;

      esp_cpu_matrix_pack (cpu, linear->weight[p], linear->in, 0, out, packed);
      packed += esp_cpu_matrix_packed_count (linear->in, out);
    }
}

/* One chunk of rows; `rows` are x's, as esp_cpu_matrix_rows made them. */
static void
matrix_unit_chunk (CpuDevice *cpu, const uint16_t *rows, const EspLinear *linear,
                   const EspEpilogue *epilogue, const CpuRanges *y)
{
  const CpuLinear *prepared = linear->prepared;
  int64_t first = 0, stretch = STREAM_ELEMENTS / linear->in / 64 * 64;

  if (prepared->packed != NULL)
    {
      esp_cpu_matrix_multiply (cpu, rows, linear->in, prepared->packed, prepared->bias, epilogue,
                               y);
      return;
    }
  stretch = stretch < 64 ? 64 : stretch;
  for (int p = 0; p < linear->parts; p++)
    {
      int64_t out = linear->weight[p]->count / linear->in;

      for (int64_t row = 0; row < out; row += stretch)
        {
          int64_t count = out - row < stretch ? out - row : stretch;
          CpuRanges columns = *y;
          EspEpilogue part = *epilogue;
          uint16_t *packed = esp_cpu_scratch (
              cpu, SCRATCH_PACKED,
              (size_t) esp_cpu_matrix_packed_count (linear->in, count) * sizeof *packed);

          if (packed == NULL)
            return;
          columns.view = esp_tensor_cols (y->view, first + row, count);
          part.gate = epilogue->gate != NULL ? epilogue->gate + first + row : NULL;
          esp_cpu_matrix_pack (cpu, linear->weight[p], linear->in, row, count, packed);
          if (cpu->base.error.status == ESP_OK)
            esp_cpu_matrix_multiply (cpu, rows, linear->in, packed,
                                     prepared->bias != NULL ? prepared->bias + first + row : NULL,
                                     &part, &columns);
        }
      first += out;
    }
}

/* How many rows are packed at once. A weight that is packed anew for every chunk should meet as
 * many rows as there is room for. */
static int64_t
matrix_unit_rows (const CpuLinear *prepared, int64_t in)
{
  int64_t room = MATRIX_STREAM_BYTES / ((int64_t) sizeof (uint16_t) * in);

  return prepared->packed == NULL && room > MATRIX_ROWS ? room : MATRIX_ROWS;
}

/* Ranges of at most as many rows in all as go at once. */
static void
matrix_unit_ranges (CpuDevice *cpu, const CpuRanges *x, const EspLinear *linear,
                    const EspEpilogue *epilogue, const CpuRanges *y)
{
  const uint16_t *rows = esp_cpu_matrix_rows (cpu, x);

  if (rows != NULL)
    matrix_unit_chunk (cpu, rows, linear, epilogue, y);
}

static void
matrix_unit_linear (CpuDevice *cpu, EspTensor x, const EspLinear *linear,
                    const EspEpilogue *epilogue, EspTensor y)
{
  const CpuLinear *prepared = linear->prepared;
  const int64_t start = 0;
  int64_t most;

  if (!prepared->packing_tried)
    try_matrix_packing (cpu, linear);
  most = matrix_unit_rows (prepared, linear->in);
  for (int64_t row = 0; row < x.rows && cpu->base.error.status == ESP_OK; row += most)
    {
      int64_t count = x.rows - row < most ? x.rows - row : most;
      CpuRanges in = { esp_tensor_rows (x, row, count), 1, count, &start };
      CpuRanges out = { esp_tensor_rows (y, row, count), 1, count, &start };

      matrix_unit_ranges (cpu, &in, linear, epilogue, &out);
    }
}

void
esp_cpu_linear (EspDevice *device, EspTensor x, const EspLinear *linear,
                const EspEpilogue *epilogue, EspTensor y)
{
  static const EspEpilogue plain = { ESP_ACTIVATION_NONE, NULL, false };
  CpuDevice *cpu = (CpuDevice *) device;

  if (device->error.status != ESP_OK || !esp_cpu_check_view (cpu, "linear", "x", &x)
      || !esp_cpu_check_view (cpu, "linear", "y", &y))
    return;
  if (linear->prepared == NULL)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "linear: the layer %s was not prepared",
                       linear->weight[0] != NULL ? linear->weight[0]->name : "without weights");
      return;
    }
  if (x.cols != linear->in || y.cols != linear->out || x.rows != y.rows)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "linear: %s: x %lld × %lld and y %lld × %lld do not fit %lld → %lld",
                       linear->weight[0]->name, (long long) x.rows, (long long) x.cols,
                       (long long) y.rows, (long long) y.cols, (long long) linear->in,
                       (long long) linear->out);
      return;
    }
  epilogue = epilogue != NULL ? epilogue : &plain;
  if (x.rows == 0)
    return;
  if (x.rows <= VECTOR_ROWS)
    vector_linear (cpu, &x, linear, epilogue, &y);
  else if (cpu->matrix != NULL && cpu->base.compute == ESP_BF16)
    matrix_unit_linear (cpu, x, linear, epilogue, y);
  else
    matrix_linear (cpu, x, linear, epilogue, y);
}

/* Ranges are joined on the matrix unit alone, where a row's result does not know its neighbours;
 * oneDNN may add up otherwise for another number of rows, and a few rows are another code path. */
void
esp_cpu_linear_batch (EspDevice *device, EspTensor x, const EspLinear *linear,
                      const EspEpilogue *epilogue, EspTensor y, const EspBatch *batch)
{
  static const EspEpilogue plain = { ESP_ACTIVATION_NONE, NULL, false };
  CpuDevice *cpu = (CpuDevice *) device;
  CpuLinear *prepared = linear->prepared;
  bool joins = cpu->matrix != NULL && device->compute == ESP_BF16 && prepared != NULL
               && batch->rows > VECTOR_ROWS && x.cols == linear->in && y.cols == linear->out;
  int64_t most, step = 1;

  if (device->error.status != ESP_OK || !esp_cpu_check_view (cpu, "linear_batch", "x", &x)
      || !esp_cpu_check_view (cpu, "linear_batch", "y", &y))
    return;
  if (joins && !prepared->packing_tried)
    try_matrix_packing (cpu, linear);
  most = joins ? matrix_unit_rows (prepared, linear->in) : 0;
  step = batch->rows > 0 && most > batch->rows ? most / batch->rows : 1;
  for (int64_t i = 0; i < batch->count && device->error.status == ESP_OK; i += step)
    {
      int64_t count = batch->count - i < step ? batch->count - i : step;
      CpuRanges in = { x, count, batch->rows, batch->x + i };
      CpuRanges out = { y, count, batch->rows, batch->y + i };

      if (count > 1)
        matrix_unit_ranges (cpu, &in, linear, epilogue != NULL ? epilogue : &plain, &out);
      else
        esp_cpu_linear (device, esp_tensor_rows (x, batch->x[i], batch->rows), linear, epilogue,
                        esp_tensor_rows (y, batch->y[i], batch->rows));
    }
}
