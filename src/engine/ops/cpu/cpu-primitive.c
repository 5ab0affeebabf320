/* SPDX-License-Identifier: MIT */
/* cpu-primitive.c: the cache of oneDNN primitives and the only place that makes and runs them. */
#include "ops/cpu/cpu-primitive.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* A session of edits at many sizes must not collect primitives without end. One edit of the full
 * model needs fewer than 100. */
#define PRIMITIVES_MAX 384

/* oneDNN starts as many threads as the calling thread's OpenMP setting says. */
static void
use_device_threads (const CpuDevice *cpu)
{
  if (omp_get_max_threads () != cpu->base.threads)
    omp_set_num_threads (cpu->base.threads);
}

static void
library_failed (CpuDevice *cpu, const char *operation, const int64_t *shape, dnnl_status_t status)
{
  esp_device_fail (&cpu->base, status == dnnl_out_of_memory ? ESP_ERROR_MEMORY : ESP_ERROR_DEVICE,
                   "oneDNN failed (%d) at %s %lld × %lld × %lld", (int) status, operation,
                   (long long) shape[0], (long long) shape[1], (long long) shape[2]);
}

/* --- The cache ---------------------------------------------------------------------------------
 */

static void
primitive_free (CpuPrimitive *primitive)
{
  dnnl_memory_t memories[] = { primitive->x, primitive->y, primitive->bias, primitive->library };

  for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
    if (memories[i] != NULL)
      dnnl_memory_destroy (memories[i]);
  if (primitive->primitive != NULL)
    dnnl_primitive_destroy (primitive->primitive);
  cpu_layout_clear (&primitive->weights);
  free (primitive);
}

void
esp_cpu_primitives_clear (CpuDevice *cpu)
{
  for (int i = 0; i < cpu->primitive_count; i++)
    primitive_free (cpu->primitives[i]);
  cpu->primitive_count = 0;
}

/* Finds the key, moving the entry to the front half by half so that busy ones are found soon. */
static CpuPrimitive *
cache_find (CpuDevice *cpu, const int64_t *key)
{
  for (int i = 0; i < cpu->primitive_count; i++)
    if (memcmp (cpu->primitives[i]->key, key, sizeof cpu->primitives[i]->key) == 0)
      {
        CpuPrimitive *found = cpu->primitives[i];

        cpu->primitives[i] = cpu->primitives[i / 2];
        cpu->primitives[i / 2] = found;
        return found;
      }
  return NULL;
}

/* An empty entry that is not in the cache yet. */
static CpuPrimitive *
entry_new (CpuDevice *cpu, const int64_t *key)
{
  CpuPrimitive *entry = calloc (1, sizeof *entry);

  if (cpu->primitives == NULL)
    cpu->primitives = malloc (PRIMITIVES_MAX * sizeof (CpuPrimitive *));
  if (entry == NULL || cpu->primitives == NULL)
    {
      free (entry);
      esp_device_fail (&cpu->base, ESP_ERROR_MEMORY, "out of memory for an operation's plan");
      return NULL;
    }
  memcpy (entry->key, key, sizeof entry->key);
  return entry;
}

static void
cache_add (CpuDevice *cpu, CpuPrimitive *entry)
{
  if (cpu->primitive_count == PRIMITIVES_MAX)
    esp_cpu_primitives_clear (cpu);
  cpu->primitives[cpu->primitive_count++] = entry;
}

dnnl_memory_t
esp_cpu_memory (CpuDevice *cpu, CpuLayoutRef layout, void *data)
{
  dnnl_memory_t memory = NULL;
  dnnl_status_t status = dnnl_memory_create (&memory, layout, cpu->engine, data);
  const int64_t bytes[3] = { (int64_t) dnnl_memory_desc_get_size (layout), 1, 1 };

  if (status == dnnl_success)
    return memory;
  library_failed (cpu, "memory of bytes", bytes, status);
  return NULL;
}

