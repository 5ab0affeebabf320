/* SPDX-License-Identifier: MIT */
/* cuda-operands.c: activations and weights as the rows that products read: where they are, if they
 * can be read so, else a copy of another type, padded, in scratch memory.
 */
#include "ops/cuda/cuda-linear.h"

#include "ops/cuda/kernels/blocks.h"

#define WIDEN_NAME(name, elements, bytes) [ESP_##name] = "widen_" #name,

static const char *const widen_kernels[ESP_DTYPE_COUNT] = { CUDA_FORMATS (WIDEN_NAME) };

typedef struct ByteFormat
{
  const char *kernel; /* NULL: none */
  bool affine;
} ByteFormat;

#define BYTES_NAME(name, is_affine) [ESP_##name] = { "bytes_" #name, is_affine },

static const ByteFormat byte_formats[ESP_DTYPE_COUNT] = { CUDA_BYTE_FORMATS (BYTES_NAME) };

size_t
esp_cuda_numbers_size (CudaNumbers numbers)
{
  static const size_t sizes[CUDA_NUMBERS_COUNT] = { 4, 2, 2, 1, 2, 1, 1 };

  return sizes[numbers];
}

static int
memory_type (CudaNumbers numbers)
{
  static const int types[CUDA_NUMBERS_COUNT]
      = { CUDA_F32, CUDA_BF16, CUDA_F16, -1, CUDA_BF16, -1, -1 };

  return types[numbers];
}

static EspDType
stored_type (CudaNumbers numbers)
{
  static const EspDType types[CUDA_NUMBERS_COUNT]
      = { ESP_F32, ESP_BF16, ESP_F16, ESP_F8_E4M3, ESP_BF16, ESP_DTYPE_COUNT, ESP_DTYPE_COUNT };

  return types[numbers];
}

/* Space for `rows` rows of k numbers, padded. */
static CudaRows
scratch_rows (CudaDevice *cuda, CudaScratchSlot slot, int64_t rows, int64_t k, CudaNumbers numbers)
{
  const int64_t size = (int64_t) esp_cuda_numbers_size (numbers);
  const int64_t each = numbers == CUDA_NUMBERS_F32 ? 8 : 16 / size;
  CudaRows made = { .rows = rows, .k = (k + each - 1) / each * each, .scale = 1 };

  if (numbers == CUDA_NUMBERS_SPLIT)
    made.k *= 3;
  made.stride = made.k * size;
  made.data = esp_cuda_scratch (cuda, slot, (size_t) (rows * made.stride));
  return made;
}

/* `rows` rows of a format → scratch. */
static void
widen (CudaDevice *cuda, EspDType dtype, CUdeviceptr source, int64_t source_stride, int64_t cols,
       float scale, CudaNumbers numbers, int split, const CudaRows *to)
{
  const int64_t parts = numbers == CUDA_NUMBERS_SPLIT ? 3 : 1;
  const CudaWiden arguments = {
    .source = source,
    .target = to->data,
    .source_stride = source_stride,
    .target_stride = to->stride / (int64_t) esp_cuda_numbers_size (numbers),
    .rows = (int32_t) to->rows,
    .cols = (int32_t) cols,
    .target_type = memory_type (numbers),
    .scale = scale,
    .split = parts == 3 ? split : CUDA_SPLIT_NONE,
  };
  const int64_t units = to->rows * (arguments.target_stride / parts / 8);

  esp_cuda_launch (cuda, CUDA_MODULE_BLOCKS, widen_kernels[dtype],
                   (CudaGrid){ .x = (unsigned) ((units + WIDEN_THREADS - 1) / WIDEN_THREADS),
                               .y = 1,
                               .z = 1,
                               .threads = WIDEN_THREADS },
                   &arguments, sizeof arguments);
}

/* `rows` rows of floats → E4M3 in scratch, with their scales from `scales` on. */
static void
quantise (CudaDevice *cuda, EspDType dtype, CUdeviceptr source, int64_t stride, int64_t cols,
          CudaRows *to, CUdeviceptr scales)
{
  const CudaQuantise arguments = {
    .source = source,
    .source_stride = stride,
    .source_type = dtype == ESP_F32    ? CUDA_F32
                   : dtype == ESP_BF16 ? CUDA_BF16
                                       : CUDA_F16,
    .rows = (int32_t) to->rows,
    .cols = (int32_t) cols,
    .target = to->data,
    .target_stride = to->stride,
    .scales = scales,
  };

  to->scales = scales;
  esp_cuda_launch (cuda, CUDA_MODULE_MATRIX, "quantise_rows",
                   (CudaGrid){ .x = (unsigned) to->rows,
                               .y = 1,
                               .z = 1,
                               .threads = QUANTISE_THREADS,
                               .shared = QUANTISE_THREADS / 32 * sizeof (float) },
                   &arguments, sizeof arguments);
}

/* Rows as bytes in scratch, their groups behind them; by `kernel`, which has all arguments but
 * where to write. */
static CudaRows
make_bytes (CudaDevice *cuda, CudaScratchSlot slot, const char *kernel, CudaBytes arguments)
{
  const int64_t rows = arguments.rows, cols = arguments.cols;
  CudaRows made = { .rows = rows, .k = cols, .stride = cols, .scale = 1 };
  const int64_t bytes = (rows * cols + 255) / 256 * 256, units = rows * (cols / 8);

  made.group_stride = (rows + 1) / 2 * 2;
  made.data = esp_cuda_scratch (
      cuda, slot,
      (size_t) (bytes + cols / BYTES_GROUP * made.group_stride * 2 * (int64_t) sizeof (float)));
  if (made.data == 0)
    return made;
  made.groups = made.data + (CUdeviceptr) bytes;
  arguments.target = made.data;
  arguments.groups = made.groups;
  arguments.group_stride = made.group_stride;
  esp_cuda_launch (cuda, CUDA_MODULE_BLOCKS, kernel,
                   (CudaGrid){ .x = (unsigned) ((units + WIDEN_THREADS - 1) / WIDEN_THREADS),
                               .y = 1,
                               .z = 1,
                               .threads = WIDEN_THREADS },
                   &arguments, sizeof arguments);
  return made;
}

