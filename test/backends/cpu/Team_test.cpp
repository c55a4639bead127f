// The team's barrier among more threads than cores, and the choice of the
// team's size.
#include "backends/cpu/device/Team.h"
#include <gtest/gtest.h>
#include <thread>
#include <vector>

using namespace hetagon::cpu;

TEST(TeamBarrier, OrdersRoundsAmongMoreThreadsThanCores) {
  for (uint32_t parts : {1u, 2u, 3u, 16u}) {
    constexpr int rounds = 60;
    TeamBarrier barrier(parts);
    std::vector<int> written(parts);
    int last = 0;
    std::atomic<int> faults{0};
    auto run = [&](uint32_t part) {
      for (int round = 1; round <= rounds; ++round) {
        written[part] = round;
        barrier.arrive([&] { last = round; });
        for (uint32_t other = 0; other < parts; ++other)
          faults += written[other] != round;
        faults += last != round;
        barrier.arrive([] {});
      }
    };
    std::vector<std::thread> threads;
    for (uint32_t part = 1; part < parts; ++part)
      threads.emplace_back(run, part);
    run(0);
    for (std::thread &thread : threads)
      thread.join();
    EXPECT_EQ(faults, 0) << parts;
  }
}

TEST(TeamSize, GoesAloneWhereATeamMostlyWaits) {
  TeamSize size;
  EXPECT_EQ(size.parts(4), 4u);
  // Three quarters of four parts' time slept: no faster than one alone.
  size.report(4, 3000, 1000);
  EXPECT_EQ(size.parts(4), 4u);
  for (uint32_t expected : {8u, 16u, 32u}) {
    size.report(4, 3001, 1000);
    uint32_t alone = 0;
    for (; size.parts(4) == 1; ++alone)
      size.report(1, 0, 1000);
    EXPECT_EQ(alone, expected);
  }
  // One good run, and the patience is the first again.
  size.report(4, 0, 1000);
  size.report(4, 3001, 1000);
  uint32_t alone = 0;
  while (size.parts(4) == 1)
    ++alone;
  EXPECT_EQ(alone, 8u);
}
