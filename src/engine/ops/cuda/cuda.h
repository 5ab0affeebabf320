/* SPDX-License-Identifier: MIT */
/* cuda.h: NVIDIA cards as devices; what model code and the worker know of this folder. */
#pragma once

#include "ops/ops.h"

#define ESP_CUDA_DEVICES_MAX 16

/* One card as its driver describes it, whether we can use it or not. */
typedef struct EspCudaCard
{
  int ordinal;    /* the driver's number, the N of "cuda:N" */
  char name[96];  /* "NVIDIA GeForce RTX 4070" */
  int capability; /* 10·major + minor; 0 if it could not be asked */
  size_t memory, free;
  int driver; /* 1000·major + 10·minor of the driver's CUDA */
  bool usable, bf16, fp8;
  char reason[192]; /* why it is not used; "" if it is */
  char caveat[240]; /* what it is not used for, as far as this process has found out; else "" */
} EspCudaCard;

/* All cards, in the driver's order; at most `capacity` are written, and the number of all is
 * returned. With none, or no driver, 0 and one line for people in *error (status ESP_OK where
 * nothing is wrong but that there is no card). Opens nothing for longer than the call. */
int esp_cuda_cards (EspCudaCard *cards, int capacity, EspError *error);

/* What kernels this engine has, built in or in files: "sm_75, sm_80, … and PTX; 2.1 MB", or why it
 * has none. */
void esp_cuda_describe_kernels (char *text, size_t size);

/* Who multiplies matrices. */
typedef enum
{
  ESP_CUDA_BLAS_AUTO, /* cuBLASLt where it is installed and known to be faster, else our kernels */
  ESP_CUDA_BLAS_OWN,
  ESP_CUDA_BLAS_CUBLASLT /* where it is installed */
} EspCudaBlas;

typedef struct EspCudaOptions
{
  int ordinal;        /* -1: the usable card with the most free memory */
  EspCompute compute; /* AUTO: bf16; f16 on a card without bf16 */
  EspCudaBlas blas;
  bool fp8;    /* multiply in fp8 where it is good enough (sm_89 on) */
  size_t vram; /* bytes that may be held at most; 0: what is free */
} EspCudaOptions;

/* Opens a card. ESP_ERROR_UNSUPPORTED, with one line that says why, if there is none that can be
 * used; ESP_ERROR_MEMORY if there is no room for its context. */
EspStatus esp_cuda_device_new (const EspCudaOptions *options, EspDevice **device, EspError *error);

/* A second device on the card of `device`, which computes in another type. Both answer for the
 * memory that they hold together: what one allocates may send away weights of the other that can
 * come back. Free them in any order. */
EspStatus esp_cuda_sibling_new (EspDevice *device, EspCompute compute, EspDevice **sibling,
                                EspError *error);

/* Is this one of ours? */
bool esp_device_is_cuda (const EspDevice *device);

/* What would be where, and what that costs: the lines that --explain-memory prints. Written into
 * `text`, each ended by a newline. Only after plan_stages(). step_operations: multiplications and
 * additions of a step; 0 if unknown. */
void esp_cuda_explain (const EspDevice *device, double step_operations, char *text, size_t size);
