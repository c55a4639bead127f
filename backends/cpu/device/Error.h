// Filling the device ABI's error record.
#ifndef HETAGON_BACKENDS_CPU_DEVICE_ERROR_H
#define HETAGON_BACKENDS_CPU_DEVICE_ERROR_H

#include "hetagon/device.h"
#include <cstdarg>
#include <cstdio>

namespace hetagon::cpu {

/// Writes the message, cut to what fits, into *error when it is not null, and
/// returns `code`.
[[gnu::format(printf, 3, 4)]] inline hetagon_code
fail(hetagon_error *error, hetagon_code code, const char *format, ...) {
  if (error) {
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
  }
  return code;
}

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_DEVICE_ERROR_H
