// Buffers, recording and queues of the reference device. Everything about a
// dispatch that does not depend on the memory's content is checked when it is
// recorded.
#include "backends/reference/device/Device.h"
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>

namespace hetagon::reference {

namespace {

/// From this size on, memory comes in pages of its own, zero when touched.
constexpr uint64_t mappedSize = 1 << 20;

Outcome unknown(const char *what) {
  return {HETAGON_INVALID_ARGUMENT, std::string("no such ") + what};
}

uint64_t nowNs() {
  return uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::steady_clock::now().time_since_epoch())
                      .count());
}

} // namespace

Buffer::Buffer(uint64_t size) : size(size), isReadOnly(false) {
  if (size > (uint64_t(1) << 46))
    throw std::bad_alloc();
  if (size >= mappedSize) {
    void *memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
      throw std::bad_alloc();
    data = static_cast<uint8_t *>(memory);
    return;
  }
  uint64_t rounded = (size + 64) / 64 * 64;
  data = static_cast<uint8_t *>(std::aligned_alloc(64, rounded));
  if (!data)
    throw std::bad_alloc();
  std::memset(data, 0, rounded);
}

Buffer::Buffer(const void *data, uint64_t size)
    : data(static_cast<uint8_t *>(const_cast<void *>(data))), size(size),
      isReadOnly(true) {}

Buffer::~Buffer() {
  if (isReadOnly)
    return;
  if (size >= mappedSize)
    ::munmap(data, size);
  else
    std::free(data);
}

void Device::close() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] {
    for (const auto &[handle, queue] : queues.all())
      if (canStart(*queue))
        return false;
    return running == 0;
  });
  for (const auto &[handle, queue] : queues.all())
    drop(*queue);
}

hetagon_counters Device::counters() {
  std::lock_guard lock(mutex);
  return count;
}

Outcome Device::allocate(uint64_t size, hetagon_buffer &handle) {
  auto buffer = std::make_shared<Buffer>(size);
  std::lock_guard lock(mutex);
  count.bytes_allocated += size;
  handle = buffers.add(std::move(buffer));
  return {};
}

Outcome Device::import(const void *data, uint64_t size,
                       hetagon_buffer &handle) {
  if (!data && size)
    return {HETAGON_INVALID_ARGUMENT, "no memory to import"};
  auto buffer = std::make_shared<Buffer>(data, size);
  std::lock_guard lock(mutex);
  handle = buffers.add(std::move(buffer));
  return {};
}

void Device::release(hetagon_buffer handle) {
  std::lock_guard lock(mutex);
  if (std::shared_ptr<Buffer> buffer = buffers.find(handle)) {
    if (!buffer->isReadOnly)
      count.bytes_allocated -= buffer->size;
    buffers.remove(handle);
  }
}

Outcome Device::write(hetagon_buffer handle, uint64_t offset, const void *data,
                      uint64_t size) {
  std::shared_ptr<Buffer> buffer;
  {
    std::lock_guard lock(mutex);
    buffer = buffers.find(handle);
    count.bytes_to_device += size;
  }
  if (!buffer)
    return unknown("buffer");
  if (buffer->isReadOnly)
    return {HETAGON_PERMISSION_DENIED, "imported memory is read-only"};
  if (!buffer->contains(offset, size))
    return {HETAGON_OUT_OF_RANGE, "the write passes the buffer's end"};
  if (size)
    std::memcpy(buffer->data + offset, data, size);
  return {};
}

Outcome Device::read(hetagon_buffer handle, uint64_t offset, void *data,
                     uint64_t size) {
  std::shared_ptr<Buffer> buffer;
  {
    std::lock_guard lock(mutex);
    buffer = buffers.find(handle);
    count.bytes_from_device += size;
  }
  if (!buffer)
    return unknown("buffer");
  if (!buffer->contains(offset, size))
    return {HETAGON_OUT_OF_RANGE, "the read passes the buffer's end"};
  if (size)
    std::memcpy(data, buffer->data + offset, size);
  return {};
}

