// calibration.json: what is written is read again, and what is wrong in it is
// named.
#include "frontend/Devices/Calibration.h"
#include "runtime/base/File.h"
#include <filesystem>
#include <gtest/gtest.h>
#include <map>

using namespace hetagon;

namespace {

Calibration sample() {
  Calibration calibration;
  calibration.processor = "some processor";
  calibration.date = "2026-12-01";
  calibration.workers = 2;
  calibration.memoryGBPerS = 40;
  calibration.devices = {{"here", "x", 30, 1, 20, 21}};
  calibration.profiles = {
      {"here",
       "x",
       "ab",
       "decoder",
       2e8,
       1e8,
       {{1, 16, 5, 2}, {1, 512, 100, 4}}},
      {"here", "x", "cd", "encoder", 1e6, 1e7, {{8, 64, 10, 0}}}};
  return calibration;
}

class CalibrationFile : public testing::Test {
protected:
  void SetUp() override {
    path = testing::TempDir() + "calibration-" +
           testing::UnitTest::GetInstance()->current_test_info()->name() +
           ".json";
  }
  void TearDown() override { std::filesystem::remove(path); }
  StatusOr<std::optional<Calibration>> readBack(const std::string &text) {
    EXPECT_TRUE(writeFileAtomically(path, text).isOk());
    return readCalibration(path);
  }
  std::string path;
};

} // namespace

TEST_F(CalibrationFile, IsReadAsItWasWritten) {
  auto read = readBack(printJson(toJson(sample())));
  ASSERT_TRUE(read.isOk()) << read.status().str();
  ASSERT_TRUE(*read);
  EXPECT_EQ(toJson(**read), toJson(sample()));
}

TEST_F(CalibrationFile, NeedNotBeThere) {
  auto read = readCalibration(path + ".absent");
  ASSERT_TRUE(read.isOk());
  EXPECT_FALSE(*read);
}

TEST_F(CalibrationFile, ReadsSamplesInTheOrderOfTokens) {
  Calibration shuffled = sample();
  std::swap(shuffled.profiles[0].samples[0], shuffled.profiles[0].samples[1]);
  auto read = readBack(printJson(toJson(shuffled)));
  ASSERT_TRUE(read.isOk() && *read);
  EXPECT_EQ((*read)->profiles[0].samples[0].tokens, 16u);
}

/// Each field gone, of another kind, or with a value that cannot be.
TEST_F(CalibrationFile, NamesWhatIsWrong) {
  Json good = toJson(sample());
  for (const auto &[key, value] : good.items())
    for (const Json &bad : {Json(), Json(value.is_string() ? Json(1) : "x")}) {
      Json broken = good;
      broken[key] = bad;
      auto read = readBack(printJson(broken));
      ASSERT_FALSE(read.isOk()) << key;
      EXPECT_NE(read.status().message().find(key), std::string::npos)
          << read.status().str();
    }
  for (const auto &[change, place] : std::map<std::string, std::string>{
           {"first_ms", "profiles[0].samples[1]"},
           {"tokens", "profiles[0].samples[1]"}}) {
    Json broken = good;
    broken["profiles"][0]["samples"][1][change] = -1.5;
    auto read = readBack(printJson(broken));
    ASSERT_FALSE(read.isOk());
    EXPECT_NE(read.status().message().find(place), std::string::npos)
        << read.status().str();
  }
  auto text = readBack("{\"version\": 1,\n oops}");
  ASSERT_FALSE(text.isOk());
  ASSERT_TRUE(text.status().place());
  EXPECT_EQ(text.status().place()->line, 2u);
  Json newer = good;
  newer["version"] = 99;
  EXPECT_EQ(readBack(printJson(newer)).status().code(), Code::Unsupported);
}

TEST(Calibration, ReplacesAProfileOfTheSameModelAndDevice) {
  Calibration calibration = sample();
  ModelProfile again = calibration.profiles[0];
  again.samples[0].firstMs = 7;
  calibration.put(again);
  ASSERT_EQ(calibration.profiles.size(), 2u);
  EXPECT_EQ(calibration.find("here", "x", "ab")->samples[0].firstMs, 7);
  again.architecture = "y";
  calibration.put(again);
  EXPECT_EQ(calibration.profiles.size(), 3u);
  EXPECT_EQ(calibration.find("here", "z", "ab"), nullptr);
}

TEST(Calibration, ReachesTheBestOfAllProfiles) {
  auto speed = reachedSpeed(sample(), "here", "x");
  ASSERT_TRUE(speed);
  EXPECT_DOUBLE_EQ(speed->operationsPerSecond, 2e8 * 512 / 0.1);
  EXPECT_DOUBLE_EQ(speed->bytesPerSecond, 1e8 / 2e-3);
  EXPECT_FALSE(reachedSpeed(sample(), "there", "x"));
}
