// Encoding, decoding and transport of frames.
#include "backends/null/device/Protocol.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace hetagon::null {

namespace {

constexpr size_t headerBytes = 16; // kind u32, body bytes u32, id u64

void store(uint8_t *place, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i)
    place[i] = static_cast<uint8_t>(value >> (8 * i));
}

Outcome systemFailure(const char *what) {
  return {HETAGON_DEVICE_LOST, std::string(what) + ": " + std::strerror(errno)};
}

/// Fills `place`; `isStart` lets the stream end before the first byte without
/// a message.
Outcome receive(int socket, std::span<uint8_t> place, bool isStart) {
  size_t done = 0;
  while (done < place.size()) {
    ssize_t count = ::recv(socket, place.data() + done, place.size() - done, 0);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return systemFailure("receiving");
    if (count == 0)
      return {HETAGON_DEVICE_LOST,
              isStart && done == 0 ? "" : "the stream ends inside a frame"};
    done += static_cast<size_t>(count);
  }
  return {};
}

} // namespace

Writer::Writer() : bytes(headerBytes) {}

Writer &Writer::u32(uint32_t value) {
  bytes.resize(bytes.size() + 4);
  store(bytes.data() + bytes.size() - 4, value, 4);
  return *this;
}

Writer &Writer::u64(uint64_t value) {
  bytes.resize(bytes.size() + 8);
  store(bytes.data() + bytes.size() - 8, value, 8);
  return *this;
}

Writer &Writer::raw(const void *data, size_t size) {
  const auto *first = static_cast<const uint8_t *>(data);
  bytes.insert(bytes.end(), first, first + size);
  return *this;
}

Writer &Writer::text(std::string_view text) {
  text = text.substr(0, maxTextBytes);
  return u32(static_cast<uint32_t>(text.size())).raw(text.data(), text.size());
}

Writer &Writer::outcome(const Outcome &outcome) {
  u32(static_cast<uint32_t>(outcome.code));
  return outcome.ok() ? *this : text(outcome.message);
}

Writer &Writer::append(const Writer &other) {
  return raw(other.bytes.data() + headerBytes,
             other.bytes.size() - headerBytes);
}

uint64_t Reader::integer(size_t size) {
  std::span<const uint8_t> bytes = raw(size);
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;)
    value = value << 8 | bytes[i];
  return value;
}

std::span<const uint8_t> Reader::raw(size_t size) {
  if (!sound || size > rest.size()) {
    sound = false;
    return {};
  }
  std::span<const uint8_t> bytes = rest.first(size);
  rest = rest.subspan(size);
  return bytes;
}

std::string Reader::text() {
  uint32_t size = u32();
  if (size > maxTextBytes)
    sound = false;
  std::span<const uint8_t> bytes = raw(size);
  return std::string(bytes.begin(), bytes.end());
}

Outcome Reader::outcome() {
  uint32_t code = u32();
  if (code > HETAGON_INTERNAL)
    sound = false;
  Outcome outcome;
  outcome.code = static_cast<hetagon_code>(code);
  if (!outcome.ok())
    outcome.message = text();
  return outcome;
}

Outcome sendFrame(int socket, Kind kind, uint64_t id, Writer body) {
  Bytes &bytes = body.bytes;
  size_t size = bytes.size() - headerBytes;
  if (size > maxBodyBytes)
    return {HETAGON_OUT_OF_RANGE,
            "a frame of " + std::to_string(size) + " bytes; at most " +
                std::to_string(maxBodyBytes) + " can be sent"};
  store(bytes.data(), static_cast<uint32_t>(kind), 4);
  store(bytes.data() + 4, size, 4);
  store(bytes.data() + 8, id, 8);
  for (size_t done = 0; done < bytes.size();) {
    ssize_t count =
        ::send(socket, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return systemFailure("sending");
    done += static_cast<size_t>(count);
  }
  return {};
}

Outcome receiveFrame(int socket, Frame &frame) {
  uint8_t header[headerBytes];
  Outcome outcome = receive(socket, header, true);
  if (!outcome.ok())
    return outcome;
  Reader reader(header);
  uint32_t kind = reader.u32(), size = reader.u32();
  frame.id = reader.u64();
  if (kind < static_cast<uint32_t>(Kind::Hello) ||
      kind > static_cast<uint32_t>(Kind::Close))
    return {HETAGON_DATA_LOSS,
            "a frame of unknown kind " + std::to_string(kind)};
  if (size > maxBodyBytes)
    return {HETAGON_DATA_LOSS, "a frame that announces " +
                                   std::to_string(size) + " bytes; at most " +
                                   std::to_string(maxBodyBytes) +
                                   " are allowed"};
  frame.kind = static_cast<Kind>(kind);
  frame.body.resize(size);
  return receive(socket, frame.body, false);
}

} // namespace hetagon::null