Outcome Device::load(std::string_view format, std::string_view payload,
                     hetagon_executable &handle) {
  if (format != "reference-ops")
    return {HETAGON_UNSUPPORTED, "executables of format '" +
                                     std::string(format.substr(0, 80)) +
                                     "' are not known here; known is "
                                     "reference-ops"};
  auto executable = std::make_shared<Executable>();
  Outcome parsed = parsePayload(payload, executable->ops);
  if (!parsed.ok())
    return parsed;
  for (uint32_t i = 0; i < executable->ops.size(); ++i)
    executable->index.emplace(executable->ops[i].name, i);
  std::lock_guard lock(mutex);
  handle = executables.add(std::move(executable));
  return {};
}

void Device::unload(hetagon_executable handle) {
  std::lock_guard lock(mutex);
  executables.remove(handle);
}

Outcome Device::entry(hetagon_executable handle, const std::string &name,
                      uint32_t &index, uint32_t &bindings,
                      uint32_t &constants) {
  std::shared_ptr<Executable> executable;
  {
    std::lock_guard lock(mutex);
    executable = executables.find(handle);
  }
  if (!executable)
    return unknown("executable");
  auto found = executable->index.find(name);
  if (found == executable->index.end())
    return {HETAGON_NOT_FOUND, "the executable has no entry '" + name + "'"};
  const Op &op = executable->ops[found->second];
  index = found->second;
  bindings = bindingCount(op);
  constants = constantCount(op);
  return {};
}

hetagon_commands Device::createCommands() {
  std::lock_guard lock(mutex);
  return commandBuffers.add(std::make_shared<Commands>());
}

void Device::destroyCommands(hetagon_commands handle) {
  std::lock_guard lock(mutex);
  commandBuffers.remove(handle);
}

Outcome Device::recordDispatch(hetagon_commands handle,
                               hetagon_executable executableHandle,
                               uint32_t entry,
                               std::span<const hetagon_binding> bindings,
                               std::span<const int64_t> constants) {
  std::lock_guard lock(mutex);
  std::shared_ptr<Commands> commands = commandBuffers.find(handle);
  std::shared_ptr<Executable> executable = executables.find(executableHandle);
  if (!commands || !executable)
    return unknown(commands ? "executable" : "command buffer");
  if (entry >= executable->ops.size())
    return unknown("entry");
  const Op &op = executable->ops[entry];
  auto refuse = [&](hetagon_code code, const std::string &why) {
    return Outcome{code, "entry '" + op.name + "': " + why};
  };
  if (constants.size() != constantCount(op))
    return refuse(HETAGON_INVALID_ARGUMENT,
                  std::to_string(constants.size()) + " constants instead of " +
                      std::to_string(constantCount(op)));
  std::vector<Operand> operands;
  Outcome outcome = operandsOf(op, constants, operands);
  if (!outcome.ok())
    return outcome;
  if (bindings.size() != operands.size())
    return refuse(HETAGON_INVALID_ARGUMENT,
                  std::to_string(bindings.size()) + " bindings instead of " +
                      std::to_string(operands.size()));
  Call call;
  call.op = &op;
  call.constants.assign(constants.begin(), constants.end());
  std::vector<std::shared_ptr<const void>> users{executable};
  size_t writtenIndex = 0;
  for (size_t i = 0; i < bindings.size(); ++i) {
    std::string which = "binding " + std::to_string(i);
    std::shared_ptr<Buffer> buffer = buffers.find(bindings[i].buffer);
    if (!buffer)
      return refuse(HETAGON_INVALID_ARGUMENT, which + " names no buffer");
    if (!buffer->contains(bindings[i].offset, bindings[i].size))
      return refuse(HETAGON_OUT_OF_RANGE, which + " passes its buffer's end");
    if (bindings[i].size < operands[i].bytes)
      return refuse(HETAGON_OUT_OF_RANGE,
                    which + " has " + std::to_string(bindings[i].size) +
                        " bytes; the shapes need " +
                        std::to_string(operands[i].bytes));
    uint8_t *data = buffer->data + bindings[i].offset;
    if (reinterpret_cast<uintptr_t>(data) % operands[i].alignment != 0)
      return refuse(HETAGON_INVALID_ARGUMENT,
                    which + " is not aligned to " +
                        std::to_string(operands[i].alignment) + " bytes");
    if (operands[i].written && buffer->isReadOnly)
      return refuse(HETAGON_PERMISSION_DENIED,
                    which + " is written but was imported read-only");
    if (operands[i].written)
      writtenIndex = i;
    call.data.push_back(data);
    call.sizes.push_back(bindings[i].size);
    users.push_back(std::move(buffer));
  }
  uint64_t writtenBytes = op.code == Opcode::KvAppend
                              ? call.sizes[writtenIndex]
                              : operands[writtenIndex].bytes;
  const uint8_t *written = call.data[writtenIndex];
  for (size_t i = 0; i < operands.size(); ++i) {
    bool overlaps = i != writtenIndex && writtenBytes && operands[i].bytes &&
                    call.data[i] < written + writtenBytes &&
                    written < call.data[i] + operands[i].bytes;
    if (overlaps && !(call.data[i] == written && mayBeInPlace(op, i)))
      return refuse(HETAGON_INVALID_ARGUMENT,
                    "the result overlaps binding " + std::to_string(i));
  }
  commands->list.emplace_back(std::move(call));
  commands->users.insert(commands->users.end(), users.begin(), users.end());
  return {};
}

