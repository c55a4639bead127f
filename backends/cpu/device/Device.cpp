// Queues and fences: submissions run asynchronously on the host's threads.
#include "backends/cpu/device/Device.h"
#include "backends/cpu/device/Features.h"
#include <chrono>
#include <cstring>
#include <sys/mman.h>

namespace hetagon::cpu {

namespace {
constexpr size_t maxInFlight = 256;
} // namespace

/// What a posted host task needs; owned by the task.
struct Device::DrainTask {
  Device *device;
  std::shared_ptr<Queue> queue;
};

Device::Device(const hetagon_host &host)
    : host(host), processor(processorName()), featureBits(processorFeatures()),
      allocated(std::make_shared<std::atomic<uint64_t>>(0)) {
  architectureText = architectureWord(featureBits);
}

Device::~Device() {
  std::unique_lock lock(timeline);
  // Submissions that wait for a fence which nobody will raise are dropped.
  changed.wait(lock, [&] { return activeDrains == 0; });
}

void Device::counters(hetagon_counters &out) const {
  out.submits = submits.load();
  out.dispatches = dispatches.load();
  out.bytes_to_device = bytesIn.load();
  out.bytes_from_device = bytesOut.load();
  out.busy_ns = busyNs.load();
  out.bytes_allocated = allocated->load();
}

hetagon_code Device::allocate(uint64_t size, uint64_t &handle,
                              hetagon_error *error) {
  constexpr uint64_t pageBytes = 4096, mostBytes = uint64_t(1) << 46;
  if (size > mostBytes)
    return fail(error, HETAGON_OUT_OF_RANGE, "cpu: a buffer of %llu bytes",
                static_cast<unsigned long long>(size));
  // A mapping is zero without being touched: a large cache costs what is used.
  uint64_t mapped = std::max<uint64_t>(size + pageBytes - 1, pageBytes) /
                    pageBytes * pageBytes;
  void *memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return fail(error, HETAGON_RESOURCE_EXHAUSTED,
                "cpu: out of memory for a buffer of %llu bytes",
                static_cast<unsigned long long>(size));
  auto buffer = std::make_shared<Buffer>();
  buffer->data = static_cast<uint8_t *>(memory);
  buffer->mapped = mapped;
  buffer->size = size;
  buffer->account = allocated;
  allocated->fetch_add(size, std::memory_order_relaxed);
  handle = buffers.add(std::move(buffer));
  return HETAGON_OK;
}

uint64_t Device::importHost(const void *data, uint64_t size) {
  auto buffer = std::make_shared<Buffer>();
  buffer->data = const_cast<uint8_t *>(static_cast<const uint8_t *>(data));
  buffer->size = size;
  buffer->imported = true;
  return buffers.add(std::move(buffer));
}

hetagon_code Device::transfer(uint64_t handle, uint64_t offset, void *to,
                              const void *from, uint64_t size,
                              hetagon_error *error) {
  std::shared_ptr<Buffer> buffer = buffers.find(handle);
  if (!buffer)
    return fail(error, HETAGON_NOT_FOUND, "cpu: no buffer %llu",
                static_cast<unsigned long long>(handle));
  if (offset > buffer->size || size > buffer->size - offset)
    return fail(error, HETAGON_OUT_OF_RANGE,
                "cpu: %llu bytes at offset %llu of a buffer of %llu",
                static_cast<unsigned long long>(size),
                static_cast<unsigned long long>(offset),
                static_cast<unsigned long long>(buffer->size));
  if (size == 0)
    return HETAGON_OK;
  if (from) {
    if (buffer->imported)
      return fail(error, HETAGON_PERMISSION_DENIED,
                  "cpu: imported memory is read-only");
    std::memcpy(buffer->data + offset, from, size);
    bytesIn.fetch_add(size, std::memory_order_relaxed);
  } else {
    std::memcpy(to, buffer->data + offset, size);
    bytesOut.fetch_add(size, std::memory_order_relaxed);
  }
  return HETAGON_OK;
}

uint64_t Device::createQueue() { return queues.add(std::make_shared<Queue>()); }

void Device::destroyQueue(uint64_t handle) {
  std::shared_ptr<Queue> queue = queues.remove(handle);
  if (!queue)
    return;
  std::unique_lock lock(timeline);
  changed.wait(lock, [&] { return !queue->scheduled; });
}

hetagon_code Device::submit(uint64_t queueHandle, uint64_t commandsHandle,
                            uint64_t waitFence, uint64_t waitValue,
                            uint64_t signalFence, uint64_t signalValue,
                            hetagon_error *error) {
  std::shared_ptr<Queue> queue = queues.find(queueHandle);
  Queue::Submission submission;
  submission.commands = commandLists.find(commandsHandle);
  submission.wait = fences.find(waitFence);
  submission.signal = fences.find(signalFence);
  submission.waitValue = waitValue;
  submission.signalValue = signalValue;
  if (!queue || !submission.commands || !submission.signal ||
      (waitFence && !submission.wait))
    return fail(error, HETAGON_NOT_FOUND,
                "cpu: submit names a queue, command buffer or fence that does "
                "not exist");
  // Here, where running out of memory can still be reported.
  submission.scratch.reset(
      new uint8_t[submission.commands->scratchBytes() * host.worker_count +
                  64]);
  std::unique_lock lock(timeline);
  changed.wait(lock, [&] { return queue->pending.size() < maxInFlight; });
  queue->pending.push_back(std::move(submission));
  submits.fetch_add(1, std::memory_order_relaxed);
  schedule(queue);
  return HETAGON_OK;
}

/// With the timeline locked: makes sure that a host task drains the queue.
void Device::schedule(std::shared_ptr<Queue> queue) {
  if (queue->scheduled)
    return;
  queue->scheduled = true;
  ++activeDrains;
  auto *task = new DrainTask{this, std::move(queue)};
  host.post(
      host.context,
      [](void *argument) {
        std::unique_ptr<DrainTask> owned(static_cast<DrainTask *>(argument));
        owned->device->drain(owned->queue);
      },
      task);
}

void Device::drain(const std::shared_ptr<Queue> &queue) {
  std::unique_lock lock(timeline);
  while (!queue->pending.empty()) {
    Queue::Submission &front = queue->pending.front();
    if (front.wait && front.wait->failure == HETAGON_OK &&
        front.wait->value < front.waitValue) {
      blocked.push_back(queue);
      break;
    }
    Queue::Submission submission = std::move(front);
    queue->pending.pop_front();
    if (submission.wait && submission.wait->failure != HETAGON_OK) {
      failFence(*submission.signal, submission.wait->failure,
                submission.wait->reason);
      continue;
    }
    queue->cancelled.store(false, std::memory_order_relaxed);
    lock.unlock();

    const CommandList &commands = *submission.commands;
    auto address = reinterpret_cast<uintptr_t>(submission.scratch.get());
    uint8_t *aligned = submission.scratch.get() + (64 - address % 64) % 64;
    hetagon_error error = {};
    auto start = std::chrono::steady_clock::now();
    hetagon_code code = commands.run(host, aligned, queue->cancelled, &error);
    busyNs.fetch_add(std::chrono::duration_cast<std::chrono::nanoseconds>(
                         std::chrono::steady_clock::now() - start)
                         .count(),
                     std::memory_order_relaxed);
    dispatches.fetch_add(commands.dispatchCount(), std::memory_order_relaxed);

    lock.lock();
    if (code == HETAGON_OK)
      raise(*submission.signal, submission.signalValue);
    else
      failFence(*submission.signal, code, error.message);
    changed.notify_all();
  }
  queue->scheduled = false;
  --activeDrains;
  changed.notify_all();
}

void Device::raise(Fence &fence, uint64_t value) {
  fence.value = std::max(fence.value, value);
  std::vector<std::shared_ptr<Queue>> woken;
  woken.swap(blocked);
  for (std::shared_ptr<Queue> &queue : woken)
    schedule(std::move(queue));
  changed.notify_all();
}

void Device::failFence(Fence &fence, hetagon_code code,
                       const std::string &reason) {
  if (fence.failure == HETAGON_OK) {
    fence.failure = code;
    fence.reason = reason;
  }
  raise(fence, fence.value);
}

hetagon_code Device::query(uint64_t handle, uint64_t &value,
                           hetagon_error *error) {
  std::shared_ptr<Fence> fence = fences.find(handle);
  if (!fence)
    return fail(error, HETAGON_NOT_FOUND, "cpu: no such fence");
  std::lock_guard lock(timeline);
  value = fence->value;
  if (fence->failure != HETAGON_OK)
    return fail(error, fence->failure, "%s", fence->reason.c_str());
  return HETAGON_OK;
}

hetagon_code Device::wait(uint64_t handle, uint64_t value, uint64_t timeoutNs,
                          hetagon_error *error) {
  std::shared_ptr<Fence> fence = fences.find(handle);
  if (!fence)
    return fail(error, HETAGON_NOT_FOUND, "cpu: no such fence");
  std::unique_lock lock(timeline);
  auto done = [&] {
    return fence->failure != HETAGON_OK || fence->value >= value;
  };
  // Longer than a century counts as for ever: no overflow in the clock.
  if (timeoutNs > uint64_t(3) * 1000000000 * 1000000000)
    changed.wait(lock, done);
  else if (!changed.wait_for(lock, std::chrono::nanoseconds(timeoutNs), done))
    return fail(error, HETAGON_DEADLINE_EXCEEDED,
                "cpu: the fence has value %llu, waited for %llu",
                static_cast<unsigned long long>(fence->value),
                static_cast<unsigned long long>(value));
  if (fence->failure != HETAGON_OK)
    return fail(error, fence->failure, "%s", fence->reason.c_str());
  return HETAGON_OK;
}

hetagon_code Device::cancel(uint64_t handle, hetagon_error *error) {
  std::shared_ptr<Queue> queue = queues.find(handle);
  if (!queue)
    return fail(error, HETAGON_NOT_FOUND, "cpu: no such queue");
  std::lock_guard lock(timeline);
  queue->cancelled.store(true, std::memory_order_relaxed);
  std::deque<Queue::Submission> dropped;
  dropped.swap(queue->pending);
  for (Queue::Submission &submission : dropped)
    failFence(*submission.signal, HETAGON_CANCELLED,
              "cancelled before it started");
  changed.notify_all();
  return HETAGON_OK;
}

} // namespace hetagon::cpu
