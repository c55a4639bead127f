// Requests, replies and completions between host and device process.
#include "backends/null/device/Client.h"
#include <algorithm>
#include <sys/socket.h>

namespace hetagon::null {

namespace {

/// How long a process may take to end after its stream has ended.
constexpr int graceMs = 200;
/// How often a waiting thread asks whether the process still answers.
constexpr std::chrono::seconds pingInterval{1};

Outcome unknown(const char *what) {
  return {HETAGON_INVALID_ARGUMENT, std::string("no such ") + what};
}

} // namespace

Outcome Client::open(const Config &config, const std::string &program,
                     std::unique_ptr<Client> &client) {
  std::unique_ptr<Client> made(new Client(config));
  Client &self = *made;
  self.thread = std::thread([&self, program] { self.serve(program); });
  {
    std::unique_lock lock(self.mutex);
    auto isOver = [&] { return self.isOpen || !self.loss.ok(); };
    if (!self.changed.wait_for(
            lock, std::chrono::milliseconds(config.answer_ms), isOver))
      self.stop("it did not greet in time");
    self.changed.wait(lock, isOver);
    if (!self.loss.ok())
      return self.loss;
  }
  Outcome outcome = self.tell(Kind::Open, Writer()
                                              .u64(config.delay_us)
                                              .u32(config.reorder)
                                              .u64(config.lose_after)
                                              .u64(config.seed));
  if (outcome.ok())
    client = std::move(made);
  return outcome;
}

Client::~Client() {
  if (isOpen)
    (void)tell(Kind::Close, Writer()); // a lost device is closed as well
  {
    std::lock_guard lock(mutex);
    isClosing = true;
    process.disconnect();
  }
  thread.join();
}

Outcome Client::status() {
  std::lock_guard lock(mutex);
  return loss;
}

void Client::stop(const std::string &why) {
  if (reason.empty())
    reason = why;
  process.kill();
  process.disconnect();
}

Outcome Client::breach(const std::string &what) {
  std::unique_lock lock(mutex);
  stop("it sent " + what);
  changed.wait(lock, [&] { return !loss.ok(); });
  return loss;
}

void Client::serve(std::string program) {
  Outcome end;
  {
    std::lock_guard lock(mutex);
    end = process.start(program);
    if (end.ok()) {
      // A full socket must not hold a sender for ever.
      timeval limit{static_cast<time_t>(config.answer_ms / 1000),
                    static_cast<suseconds_t>(config.answer_ms % 1000 * 1000)};
      ::setsockopt(process.socket(), SOL_SOCKET, SO_SNDTIMEO, &limit,
                   sizeof limit);
    }
  }
  if (end.ok())
    end = receiveAll();
  std::lock_guard lock(mutex);
  if (process.id() > 0) {
    if (reason.empty() && !end.message.empty() && !isClosing)
      reason = end.message;
    process.disconnect();
    process.reap(end.code == HETAGON_DATA_LOSS ? 0 : graceMs);
    end = {HETAGON_DEVICE_LOST,
           process.fate() + (reason.empty() ? "" : ": " + reason)};
  }
  loss = end;
  changed.notify_all();
}

Outcome Client::receiveAll() {
  while (true) {
    Frame frame;
    Outcome outcome = receiveFrame(process.socket(), frame);
    if (outcome.ok())
      outcome = accept(frame);
    if (outcome.code == HETAGON_DATA_LOSS)
      outcome.message = "it sent " + outcome.message;
    if (!outcome.ok())
      return outcome;
  }
}

Outcome Client::accept(Frame &frame) {
  auto refuse = [](const char *what) {
    return Outcome{HETAGON_DATA_LOSS, what};
  };
  Reader reader(frame.body);
  std::lock_guard lock(mutex);
  if (!isOpen) {
    if (frame.kind != Kind::Hello || reader.u32() != protocolMagic)
      return refuse("something other than a greeting");
    if (uint32_t version = reader.u32();
        version != protocolVersion || !reader.isDone())
      return {HETAGON_DATA_LOSS, "a greeting for protocol version " +
                                     std::to_string(version) +
                                     "; this side speaks version " +
                                     std::to_string(protocolVersion)};
    isOpen = true;
  } else if (frame.kind == Kind::Reply) {
    auto found = calls.find(frame.id);
    if (found == calls.end())
      return refuse("a reply to no request");
    Call &call = *found->second;
    call.outcome = reader.outcome();
    std::span<const uint8_t> answer = reader.remaining();
    if (!reader.isSound() || (!call.outcome.ok() && !answer.empty()))
      return refuse("a malformed reply");
    call.answer.assign(answer.begin(), answer.end());
    call.isAnswered = true;
    calls.erase(found);
  } else if (frame.kind == Kind::Completed) {
    hetagon_queue queue = reader.u64();
    hetagon_fence handle = reader.u64();
    uint64_t value = reader.u64();
    Outcome outcome = reader.outcome();
    auto running = inFlight.find(queue);
    if (!reader.isDone() || running == inFlight.end() || running->second == 0)
      return refuse("a completion of nothing that was submitted");
    --running->second;
    // The fence may have been destroyed meanwhile.
    if (auto found = fences.find(handle); found != fences.end()) {
      Fence &fence = *found->second;
      if (outcome.ok())
        fence.value = std::max(fence.value, value);
      else if (fence.failure.ok())
        fence.failure = std::move(outcome);
    }
  } else {
    return refuse("a frame that only the host may send");
  }
  changed.notify_all();
  return {};
}

Outcome Client::call(Kind kind, const Writer &request, Bytes &answer) {
  Call call;
  uint64_t id;
  {
    std::lock_guard lock(mutex);
    if (!loss.ok())
      return loss;
    id = ++lastCall;
    calls.emplace(id, &call);
  }
  Outcome sent;
  {
    std::lock_guard lock(sending);
    sent = sendFrame(process.socket(), kind, id, request);
  }
  std::unique_lock lock(mutex);
  if (sent.code == HETAGON_DEVICE_LOST) {
    stop(sent.message);
  } else if (!sent.ok()) { // too large; nothing was sent
    calls.erase(id);
    return sent;
  }
  auto isOver = [&] { return call.isAnswered || !loss.ok(); };
  if (!changed.wait_for(lock, std::chrono::milliseconds(config.answer_ms),
                        isOver)) {
    stop("it left a request unanswered for " +
         std::to_string(config.answer_ms) + " ms");
    changed.wait(lock, isOver);
  }
  calls.erase(id);
  if (!call.isAnswered)
    return loss;
  answer = std::move(call.answer);
  return std::move(call.outcome);
}

Outcome Client::create(Kind kind, const Writer &request, uint64_t &handle) {
  Bytes answer;
  Outcome outcome = call(kind, request, answer);
  if (!outcome.ok())
    return outcome;
  Reader reader(answer);
  uint64_t made = reader.u64();
  if (!reader.isDone() || made == 0)
    return breach("a reply without a handle");
  handle = made;
  return {};
}

Outcome Client::tell(Kind kind, const Writer &request) {
  Bytes answer;
  Outcome outcome = call(kind, request, answer);
  if (outcome.ok() && !answer.empty())
    return breach("a reply with content that was not asked for");
  return outcome;
}

Outcome Client::createQueue(hetagon_queue &queue) {
  Outcome outcome = create(Kind::CreateQueue, Writer(), queue);
  std::lock_guard lock(mutex);
  if (outcome.ok())
    inFlight.emplace(queue, 0);
  return outcome;
}

void Client::destroyQueue(hetagon_queue queue) {
  (void)tell(Kind::DestroyQueue, Writer().u64(queue));
  std::lock_guard lock(mutex);
  inFlight.erase(queue);
  changed.notify_all();
}

Outcome Client::createFence(hetagon_fence &fence) {
  Outcome outcome = create(Kind::CreateFence, Writer(), fence);
  std::lock_guard lock(mutex);
  if (outcome.ok())
    fences.emplace(fence, std::make_shared<Fence>());
  return outcome;
}

void Client::destroyFence(hetagon_fence fence) {
  (void)tell(Kind::DestroyFence, Writer().u64(fence));
  std::lock_guard lock(mutex);
  fences.erase(fence);
}

Outcome Client::submit(hetagon_queue queue, hetagon_commands commands,
                       hetagon_fence wait, uint64_t waitValue,
                       hetagon_fence signal, uint64_t signalValue) {
  {
    std::unique_lock lock(mutex);
    auto place = [&]() -> uint32_t * {
      auto found = inFlight.find(queue);
      return found == inFlight.end() ? nullptr : &found->second;
    };
    waitUntil(lock, Clock::time_point::max(),
              [&] { return !place() || *place() < maxInFlight; });
    if (!loss.ok())
      return loss;
    if (!place())
      return unknown("queue");
    ++*place(); // before the completion can arrive
  }
  Outcome outcome = tell(Kind::Submit, Writer()
                                           .u64(queue)
                                           .u64(commands)
                                           .u64(wait)
                                           .u64(waitValue)
                                           .u64(signal)
                                           .u64(signalValue));
  if (!outcome.ok()) {
    std::lock_guard lock(mutex);
    auto found = inFlight.find(queue);
    if (found != inFlight.end() && found->second > 0)
      --found->second;
    changed.notify_all();
  }
  return outcome;
}

Outcome Client::query(hetagon_fence fence, uint64_t &value) {
  std::lock_guard lock(mutex);
  if (!loss.ok())
    return loss;
  auto found = fences.find(fence);
  if (found == fences.end())
    return unknown("fence");
  value = found->second->value;
  return found->second->failure;
}

Outcome Client::wait(hetagon_fence handle, uint64_t value, uint64_t timeoutNs) {
  // Longer than a year is for ever; the clock's arithmetic stays in range.
  constexpr uint64_t year = uint64_t(365) * 86400 * 1'000'000'000;
  Clock::time_point limit =
      timeoutNs > year ? Clock::time_point::max()
                       : Clock::now() + std::chrono::nanoseconds(timeoutNs);
  std::unique_lock lock(mutex);
  if (!loss.ok())
    return loss;
  auto found = fences.find(handle);
  if (found == fences.end())
    return unknown("fence");
  std::shared_ptr<Fence> fence = found->second;
  bool isOver = waitUntil(lock, limit, [&] {
    return fence->value >= value || !fence->failure.ok();
  });
  if (!loss.ok())
    return loss;
  if (!isOver)
    return {HETAGON_DEADLINE_EXCEEDED,
            "the fence did not reach " + std::to_string(value) + " in time"};
  return fence->value >= value ? Outcome() : fence->failure;
}

template <typename Condition>
bool Client::waitUntil(std::unique_lock<std::mutex> &lock,
                       Clock::time_point limit, Condition isOver) {
  auto isOverOrLost = [&] { return !loss.ok() || isOver(); };
  while (!isOverOrLost()) {
    Clock::time_point next = Clock::now() + pingInterval;
    if (changed.wait_until(lock, std::min(next, limit), isOverOrLost))
      break;
    if (Clock::now() >= limit)
      return false;
    lock.unlock();
    (void)tell(Kind::Ping, Writer()); // loses the device when unanswered
    lock.lock();
  }
  return true;
}

} // namespace hetagon::null
