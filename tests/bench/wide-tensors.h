/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wide-tensors.h: the tensors of a FLUX.1 Kontext of true widths and any depth, in the names of
 * diffusers/transformers and in those of single files (BFL, LDM, llama.cpp).
 *
 * A number follows from the canonical (diffusers) name of its tensor and its place in it alone, so
 * that all namings and number formats of one model hold the same network. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WIDE_NAME_MAX 128
#define WIDE_PARTS    4

/* Numbers [first, first + count) of the canonical tensor with this seed. */
typedef struct WidePart
{
  uint64_t seed;
  int64_t first, count;
  float mean, deviation;
} WidePart;

/* A fused tensor is made of several canonical ones, one after the other. */
typedef struct WideTensor
{
  char name[WIDE_NAME_MAX];
  int dims;
  int64_t shape[4]; /* outermost first */
  int parts;
  WidePart part[WIDE_PARTS];
  bool precise; /* an embedder or the last layer: never quantised */
} WideTensor;

typedef struct WideList
{
  WideTensor *tensors;
  int count, room;
} WideList;

typedef enum
{
  WIDE_DIFFUSERS,
  WIDE_SINGLE, /* BFL's transformer, LDM's autoencoder, llama.cpp's T5 */
} WideNames;

void wide_list_transformer (WideList *list, WideNames names, int double_blocks, int single_blocks);
void wide_list_vae (WideList *list, WideNames names);
void wide_list_clip (WideList *list, int layers);
/* `names` WIDE_SINGLE: llama.cpp's. */
void wide_list_t5 (WideList *list, WideNames names, int layers);
void wide_list_clear (WideList *list);

int64_t wide_tensor_count (const WideTensor *tensor);

/* Numbers [first, first + count) of a tensor. */
void wide_tensor_numbers (const WideTensor *tensor, int64_t first, int64_t count, float *numbers);

/* Sizes, for the config.json files. */
#define WIDE_HIDDEN      3072
#define WIDE_CHANNELS    64
#define WIDE_JOINT       4096
#define WIDE_POOLED      768
#define WIDE_T5_HEADS    64
#define WIDE_T5_MLP      10240
#define WIDE_T5_WORDS    32128
#define WIDE_CLIP_HEADS  12
#define WIDE_CLIP_MLP    3072
#define WIDE_CLIP_WORDS  49408
#define WIDE_CLIP_PLACES 77
