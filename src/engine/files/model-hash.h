/* SPDX-License-Identifier: MIT */
/* model-hash.h: a short name for what is in a model's weights files. */
#pragma once

#include "files/sha256.h"
#include "files/weights.h"

/* Up to this many bytes of tensor data all of it is hashed. */
#define ESP_MODEL_HASH_ALL (64LL << 20)
/* Beyond that, this many bytes at each multiple of ESP_MODEL_HASH_STRIDE and at the end. */
#define ESP_MODEL_HASH_SAMPLE (64LL << 10)
#define ESP_MODEL_HASH_STRIDE (16LL << 20)

/* Writes the SHA-256 of the `count` components' files as 64 hexadecimal digits. The stream that is
 * hashed is, for each component in the given order and for each of its files in the order of their
 * base names:
 *
 *   1. the file's base name and a zero byte;
 *   2. the file's size in bytes, 8 bytes, little endian;
 *   3. the file's first bytes up to the tensor data: a safetensors file's length and
 *      header, a GGUF file's header, metadata and descriptions, padding included;
 *   4. of the tensor data, which is the rest of the file: everything where the data of all files of
 *      all components together has at most ESP_MODEL_HASH_ALL bytes; else ESP_MODEL_HASH_SAMPLE
 * bytes (fewer at the end) at each offset 0, ESP_MODEL_HASH_STRIDE, 2 · ESP_MODEL_HASH_STRIDE, …
 * and then the last ESP_MODEL_HASH_SAMPLE bytes (all, where there are fewer).
 *
 * So a small model's hash stands for every byte, and a large one's tells models apart without
 * reading 24 GB: it is no proof that nobody changed single weights. Folder names do not count.
 * ESP_ERROR_ARGUMENT for a component that is NULL. */
EspStatus esp_model_hash (EspWeights *const *components, int count, char hex[ESP_SHA256_HEX_SIZE],
                          EspError *error);
