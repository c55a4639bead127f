// Teams run all parts at once within the budget; posted tasks all run.
#include "runtime/sched/HostExecutor.h"
#include <gtest/gtest.h>
#include <set>

using namespace hetagon;

namespace {
/// A barrier as kernels use one: it only opens when all parts are there.
struct Barrier {
  std::atomic<uint32_t> arrived{0};
  void meet(uint32_t parts) {
    ++arrived;
    while (arrived.load() < parts)
      std::this_thread::yield();
  }
};

class HostExecutorTest : public testing::TestWithParam<uint32_t> {};
} // namespace

TEST_P(HostExecutorTest, EveryPartRunsOnceAndAllMeet) {
  HostExecutor executor({GetParam(), std::chrono::microseconds(20)});
  EXPECT_EQ(executor.workers(), GetParam());
  for (uint32_t round = 0; round < 300; ++round) {
    struct State {
      Barrier barrier;
      std::mutex mutex;
      std::multiset<uint32_t> parts;
      std::set<std::thread::id> threads;
    } state;
    uint32_t parts = round % GetParam() + 1;
    executor.runTeam(
        parts,
        [](void *argument, uint32_t part, uint32_t parts) {
          auto &state = *static_cast<State *>(argument);
          state.barrier.meet(parts);
          std::lock_guard lock(state.mutex);
          state.parts.insert(part);
          state.threads.insert(std::this_thread::get_id());
        },
        &state);
    ASSERT_EQ(state.parts.size(), parts);
    ASSERT_EQ(state.threads.size(), parts);
    ASSERT_TRUE(state.threads.count(std::this_thread::get_id()));
    for (uint32_t part = 0; part < parts; ++part)
      ASSERT_EQ(state.parts.count(part), 1u);
    if (round % 50 == 0) // lets the members fall asleep
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST_P(HostExecutorTest, OneTeamAtATimeWhateverTheCallers) {
  HostExecutor executor({GetParam(), std::chrono::microseconds(20)});
  struct State {
    std::atomic<int> inside{0}, most{0}, runs{0};
  } state;
  auto body = [](void *argument, uint32_t, uint32_t) {
    auto &state = *static_cast<State *>(argument);
    int now = ++state.inside;
    int most = state.most.load();
    while (now > most && !state.most.compare_exchange_weak(most, now))
      ;
    ++state.runs;
    std::this_thread::yield();
    --state.inside;
  };
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int i = 0; i < 100; ++i)
        executor.runTeam(GetParam(), body, &state);
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(state.runs.load(), int(400 * GetParam()));
  EXPECT_LE(state.most.load(), int(GetParam()));
}

TEST_P(HostExecutorTest, MorePartsThanWorkersBecomeATeamOfAllWorkers) {
  HostExecutor executor({GetParam(), std::chrono::microseconds(20)});
  std::atomic<uint32_t> total{0};
  executor.runTeam(
      GetParam() + 5,
      [](void *argument, uint32_t, uint32_t parts) {
        *static_cast<std::atomic<uint32_t> *>(argument) += parts;
      },
      &total);
  EXPECT_EQ(total.load(), GetParam() * GetParam());
}

TEST_P(HostExecutorTest, PostedTasksStartTeamsThroughTheTable) {
  std::atomic<int> count{0};
  struct Task {
    const hetagon_host *host;
    std::atomic<int> *count;
  } task{nullptr, &count};
  {
    HostExecutor executor({GetParam(), std::chrono::microseconds(20)});
    task.host = &executor.host();
    for (int i = 0; i < 200; ++i)
      task.host->post(
          task.host->context,
          [](void *argument) {
            auto &task = *static_cast<Task *>(argument);
            task.host->run_team(
                task.host->context, task.host->worker_count,
                [](void *argument, uint32_t part, uint32_t) {
                  if (part == 0)
                    ++*static_cast<Task *>(argument)->count;
                },
                &task);
          },
          &task);
  }
  EXPECT_EQ(count.load(), 200);
}

INSTANTIATE_TEST_SUITE_P(Workers, HostExecutorTest,
                         testing::Values(1u, 2u, 3u, 5u, 8u));

TEST(TaskPool, BlockedTasksDoNotStopOthersWithinTheLimit) {
  TaskPool pool(4);
  std::mutex mutex;
  std::condition_variable changed;
  int arrived = 0;
  for (int i = 0; i < 4; ++i)
    pool.post([&] {
      std::unique_lock lock(mutex);
      ++arrived;
      changed.notify_all();
      changed.wait(lock, [&] { return arrived == 4; });
    });
  pool.drain();
  EXPECT_EQ(arrived, 4);
  EXPECT_LE(pool.threadCount(), 4u);
}

TEST(TaskPool, RunsWhatTasksPostWhileItIsDestroyed) {
  std::atomic<int> count{0};
  {
    TaskPool pool(2);
    for (int i = 0; i < 50; ++i)
      pool.post([&] { pool.post([&] { ++count; }); });
  }
  EXPECT_EQ(count.load(), 50);
}

TEST(TaskPool, KeepsOrderWithOneThread) {
  std::vector<int> order;
  {
    TaskPool pool(1);
    for (int i = 0; i < 100; ++i)
      pool.post([&order, i] { order.push_back(i); });
  }
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(order[i], i);
}
