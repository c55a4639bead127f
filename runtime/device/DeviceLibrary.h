// Finds and opens the device halves of backends: shared objects that export
// the table of hetagon/device.h.
#ifndef HETAGON_RUNTIME_DEVICE_DEVICELIBRARY_H
#define HETAGON_RUNTIME_DEVICE_DEVICELIBRARY_H

#include "hetagon/device.h"
#include "runtime/base/Status.h"
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hetagon {

/// An opened device half, checked against this host's ABI. Immutable and
/// thread-safe. It is never unmapped: threads and thread-local destructors of
/// a vendor's library may outlive the last device.
class DeviceLibrary {
public:
  /// Opens hetagon-device-BACKEND.so from the first folder of searchPath() that
  /// holds it. NotFound lists the folders looked in and the backends found
  /// there. A file that is found but refused (wrong ABI version, missing entry,
  /// other name) is an error; later folders are not tried.
  static StatusOr<std::shared_ptr<const DeviceLibrary>>
  find(std::string_view backend);
  /// Opens one file. An empty `backend` accepts any name.
  static StatusOr<std::shared_ptr<const DeviceLibrary>>
  open(const std::string &path, std::string_view backend = {});
  /// Wraps a table that is linked into this process; `origin` names it in
  /// errors.
  static StatusOr<std::shared_ptr<const DeviceLibrary>>
  fromApi(const hetagon_device_api *api, std::string origin);

  /// The folders searched, in order: those of $HETAGON_DEVICE_PATH (separated
  /// by colons), then lib/hetagon/devices beside the running program's folder.
  static std::vector<std::string> searchPath();

  struct Available {
    std::string backend, path;
  };
  /// What find() could open, by file name, sorted; the first folder wins.
  static std::vector<Available> available();

  const hetagon_device_api &api() const { return *table; }
  std::string_view backend() const { return table->backend; }
  const std::string &origin() const { return from; }

private:
  DeviceLibrary(const hetagon_device_api *table, std::string from)
      : table(table), from(std::move(from)) {}
  static StatusOr<std::shared_ptr<const DeviceLibrary>>
  check(const hetagon_device_api *api, std::string origin,
        std::string_view backend);

  const hetagon_device_api *table;
  std::string from;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_DEVICE_DEVICELIBRARY_H
