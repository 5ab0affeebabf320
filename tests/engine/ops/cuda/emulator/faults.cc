/* SPDX-License-Identifier: MIT */
/* faults.cc: see faults.h. */
#include "faults.h"

#include "api.h"

#include <cstdlib>
#include <cstring>
#include <map>

namespace cuemu
{

/* How often a device that hangs is asked before it gives up. */
constexpr int PATIENCE = 300;

struct State
{
  Fault fault;
  int asked;
};

static std::map<int, State> states;

Fault
fault_of (const char *kernel)
{
  static const struct
  {
    const char *name;
    Fault fault;
  } faults[] = { { "wrong", Fault::WRONG },
                 { "fault", Fault::FAULT },
                 { "hang", Fault::HANG },
                 { "stuck", Fault::STUCK } };
  const char *at = getenv ("CUEMU_BREAK");

  while (at != NULL && *at != '\0')
    {
      const size_t length = strcspn (at, "=");
      const char *how = at + length + (at[length] == '=');
      const size_t size = strcspn (how, ",");
      bool known = false;

      for (const auto &fault : faults)
        if (strlen (fault.name) == size && strncmp (how, fault.name, size) == 0)
          {
            known = true;
            if (strncmp (kernel, at, length) == 0)
              return fault.fault;
          }
      if (!known)
        fail ("CUEMU_BREAK: %s is none of KERNEL=wrong, fault, hang and stuck", at);
      at = how + size + (how[size] == ',');
    }
  return Fault::NONE;
}

void
suffer (int device, Fault fault)
{
  if (fault != Fault::NONE && fault != Fault::WRONG && states[device].fault == Fault::NONE)
    states[device] = { fault, 0 };
}

int
health_now (int device)
{
  State &state = states[device];

  if (state.fault == Fault::STUCK || (state.fault == Fault::HANG && ++state.asked < PATIENCE))
    return NOT_READY;
  return state.fault == Fault::NONE ? SUCCESS : LAUNCH_FAILED;
}

int
health (int device)
{
  if (states[device].fault == Fault::STUCK)
    fail ("somebody waits for a kernel that does not end");
  if (states[device].fault == Fault::HANG)
    states[device].asked = PATIENCE;
  return states[device].fault == Fault::NONE ? SUCCESS : LAUNCH_FAILED;
}

void
recover (int device)
{
  states.erase (device);
}

}
