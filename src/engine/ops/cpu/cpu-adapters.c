/* SPDX-License-Identifier: MIT */
/* cpu-adapters.c: linear layers with adapters (LoRA): two narrow products beside the wide one.
 *
 * The layer itself runs as it would without them, whatever its number format; each adapter is then
 * added to what it gave, some rows at a time while they are in a cache. An activation waits until
 * all is added. The products are linear layers themselves, prepared for the call and given back
 * at its end: their weights are thousands of times smaller than the work, and so nothing of an
 * adapter stays behind.
 *
 * Rows are taken in stretches from the first row of a range on, so that a range's result does not
 * depend on others that are computed with it (esp_linear_batch()).
 */
#include "ops/cpu/cpu-device.h"

enum
{
  STRETCH_ROWS = 512, /* rows that go through all adapters at once */
};

/* Up to ESP_LINEAR_MAX_PARTS adapters whose first products are one. */
typedef struct AdapterGroup
{
  EspLinear down;                     /* [in] → ranks, side by side */
  EspLinear up[ESP_LINEAR_MAX_PARTS]; /* rank → out of one adapter */
  const EspAdapter *adapter[ESP_LINEAR_MAX_PARTS];
  int64_t column[ESP_LINEAR_MAX_PARTS]; /* where its rank begins */
  int count;
} AdapterGroup;

/* The next adapters from `index` on become a group; returns how many. */
static int
gather_group (const EspLinear *linear, int index, AdapterGroup *group)
{
  *group = (AdapterGroup){ .down = { .in = linear->in, .precise = linear->precise } };
  for (; index < linear->adapter_count && group->count < ESP_LINEAR_MAX_PARTS; index++)
    {
      const EspAdapter *adapter = &linear->adapters[index];
      int64_t rank = adapter->down->count / linear->in;
      int i = group->count++;

      group->adapter[i] = adapter;
      group->up[i] = (EspLinear){ .parts = 1,
                                  .weight = { adapter->up },
                                  .in = rank,
                                  .out = adapter->out,
                                  .precise = linear->precise };
      /* One that was cut into ranges of outputs shares what it has in common. */
      if (i > 0 && adapter->down == group->adapter[i - 1]->down
          && adapter->strength == group->adapter[i - 1]->strength)
        {
          group->column[i] = group->column[i - 1];
          continue;
        }
      group->column[i] = group->down.out;
      group->down.weight[group->down.parts++] = adapter->down;
      group->down.out += rank;
    }
  return group->count;
}

/* Adds a group to some rows of y. */
static void
add_stretch (CpuDevice *cpu, const AdapterGroup *group, EspTensor x, const float *gate, EspTensor y)
{
  EspDevice *device = &cpu->base;
  EspTensor narrow = { NULL, ESP_F32, x.rows, group->down.out, group->down.out };
  int64_t scaled = 0;

  narrow.data = esp_cpu_scratch (cpu, SCRATCH_ADAPTER,
                                 (size_t) (narrow.rows * narrow.cols) * sizeof (float));
  if (narrow.data == NULL)
    return;
  esp_cpu_linear (device, x, &group->down, NULL, narrow);
  for (int i = 0; i < group->count && device->error.status == ESP_OK; i++)
    {
      const EspAdapter *adapter = group->adapter[i];
      EspTensor own = esp_tensor_cols (narrow, group->column[i], group->up[i].in);
      EspEpilogue add = { .gate = gate != NULL ? gate + adapter->first : NULL, .accumulate = true };

      if (group->column[i] == scaled)
        {
          esp_cpu_scale_add (device, adapter->strength, own, 0, own);
          scaled += own.cols;
        }
      esp_cpu_linear (device, own, &group->up[i], &add,
                      esp_tensor_cols (y, adapter->first, adapter->out));
    }
}

/* y = activation (y + gate · all adapters), for rows that the layer itself has filled. */
static void
add_adapters (CpuDevice *cpu, EspTensor x, const EspLinear *linear, EspActivation activation,
              const float *gate, EspTensor y)
{
  EspDevice *device = &cpu->base;
  AdapterGroup group;

  for (int i = 0; i < linear->adapter_count && device->error.status == ESP_OK;)
    {
      i += gather_group (linear, i, &group);
      esp_cpu_prepare_linear (device, &group.down);
      for (int k = 0; k < group.count; k++)
        esp_cpu_prepare_linear (device, &group.up[k]);
      for (int64_t row = 0; row < x.rows && device->error.status == ESP_OK; row += STRETCH_ROWS)
        {
          int64_t rows = x.rows - row < STRETCH_ROWS ? x.rows - row : STRETCH_ROWS;
          EspTensor some = esp_tensor_rows (y, row, rows);

          add_stretch (cpu, &group, esp_tensor_rows (x, row, rows), gate, some);
          if (activation != ESP_ACTIVATION_NONE && i == linear->adapter_count)
            esp_cpu_activate (device, some, activation, some);
        }
      esp_cpu_release_linear (device, &group.down);
      for (int k = 0; k < group.count; k++)
        esp_cpu_release_linear (device, &group.up[k]);
    }
}

