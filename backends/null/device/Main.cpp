// hetagon-null-device: the process in which the null device lives. Speaks the
// protocol of Protocol.h over its standard input, which must be a socket, and
// ends with the stream. Status 0: closed; 3: the host broke the protocol.
#include "backends/null/device/Machine.h"
#include <cerrno>
#include <cstdio>
#include <new>
#include <poll.h>

using namespace hetagon::null;

namespace {

constexpr int host = 0;
constexpr int closed = 0, lostHost = 1, refusedHost = 3;

int refuse(const Outcome &outcome) {
  std::fprintf(stderr, "hetagon-null-device: the host sent %s\n",
               outcome.message.c_str());
  return refusedHost;
}

/// Greets and takes the configuration.
Outcome greet(Config &config) {
  Outcome outcome = sendFrame(host, Kind::Hello, 0,
                              Writer().u32(protocolMagic).u32(protocolVersion));
  Frame frame;
  if (outcome.ok())
    outcome = receiveFrame(host, frame);
  if (!outcome.ok())
    return outcome;
  Reader reader(frame.body);
  config.delay_us = reader.u64();
  uint32_t reorder = reader.u32();
  config.reorder = reorder == 1;
  config.lose_after = reader.u64();
  config.seed = reader.u64();
  if (frame.kind != Kind::Open || !reader.isDone() || reorder > 1 ||
      config.delay_us > 60'000'000)
    return {HETAGON_DATA_LOSS, "no configuration"};
  return sendFrame(host, Kind::Reply, frame.id, Writer().outcome({}));
}

/// Waits for the host, at most until `due`; false when there is nothing from
/// it yet.
bool hasRequest(std::optional<Machine::Clock::time_point> due) {
  timespec timeout{}, *limit = nullptr;
  if (due) {
    limit = &timeout;
    auto left = *due - Machine::Clock::now();
    if (left > left.zero()) {
      timeout.tv_sec =
          std::chrono::duration_cast<std::chrono::seconds>(left).count();
      timeout.tv_nsec =
          (left % std::chrono::seconds(1)) / std::chrono::nanoseconds(1);
    }
  }
  pollfd descriptor{host, POLLIN, 0};
  return ::ppoll(&descriptor, 1, limit, nullptr) > 0;
}

/// One request and its reply; empty while the host wants more.
std::optional<int> serve(Machine &machine) {
  Frame frame;
  Outcome outcome = receiveFrame(host, frame);
  if (outcome.code == HETAGON_DATA_LOSS)
    return refuse(outcome);
  if (!outcome.ok())
    return lostHost;
  Reader request(frame.body);
  Writer answer;
  try {
    outcome = machine.handle(frame.kind, request, answer);
  } catch (const std::bad_alloc &) {
    outcome = {HETAGON_RESOURCE_EXHAUSTED, "out of memory"};
  }
  if (outcome.code == HETAGON_DATA_LOSS)
    return refuse(outcome);
  Writer reply;
  reply.outcome(outcome);
  if (outcome.ok())
    reply.append(answer);
  if (!sendFrame(host, Kind::Reply, frame.id, std::move(reply)).ok())
    return lostHost;
  if (frame.kind == Kind::Close)
    return closed;
  return std::nullopt;
}

} // namespace

int main() {
  Config config;
  Outcome outcome = greet(config);
  if (!outcome.ok())
    return outcome.code == HETAGON_DATA_LOSS ? refuse(outcome) : lostHost;
  bool isHostThere = true;
  Machine machine(config, [&](uint64_t queue, uint64_t fence, uint64_t value,
                              const Outcome &result) {
    Writer event;
    event.u64(queue).u64(fence).u64(value).outcome(result);
    isHostThere &= sendFrame(host, Kind::Completed, 0, std::move(event)).ok();
  });
  while (isHostThere) {
    machine.advance(Machine::Clock::now());
    if (!hasRequest(machine.nextDue()))
      continue;
    if (std::optional<int> status = serve(machine))
      return *status;
  }
  return lostHost;
}