Outcome Device::recordCopy(hetagon_commands handle, hetagon_buffer source,
                           uint64_t sourceOffset, hetagon_buffer target,
                           uint64_t targetOffset, uint64_t size) {
  std::lock_guard lock(mutex);
  std::shared_ptr<Commands> commands = commandBuffers.find(handle);
  std::shared_ptr<Buffer> from = buffers.find(source),
                          to = buffers.find(target);
  if (!commands || !from || !to)
    return unknown(commands ? "buffer" : "command buffer");
  if (!from->contains(sourceOffset, size) || !to->contains(targetOffset, size))
    return {HETAGON_OUT_OF_RANGE, "the copy passes a buffer's end"};
  if (to->isReadOnly)
    return {HETAGON_PERMISSION_DENIED, "the copy's target is read-only"};
  commands->list.emplace_back(
      Copy{from->data + sourceOffset, to->data + targetOffset, size});
  commands->users.push_back(std::move(from));
  commands->users.push_back(std::move(to));
  return {};
}

hetagon_queue Device::createQueue() {
  std::lock_guard lock(mutex);
  return queues.add(std::make_shared<Queue>());
}

void Device::destroyQueue(hetagon_queue handle) {
  std::lock_guard lock(mutex);
  if (std::shared_ptr<Queue> queue = queues.find(handle))
    drop(*queue);
  queues.remove(handle);
}

hetagon_fence Device::createFence() {
  std::lock_guard lock(mutex);
  return fences.add(std::make_shared<Fence>());
}

void Device::destroyFence(hetagon_fence handle) {
  std::lock_guard lock(mutex);
  fences.remove(handle);
}

Outcome Device::submit(hetagon_queue queueHandle,
                       hetagon_commands commandsHandle,
                       hetagon_fence waitHandle, uint64_t waitValue,
                       hetagon_fence signalHandle, uint64_t signalValue) {
  std::unique_lock lock(mutex);
  std::shared_ptr<Queue> queue = queues.find(queueHandle);
  Submission submission;
  submission.commands = commandBuffers.find(commandsHandle);
  submission.wait = fences.find(waitHandle);
  submission.waitValue = waitValue;
  submission.signal = fences.find(signalHandle);
  submission.signalValue = signalValue;
  if (!queue || !submission.commands || !submission.signal ||
      (waitHandle && !submission.wait))
    return unknown(!queue                 ? "queue"
                   : !submission.commands ? "command buffer"
                                          : "fence");
  changed.wait(lock, [&] { return queue->pending.size() < maxInFlight; });
  queue->pending.push_back(std::move(submission));
  ++count.submits;
  pump();
  return {};
}

Outcome Device::query(hetagon_fence handle, uint64_t &value) {
  std::lock_guard lock(mutex);
  std::shared_ptr<Fence> fence = fences.find(handle);
  if (!fence)
    return unknown("fence");
  value = fence->value;
  return fence->failure;
}