bool
esp_cuda_has_bytes (EspDType dtype)
{
  return byte_formats[dtype].kernel != NULL;
}

bool
esp_cuda_has_bytes_from_middle (EspDType dtype)
{
  return esp_cuda_has_bytes (dtype) && !byte_formats[dtype].affine;
}

static bool
are_bytes (CudaNumbers numbers)
{
  return numbers == CUDA_NUMBERS_BYTES || numbers == CUDA_NUMBERS_BYTES_FROM_MIDDLE;
}

static bool
is_aligned (CUdeviceptr data, int64_t stride, int64_t k, CudaNumbers numbers)
{
  return numbers == CUDA_NUMBERS_F32
         || (data % 16 == 0 && stride % 16 == 0
             && k * (int64_t) esp_cuda_numbers_size (numbers) % 16 == 0);
}

enum
{
  SCALED_ROWS_MAX = 64 << 10,
};

CudaRows
esp_cuda_operand_rows (CudaDevice *cuda, const EspTensor *x, CudaNumbers numbers)
{
  const CUdeviceptr data = (CUdeviceptr) (uintptr_t) x->data;
  const int64_t size = (int64_t) esp_dtype_bytes (x->dtype, 1), stride = x->stride * size;
  CudaRows rows;

  if (numbers != CUDA_NUMBERS_SPLIT && x->dtype == stored_type (numbers)
      && is_aligned (data, stride, x->cols, numbers))
    return (CudaRows){ .data = data, .stride = stride, .rows = x->rows, .k = x->cols, .scale = 1 };
  if (are_bytes (numbers))
    return make_bytes (cuda, CUDA_SCRATCH_OPERAND, "bytes_of_rows",
                       (CudaBytes){ .source = data,
                                    .source_stride = x->stride,
                                    .source_type = esp_cuda_view (x).type,
                                    .rows = (int32_t) x->rows,
                                    .cols = (int32_t) x->cols,
                                    .one_sided = numbers == CUDA_NUMBERS_BYTES_FROM_MIDDLE });
  rows = scratch_rows (cuda, CUDA_SCRATCH_OPERAND, x->rows, x->cols, numbers);
  if (rows.data == 0)
    return rows;
  if (numbers != CUDA_NUMBERS_E4M3)
    widen (cuda, x->dtype, data, stride, x->cols, 1, numbers, CUDA_SPLIT_X, &rows);
  else
    {
      CUdeviceptr scales
          = esp_cuda_scratch (cuda, CUDA_SCRATCH_SCALES, (size_t) SCALED_ROWS_MAX * sizeof (float));

      if (scales == 0 || x->rows > SCALED_ROWS_MAX)
        rows.data = 0;
      else
        quantise (cuda, x->dtype, data, x->stride, x->cols, &rows, scales);
    }
  return rows;
}

CudaRows
esp_cuda_two_parts (const CudaRows *x)
{
  CudaRows two = *x;

  two.k = x->k / 3 * 2;
  return two;
}

bool
esp_cuda_weight_is_plain (const CudaMatrix *matrix, CudaNumbers numbers)
{
  return matrix->dtype == stored_type (numbers)
         && (numbers == CUDA_NUMBERS_E4M3 || matrix->scale == 1)
         && is_aligned (matrix->data, (int64_t) esp_dtype_bytes (matrix->dtype, matrix->in),
                        matrix->in, numbers)
         /* Repeated rows have whole stages. */
         && (numbers != CUDA_NUMBERS_SPLIT || matrix->in % 64 == 0);
}

CudaRows
esp_cuda_weight_rows (CudaDevice *cuda, const CudaMatrix *matrix, int64_t first, int64_t rows,
                      CudaNumbers numbers)
{
  const int64_t stride = (int64_t) esp_dtype_bytes (matrix->dtype, matrix->in);
  const CUdeviceptr data = matrix->data + (CUdeviceptr) (first * stride);
  CudaRows made;

  if (esp_cuda_weight_is_plain (matrix, numbers))
    return (CudaRows){ .data = data,
                       .stride = stride,
                       .rows = rows,
                       .k = matrix->in,
                       .wrap = numbers == CUDA_NUMBERS_SPLIT ? matrix->in : 0,
                       .scales = matrix->scales != 0
                                     ? matrix->scales + (CUdeviceptr) first * sizeof (float)
                                     : 0,
                       .scale = matrix->scale };
  if (are_bytes (numbers))
    {
      made = make_bytes (cuda, CUDA_SCRATCH_WEIGHT, byte_formats[matrix->dtype].kernel,
                         (CudaBytes){ .source = data,
                                      .source_stride = stride,
                                      .rows = (int32_t) rows,
                                      .cols = (int32_t) matrix->in,
                                      .scale = matrix->scale,
                                      .one_sided = numbers == CUDA_NUMBERS_BYTES_FROM_MIDDLE });
      made.affine = byte_formats[matrix->dtype].affine || numbers == CUDA_NUMBERS_BYTES_FROM_MIDDLE;
      return made;
    }
  made = scratch_rows (cuda, CUDA_SCRATCH_WEIGHT, rows, matrix->in, numbers);
  if (made.data != 0)
    widen (cuda, matrix->dtype, data, stride, matrix->in, matrix->scale, numbers, CUDA_SPLIT_W,
           &made);
  return made;
}
