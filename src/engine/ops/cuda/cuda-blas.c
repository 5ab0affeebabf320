/* SPDX-License-Identifier: MIT */
/* cuda-blas.c: products by NVIDIA's cuBLASLt, where it is installed.
 *
 * It is never linked or shipped: libcublasLt.so.13 (or .12) is opened at run time, and the few
 * functions and numbers of its interface that are wanted are declared here (cuBLAS Library, "Using
 * the cuBLASLt API"). The options or, in benchmarks, $ESPALIER_BLAS say who multiplies: `own`,
 * `cublaslt`, or `auto`, which takes it only on cards whose own matrix instructions our kernels do
 * not use (sm_100 and sm_103).
 *
 * Its matrices are stored column by column: y [m, n] of ours is [n, m] of its own, Wᵀ its first
 * operand and x its second. What it cannot do on the way to y (gates, heads, most activations) is
 * done with the sums in f32 afterwards.
 */
#include "ops/cuda/cuda-linear.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cuda/cuda-check.h"

enum
{
  BLAS_R_32F = 0,
  BLAS_R_16F = 2,
  BLAS_R_16BF = 14,
  BLAS_COMPUTE_32F = 68,
  BLAS_OP_T = 1,
  BLAS_DESC_TRANSA = 3,
  BLAS_DESC_EPILOGUE = 7,
  BLAS_DESC_BIAS_POINTER = 8,
  BLAS_DESC_BIAS_DATA_TYPE = 26,
  BLAS_EPILOGUE_BIAS = 4,
  BLAS_PREF_WORKSPACE = 1,
  BLAS_PREF_ALIGNMENT_A = 5, /* of B, C and D are the next */
  WORKSPACE_BYTES = 32 << 20,
  PLANS_MAX = 128,
};

typedef struct BlasAlgorithm
{
  uint64_t data[8];
} BlasAlgorithm;

typedef struct BlasFound
{
  BlasAlgorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
} BlasFound;

/* Name in our table, name in the library, arguments. */
#define BLAS_FUNCTIONS(F)                                                                          \
  F (create, "cublasLtCreate", (void **handle))                                                    \
  F (destroy, "cublasLtDestroy", (void *handle))                                                   \
  F (desc_create, "cublasLtMatmulDescCreate", (void **desc, int compute, int scale))               \
  F (desc_destroy, "cublasLtMatmulDescDestroy", (void *desc))                                      \
  F (desc_set, "cublasLtMatmulDescSetAttribute",                                                   \
     (void *desc, int attribute, const void *value, size_t bytes))                                 \
  F (layout_create, "cublasLtMatrixLayoutCreate",                                                  \
     (void **layout, int type, uint64_t rows, uint64_t cols, int64_t ld))                          \
  F (layout_destroy, "cublasLtMatrixLayoutDestroy", (void *layout))                                \
  F (pref_create, "cublasLtMatmulPreferenceCreate", (void **preference))                           \
  F (pref_destroy, "cublasLtMatmulPreferenceDestroy", (void *preference))                          \
  F (pref_set, "cublasLtMatmulPreferenceSetAttribute",                                             \
     (void *preference, int attribute, const void *value, size_t bytes))                           \
  F (heuristic, "cublasLtMatmulAlgoGetHeuristic",                                                  \
     (void *handle, void *desc, void *a, void *b, void *c, void *d, void *preference, int wanted,  \
      BlasFound *found, int *count))                                                               \
  F (matmul, "cublasLtMatmul",                                                                     \
     (void *handle, void *desc, const void *alpha, const void *a, void *a_layout, const void *b,   \
      void *b_layout, const void *beta, const void *c, void *c_layout, void *d, void *d_layout,    \
      const BlasAlgorithm *algorithm, void *workspace, size_t bytes, CUstream stream))

/* A product of one shape, and how it is best done. */
typedef struct BlasPlan
{
  int type, y_type, bias;
  int64_t m, n, k, a_stride, b_stride, y_stride;
  void *desc, *left, *right, *out;
  BlasAlgorithm algorithm;
  size_t workspace;
  bool possible;
} BlasPlan;

struct CudaBlas
{
  void *library, *handle; /* NULL: our own kernels do everything */
#define BLAS_POINTER(name, symbol, arguments) int (*name) arguments;
  BLAS_FUNCTIONS (BLAS_POINTER)
#undef BLAS_POINTER
  BlasPlan plans[PLANS_MAX];
  int count;
};

/* --- Opening -----------------------------------------------------------------------------------
 */

