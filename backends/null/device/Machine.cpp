// What the device does with each request, and with the time between them.
#include "backends/null/device/Machine.h"
#include <algorithm>
#include <csignal>
#include <cstring>
#include <sys/mman.h>

namespace hetagon::null {

namespace {

/// Mean time of a submission when only an order is to be mixed.
constexpr uint64_t reorderUs = 500;

Outcome unknown(const char *what) {
  return {HETAGON_INVALID_ARGUMENT, std::string("no such ") + what};
}

Outcome malformed() { return {HETAGON_DATA_LOSS, "a malformed request"}; }

uint64_t nanoseconds(Machine::Clock::duration duration) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

} // namespace

Machine::Buffer::~Buffer() {
  if (data)
    ::munmap(data, size ? size : 1);
}

template <typename T> uint64_t Machine::add(std::shared_ptr<T> object) {
  objects.emplace(++lastHandle, std::move(object));
  return lastHandle;
}

template <typename T> std::shared_ptr<T> Machine::find(uint64_t handle) const {
  auto found = objects.find(handle);
  if (found == objects.end())
    return nullptr;
  const auto *object = std::get_if<std::shared_ptr<T>>(&found->second);
  return object ? *object : nullptr;
}

template <typename T>
Outcome Machine::remove(uint64_t handle, const char *what) {
  if (!find<T>(handle))
    return unknown(what);
  objects.erase(handle);
  return {};
}

Outcome Machine::handle(Kind kind, Reader &request, Writer &answer) {
  // Requests that name one object.
  auto removed = [&](auto type, const char *what) -> Outcome {
    uint64_t handle = request.u64();
    return request.isDone() ? remove<decltype(type)>(handle, what)
                            : malformed();
  };
  auto made = [&](auto object) -> Outcome {
    if (!request.isDone())
      return malformed();
    answer.u64(add(std::move(object)));
    return {};
  };
  switch (kind) {
  case Kind::Ping:
    return request.isDone() ? Outcome() : malformed();
  case Kind::Counters:
    if (!request.isDone())
      return malformed();
    answer.u64(count.submits).u64(count.dispatches).u64(count.bytes_to_device);
    answer.u64(count.bytes_from_device).u64(count.busy_ns);
    answer.u64(count.bytes_allocated);
    return {};
  case Kind::Allocate:
    return allocate(request, answer);
  case Kind::Release: {
    uint64_t handle = request.u64();
    if (!request.isDone())
      return malformed();
    if (std::shared_ptr<Buffer> buffer = find<Buffer>(handle))
      count.bytes_allocated -= buffer->size;
    return remove<Buffer>(handle, "buffer");
  }
  case Kind::Write:
    return write(request);
  case Kind::Read:
    return read(request, answer);
  case Kind::Load:
    return load(request, answer);
  case Kind::Unload:
    return removed(Executable(), "executable");
  case Kind::Entry:
    return entry(request, answer);
  case Kind::CreateCommands:
    return made(std::make_shared<Commands>());
  case Kind::DestroyCommands:
    return removed(Commands(), "command buffer");
  case Kind::Dispatch:
    return dispatch(request);
  case Kind::Copy:
    return copy(request);
  case Kind::CreateQueue:
    return made(std::make_shared<Queue>());
  case Kind::DestroyQueue: {
    uint64_t handle = request.u64();
    if (!request.isDone())
      return malformed();
    (void)cancel(handle, true); // an unknown one is refused below
    return remove<Queue>(handle, "queue");
  }
  case Kind::CreateFence:
    return made(std::make_shared<Fence>());
  case Kind::DestroyFence:
    return removed(Fence(), "fence");
  case Kind::Submit:
    return submit(request);
  case Kind::Cancel: {
    uint64_t handle = request.u64();
    return request.isDone() ? cancel(handle, false) : malformed();
  }
  case Kind::Close:
    if (!request.isDone())
      return malformed();
    close();
    return {};
  case Kind::Hello:
  case Kind::Reply:
  case Kind::Completed:
  case Kind::Open:
    break;
  }
  return {HETAGON_DATA_LOSS, "a frame that only the process may send"};
}

Outcome Machine::allocate(Reader &request, Writer &answer) {
  uint64_t size = request.u64();
  if (!request.isDone())
    return malformed();
  auto buffer = std::make_shared<Buffer>();
  buffer->data = static_cast<uint8_t *>(
      ::mmap(nullptr, size ? size : 1, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (buffer->data == MAP_FAILED) {
    buffer->data = nullptr;
    return {HETAGON_RESOURCE_EXHAUSTED,
            "no memory for " + std::to_string(size) + " bytes"};
  }
  buffer->size = size;
  count.bytes_allocated += size;
  answer.u64(add(std::move(buffer)));
  return {};
}

Outcome Machine::write(Reader &request) {
  std::shared_ptr<Buffer> buffer = find<Buffer>(request.u64());
  uint64_t offset = request.u64(), remaining = request.u64();
  if (!request.isSound())
    return malformed();
  std::span<const uint8_t> content = request.remaining();
  if (content.size() != std::min(remaining, maxContentBytes))
    return malformed();
  if (!buffer)
    return unknown("buffer");
  if (!buffer->contains(offset, remaining))
    return {HETAGON_OUT_OF_RANGE, "the write passes the buffer's end"};
  if (!content.empty())
    std::memcpy(buffer->data + offset, content.data(), content.size());
  count.bytes_to_device += content.size();
  return {};
}

Outcome Machine::read(Reader &request, Writer &answer) {
  std::shared_ptr<Buffer> buffer = find<Buffer>(request.u64());
  uint64_t offset = request.u64(), remaining = request.u64();
  if (!request.isDone())
    return malformed();
  if (!buffer)
    return unknown("buffer");
  if (!buffer->contains(offset, remaining))
    return {HETAGON_OUT_OF_RANGE, "the read passes the buffer's end"};
  size_t size = std::min(remaining, maxContentBytes);
  answer.raw(buffer->data + offset, size);
  count.bytes_from_device += size;
  return {};
}

Outcome Machine::load(Reader &request, Writer &answer) {
  std::span<const uint8_t> payload = request.remaining();
  if (payload.size() > maxContentBytes)
    return malformed();
  auto executable = std::make_shared<Executable>();
  Outcome outcome = readPayload(
      {reinterpret_cast<const char *>(payload.data()), payload.size()},
      *executable);
  if (outcome.ok())
    answer.u64(add(std::move(executable)));
  return outcome;
}

Outcome Machine::entry(Reader &request, Writer &answer) {
  std::shared_ptr<Executable> executable = find<Executable>(request.u64());
  std::string name = request.text();
  if (!request.isDone())
    return malformed();
  if (!executable)
    return unknown("executable");
  const std::vector<Entry> &entries = executable->entries;
  auto found = std::find_if(entries.begin(), entries.end(),
                            [&](const Entry &e) { return e.name == name; });
  if (found == entries.end())
    return {HETAGON_NOT_FOUND, "no entry '" + name + "'"};
  answer.u32(static_cast<uint32_t>(found - entries.begin()))
      .u32(found->bindings)
      .u32(1);
  return {};
}

Outcome Machine::dispatch(Reader &request) {
  std::shared_ptr<Commands> commands = find<Commands>(request.u64());
  std::shared_ptr<Executable> executable = find<Executable>(request.u64());
  uint32_t index = request.u32(), bindings = request.u32();
  if (!request.isSound() || bindings > maxBindings)
    return malformed();
  Outcome outcome;
  Fill fill{};
  for (uint32_t i = 0; i < bindings; ++i) {
    std::shared_ptr<Buffer> buffer = find<Buffer>(request.u64());
    fill.offset = request.u64();
    fill.size = request.u64();
    std::string which = "binding " + std::to_string(i);
    if (!outcome.ok())
      continue;
    if (!buffer)
      outcome = {HETAGON_INVALID_ARGUMENT, which + " names no buffer"};
    else if (!buffer->contains(fill.offset, fill.size))
      outcome = {HETAGON_OUT_OF_RANGE, which + " passes its buffer's end"};
    else if (fill.offset % 64 != 0)
      outcome = {HETAGON_INVALID_ARGUMENT,
                 which + " is not aligned to 64 bytes"};
    fill.target = std::move(buffer);
  }
  uint32_t constants = request.u32();
  if (!request.isSound() || constants > maxConstants)
    return malformed();
  int64_t rows = 0;
  for (uint32_t i = 0; i < constants; ++i)
    rows = static_cast<int64_t>(request.u64());
  if (!request.isDone())
    return malformed();
  if (!commands || !executable)
    return unknown(commands ? "executable" : "command buffer");
  if (index >= executable->entries.size())
    return unknown("entry");
  const Entry &entry = executable->entries[index];
  if (bindings != entry.bindings || constants != 1)
    outcome = {HETAGON_INVALID_ARGUMENT,
               "it takes " + std::to_string(entry.bindings) +
                   " bindings and 1 constant, not " + std::to_string(bindings) +
                   " and " + std::to_string(constants)};
  if (outcome.ok() && (rows < 0 ||
                       __builtin_mul_overflow(static_cast<uint64_t>(rows),
                                              entry.rowBytes, &fill.bytes) ||
                       fill.bytes > fill.size))
    outcome = {HETAGON_OUT_OF_RANGE,
               std::to_string(rows) + " rows of " +
                   std::to_string(entry.rowBytes) +
                   " bytes do not fit the last binding of " +
                   std::to_string(fill.size)};
  if (!outcome.ok()) {
    outcome.message = "entry '" + entry.name + "': " + outcome.message;
    return outcome;
  }
  fill.entry = entry.name;
  commands->list.emplace_back(std::move(fill));
  return {};
}

Outcome Machine::copy(Reader &request) {
  std::shared_ptr<Commands> commands = find<Commands>(request.u64());
  Copy copy{};
  copy.source = find<Buffer>(request.u64());
  copy.sourceOffset = request.u64();
  copy.target = find<Buffer>(request.u64());
  copy.targetOffset = request.u64();
  copy.size = request.u64();
  if (!request.isDone())
    return malformed();
  if (!commands || !copy.source || !copy.target)
    return unknown(commands ? "buffer" : "command buffer");
  if (!copy.source->contains(copy.sourceOffset, copy.size) ||
      !copy.target->contains(copy.targetOffset, copy.size))
    return {HETAGON_OUT_OF_RANGE, "the copy passes a buffer's end"};
  commands->list.emplace_back(std::move(copy));
  return {};
}

Outcome Machine::submit(Reader &request) {
  std::shared_ptr<Queue> queue = find<Queue>(request.u64());
  Submission submission{};
  submission.commands = find<Commands>(request.u64());
  uint64_t wait = request.u64();
  submission.wait = find<Fence>(wait);
  submission.waitValue = request.u64();
  submission.signalHandle = request.u64();
  submission.signal = find<Fence>(submission.signalHandle);
  submission.signalValue = request.u64();
  if (!request.isDone())
    return malformed();
  if (!queue || !submission.commands || !submission.signal ||
      (wait && !submission.wait))
    return unknown(!queue                 ? "queue"
                   : !submission.commands ? "command buffer"
                                          : "fence");
  queue->pending.push_back(std::move(submission));
  ++count.submits;
  return {};
}

Outcome Machine::cancel(uint64_t handle, bool runningToo) {
  std::shared_ptr<Queue> queue = find<Queue>(handle);
  if (!queue)
    return unknown("queue");
  // The one that runs stays at the front.
  std::optional<Submission> running;
  if (queue->isRunning && !runningToo) {
    running = std::move(queue->pending.front());
    queue->pending.pop_front();
  }
  while (!queue->pending.empty())
    finish(handle, *queue, {HETAGON_CANCELLED, "the submission was cancelled"});
  queue->isRunning = running.has_value();
  if (running)
    queue->pending.push_front(std::move(*running));
  return {};
}

void Machine::close() {
  // What runs or can start does so now, whatever time it still had.
  for (auto due = nextDue(); due; due = nextDue())
    advance(*due);
  for (const auto &[handle, object] : objects)
    if (std::holds_alternative<std::shared_ptr<Queue>>(object))
      (void)cancel(handle, true); // the handle is known
}

bool Machine::isReady(const Submission &submission) {
  const Fence *fence = submission.wait.get();
  return !fence || fence->value >= submission.waitValue || !fence->failure.ok();
}

Machine::Clock::duration Machine::drawTime() {
  uint64_t time = config.delay_us;
  if (config.reorder)
    time = random() % (2 * (time ? time : reorderUs) + 1);
  return std::chrono::microseconds(time);
}

std::optional<Machine::Clock::time_point> Machine::nextDue() const {
  std::optional<Clock::time_point> next;
  for (const auto &[handle, object] : objects) {
    const auto *queue = std::get_if<std::shared_ptr<Queue>>(&object);
    if (!queue || (*queue)->pending.empty())
      continue;
    if (!(*queue)->isRunning && !isReady((*queue)->pending.front()))
      continue;
    Clock::time_point due =
        (*queue)->isRunning ? (*queue)->due : Clock::time_point();
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

void Machine::advance(Clock::time_point now) {
  while (true) {
    std::shared_ptr<Queue> first; // the one whose turn ends first
    uint64_t firstHandle = 0;
    for (const auto &[handle, object] : objects) {
      const auto *found = std::get_if<std::shared_ptr<Queue>>(&object);
      if (!found || (*found)->pending.empty())
        continue;
      Queue &queue = **found;
      if (!queue.isRunning && isReady(queue.pending.front())) {
        queue.isRunning = true;
        queue.start = Clock::now();
        queue.due = queue.start + drawTime();
      }
      if (queue.isRunning && queue.due <= std::max(now, queue.start) &&
          (!first || queue.due < first->due)) {
        first = *found;
        firstHandle = handle;
      }
    }
    if (!first)
      return;
    const Submission &submission = first->pending.front();
    Outcome outcome;
    if (submission.wait && submission.wait->value < submission.waitValue) {
      outcome = submission.wait->failure;
    } else {
      if (config.lose_after && executed == config.lose_after)
        ::raise(SIGKILL);
      ++executed;
      outcome = run(submission);
      count.busy_ns += nanoseconds(Clock::now() - first->start);
    }
    finish(firstHandle, *first, std::move(outcome));
  }
}

Outcome Machine::run(const Submission &submission) {
  for (const std::variant<Fill, Copy> &command : submission.commands->list) {
    if (const Fill *fill = std::get_if<Fill>(&command)) {
      if (fill->bytes)
        std::memset(fill->target->data + fill->offset, 0, fill->bytes);
    } else if (const Copy &copy = std::get<Copy>(command); copy.size) {
      std::memmove(copy.target->data + copy.targetOffset,
                   copy.source->data + copy.sourceOffset, copy.size);
    }
    ++count.dispatches;
  }
  return {};
}

void Machine::finish(uint64_t handle, Queue &queue, Outcome outcome) {
  Submission submission = std::move(queue.pending.front());
  queue.pending.pop_front();
  queue.isRunning = false;
  Fence &fence = *submission.signal;
  if (outcome.ok())
    fence.value = std::max(fence.value, submission.signalValue);
  else if (fence.failure.ok())
    fence.failure = outcome;
  completed(handle, submission.signalHandle, submission.signalValue, outcome);
}

} // namespace hetagon::null
