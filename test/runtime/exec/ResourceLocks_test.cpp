// Readers and writers in random company, and the order of those that wait.
#include "runtime/exec/ResourceLocks.h"
#include "runtime/sched/TaskPool.h"
#include <atomic>
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;
using plan::fb::StepT;

namespace {
StepT stepWith(std::vector<std::pair<std::string, bool>> effects) {
  StepT step;
  for (auto &[resource, write] : effects) {
    step.effects.push_back(std::make_unique<plan::fb::EffectT>());
    step.effects.back()->resource = resource;
    step.effects.back()->write = write;
  }
  return step;
}
} // namespace

TEST(ResourceLocks, RandomRequestsNeverConflict) {
  const std::vector<std::string> names = {"a", "b", "c", "world"};
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    std::atomic<int> readers[4] = {}, writers[4] = {}, granted{0};
    ResourceLocks locks;
    TaskPool pool(8);
    constexpr int count = 200;
    for (int i = 0; i < count; ++i) {
      std::vector<std::pair<std::string, bool>> effects;
      std::vector<std::pair<size_t, bool>> touched;
      for (size_t k = 0; k < names.size(); ++k)
        if (random() % (k == 3 ? 10 : 3) == 0) {
          bool write = random() % 2;
          effects.emplace_back(names[k], write);
          touched.emplace_back(k, write);
        }
      if (!touched.empty() && touched.back().first != 3)
        touched.emplace_back(3, false);
      StepT step = stepWith(effects);
      locks.acquire(step, [&, touched](auto hold) {
        pool.post([&, touched, hold = std::move(hold)]() mutable {
          for (auto [k, write] : touched) {
            (write ? writers : readers)[k]++;
            EXPECT_FALSE(writers[k] > 1 || (writers[k] && readers[k]));
          }
          std::this_thread::sleep_for(std::chrono::microseconds(50));
          for (auto [k, write] : touched)
            (write ? writers : readers)[k]--;
          ++granted;
          hold.reset();
        });
      });
    }
    pool.drain();
    EXPECT_EQ(granted, count);
  }
}

TEST(ResourceLocks, AWaitingWriterGoesBeforeLaterReaders) {
  ResourceLocks locks;
  std::string order;
  std::shared_ptr<ResourceLocks::Hold> first, writer, reader;
  locks.acquire(stepWith({{"a", false}}), [&](auto hold) {
    first = std::move(hold);
    order += "r";
  });
  locks.acquire(stepWith({{"a", true}}), [&](auto hold) {
    writer = std::move(hold);
    order += "W";
  });
  locks.acquire(stepWith({{"a", false}}), [&](auto hold) {
    reader = std::move(hold);
    order += "R";
  });
  EXPECT_EQ(order, "r");
  first.reset();
  EXPECT_EQ(order, "rW");
  writer.reset();
  EXPECT_EQ(order, "rWR");
}

TEST(ResourceLocks, StepsWithoutEffectsHoldNothing) {
  ResourceLocks locks;
  std::shared_ptr<ResourceLocks::Hold> world;
  locks.acquire(stepWith({{"world", true}}),
                [&](auto hold) { world = std::move(hold); });
  bool free = false;
  locks.acquire(stepWith({}), [&](auto hold) { free = hold == nullptr; });
  EXPECT_TRUE(world);
  EXPECT_TRUE(free);
}
