// The container: what is written is read back, and no edit goes unnoticed.
#include "runtime/plan/Container.h"
#include "test/runtime/plan/SamplePlan.h"
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;
using namespace hetagon::plan;

namespace {

class ContainerOf : public testing::TestWithParam<bool> {
protected:
  WrittenPlan plan = samples::write(GetParam() ? samples::workflowSample()
                                               : samples::encoderSample());
};

TEST_P(ContainerOf, IsReadBack) {
  auto read = PlanFile::fromBytes(plan.bytes, "p");
  ASSERT_TRUE(read.isOk()) << read.status().str();
  EXPECT_EQ((*read)->digest(), plan.digest);
  const auto &sections = (*read)->container().sections();
  for (const Section &section : sections) {
    EXPECT_EQ(section.offset % section.alignment, 0u);
    if (section.kind == SectionKind::Executable) {
      EXPECT_EQ(section.alignment, 4096u);
      EXPECT_EQ(uintptr_t((*read)->section(0).data()) % 4096, 0u);
    }
  }
  EXPECT_EQ(sections.back().kind, SectionKind::Plan);
}

TEST_P(ContainerOf, IsTheSameEachTime) {
  WrittenPlan again = samples::write(GetParam() ? samples::workflowSample()
                                                : samples::encoderSample());
  EXPECT_EQ(plan.bytes, again.bytes);
  auto redone = redigest(plan.bytes);
  ASSERT_TRUE(redone.isOk());
  EXPECT_EQ(*redone, plan.bytes);
}

TEST_P(ContainerOf, RefusesEveryEditOfHeaderTableAndPlan) {
  auto read = Container::fromBytes(plan.bytes, "p");
  ASSERT_TRUE(read.isOk());
  uint64_t table = headerBytes + (*read)->sections().size() * tableEntryBytes;
  const Section &structure = (*read)->sections().back();
  std::mt19937 random(7);
  auto refuses = [&](uint64_t at, uint8_t value) {
    uint8_t before = std::exchange(plan.bytes[at], value);
    auto result = Container::fromBytes(plan.bytes, "p");
    plan.bytes[at] = before;
    EXPECT_FALSE(result.isOk()) << "byte " << at;
    if (!result.isOk() && !(result.status().place() &&
                            result.status().place()->offset.has_value()))
      ADD_FAILURE() << "no offset: " << result.status().str();
    return !result.isOk();
  };
  // Header and table: every value of every byte.
  for (uint64_t at = 0; at < table; ++at)
    for (unsigned flip = 1; flip < 256; ++flip)
      ASSERT_TRUE(refuses(at, uint8_t(plan.bytes[at] ^ flip)));
  // The FlatBuffer: every byte, one bit and one random other value.
  for (uint64_t at = structure.offset; at < plan.bytes.size(); ++at) {
    ASSERT_TRUE(refuses(at, plan.bytes[at] ^ uint8_t(1u << (random() % 8))));
    ASSERT_TRUE(refuses(at, plan.bytes[at] ^ uint8_t(1 + random() % 255)));
  }
}

TEST_P(ContainerOf, RefusesRandomEditsElsewhere) {
  auto read = Container::fromBytes(plan.bytes, "p");
  ASSERT_TRUE(read.isOk());
  uint64_t begin = headerBytes + (*read)->sections().size() * tableEntryBytes;
  uint64_t end = (*read)->sections().back().offset;
  std::mt19937_64 random(11);
  for (int i = 0; i < 100'000; ++i) {
    uint64_t at = begin + random() % (end - begin);
    uint8_t before = plan.bytes[at];
    plan.bytes[at] = uint8_t(before ^ (1 + random() % 255));
    bool refused = !Container::fromBytes(plan.bytes, "p").isOk();
    plan.bytes[at] = before;
    ASSERT_TRUE(refused) << "byte " << at;
  }
}

TEST_P(ContainerOf, RefusesEveryTruncationAndExtension) {
  for (size_t keep = 0; keep < plan.bytes.size(); keep += keep < 512 ? 1 : 37)
    EXPECT_FALSE(
        Container::fromBytes(std::span(plan.bytes).first(keep), "p").isOk());
  plan.bytes.push_back(0);
  EXPECT_FALSE(Container::fromBytes(plan.bytes, "p").isOk());
  auto redone = redigest(plan.bytes);
  ASSERT_TRUE(redone.isOk());
  EXPECT_FALSE(Container::fromBytes(*redone, "p").isOk());
}

INSTANTIATE_TEST_SUITE_P(Plans, ContainerOf, testing::Bool(),
                         [](const auto &info) {
                           return info.param ? "Workflow" : "Encoder";
                         });

TEST(Container, NamesVersionsAndFeatures) {
  WrittenPlan plan = write(samples::encoderSample());
  auto with = [&](size_t at, uint8_t value) {
    std::vector<uint8_t> bytes = plan.bytes;
    bytes[at] = value;
    return Container::fromBytes(*redigest(bytes), "p").status();
  };
  EXPECT_EQ(with(8, formatMajor + 1).code(), Code::Unsupported);
  EXPECT_EQ(with(10, formatMinor + 1).code(), Code::Unsupported);
  Status features = with(17, 2);
  EXPECT_EQ(features.code(), Code::Unsupported);
  EXPECT_NE(features.message().find("feature bit 9"), std::string::npos);
  EXPECT_EQ(Container::open("no-such.plan").status().code(), Code::NotFound);
}

} // namespace