/* Takes what running needs from a primitive description, then destroys the description. */
static dnnl_status_t
entry_finish (CpuDevice *cpu, CpuPrimitive *entry, dnnl_primitive_desc_t plan, bool bias)
{
  CpuLayoutRef library = dnnl_primitive_desc_query_md (plan, dnnl_query_scratchpad_md, 0);
  dnnl_status_t status = dnnl_primitive_create (&entry->primitive, plan);
  const char *implementation = NULL;

  if (dnnl_primitive_desc_query (plan, dnnl_query_impl_info_str, 0, &implementation) == dnnl_success
      && strncmp (implementation, "ref", 3) == 0)
    cpu->library_references++;

  entry->library_bytes = dnnl_memory_desc_get_size (library);
  if (status == dnnl_success)
    status = cpu_layout_copy (&entry->weights,
                              dnnl_primitive_desc_query_md (plan, dnnl_query_weights_md, 0));
  if (status == dnnl_success)
    status
        = dnnl_memory_create (&entry->x, dnnl_primitive_desc_query_md (plan, dnnl_query_src_md, 0),
                              cpu->engine, DNNL_MEMORY_NONE);
  if (status == dnnl_success)
    status
        = dnnl_memory_create (&entry->y, dnnl_primitive_desc_query_md (plan, dnnl_query_dst_md, 0),
                              cpu->engine, DNNL_MEMORY_NONE);
  if (status == dnnl_success)
    status = dnnl_memory_create (&entry->library, library, cpu->engine, DNNL_MEMORY_NONE);
  if (status == dnnl_success && bias)
    status = dnnl_memory_create (&entry->bias,
                                 dnnl_primitive_desc_query_md (plan, dnnl_query_weights_md, 1),
                                 cpu->engine, DNNL_MEMORY_NONE);
  dnnl_primitive_desc_destroy (plan);
  return status;
}

/* --- Convolutions ------------------------------------------------------------------------------
 */

static dnnl_status_t
convolution_attributes (const CpuConvolution *c, dnnl_primitive_attr_t *attributes)
{
  dnnl_post_ops_t operations = NULL;
  dnnl_status_t status = dnnl_primitive_attr_create (attributes);

  if (status == dnnl_success)
    status = dnnl_primitive_attr_set_scratchpad_mode (*attributes, dnnl_scratchpad_mode_user);
  if (status == dnnl_success && c->accumulate)
    {
      status = dnnl_post_ops_create (&operations);
      if (status == dnnl_success)
        status = cpu_append_sum (operations);
      if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops (*attributes, operations);
    }
  if (operations != NULL)
    dnnl_post_ops_destroy (operations);
  return status;
}

static dnnl_status_t
convolution_make (CpuDevice *cpu, const CpuConvolution *c, CpuPrimitive *entry)
{
  CpuLayout x = CPU_LAYOUT_NONE, weights = CPU_LAYOUT_NONE;
  CpuLayout bias = CPU_LAYOUT_NONE, y = CPU_LAYOUT_NONE;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_primitive_desc_t plan = NULL;
  dnnl_status_t status = convolution_attributes (c, &attributes);

  if (status == dnnl_success)
    status = cpu_layout_by_tag (
        &x, 4, (dnnl_dims_t){ c->grid.batch, c->in, c->grid.height, c->grid.width }, dnnl_f32,
        dnnl_nhwc);
  if (status == dnnl_success)
    status = cpu_layout_by_tag (
        &y, 4, (dnnl_dims_t){ c->grid.batch, c->out, c->out_grid.height, c->out_grid.width },
        dnnl_f32, dnnl_nhwc);
  if (status == dnnl_success)
    status = cpu_layout_by_tag (&weights, 4, (dnnl_dims_t){ c->out, c->in, c->kernel, c->kernel },
                                dnnl_f32, dnnl_format_tag_any);
  if (status == dnnl_success)
    status = cpu_layout_by_tag (&bias, 1, (dnnl_dims_t){ c->out }, dnnl_f32, dnnl_a);
  if (status == dnnl_success)
    status = cpu_plan_convolution (&plan, cpu->engine, cpu_layout_ref (&x),
                                   cpu_layout_ref (&weights), cpu_layout_ref (&bias),
                                   cpu_layout_ref (&y), (dnnl_dims_t){ c->stride, c->stride },
                                   (dnnl_dims_t){ c->pad_top, c->pad_left },
                                   (dnnl_dims_t){ c->pad_bottom, c->pad_right }, attributes);
  if (status == dnnl_success)
    status = entry_finish (cpu, entry, plan, true);
  if (attributes != NULL)
    dnnl_primitive_attr_destroy (attributes);
  cpu_layout_clear (&x);
  cpu_layout_clear (&weights);
  cpu_layout_clear (&bias);
  cpu_layout_clear (&y);
  return status;
}

