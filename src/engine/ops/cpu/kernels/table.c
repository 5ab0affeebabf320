/* SPDX-License-Identifier: MIT */
/* table.c: this level's row of kernels. */
#include "ops/cpu/kernels/parts.h"

#define ESP_LEVEL_TEXT_(level) #level
#define ESP_LEVEL_TEXT(level)  ESP_LEVEL_TEXT_ (level)

const EspKernels ESP_KERNEL (esp_kernels) = {
  .name = ESP_LEVEL_TEXT (ESP_KERNEL_LEVEL),
  .widen_bf16 = ESP_KERNEL (esp_widen_bf16),
  .narrow_bf16 = ESP_KERNEL (esp_narrow_bf16),
  .round_bf16 = ESP_KERNEL (esp_round_bf16),
  .activate = ESP_KERNEL (esp_activate),
  .multiply = ESP_KERNEL (esp_multiply),
  .scale_add = ESP_KERNEL (esp_scale_add),
  .finish_row = ESP_KERNEL (esp_finish_row),
  .norm_row = ESP_KERNEL (esp_norm_row),
  .rms_row = ESP_KERNEL (esp_rms_row),
  .head_norm_row = ESP_KERNEL (esp_head_norm_row),
  .dot = ESP_KERNEL (esp_dot),
  .dot_bf16 = ESP_KERNEL (esp_dot_bf16),
  .decode_blocks = ESP_KERNEL (esp_decode_blocks),
  .expand_groups = ESP_KERNEL (esp_expand_groups),
  .widen_weights = ESP_KERNEL (esp_widen_weights),
  .tile_rows = ESP_TILE_ROWS,
  .tile_cols = 2 * VN,
  .tile = ESP_KERNEL (esp_tile),
  .pack_transposed = ESP_KERNEL (esp_pack_transposed),
  .softmax_piece = ESP_KERNEL (esp_softmax_piece),
  .scale = ESP_KERNEL (esp_scale),
  .group_norm = ESP_KERNEL (esp_group_norm),
  .channel_sums = ESP_KERNEL (esp_channel_sums),
  .winograd_input = ESP_KERNEL (esp_winograd_input),
  .winograd_weights = ESP_KERNEL (esp_winograd_weights),
  .winograd_output = ESP_KERNEL (esp_winograd_output),
};
