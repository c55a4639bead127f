// Teams: a job is put into the mailbox of each member; members spin, then
// sleep, and so does the caller while it waits for the last one.
#include "runtime/sched/HostExecutor.h"
#include <algorithm>
#include <sched.h>
#include <system_error>

namespace hetagon {

namespace {
using Clock = std::chrono::steady_clock;

uint32_t usableThreads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    if (int count = CPU_COUNT(&set); count > 0)
      return static_cast<uint32_t>(count);
  return std::max(1u, std::thread::hardware_concurrency());
}

inline void pauseCpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins until `ready` holds or `limit` has passed; the last value of ready.
template <typename Ready>
bool spinUntil(std::chrono::microseconds limit, Ready ready) {
  if (ready())
    return true;
  Clock::time_point end = Clock::now() + limit;
  do {
    for (int i = 0; i < 64; ++i) {
      if (ready())
        return true;
      pauseCpu();
    }
  } while (Clock::now() < end);
  return ready();
}
} // namespace

HostExecutor::HostExecutor(Options options)
    : workerCount(options.workers ? options.workers : usableThreads()),
      spin(options.spin), posted(std::max(2u, workerCount)) {
  members = std::make_unique<Member[]>(workerCount - 1);
  for (uint32_t i = 0; i + 1 < workerCount; ++i) {
    try {
      members[i].thread = std::thread([this, i] { serve(members[i], i + 1); });
    } catch (const std::system_error &) {
      workerCount = i + 1; // what the system gives is the budget
    }
  }
  table.struct_size = sizeof table;
  table.abi_version = HETAGON_DEVICE_ABI_VERSION;
  table.context = this;
  table.worker_count = workerCount;
  table.run_team = [](void *context, uint32_t parts, TeamBody body,
                      void *argument) {
    static_cast<HostExecutor *>(context)->runTeam(parts, body, argument);
  };
  table.post = [](void *context, void (*task)(void *), void *argument) {
    static_cast<HostExecutor *>(context)->post([=] { task(argument); });
  };
}

HostExecutor::~HostExecutor() {
  posted.drain();
  stopping.store(true);
  for (uint32_t i = 0; i + 1 < workerCount; ++i) {
    {
      std::lock_guard lock(members[i].mutex);
    }
    members[i].wake.notify_one();
    members[i].thread.join();
  }
}

void HostExecutor::runTeam(uint32_t parts, TeamBody body, void *argument) {
  parts = std::clamp(parts, 1u, workerCount);
  std::lock_guard team(teamMutex);
  const Job job{body, argument, parts};
  running.store(parts - 1);
  for (uint32_t i = 0; i + 1 < parts; ++i) {
    Member &member = members[i];
    member.job.store(&job);
    // Both this pair and the member's (sleeping, then job) are sequentially
    // consistent: one of the two sides sees the other.
    if (member.sleeping.load()) {
      {
        std::lock_guard lock(member.mutex);
      }
      member.wake.notify_one();
    }
  }
  body(argument, 0, parts);
  auto finished = [this] { return running.load() == 0; };
  if (spinUntil(spin, finished))
    return;
  std::unique_lock lock(doneMutex);
  callerSleeping.store(true);
  done.wait(lock, finished);
  callerSleeping.store(false);
}

void HostExecutor::serve(Member &member, uint32_t part) {
  auto ready = [&] { return member.job.load() || stopping.load(); };
  for (;;) {
    if (!spinUntil(spin, ready)) {
      std::unique_lock lock(member.mutex);
      member.sleeping.store(true);
      member.wake.wait(lock, ready);
      member.sleeping.store(false);
    }
    const Job *job = member.job.load();
    if (!job)
      return;
    job->body(job->argument, part, job->parts);
    member.job.store(nullptr);
    if (running.fetch_sub(1) == 1 && callerSleeping.load()) {
      {
        std::lock_guard lock(doneMutex);
      }
      done.notify_one();
    }
  }
}

} // namespace hetagon
