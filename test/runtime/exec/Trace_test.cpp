// The trace's file: valid JSON, one track for each name, from many threads.
#include "runtime/exec/Trace.h"
#include <gtest/gtest.h>
#include <set>
#include <thread>

using namespace hetagon;

TEST(Trace, SpansFromManyThreads) {
  Trace trace;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        auto begin = Trace::Clock::now();
        trace.span("track \"" + std::to_string(t), "name\n", begin,
                   begin + std::chrono::microseconds(10), {{"rows", i}});
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  auto parsed = parseJson(trace.print(), "trace");
  ASSERT_TRUE(parsed.isOk()) << parsed.status().str();
  std::set<int> tracks;
  size_t spans = 0;
  for (const Json &event : (*parsed)["traceEvents"]) {
    if (event["ph"] == "M") {
      EXPECT_TRUE(tracks.insert(event["tid"].get<int>()).second);
      continue;
    }
    EXPECT_EQ(event["ph"], "X");
    EXPECT_TRUE(tracks.count(event["tid"].get<int>()));
    EXPECT_NEAR(event["dur"].get<double>(), 10, 1e-6);
    EXPECT_GE(event["ts"].get<double>(), 0);
    ++spans;
  }
  EXPECT_EQ(tracks.size(), 4u);
  EXPECT_EQ(spans, 200u);
}
