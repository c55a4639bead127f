// Threads on demand for tasks that may block.
#include "runtime/sched/TaskPool.h"
#include <algorithm>
#include <system_error>
#include <utility>

namespace hetagon {

TaskPool::TaskPool(uint32_t limit) : limit(std::max(limit, 1u)) {}

TaskPool::~TaskPool() {
  {
    std::lock_guard lock(mutex);
    stopping = true;
  }
  changed.notify_all();
  // A task may still make threads by posting; those come after the ones joined.
  for (size_t i = 0;; ++i) {
    std::thread thread;
    {
      std::lock_guard lock(mutex);
      if (i == threads.size())
        return;
      thread = std::move(threads[i]);
    }
    thread.join();
  }
}

void TaskPool::post(std::function<void()> task) {
  {
    std::lock_guard lock(mutex);
    tasks.push_back(std::exchange(task, nullptr));
    if (idle < tasks.size() && threads.size() < limit)
      addThread();
    if (threads.empty()) {
      task = std::move(tasks.front());
      tasks.pop_front();
    }
  }
  if (task)
    task();
  else
    changed.notify_one();
}

void TaskPool::drain() {
  std::unique_lock lock(mutex);
  drained.wait(lock, [this] { return busy == 0 && tasks.empty(); });
}

void TaskPool::addThread() {
  try {
    threads.emplace_back([this] { serve(); });
  } catch (const std::system_error &) {
    // The threads there are, or else the caller, carry the task.
  }
}

uint32_t TaskPool::threadCount() const {
  std::lock_guard lock(mutex);
  return static_cast<uint32_t>(threads.size());
}

void TaskPool::serve() {
  std::unique_lock lock(mutex);
  for (;;) {
    ++idle;
    changed.wait(lock, [this] { return stopping || !tasks.empty(); });
    --idle;
    if (tasks.empty())
      return;
    std::function<void()> task = std::move(tasks.front());
    tasks.pop_front();
    ++busy;
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
    if (--busy == 0 && tasks.empty())
      drained.notify_all();
  }
}

} // namespace hetagon
