/* SPDX-License-Identifier: MIT */
/* driver.cc: a libcuda.so.1 whose cards are this processor.
 *
 * It has the functions that ops/cuda/cuda-driver.h declares, under the names of the driver's own
 * library, and answers what that one would: what a card refuses is refused here. Its modules are
 * empty: kernels come from the same sources, compiled into this library (rows.cc and so on).
 */
#include "api.h"
#include "faults.h"
#include "tensor-map.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

using cuemu::current;
using cuemu::driver_lock;
using cuemu::Guard;
using cuemu::setting;

static bool initialised;
static std::map<int, CUctx_st> contexts;

namespace cuemu
{

std::recursive_mutex driver_lock;
thread_local CUctx_st *current;

long
setting (const char *name, long otherwise)
{
  const char *value = getenv (name);

  return value != NULL && *value != '\0' ? atol (value) : otherwise;
}

bool
computes (void)
{
  const char *wanted = getenv ("CUEMU_KERNELS");

  return wanted == NULL || strcmp (wanted, "skip") != 0;
}

unsigned
capability (void)
{
  return unsigned (setting ("CUEMU_CAPABILITY", 89));
}

}

static size_t
memory_of_card (void)
{
  return size_t (setting ("CUEMU_VRAM", 8L << 30));
}

static int
device_count (void)
{
  return int (setting ("CUEMU_DEVICES", 1));
}

/* Of dynamic shared memory, what a block may ask for (CUDA C++ Programming Guide, table "Technical
 * Specifications per Compute Capability"). */
static size_t
shared_limit (void)
{
  switch (cuemu::capability ())
    {
    case 75:
      return 64 << 10;
    case 80:
    case 87:
      return 163 << 10;
    case 90:
    case 100:
    case 103:
      return 227 << 10;
    default:
      return 99 << 10;
    }
}

constexpr size_t SHARED_WITHOUT_ASKING = 48 << 10;

/* By this the engine knows that it needs no binaries (cuda-driver.c). */
EXPORT const int cuemu_has_kernels = 1;

/* And by this whether they do anything. */
EXPORT int
cuemu_computes (void)
{
  return cuemu::computes ();
}

/* --- Cards ------------------------------------------------------------------------------------*/

/* A kernel that goes astray is named; whoever had the signal before hears of it afterwards. */
static struct sigaction former;

static void
on_bad_access (int number, siginfo_t *info, void *context)
{
  if (cuemu::running != NULL)
    {
      char where[160];
      cuemu::describe_address (info->si_addr, where, sizeof where);
      cuemu::fail ("a kernel touched %s", where);
    }
  sigaction (SIGSEGV, &former, NULL);
}

static void
catch_bad_access (void)
{
#if !defined(__SANITIZE_ADDRESS__)
  static thread_local unsigned char own_stack[64 << 10];
  static bool done;
  stack_t stack = {};
  struct sigaction action = {};

  stack.ss_sp = own_stack;
  stack.ss_size = sizeof own_stack;
  sigaltstack (&stack, NULL);
  action.sa_sigaction = on_bad_access;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  if (!done)
    sigaction (SIGSEGV, &action, &former);
  done = true;
#endif
}

EXPORT CUresult
cuInit (unsigned flags)
{
  if (flags != 0)
    return INVALID_VALUE;
  if (device_count () == 0)
    return NO_DEVICE;
  initialised = true;
  return SUCCESS;
}

EXPORT CUresult
cuDriverGetVersion (int *version)
{
  *version = int (setting ("CUEMU_DRIVER", 13000));
  return SUCCESS;
}

struct ErrorName
{
  CUresult error;
  const char *name, *text;
};

