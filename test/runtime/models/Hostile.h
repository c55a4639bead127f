// What every test of a reader against hostile files demands of an answer.
#ifndef HETAGON_TEST_RUNTIME_MODELS_HOSTILE_H
#define HETAGON_TEST_RUNTIME_MODELS_HOSTILE_H

#include "runtime/models/TensorFile.h"
#include "test/runtime/models/Allocations.h"
#include "test/runtime/models/GgufBuilder.h"
#include <chrono>
#include <gtest/gtest.h>

namespace hetagon::test {

/// Opens `bytes` as a tensor file within the bounds of time and memory that
/// hold for any input, and reads every byte that the file then offers.
inline Status openHostile(const Bytes &bytes, const char *name) {
  std::string path = writeBytes(testing::TempDir() + "hostile_" + name, bytes);
  auto start = std::chrono::steady_clock::now();
  AllocationPeak peak;
  auto opened = TensorFile::open(path);
  EXPECT_LE(peak.bytes(), 4 * bytes.size() + (size_t(64) << 20));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  if (!opened.isOk())
    return opened.status();
  [[maybe_unused]] volatile uint8_t sink = 0; // so that each byte is read

  for (const TensorView &tensor : (*opened)->tensors())
    for (uint8_t byte : tensor.bytes)
      sink = byte;
  return Status::ok();
}

/// The file is refused with a located error.
inline void expectRefused(const Bytes &bytes, const char *name) {
  Status status = openHostile(bytes, name);
  ASSERT_FALSE(status.isOk()) << name;
  EXPECT_FALSE(status.message().empty());
  ASSERT_TRUE(status.place()) << status.str();
  EXPECT_TRUE(status.place()->offset) << status.str();
  EXPECT_LE(*status.place()->offset, bytes.size()) << status.str();
}

} // namespace hetagon::test

#endif // HETAGON_TEST_RUNTIME_MODELS_HOSTILE_H