bool
esp_cuda_blas_is_wanted (const CudaDevice *cuda)
{
  const char *choice = getenv ("ESPALIER_BLAS");

  if (cuda->blas_choice != ESP_CUDA_BLAS_AUTO)
    return cuda->blas_choice == ESP_CUDA_BLAS_CUBLASLT;
  if (choice != NULL && strcmp (choice, "cublaslt") == 0)
    return true;
  if (choice != NULL && strcmp (choice, "own") == 0)
    return false;
  return cuda->capability == 100 || cuda->capability == 103;
}

static bool
load (CudaBlas *blas)
{
  static const char *const names[] = { "libcublasLt.so.13", "libcublasLt.so.12" };

  for (size_t i = 0; i < sizeof names / sizeof *names && blas->library == NULL; i++)
    blas->library = dlopen (names[i], RTLD_NOW | RTLD_LOCAL);
  if (blas->library == NULL)
    return false;
#define BLAS_LOAD(name, symbol, arguments)                                                         \
  *(void **) &blas->name = dlsym (blas->library, symbol);                                          \
  if (blas->name == NULL)                                                                          \
    return false;
  BLAS_FUNCTIONS (BLAS_LOAD)
#undef BLAS_LOAD
  return blas->create (&blas->handle) == 0;
}

static CudaBlas *
blas_of (CudaDevice *cuda)
{
  if (cuda->blas != NULL)
    return cuda->blas;
  cuda->blas = calloc (1, sizeof *cuda->blas);
  if (cuda->blas != NULL && esp_cuda_blas_is_wanted (cuda) && !load (cuda->blas))
    cuda->blas->handle = NULL;
  return cuda->blas;
}

bool
esp_cuda_blas_is_open (const CudaDevice *cuda)
{
  return cuda->blas != NULL && cuda->blas->handle != NULL;
}

void
esp_cuda_blas_free (CudaDevice *cuda)
{
  CudaBlas *blas = cuda->blas;

  if (blas == NULL)
    return;
  for (int i = 0; i < blas->count; i++)
    {
      BlasPlan *plan = &blas->plans[i];

      if (plan->desc != NULL)
        blas->desc_destroy (plan->desc);
      for (void **layout = (void *[]){ plan->left, plan->right, plan->out, NULL }; *layout != NULL;
           layout++)
        blas->layout_destroy (*layout);
    }
  if (blas->handle != NULL)
    blas->destroy (blas->handle);
  if (blas->library != NULL)
    dlclose (blas->library);
  free (blas);
  cuda->blas = NULL;
}

/* --- Planning ----------------------------------------------------------------------------------
 */

static bool
find_algorithm (CudaBlas *blas, BlasPlan *plan)
{
  const uint64_t most = WORKSPACE_BYTES;
  BlasFound found;
  void *preference = NULL;
  int count = 0;
  const uint32_t alignment = 16;
  bool good = blas->pref_create (&preference) == 0
              && blas->pref_set (preference, BLAS_PREF_WORKSPACE, &most, sizeof most) == 0;

  for (int i = 0; i < 4 && good; i++)
    good
        = blas->pref_set (preference, BLAS_PREF_ALIGNMENT_A + i, &alignment, sizeof alignment) == 0;
  good = good
         && blas->heuristic (blas->handle, plan->desc, plan->left, plan->right, plan->out,
                             plan->out, preference, 1, &found, &count)
                == 0
         && count == 1 && found.state == 0;

  if (preference != NULL)
    blas->pref_destroy (preference);
  if (!good)
    return false;
  plan->algorithm = found.algorithm;
  plan->workspace = found.workspace;
  return true;
}

static bool
make_plan (CudaBlas *blas, BlasPlan *plan)
{
  const int32_t transposed = BLAS_OP_T;
  const uint32_t epilogue = BLAS_EPILOGUE_BIAS;
  const int32_t bias_type = plan->y_type;
  const void *aligned = (const void *) (uintptr_t) 256; /* as biases are; not looked at */
  bool good = blas->desc_create (&plan->desc, BLAS_COMPUTE_32F, BLAS_R_32F) == 0
              && blas->desc_set (plan->desc, BLAS_DESC_TRANSA, &transposed, sizeof transposed) == 0
              && blas->layout_create (&plan->left, plan->type, (uint64_t) plan->k,
                                      (uint64_t) plan->n, plan->b_stride)
                     == 0
              && blas->layout_create (&plan->right, plan->type, (uint64_t) plan->k,
                                      (uint64_t) plan->m, plan->a_stride)
                     == 0
              && blas->layout_create (&plan->out, plan->y_type, (uint64_t) plan->n,
                                      (uint64_t) plan->m, plan->y_stride)
                     == 0;

  if (good && plan->bias)
    good = blas->desc_set (plan->desc, BLAS_DESC_EPILOGUE, &epilogue, sizeof epilogue) == 0
           && blas->desc_set (plan->desc, BLAS_DESC_BIAS_DATA_TYPE, &bias_type, sizeof bias_type)
                  == 0
           && blas->desc_set (plan->desc, BLAS_DESC_BIAS_POINTER, &aligned, sizeof aligned) == 0;
  return good && find_algorithm (blas, plan);
}