static const ErrorName error_names[] = {
  { SUCCESS, "CUDA_SUCCESS", "no error" },
  { INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument" },
  { OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory" },
  { NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error" },
  { NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected" },
  { INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal" },
  { INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context" },
  { INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle" },
  { NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found" },
  { NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready" },
  { LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
    "too many resources requested for launch" },
  { LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure" },
  { CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
    "operation not permitted when stream is capturing" },
  { CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
    "operation failed due to a previous error during capture" },
  { CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
    "capture was not ended in the same stream as it began" },
  { CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work" },
  { CAPTURE_ISOLATION, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION",
    "dependency created on uncaptured work in another stream" },
  { CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT",
    "operation not permitted on an event last recorded in a capturing stream" },
};

static const ErrorName *
find_error (CUresult error)
{
  for (const ErrorName &row : error_names)
    if (row.error == error)
      return &row;
  return NULL;
}

EXPORT CUresult
cuGetErrorName (CUresult error, const char **name)
{
  const ErrorName *row = find_error (error);

  *name = row != NULL ? row->name : NULL;
  return row != NULL ? SUCCESS : INVALID_VALUE;
}

EXPORT CUresult
cuGetErrorString (CUresult error, const char **text)
{
  const ErrorName *row = find_error (error);

  *text = row != NULL ? row->text : NULL;
  return row != NULL ? SUCCESS : INVALID_VALUE;
}

EXPORT CUresult
cuDeviceGetCount (int *count)
{
  *count = device_count ();
  return initialised ? SUCCESS : NOT_INITIALIZED;
}

EXPORT CUresult
cuDeviceGet (CUdevice *device, int ordinal)
{
  if (!initialised)
    return NOT_INITIALIZED;
  if (ordinal < 0 || ordinal >= device_count ())
    return INVALID_DEVICE;
  *device = ordinal;
  return SUCCESS;
}

EXPORT CUresult
cuDeviceGetName (char *name, int length, CUdevice device)
{
  const char *wanted = getenv ("CUEMU_NAME");

  snprintf (name, length, "%s", wanted != NULL ? wanted : "Emulated card");
  return SUCCESS;
}

EXPORT CUresult
cuDeviceTotalMem_v2 (size_t *bytes, CUdevice device)
{
  *bytes = memory_of_card ();
  return SUCCESS;
}

EXPORT CUresult
cuDeviceGetAttribute (int *value, int attribute, CUdevice device)
{
  switch (attribute)
    {
    case 10: /* warp size */
      *value = 32;
      return SUCCESS;
    case 13: /* clock, kHz */
    case 36: /* the memory's */
      *value = 1000000;
      return SUCCESS;
    case 16: /* multiprocessors */
      *value = int (setting ("CUEMU_MULTIPROCESSORS", 4));
      return SUCCESS;
    case 18: /* integrated */
      *value = int (setting ("CUEMU_INTEGRATED", 0));
      return SUCCESS;
    case 20: /* compute mode: default */
      *value = int (setting ("CUEMU_COMPUTE_MODE", 0));
      return SUCCESS;
    case 33: /* PCI bus */
      *value = device + 1;
      return SUCCESS;
    case 34: /* PCI device */
    case 50: /* PCI domain */
      *value = 0;
      return SUCCESS;
    case 37: /* bus width */
      *value = 256;
      return SUCCESS;
    case 38: /* L2 */
      *value = 4 << 20;
      return SUCCESS;
    case 75:
      *value = int (cuemu::capability () / 10);
      return SUCCESS;
    case 76:
      *value = int (cuemu::capability () % 10);
      return SUCCESS;
    case 97:
      *value = int (shared_limit ());
      return SUCCESS;
    default:
      return INVALID_VALUE;
    }
}

EXPORT CUresult
cuDevicePrimaryCtxRetain (CUctx_st **context, CUdevice device)
{
  const Guard guard (driver_lock);

  if (device < 0 || device >= device_count ())
    return INVALID_DEVICE;
  *context = &contexts[device];
  (*context)->device = device;
  (*context)->holders++;
  return SUCCESS;
}

EXPORT CUresult
cuDevicePrimaryCtxRelease_v2 (CUdevice device)
{
  const Guard guard (driver_lock);

  if (contexts.count (device) == 0 || contexts[device].holders == 0)
    return INVALID_CONTEXT;
  if (--contexts[device].holders == 0)
    {
      /* What is left goes with the context. */
      cuemu::finish_device (device);
      cuemu::free_all_on_card (device);
    }
  return SUCCESS;
}

EXPORT CUresult
cuDevicePrimaryCtxReset_v2 (CUdevice device)
{
  const Guard guard (driver_lock);

  if (device < 0 || device >= device_count ())
    return INVALID_DEVICE;
  cuemu::health (device); /* it would wait, too */
  cuemu::finish_device (device);
  cuemu::free_all_on_card (device);
  cuemu::recover (device);
  return SUCCESS;
}

EXPORT CUresult
cuCtxSetCurrent (CUctx_st *context)
{
  current = context;
  catch_bad_access ();
  return SUCCESS;
}

/* --- Memory -----------------------------------------------------------------------------------*/

EXPORT CUresult
cuMemGetInfo_v2 (size_t *free, size_t *total)
{
  if (current == NULL)
    return INVALID_CONTEXT;
  *total = memory_of_card ();
  *free = *total - std::min (*total, cuemu::used_on_card (current->device));
  return SUCCESS;
}

EXPORT CUresult
cuMemAlloc_v2 (CUdeviceptr *pointer, size_t bytes)
{
  const Guard guard (driver_lock);

  if (current == NULL)
    return INVALID_CONTEXT;
  if (bytes == 0)
    return INVALID_VALUE;
  if (cuemu::health (current->device) != SUCCESS)
    return LAUNCH_FAILED;
  if (bytes > memory_of_card ()
      || cuemu::used_on_card (current->device) > memory_of_card () - bytes)
    return OUT_OF_MEMORY;
  *pointer = cuemu::allocate_on_card (current->device, bytes);
  return *pointer != 0 ? SUCCESS : OUT_OF_MEMORY;
}

EXPORT CUresult
cuMemFree_v2 (CUdeviceptr pointer)
{
  const Guard guard (driver_lock);

  if (current == NULL)
    return INVALID_CONTEXT;
  cuemu::finish_device (current->device);
  return cuemu::free_on_card (pointer) ? SUCCESS : INVALID_VALUE;
}

EXPORT CUresult
cuMemHostAlloc (void **pointer, size_t bytes, unsigned flags)
{
  *pointer = cuemu::allocate_pinned (bytes);
  return *pointer != NULL ? SUCCESS : OUT_OF_MEMORY;
}

EXPORT CUresult
cuMemFreeHost (void *pointer)
{
  const Guard guard (driver_lock);

  if (current != NULL)
    cuemu::finish_device (current->device);
  return cuemu::free_pinned (pointer) ? SUCCESS : INVALID_VALUE;
}

EXPORT CUresult
cuMemHostRegister_v2 (void *pointer, size_t bytes, unsigned flags)
{
  return cuemu::pin (pointer, bytes) ? SUCCESS : INVALID_VALUE;
}

EXPORT CUresult
cuMemHostUnregister (void *pointer)
{
  const Guard guard (driver_lock);

  if (current != NULL)
    cuemu::finish_device (current->device);
  return cuemu::unpin (pointer) ? SUCCESS : INVALID_VALUE;
}

/* --- Modules ----------------------------------------------------------------------------------*/

EXPORT CUresult
cuModuleLoadData (CUmod_st **module, const void *image)
{
  if (current == NULL)
    return INVALID_CONTEXT;
  *module = new CUmod_st{ current->device };
  return SUCCESS;
}

EXPORT CUresult
cuModuleUnload (CUmod_st *module)
{
  const Guard guard (driver_lock);

  cuemu::finish_device (module->device);
  delete module;
  return SUCCESS;
}

EXPORT CUresult
cuModuleGetFunction (CUfunc_st **function, CUmod_st *module, const char *name)
{
  const Guard guard (driver_lock);
  static std::map<std::pair<const cuemu::Kernel *, int>, CUfunc_st> functions;

  for (const cuemu::Kernel *kernel = cuemu::kernels; kernel != NULL; kernel = kernel->next)
    if (strcmp (kernel->name, name) == 0)
      {
        CUfunc_st &found = functions[{ kernel, module->device }];
        if (found.kernel == NULL)
          found = { kernel, module->device, SHARED_WITHOUT_ASKING };
        *function = &found;
        return SUCCESS;
      }
  *function = NULL;
  return NOT_FOUND;
}

EXPORT CUresult
cuFuncSetAttribute (CUfunc_st *function, int attribute, int value)
{
  if (attribute != 8 || value < 0 || size_t (value) > shared_limit ())
    return INVALID_VALUE;
  function->shared_limit = std::max (size_t (value), SHARED_WITHOUT_ASKING);
  return SUCCESS;
}

EXPORT CUresult
cuFuncGetAttribute (int *value, int attribute, CUfunc_st *function)
{
  switch (attribute)
    {
    case 0: /* most threads of a block */
      *value = int (function->kernel->threads);
      return SUCCESS;
    case 1: /* static shared memory */
    case 3: /* local memory */
      *value = 0;
      return SUCCESS;
    case 4:
      *value = 64;
      return SUCCESS;
    case 8:
      *value = int (function->shared_limit);
      return SUCCESS;
    default:
      return INVALID_VALUE;
    }
}

/* --- The copy engine --------------------------------------------------------------------------*/

/* cuTensorMapEncodeTiled()'s types of elements that kernels here have. */
static int
element_bytes (int type)
{
  return type == 0 ? 1 : type == 6 || type == 9 ? 2 : 0;
}

/* Refuses what its manual says is refused (CUDA Driver API, Tensor Map Object Management), and what
 * the emulated engine does not do. */
EXPORT CUresult
cuTensorMapEncodeTiled (void *map, int type, uint32_t rank, void *address, const uint64_t *size,
                        const uint64_t *strides, const uint32_t *box, const uint32_t *steps,
                        int interleave, int swizzle, int promotion, int fill)
{
  const uint64_t data = reinterpret_cast<uint64_t> (address);
  const uint64_t element = uint64_t (element_bytes (type));

  if (cuemu::capability () < 90)
    return INVALID_VALUE;
  if (element == 0 || rank != 2 || interleave != 0 || swizzle != 3 || promotion < 0 || promotion > 3
      || fill != 0)
    return INVALID_VALUE;
  if (reinterpret_cast<uint64_t> (map) % 64 != 0 || data % 16 != 0 || size[0] == 0 || size[1] == 0
      || size[0] > uint64_t (1) << 32 || size[1] > uint64_t (1) << 32 || strides[0] % 16 != 0
      || strides[0] >= uint64_t (1) << 40 || strides[0] < size[0] * element)
    return INVALID_VALUE;
  if (box[0] * element != 128 || box[1] == 0 || box[1] > 256 || steps[0] != 1 || steps[1] != 1)
    return INVALID_VALUE;
  const cuemu::TensorMap made
      = { data,         int64_t (size[0]), int64_t (size[1]), int64_t (strides[0]),
          int (box[1]), int (element) };
  memset (map, 0, 128);
  memcpy (map, &made, sizeof made);
  return SUCCESS;
}
