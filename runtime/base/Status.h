// Status and StatusOr: how every part of Hetagon outside the compiler reports
// failure. A status carries a code, a message for the user and, where one is
// known, the place in the user's file. No exception crosses a library border.
#ifndef HETAGON_RUNTIME_BASE_STATUS_H
#define HETAGON_RUNTIME_BASE_STATUS_H

#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace hetagon {

/// Why an operation failed. The values are part of the device ABI
/// (hetagon/device.h) and never change.
enum class Code : int32_t {
  Ok = 0,
  InvalidArgument = 1,   ///< the caller's or the user's input is wrong
  NotFound = 2,          ///< a named thing does not exist
  Unsupported = 3,       ///< well-formed, but outside what is implemented
  OutOfRange = 4,        ///< an index, size or count beyond its bound
  ResourceExhausted = 5, ///< memory, pages, slots or a stated cap
  DeviceLost = 6,        ///< a device or its process is gone
  Cancelled = 7,         ///< the caller asked to stop
  DeadlineExceeded = 8,  ///< a time-out passed
  PermissionDenied = 9,  ///< refused: no trust, no consent, or the operating
                         ///< system's permissions
  DataLoss =
      10, ///< a digest or checksum does not match, or a file is truncated
  Unavailable = 11, ///< a service cannot be reached now; trying again may help
  Internal = 12,    ///< a broken invariant of Hetagon's own
};

/// The code's name in words, as printed in messages.
std::string_view codeName(Code code);

/// A position in a file of the user's: line and column count from 1 (0:
/// unknown); offset is in bytes.
struct Place {
  std::string file;
  uint32_t line = 0;
  uint32_t column = 0;
  std::optional<uint64_t> offset;

  /// "flow.yaml:12:5", "model.gguf: offset 4096", or only the file's name.
  std::string str() const;
};

/// The outcome of an operation: cheap to copy when it is a success.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Code code, std::string message)
      : Status(code, std::move(message), std::nullopt) {}
  Status(Code code, std::string message, std::optional<Place> place);

  static Status ok() { return {}; }
  bool isOk() const { return !rep; }
  explicit operator bool() const = delete;

  Code code() const { return rep ? rep->code : Code::Ok; }
  /// The message without place; empty on success.
  const std::string &message() const;
  /// Where in the user's file the failure lies; null when unknown.
  const Place *place() const {
    return rep && rep->place ? &*rep->place : nullptr;
  }
  /// Place, message and nothing else: what a tool prints after "error: ".
  std::string str() const;

  /// The same failure with "context: " before its message; a success stays one.
  Status withContext(std::string_view context) const;
  /// The same failure at this place, unless it already has one.
  Status at(Place place) const;

private:
  struct Rep {
    Code code;
    std::string message;
    std::optional<Place> place;
  };
  std::shared_ptr<const Rep> rep;
};

/// A value, or why there is none.
template <typename T> class [[nodiscard]] StatusOr {
public:
  StatusOr(T value) : stored(std::move(value)) {}
  StatusOr(Status status) : failure(std::move(status)) {
    assert(!failure.isOk() && "a StatusOr made from a success has no value");
  }

  bool isOk() const { return stored.has_value(); }
  const Status &status() const { return failure; }
  T &value() & {
    assert(stored);
    return *stored;
  }
  const T &value() const & {
    assert(stored);
    return *stored;
  }
  T &&value() && {
    assert(stored);
    return std::move(*stored);
  }
  T &operator*() & { return value(); }
  const T &operator*() const & { return value(); }
  T &&operator*() && { return std::move(*this).value(); }
  T *operator->() { return &value(); }
  const T *operator->() const { return &value(); }

private:
  std::optional<T> stored;
  Status failure;
};

} // namespace hetagon

#define HETAGON_CONCAT_INNER(a, b) a##b
#define HETAGON_CONCAT(a, b) HETAGON_CONCAT_INNER(a, b)

/// Returns from the enclosing function when `expression` is a failed Status.
#define HETAGON_RETURN_IF_ERROR(expression)                                    \
  do {                                                                         \
    if (::hetagon::Status hetagonStatus = (expression); !hetagonStatus.isOk()) \
      return hetagonStatus;                                                    \
  } while (false)

/// Declares or assigns `target` from a StatusOr, or returns its failure.
#define HETAGON_ASSIGN_OR_RETURN(target, expression)                           \
  auto HETAGON_CONCAT(hetagonResult, __LINE__) = (expression);                 \
  if (!HETAGON_CONCAT(hetagonResult, __LINE__).isOk())                         \
    return HETAGON_CONCAT(hetagonResult, __LINE__).status();                   \
  target = std::move(HETAGON_CONCAT(hetagonResult, __LINE__)).value()

#endif // HETAGON_RUNTIME_BASE_STATUS_H