CpuPrimitive *
esp_cpu_convolution (CpuDevice *cpu, const CpuConvolution *c)
{
  const int64_t key[CPU_PRIMITIVE_KEY] = { c->grid.batch, c->grid.height, c->grid.width,
                                           c->in,         c->out,         c->kernel,
                                           c->stride,     c->pad_top,     c->pad_left,
                                           c->pad_bottom, c->pad_right,   c->accumulate };
  CpuPrimitive *entry = cache_find (cpu, key);
  const int64_t shape[3] = { c->grid.height * c->grid.width, c->in, c->out };
  dnnl_status_t status;

  if (entry != NULL)
    return entry;
  entry = entry_new (cpu, key);
  if (entry == NULL)
    return NULL;
  use_device_threads (cpu);
  status = convolution_make (cpu, c, entry);
  if (status == dnnl_success)
    {
      cache_add (cpu, entry);
      return entry;
    }
  library_failed (cpu, "conv2d", shape, status);
  primitive_free (entry);
  return NULL;
}

/* --- Running -----------------------------------------------------------------------------------
 */

void
esp_cpu_primitive_run (CpuDevice *cpu, CpuPrimitive *primitive, const void *x,
                       dnnl_memory_t weights, const float *bias, void *y)
{
  dnnl_exec_arg_t arguments[5];
  int count = 0;
  dnnl_status_t status;
  void *library = esp_cpu_scratch (cpu, SCRATCH_LIBRARY, primitive->library_bytes + 64);

  if (library == NULL)
    return;
  use_device_threads (cpu);
  dnnl_memory_set_data_handle (primitive->x, (void *) (uintptr_t) x);
  dnnl_memory_set_data_handle (primitive->y, y);
  dnnl_memory_set_data_handle (primitive->library, library);
  arguments[count++] = (dnnl_exec_arg_t){ DNNL_ARG_SRC, primitive->x };
  arguments[count++] = (dnnl_exec_arg_t){ DNNL_ARG_WEIGHTS, weights };
  arguments[count++] = (dnnl_exec_arg_t){ DNNL_ARG_DST, primitive->y };
  arguments[count++] = (dnnl_exec_arg_t){ DNNL_ARG_SCRATCHPAD, primitive->library };
  if (primitive->bias != NULL)
    {
      dnnl_memory_set_data_handle (primitive->bias, (void *) (uintptr_t) bias);
      arguments[count++] = (dnnl_exec_arg_t){ DNNL_ARG_BIAS, primitive->bias };
    }
  status = dnnl_primitive_execute (primitive->primitive, cpu->stream, count, arguments);
  if (status == dnnl_success)
    status = dnnl_stream_wait (cpu->stream);
  if (status != dnnl_success)
    library_failed (cpu, "running an operation", primitive->key + 1, status);
}

void
esp_cpu_reorder (CpuDevice *cpu, CpuLayoutRef from, const void *source, CpuLayoutRef to,
                 void *destination)
{
  dnnl_memory_t memories[2] = { NULL, NULL };
  dnnl_primitive_desc_t plan = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status;

  memories[0] = esp_cpu_memory (cpu, from, (void *) (uintptr_t) source);
  memories[1] = esp_cpu_memory (cpu, to, destination);
  if (memories[0] != NULL && memories[1] != NULL)
    {
      dnnl_exec_arg_t arguments[2]
          = { { DNNL_ARG_FROM, memories[0] }, { DNNL_ARG_TO, memories[1] } };

      use_device_threads (cpu);
      status = dnnl_reorder_primitive_desc_create (&plan, from, cpu->engine, to, cpu->engine, NULL);
      if (status == dnnl_success)
        status = dnnl_primitive_create (&primitive, plan);
      if (status == dnnl_success)
        status = dnnl_primitive_execute (primitive, cpu->stream, 2, arguments);
      if (status == dnnl_success)
        status = dnnl_stream_wait (cpu->stream);
      if (status != dnnl_success)
        {
          const int64_t bytes[3] = { (int64_t) dnnl_memory_desc_get_size (from), 1, 1 };

          library_failed (cpu, "packing weights of bytes", bytes, status);
        }
    }
  if (primitive != NULL)
    dnnl_primitive_destroy (primitive);
  if (plan != NULL)
    dnnl_primitive_desc_destroy (plan);
  for (int i = 0; i < 2; i++)
    if (memories[i] != NULL)
      dnnl_memory_destroy (memories[i]);
}
