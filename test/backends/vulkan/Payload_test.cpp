// The container of SPIR-V kernels: round trip, and every way to damage it.
#include "backends/vulkan/Payload.h"
#include <gtest/gtest.h>
#include <random>

using namespace hetagon::vulkan;

namespace {

Entry sample(const std::string &name) {
  Entry entry;
  entry.name = name;
  entry.workgroupSize = 8;
  entry.grid = {GridDim{{0, 12}, 8}, GridDim{{-1, 3}, 1}, GridDim{}};
  entry.bindings = {{{0, 1ull << 33}, false}, {{-1, 64}, true}};
  entry.constantCount = 1;
  entry.words = {0x07230203, 0x00010300, 0, 8, 0, 0x00020011, 1};
  return entry;
}

std::vector<uint8_t> samplePayload() {
  std::vector<Entry> entries{sample("a"), sample("longer")};
  return encode(entries);
}

std::string errorOf(const std::vector<uint8_t> &payload) {
  std::vector<Entry> entries;
  std::string error;
  return decode(payload, entries, error) ? "" : error;
}

TEST(VulkanPayload, RoundTrip) {
  std::vector<Entry> entries;
  std::string error;
  ASSERT_TRUE(decode(samplePayload(), entries, error)) << error;
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].name, "longer");
  EXPECT_EQ(entries[1].bindings[0].bytes.factor, 1ull << 33);
  EXPECT_EQ(entries[1].bindings[0].bytes.constant, 0);
  EXPECT_EQ(entries[1].grid[1].items.constant, -1);
  EXPECT_TRUE(entries[1].bindings[1].isWritten);
  EXPECT_EQ(entries[1].words, sample("a").words);
  EXPECT_EQ(encode(entries), samplePayload());
}

TEST(VulkanPayload, RefusesEveryPrefix) {
  std::vector<uint8_t> payload = samplePayload();
  for (size_t size = 0; size < payload.size(); ++size)
    EXPECT_NE(errorOf({payload.begin(), payload.begin() + size}), "") << size;
  payload.push_back(0);
  EXPECT_NE(errorOf(payload).find("bytes follow"), std::string::npos);
}

TEST(VulkanPayload, RefusesByName) {
  auto with = [](auto change) {
    Entry entry = sample("a");
    change(entry);
    return errorOf(encode(std::vector<Entry>{entry}));
  };
  EXPECT_EQ(with([](Entry &) {}), "");
  EXPECT_NE(with([](Entry &e) { e.words[0] = 1; }).find("no SPIR-V"),
            std::string::npos);
  EXPECT_NE(with([](Entry &e) { e.words[5] = 0x00030011; }).find("no SPIR-V"),
            std::string::npos);
  EXPECT_NE(with([](Entry &e) { e.words[5] = 0x00000011; }).find("no SPIR-V"),
            std::string::npos);
  EXPECT_NE(with([](Entry &e) { e.words.clear(); }).find("no SPIR-V"),
            std::string::npos);
  EXPECT_NE(with([](Entry &e) { e.grid[0].divisor = 0; }).find("divisor"),
            std::string::npos);
  EXPECT_NE(with([](Entry &e) { e.grid[2].items.constant = 1; }).find("lacks"),
            std::string::npos);
  EXPECT_NE(
      with([](Entry &e) { e.bindings[0].bytes.constant = 7; }).find("lacks"),
      std::string::npos);
  EXPECT_NE(
      with([](Entry &e) { e.grid[0].items.constant = 1 << 30; }).find("refers"),
      std::string::npos);
  EXPECT_NE(with([](Entry &e) { e.workgroupSize = 0; }).find("workgroup"),
            std::string::npos);
  EXPECT_NE(with([](Entry &e) { e.bindings.clear(); }).find("binding count"),
            std::string::npos);
  EXPECT_NE(
      with([](Entry &e) { e.name = std::string("a\0b", 3); }).find("zero"),
      std::string::npos);
  std::vector<Entry> twins{sample("a"), sample("a")};
  EXPECT_NE(errorOf(encode(twins)).find("two entries"), std::string::npos);
}

TEST(VulkanPayload, SurvivesRandomEdits) {
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> payload = samplePayload();
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits)
      payload[random() % payload.size()] = uint8_t(random());
    std::vector<Entry> entries;
    std::string error;
    if (!decode(payload, entries, error)) {
      EXPECT_NE(error.find("byte "), std::string::npos);
    }
  }
}

TEST(VulkanPayload, ExtentsThatOverflowHaveNoValue) {
  std::vector<int64_t> constants{3, -1, INT64_MAX};
  EXPECT_EQ(evaluate({-1, 7}, constants), 7u);
  EXPECT_EQ(evaluate({0, 7}, constants), 21u);
  EXPECT_EQ(evaluate({1, 7}, constants), std::nullopt);
  EXPECT_EQ(evaluate({2, 7}, constants), std::nullopt);
  EXPECT_EQ(evaluate({3, 7}, constants), std::nullopt);
}

} // namespace
