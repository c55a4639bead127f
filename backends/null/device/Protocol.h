// The frames that the null device half and its process exchange over one
// stream socket; docs/backends.md describes them. Everything that is read is
// bounded and checked on both sides.
#ifndef HETAGON_BACKENDS_NULL_DEVICE_PROTOCOL_H
#define HETAGON_BACKENDS_NULL_DEVICE_PROTOCOL_H

#include "backends/null/device/Outcome.h"
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace hetagon::null {

using Bytes = std::vector<uint8_t>;

inline constexpr uint32_t protocolMagic = 0x4c4e4748; // "HGNL"
inline constexpr uint32_t protocolVersion = 1;
/// Content bytes that one Write, Read or Load frame carries at most.
inline constexpr uint64_t maxContentBytes = 1 << 20;
/// Bytes of a frame after its header.
inline constexpr uint32_t maxBodyBytes = maxContentBytes + (1 << 16);
inline constexpr uint32_t maxBindings = 1024;
inline constexpr uint32_t maxConstants = 1024;
inline constexpr size_t maxTextBytes = 500;

enum class Kind : uint32_t {
  Hello = 1, // from the process, first: magic, version
  Reply,     // from the process: code, then a text or the answer
  Completed, // from the process: queue, fence, value, code, text
  Open,      // from here on to the process
  Ping,
  Counters,
  Allocate,
  Release,
  Write,
  Read,
  Load,
  Unload,
  Entry,
  CreateCommands,
  DestroyCommands,
  Dispatch,
  Copy,
  CreateQueue,
  DestroyQueue,
  CreateFence,
  DestroyFence,
  Submit,
  Cancel,
  Close,
};

/// One frame as it was received. `id` pairs a reply with its request; 0 in
/// Hello and Completed.
struct Frame {
  Kind kind = Kind::Ping;
  uint64_t id = 0;
  Bytes body;
};

/// Builds a frame's body: little-endian integers without padding.
class Writer {
public:
  Writer();
  Writer &u32(uint32_t value);
  Writer &u64(uint64_t value);
  /// As many bytes, without their number.
  Writer &raw(const void *data, size_t size);
  /// A u32 of their number (cut to maxTextBytes), then the bytes.
  Writer &text(std::string_view text);
  Writer &outcome(const Outcome &outcome);
  /// The body of another.
  Writer &append(const Writer &other);

private:
  friend Outcome sendFrame(int socket, Kind kind, uint64_t id, Writer body);
  Bytes bytes; // the header's place, then the body
};

/// Takes a body apart; once something is missing, everything reads as zero and
/// isSound() is false.
class Reader {
public:
  explicit Reader(std::span<const uint8_t> bytes) : rest(bytes) {}
  uint32_t u32() { return static_cast<uint32_t>(integer(4)); }
  uint64_t u64() { return integer(8); }
  std::span<const uint8_t> raw(size_t size);
  std::string text();
  /// A code outside the ABI's makes the reader unsound.
  Outcome outcome();
  std::span<const uint8_t> remaining() { return raw(rest.size()); }
  /// Nothing was missing and nothing is left.
  bool isDone() const { return sound && rest.empty(); }
  bool isSound() const { return sound; }

private:
  uint64_t integer(size_t size);

  std::span<const uint8_t> rest;
  bool sound = true;
};

/// Sends one frame whole. DEVICE_LOST says why it could not be.
Outcome sendFrame(int socket, Kind kind, uint64_t id, Writer body);
/// Receives one frame whole; blocks. DEVICE_LOST at the end of the stream
/// (with an empty message between frames), DATA_LOSS for a header that no
/// frame can have.
Outcome receiveFrame(int socket, Frame &frame);

} // namespace hetagon::null

#endif // HETAGON_BACKENDS_NULL_DEVICE_PROTOCOL_H