/* The plan for this product; NULL if it cannot do it. */
static BlasPlan *
find_plan (CudaBlas *blas, const BlasPlan *wanted)
{
  for (int i = 0; i < blas->count; i++)
    {
      BlasPlan *plan = &blas->plans[i];

      if (plan->type == wanted->type && plan->y_type == wanted->y_type && plan->bias == wanted->bias
          && plan->m == wanted->m && plan->n == wanted->n && plan->k == wanted->k
          && plan->a_stride == wanted->a_stride && plan->b_stride == wanted->b_stride
          && plan->y_stride == wanted->y_stride)
        return plan->possible ? plan : NULL;
    }
  if (blas->count == PLANS_MAX)
    return NULL;
  blas->plans[blas->count] = *wanted;
  blas->plans[blas->count].possible = make_plan (blas, &blas->plans[blas->count]);
  return blas->plans[blas->count].possible ? &blas->plans[blas->count++] : (blas->count++, NULL);
}

/* --- Multiplying -------------------------------------------------------------------------------
 */

static int
blas_type (int type)
{
  return type == CUDA_F32 ? BLAS_R_32F : type == CUDA_BF16 ? BLAS_R_16BF : BLAS_R_16F;
}

bool
esp_cuda_blas_product (CudaDevice *cuda, CudaNumbers numbers, const CudaRows *a, const CudaRows *b,
                       const CudaFinish *finish)
{
  CudaBlas *blas = esp_cuda_trusts (cuda, CUDA_WAY_BLAS) ? blas_of (cuda) : NULL;
  const float one = a->scale * b->scale, zero = 0;
  /* Sums in f32 that are finished later, but where y is f32 and only gets a bias. */
  const bool direct = finish->y_type == CUDA_F32 && finish->activation == CUDA_ACTIVATION_NONE
                      && finish->gate == 0 && !finish->accumulate && finish->head_dim == 0
                      && finish->y % 16 == 0 && finish->y_stride % 4 == 0;
  const int64_t stride = direct ? finish->y_stride : (b->rows + 3) / 4 * 4;
  BlasPlan wanted = { .type = blas_type (numbers == CUDA_NUMBERS_F16 ? CUDA_F16 : CUDA_BF16),
                      .y_type = BLAS_R_32F,
                      .bias = direct && finish->bias % 16 == 0 && finish->bias != 0,
                      .m = a->rows,
                      .n = b->rows,
                      .k = a->k,
                      .a_stride = a->stride / 2,
                      .b_stride = b->stride / 2,
                      .y_stride = stride };
  CUdeviceptr out = finish->y, workspace;
  BlasPlan *plan;

  if (blas == NULL || blas->handle == NULL || b->wrap != 0
      || (numbers != CUDA_NUMBERS_BF16 && numbers != CUDA_NUMBERS_F16)
      || (direct && finish->bias != 0 && !wanted.bias)
      /* sum_splits finds a head's columns in neighbouring lanes if heads follow each other from row
       * to row. */
      || (finish->head_dim != 0 && b->rows % finish->head_dim != 0))
    return false;
  plan = find_plan (blas, &wanted);
  if (plan == NULL)
    return false;
  workspace = esp_cuda_scratch (cuda, CUDA_SCRATCH_IMAGE, WORKSPACE_BYTES);
  if (!direct)
    out = esp_cuda_scratch (cuda, CUDA_SCRATCH_RESULT,
                            (size_t) (a->rows * stride) * sizeof (float));
  if (workspace == 0 || out == 0)
    return true; /* with a sticky error */
  if (wanted.bias
      && blas->desc_set (plan->desc, BLAS_DESC_BIAS_POINTER, &finish->bias, sizeof finish->bias)
             != 0)
    return false;
  if (blas->matmul (blas->handle, plan->desc, &one, (const void *) (uintptr_t) b->data, plan->left,
                    (const void *) (uintptr_t) a->data, plan->right, &zero,
                    (const void *) (uintptr_t) out, plan->out, (void *) (uintptr_t) out, plan->out,
                    &plan->algorithm, (void *) (uintptr_t) workspace, plan->workspace,
                    cuda->compute)
      != 0)
    return false;
  if (!direct)
    {
      CudaFinish rest = *finish;

      rest.scale = 1;
      rest.row_scale = rest.column_scale = 0;
      esp_cuda_finish_sums (cuda, out, stride, a->rows, b->rows, &rest);
    }
  return true;
}
