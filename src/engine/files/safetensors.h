/* SPDX-License-Identifier: MIT */
/* safetensors.h: the safetensors container. Internal to files/.
 *
 * The format (https://huggingface.co/docs/safetensors): eight bytes with the header's length,
 * little endian; the header, a JSON object of name → {dtype, shape, data_offsets}; then the data,
 * to which the offsets are relative.
 */
#pragma once

#include "files/tensor-file.h"

/* Half of the format's own limit, for the sake of time: a hostile header of 100 MB takes the JSON
 * parser more than a second, and those of real models have less than one megabyte. */
#define ESP_SAFETENSORS_HEADER_MAX 50000000

/* Reads the header of the mapped `file` (at least ESP_TENSOR_FILE_MIN bytes). Gaps between tensors
 * and after the last one are tolerated. Entries are left in the header's order. Errors:
 * esp_tensor_file_open()'s. */
EspStatus esp_safetensors_read (EspTensorFile *file, EspError *error);
