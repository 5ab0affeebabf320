/* SPDX-License-Identifier: MIT */
/* cpu-onednn.h: what oneDNN 2 and oneDNN 3 spell differently, in one place.
 *
 * Debian 12 has version 2.6, newer systems have 3. In 2 a memory descriptor is a struct and an
 * operation is described before it is planned; in 3 descriptors are objects, and planning takes
 * everything at once. Here a CpuLayout is a descriptor that somebody owns, a CpuLayoutRef one that
 * is lent. Every function returns oneDNN's status; a layout that could not be made is as if empty.
 */
#pragma once

#include <dnnl.h>
#include <string.h>

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t CpuLayout;
typedef const_dnnl_memory_desc_t CpuLayoutRef;

#define CPU_LAYOUT_NONE NULL

static inline CpuLayoutRef
cpu_layout_ref (const CpuLayout *layout)
{
  return *layout;
}

static inline void
cpu_layout_clear (CpuLayout *layout)
{
  if (*layout != NULL)
    dnnl_memory_desc_destroy (*layout);
  *layout = NULL;
}

static inline dnnl_status_t
cpu_layout_copy (CpuLayout *layout, CpuLayoutRef from)
{
  return dnnl_memory_desc_clone (layout, from);
}

static inline dnnl_status_t
cpu_layout_by_tag (CpuLayout *layout, int n_dims, const dnnl_dims_t dims, dnnl_data_type_t type,
                   dnnl_format_tag_t tag)
{
  return dnnl_memory_desc_create_with_tag (layout, n_dims, dims, type, tag);
}

static inline dnnl_status_t
cpu_append_sum (dnnl_post_ops_t operations)
{
  return dnnl_post_ops_append_sum (operations, 1.0f, 0, dnnl_data_type_undef);
}

/* Direct, never Winograd: its transforms lose digits. */
static inline dnnl_status_t
cpu_plan_convolution (dnnl_primitive_desc_t *plan, dnnl_engine_t engine, CpuLayoutRef x,
                      CpuLayoutRef w, CpuLayoutRef bias, CpuLayoutRef y, const dnnl_dims_t strides,
                      const dnnl_dims_t before, const dnnl_dims_t after,
                      dnnl_primitive_attr_t attributes)
{
  const dnnl_dims_t dilates = { 0 };

  return dnnl_convolution_forward_primitive_desc_create (
      plan, engine, dnnl_forward_inference, dnnl_convolution_direct, x, w, bias, y, strides,
      dilates, before, after, attributes);
}

#else

typedef dnnl_memory_desc_t CpuLayout;
typedef const dnnl_memory_desc_t *CpuLayoutRef;

#define CPU_LAYOUT_NONE                                                                            \
  {                                                                                                \
    0                                                                                              \
  }

static inline CpuLayoutRef
cpu_layout_ref (const CpuLayout *layout)
{
  return layout;
}

static inline void
cpu_layout_clear (CpuLayout *layout)
{
  memset (layout, 0, sizeof *layout);
}

static inline dnnl_status_t
cpu_layout_copy (CpuLayout *layout, CpuLayoutRef from)
{
  *layout = *from;
  return dnnl_success;
}

static inline dnnl_status_t
cpu_layout_by_tag (CpuLayout *layout, int n_dims, const dnnl_dims_t dims, dnnl_data_type_t type,
                   dnnl_format_tag_t tag)
{
  return dnnl_memory_desc_init_by_tag (layout, n_dims, dims, type, tag);
}

static inline dnnl_status_t
cpu_append_sum (dnnl_post_ops_t operations)
{
  return dnnl_post_ops_append_sum (operations, 1.0f);
}

/* Direct, never Winograd: its transforms lose digits. */
static inline dnnl_status_t
cpu_plan_convolution (dnnl_primitive_desc_t *plan, dnnl_engine_t engine, CpuLayoutRef x,
                      CpuLayoutRef w, CpuLayoutRef bias, CpuLayoutRef y, const dnnl_dims_t strides,
                      const dnnl_dims_t before, const dnnl_dims_t after,
                      dnnl_primitive_attr_t attributes)
{
  dnnl_convolution_desc_t description;
  dnnl_status_t status = dnnl_convolution_forward_desc_init (&description, dnnl_forward_inference,
                                                             dnnl_convolution_direct, x, w, bias, y,
                                                             strides, before, after);

  return status != dnnl_success
             ? status
             : dnnl_primitive_desc_create (plan, &description, attributes, engine, NULL);
}

#endif
