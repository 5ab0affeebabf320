/* SPDX-License-Identifier: MIT */
/* cuda-linear.h: the sources of the card's matrix products among themselves. */
#pragma once

#include "ops/cuda/cuda-device.h"
#include "ops/cuda/kernels/matrix.h"

/* --- cuda-linear.c: layers --------------------------------------------------------------------
 */

/* A product without adapters; rows and columns have been checked. `heads` may be NULL. */
void esp_cuda_plain_linear (CudaDevice *cuda, EspTensor x, const EspLinear *linear,
                            const EspEpilogue *epilogue, const EspHeadNorm *heads, EspTensor y);

/* True if x, the layer and y fit each other; else a sticky error. */
bool esp_cuda_check_linear (CudaDevice *cuda, const EspTensor *x, const EspLinear *linear,
                            const EspTensor *y);

/* Does the device multiply the layer in fp8, if its weights are in a fitting format? */
bool esp_cuda_multiplies_fp8 (const CudaDevice *cuda, const EspLinear *linear);

/* --- cuda-adapters.c --------------------------------------------------------------------------
 */

/* The same with linear->adapters, of which there is at least one. */
void esp_cuda_adapted_linear (CudaDevice *cuda, EspTensor x, const EspLinear *linear,
                              const EspEpilogue *epilogue, EspTensor y);

/* --- cuda-operands.c: rows that products read --------------------------------------------------
 */

/* What the numbers of a product's operands are. */
typedef enum
{
  CUDA_NUMBERS_F32,
  CUDA_NUMBERS_BF16,
  CUDA_NUMBERS_F16,
  CUDA_NUMBERS_E4M3,
  CUDA_NUMBERS_SPLIT,             /* f32 as two bf16 each: layers that are precise */
  CUDA_NUMBERS_BYTES,             /* signed bytes with a scale for each 32: block formats */
  CUDA_NUMBERS_BYTES_FROM_MIDDLE, /* those of x counted from the middle of each 32 */
  CUDA_NUMBERS_COUNT
} CudaNumbers;

/* Rows of k numbers; but for f32 16-aligned, and k padded with zeros to a multiple of 16 bytes. */
typedef struct CudaRows
{
  CUdeviceptr data;
  int64_t stride; /* bytes */
  int64_t rows, k;
  int64_t wrap;       /* W: numbers after which rows are repeated up to k; 0: they are not */
  CUdeviceptr scales; /* E4M3: f32 of each row, or 0 */
  float scale;        /* and of all */
  CUdeviceptr groups; /* bytes: as CudaBytes has them */
  int64_t group_stride;
  bool affine; /* W: their second numbers count */
} CudaRows;

size_t esp_cuda_numbers_size (CudaNumbers numbers);

/* x as it is, if it can be read so, else a copy in CUDA_SCRATCH_OPERAND. data 0 with a sticky
 * error.
 */
CudaRows esp_cuda_operand_rows (CudaDevice *cuda, const EspTensor *x, CudaNumbers numbers);

/* W in bf16 as it is, times x in twice as many: rows of a split x without their third part. */
CudaRows esp_cuda_two_parts (const CudaRows *x);

/* Rows [first, first + rows) of a matrix in the same way, a copy in CUDA_SCRATCH_WEIGHT. */
CudaRows esp_cuda_weight_rows (CudaDevice *cuda, const CudaMatrix *matrix, int64_t first,
                               int64_t rows, CudaNumbers numbers);

/* Can rows of this format be made bytes of? And times such that count from their middle? */
bool esp_cuda_has_bytes (EspDType dtype);
bool esp_cuda_has_bytes_from_middle (EspDType dtype);

/* Can it be read where it is? */
bool esp_cuda_weight_is_plain (const CudaMatrix *matrix, CudaNumbers numbers);

/* --- cuda-product.c: tiles ---------------------------------------------------------------------
 */

/* GeForce and the like: f32 sums at half the tensor cores' rate, and little shared memory. */
bool esp_cuda_is_gaming (const CudaDevice *cuda);

/* y = finish (a · bᵀ), whichever kernel is best for its shape. finish.y and what follows it begin
 * at column 0 of b. */
void esp_cuda_product (CudaDevice *cuda, CudaNumbers numbers, const CudaRows *a, const CudaRows *b,
                       const CudaFinish *finish);

/* How many shapes of tiles there are, and whether one is made by wgmma. For the check of each. */
int esp_cuda_tile_shapes (void);
bool esp_cuda_tiles_by_wgmma (int shape);

/* The product by tiles of this shape, where a block makes several by as few blocks as show that.
 * False: it cannot be made so, nothing was done. */
bool esp_cuda_tiled_product (CudaDevice *cuda, int shape, CudaNumbers numbers, const CudaRows *a,
                             const CudaRows *b, const CudaFinish *finish);

/* Sums in f32 [rows, cols], their stride a multiple of 4, → y. */
void esp_cuda_finish_sums (CudaDevice *cuda, CUdeviceptr sums, int64_t stride, int64_t rows,
                           int64_t cols, const CudaFinish *finish);

/* Up to VECTOR_ROWS rows of x times a matrix of any format, as it is stored. precise: operands are
 * not rounded to the device's compute type. */
void esp_cuda_vector_product (CudaDevice *cuda, const EspTensor *x, const CudaMatrix *matrix,
                              bool precise, const CudaFinish *finish);

/* --- cuda-blas.c -------------------------------------------------------------------------------
 */

/* The same product as esp_cuda_product() by cuBLASLt. False: not by it, nothing was done. */
bool esp_cuda_blas_product (CudaDevice *cuda, CudaNumbers numbers, const CudaRows *a,
                            const CudaRows *b, const CudaFinish *finish);

/* Is cuBLASLt to multiply, if it is there? */
bool esp_cuda_blas_is_wanted (const CudaDevice *cuda);

/* Has cuBLASLt been opened, so that it multiplies what it can? */
bool esp_cuda_blas_is_open (const CudaDevice *cuda);