/* What of the epilogue the layer itself can do before adapters are added. False: nothing, it has to
 * wait in memory of its own. */
static bool
split_epilogue (const EspEpilogue *epilogue, EspEpilogue *before)
{
  if (epilogue->activation == ESP_ACTIVATION_NONE)
    *before = *epilogue;
  else
    *before = (EspEpilogue){ .activation = ESP_ACTIVATION_NONE };
  return epilogue->activation == ESP_ACTIVATION_NONE
         || (epilogue->gate == NULL && !epilogue->accumulate);
}

/* y (+)= gate · t, row by row. */
static void
finish_rows (CpuDevice *cpu, EspTensor t, const EspEpilogue *epilogue, EspTensor y)
{
  float *spare = esp_cpu_scratch (cpu, SCRATCH_THREADS, (size_t) y.cols * sizeof *spare);

  for (int64_t i = 0; spare != NULL && i < y.rows; i++)
    {
      float *out = esp_cpu_row_out (&y, i, 0, spare);

      if (out == spare && epilogue->accumulate)
        esp_cpu_row (cpu, &y, i, 0, y.cols, spare);
      cpu->kernels->finish_row ((const float *) t.data + i * t.stride, NULL, ESP_ACTIVATION_NONE,
                                epilogue->gate, epilogue->accumulate, y.cols, out);
      esp_cpu_row_done (cpu, &y, i, 0, y.cols, out);
    }
}

/* An activation between the adapters and a gate or a sum, which no model here has: through a tensor
 * of some rows. */
static void
apart (CpuDevice *cpu, EspTensor x, const EspLinear *linear, const EspEpilogue *epilogue,
       EspTensor y)
{
  EspDevice *device = &cpu->base;
  int64_t most = x.rows < STRETCH_ROWS ? x.rows : STRETCH_ROWS;
  EspTensor t = esp_tensor_new (device, ESP_F32, most, linear->out);
  const EspEpilogue inner = { .activation = epilogue->activation };

  for (int64_t row = 0; row < x.rows && device->error.status == ESP_OK; row += most)
    {
      int64_t rows = x.rows - row < most ? x.rows - row : most;
      EspTensor some = esp_tensor_rows (t, 0, rows);

      esp_cpu_adapted_linear (device, esp_tensor_rows (x, row, rows), linear, &inner, some);
      if (device->error.status == ESP_OK)
        finish_rows (cpu, some, epilogue, esp_tensor_rows (y, row, rows));
    }
  esp_tensor_free (device, &t);
}

void
esp_cpu_adapted_linear (EspDevice *device, EspTensor x, const EspLinear *linear,
                        const EspEpilogue *epilogue, EspTensor y)
{
  static const EspEpilogue plain = { ESP_ACTIVATION_NONE, NULL, false };
  CpuDevice *cpu = (CpuDevice *) device;
  EspEpilogue before;

  if (linear->adapter_count == 0)
    {
      esp_cpu_linear (device, x, linear, epilogue, y);
      return;
    }
  epilogue = epilogue != NULL ? epilogue : &plain;
  if (!split_epilogue (epilogue, &before))
    {
      apart (cpu, x, linear, epilogue, y);
      return;
    }
  esp_cpu_linear (device, x, linear, &before, y);
  if (device->error.status == ESP_OK)
    add_adapters (cpu, x, linear, epilogue->activation, epilogue->gate, y);
}

void
esp_cpu_adapted_linear_batch (EspDevice *device, EspTensor x, const EspLinear *linear,
                              const EspEpilogue *epilogue, EspTensor y, const EspBatch *batch)
{
  static const EspEpilogue plain = { ESP_ACTIVATION_NONE, NULL, false };
  CpuDevice *cpu = (CpuDevice *) device;
  EspEpilogue before;
  bool whole;

  if (linear->adapter_count == 0)
    {
      esp_cpu_linear_batch (device, x, linear, epilogue, y, batch);
      return;
    }
  epilogue = epilogue != NULL ? epilogue : &plain;
  whole = split_epilogue (epilogue, &before);
  if (whole)
    esp_cpu_linear_batch (device, x, linear, &before, y, batch);
  for (int64_t i = 0; i < batch->count && device->error.status == ESP_OK; i++)
    {
      EspTensor in = esp_tensor_rows (x, batch->x[i], batch->rows);
      EspTensor out = esp_tensor_rows (y, batch->y[i], batch->rows);

      if (whole)
        add_adapters (cpu, in, linear, epilogue->activation, epilogue->gate, out);
      else
        apart (cpu, in, linear, epilogue, out);
    }
}
