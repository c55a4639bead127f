// The toy device as a module that a plan can name.
#include "ToyDevice.h"

extern "C" __attribute__((visibility("default"))) const hetagon_device_api *
hetagon_device_query(uint32_t, hetagon_error *) {
  return hetagon::toy::api();
}
