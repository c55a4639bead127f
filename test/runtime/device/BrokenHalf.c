/* Device halves that are wrong in one way each; HALF chooses the way. */
#include "hetagon/device.h"
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

#if HALF == 1 /* another ABI version in the table */
EXPORT const hetagon_device_api *hetagon_device_query(uint32_t version,
                                                      hetagon_error *error) {
  static const hetagon_device_api api = {sizeof(hetagon_device_api), 999,
                                         "oldabi"};
  return &api;
}
#elif HALF == 2 /* refuses */
EXPORT const hetagon_device_api *hetagon_device_query(uint32_t version,
                                                      hetagon_error *error) {
  strcpy(error->message, "made for another host");
  return 0;
}
#elif HALF == 3 /* required entries missing */
EXPORT const hetagon_device_api *hetagon_device_query(uint32_t version,
                                                      hetagon_error *error) {
  static const hetagon_device_api api = {sizeof(hetagon_device_api),
                                         HETAGON_DEVICE_ABI_VERSION, "partial"};
  return &api;
}
#elif HALF == 4 /* a smaller table */
EXPORT const hetagon_device_api *hetagon_device_query(uint32_t version,
                                                      hetagon_error *error) {
  static const hetagon_device_api api = {16, HETAGON_DEVICE_ABI_VERSION,
                                         "small"};
  return &api;
}
#else           /* no query function */
EXPORT int somethingElse(void) { return 0; }
#endif