Outcome Device::wait(hetagon_fence handle, uint64_t value, uint64_t timeoutNs) {
  std::unique_lock lock(mutex);
  std::shared_ptr<Fence> fence = fences.find(handle);
  if (!fence)
    return unknown("fence");
  auto isOver = [&] { return fence->value >= value || !fence->failure.ok(); };
  // Longer than a year is for ever; the clock's arithmetic stays in range.
  constexpr uint64_t year = uint64_t(365) * 86400 * 1000000000;
  if (timeoutNs > year)
    changed.wait(lock, isOver);
  else if (!changed.wait_for(lock, std::chrono::nanoseconds(timeoutNs), isOver))
    return {HETAGON_DEADLINE_EXCEEDED,
            "the fence did not reach " + std::to_string(value) + " in time"};
  return fence->value >= value ? Outcome() : fence->failure;
}

Outcome Device::cancel(hetagon_queue handle) {
  std::lock_guard lock(mutex);
  std::shared_ptr<Queue> queue = queues.find(handle);
  if (!queue)
    return unknown("queue");
  drop(*queue);
  pump();
  return {};
}

bool Device::isReady(const Submission &submission) {
  const Fence *fence = submission.wait.get();
  return !fence || fence->value >= submission.waitValue || !fence->failure.ok();
}

bool Device::canStart(const Queue &queue) const {
  return !queue.isRunning && !queue.pending.empty() &&
         isReady(queue.pending.front());
}

void Device::pump() {
  struct Task {
    std::shared_ptr<Device> device;
    std::shared_ptr<Queue> queue;
  };
  for (const auto &[handle, queue] : queues.all()) {
    if (!canStart(*queue))
      continue;
    auto task = std::make_unique<Task>(Task{shared_from_this(), queue});
    queue->isRunning = true;
    ++running;
    host.post(
        host.context,
        [](void *argument) {
          std::unique_ptr<Task> task(static_cast<Task *>(argument));
          task->device->run(task->queue);
        },
        task.release());
  }
}

void Device::run(const std::shared_ptr<Queue> &queue) {
  std::unique_lock lock(mutex);
  while (!queue->pending.empty() && isReady(queue->pending.front())) {
    Submission submission = std::move(queue->pending.front());
    queue->pending.pop_front();
    Outcome outcome;
    if (submission.wait && submission.wait->value < submission.waitValue)
      outcome = submission.wait->failure;
    if (outcome.ok()) {
      lock.unlock();
      uint64_t start = nowNs();
      try {
        outcome = runCommands(*submission.commands);
      } catch (const std::bad_alloc &) {
        outcome = {HETAGON_RESOURCE_EXHAUSTED, "out of memory"};
      }
      uint64_t end = nowNs();
      lock.lock();
      count.busy_ns += end - start;
      count.dispatches += submission.commands->list.size();
    }
    finish(submission, std::move(outcome));
    pump();
  }
  queue->isRunning = false;
  --running;
  changed.notify_all();
}

Outcome Device::runCommands(const Commands &commands) {
  for (const std::variant<Call, Copy> &command : commands.list) {
    if (const Call *call = std::get_if<Call>(&command)) {
      Outcome outcome = execute(*call, team);
      if (!outcome.ok())
        return outcome;
    } else if (const Copy &copy = std::get<Copy>(command); copy.size) {
      std::memmove(copy.target, copy.source, copy.size);
    }
  }
  return {};
}

void Device::finish(Submission &submission, Outcome outcome) {
  Fence &fence = *submission.signal;
  if (outcome.ok())
    fence.value = std::max(fence.value, submission.signalValue);
  else if (fence.failure.ok())
    fence.failure = std::move(outcome);
  changed.notify_all();
}

void Device::drop(Queue &queue) {
  std::deque<Submission> dropped = std::move(queue.pending);
  queue.pending.clear();
  for (Submission &submission : dropped)
    finish(submission, {HETAGON_CANCELLED, "the submission was cancelled"});
}

} // namespace hetagon::reference
