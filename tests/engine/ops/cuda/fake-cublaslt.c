/* SPDX-License-Identifier: MIT */
/* fake-cublaslt.c: as much of libcublasLt.so.13 as cuda-blas.c asks for, in plain loops over an
 * emulated card's memory, which is the processor's. Only beside streams that are eager, and not
 * while they are recorded: it computes when it is called. With FAKE_CUBLASLT=wrong the last number
 * of each product is another one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "files/number-format.h"

enum
{
  R_32F = 0,
  R_16F = 2,
  R_16BF = 14,
  DESC_TRANSA = 3,
  DESC_EPILOGUE = 7,
  DESC_BIAS_POINTER = 8,
  EPILOGUE_BIAS = 4,
  INVALID_VALUE = 7,
  NOT_SUPPORTED = 15,
};

typedef struct Desc
{
  int compute, scale, transposed, epilogue;
  const float *bias;
} Desc;

typedef struct Layout
{
  int type;
  uint64_t rows, cols;
  int64_t ld;
} Layout;

typedef struct Found
{
  uint64_t algorithm[8];
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
} Found;

int
cublasLtCreate (void **handle)
{
  *handle = malloc (1);
  return 0;
}

int
cublasLtDestroy (void *handle)
{
  free (handle);
  return 0;
}

int
cublasLtMatmulDescCreate (void **desc, int compute, int scale)
{
  Desc *made = calloc (1, sizeof *made);

  made->compute = compute;
  made->scale = scale;
  *desc = made;
  return 0;
}

int
cublasLtMatmulDescDestroy (void *desc)
{
  free (desc);
  return 0;
}

int
cublasLtMatmulDescSetAttribute (void *desc, int attribute, const void *value, size_t bytes)
{
  Desc *d = desc;

  switch (attribute)
    {
    case DESC_TRANSA:
      memcpy (&d->transposed, value, bytes);
      return 0;
    case DESC_EPILOGUE:
      memcpy (&d->epilogue, value, bytes);
      return 0;
    case DESC_BIAS_POINTER:
      memcpy (&d->bias, value, bytes);
      return 0;
    default:
      return 0;
    }
}

int
cublasLtMatrixLayoutCreate (void **layout, int type, uint64_t rows, uint64_t cols, int64_t ld)
{
  Layout *made = calloc (1, sizeof *made);

  *made = (Layout){ type, rows, cols, ld };
  *layout = made;
  return ld < (int64_t) rows ? INVALID_VALUE : 0;
}

int
cublasLtMatrixLayoutDestroy (void *layout)
{
  free (layout);
  return 0;
}

int
cublasLtMatmulPreferenceCreate (void **preference)
{
  *preference = malloc (1);
  return 0;
}

int
cublasLtMatmulPreferenceDestroy (void *preference)
{
  free (preference);
  return 0;
}

int
cublasLtMatmulPreferenceSetAttribute (void *preference, int attribute, const void *value,
                                      size_t bytes)
{
  return 0;
}

static int
is_possible (const Desc *desc, const Layout *a, const Layout *b, const Layout *d)
{
  return desc->compute == 68 && desc->scale == R_32F && desc->transposed == 1
         && (a->type == R_16F || a->type == R_16BF) && b->type == a->type && d->type == R_32F
         && a->rows == b->rows && a->cols == d->rows && b->cols == d->cols;
}

int
cublasLtMatmulAlgoGetHeuristic (void *handle, void *desc, void *a, void *b, void *c, void *d,
                                void *preference, int wanted, Found *found, int *count)
{
  *count = is_possible (desc, a, b, d) ? 1 : 0;
  memset (found, 0, sizeof *found);
  return *count == 1 ? 0 : NOT_SUPPORTED;
}

static float
number (const void *data, int type, int64_t at)
{
  float value;

  esp_to_f32 (type == R_16F ? ESP_F16 : ESP_BF16, (const uint16_t *) data + at, &value, 1);
  return value;
}

int
cublasLtMatmul (void *handle, void *desc, const void *alpha, const void *a, void *a_layout,
                const void *b, void *b_layout, const void *beta, const void *c, void *c_layout,
                void *d, void *d_layout, const void *algorithm, void *workspace, size_t bytes,
                void *stream)
{
  const Layout *la = a_layout, *lb = b_layout, *ld = d_layout;
  const Desc *how = desc;
  const char *fault = getenv ("FAKE_CUBLASLT");
  float *out = d;

  if (!is_possible (how, la, lb, ld) || *(const float *) beta != 0)
    return NOT_SUPPORTED;
  for (int64_t col = 0; col < (int64_t) ld->cols; col++)
    for (int64_t row = 0; row < (int64_t) ld->rows; row++)
      {
        float sum = 0;

        for (int64_t k = 0; k < (int64_t) la->rows; k++)
          sum += number (a, la->type, k + row * la->ld) * number (b, lb->type, k + col * lb->ld);
        out[row + col * ld->ld]
            = *(const float *) alpha * sum + (how->epilogue == EPILOGUE_BIAS ? how->bias[row] : 0);
      }
  if (fault != NULL && strcmp (fault, "wrong") == 0)
    out[ld->rows - 1 + (ld->cols - 1) * (uint64_t) ld->ld] += 1;
  return 0;
}
