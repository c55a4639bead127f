// The null device in the host's process: requests to the device process, the
// fences that it completes, and its loss.
#ifndef HETAGON_BACKENDS_NULL_DEVICE_CLIENT_H
#define HETAGON_BACKENDS_NULL_DEVICE_CLIENT_H

#include "backends/null/device/Config.h"
#include "backends/null/device/Process.h"
#include "backends/null/device/Protocol.h"
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace hetagon::null {

/// Thread-safe. Everything but the fences' values lives in the process; each
/// function sends one request and waits for its reply, at most
/// Config::answer_ms. One thread of its own starts the process, receives what
/// it sends and reaps it; it computes nothing.
///
/// The device is lost when the process ends, breaks the protocol or does not
/// answer in time. From then on every function returns DEVICE_LOST with the
/// process's fate.
class Client {
public:
  /// Submissions that a queue takes before submit blocks.
  static constexpr uint32_t maxInFlight = 64;

  static Outcome open(const Config &config, const std::string &program,
                      std::unique_ptr<Client> &client);
  /// The process finishes what can start, drops the rest and ends.
  ~Client();

  Outcome status();
  /// Sends a request; `answer` gets the reply's content.
  Outcome call(Kind kind, const Writer &request, Bytes &answer);
  /// The same for requests whose answer is one new handle, or nothing.
  Outcome create(Kind kind, const Writer &request, uint64_t &handle);
  Outcome tell(Kind kind, const Writer &request);
  /// Loses the device: the process broke the protocol. Returns the loss.
  Outcome breach(const std::string &what);

  Outcome createQueue(hetagon_queue &queue);
  void destroyQueue(hetagon_queue queue);
  Outcome createFence(hetagon_fence &fence);
  void destroyFence(hetagon_fence fence);
  Outcome submit(hetagon_queue queue, hetagon_commands commands,
                 hetagon_fence wait, uint64_t waitValue, hetagon_fence signal,
                 uint64_t signalValue);
  Outcome query(hetagon_fence fence, uint64_t &value);
  Outcome wait(hetagon_fence fence, uint64_t value, uint64_t timeoutNs);

private:
  using Clock = std::chrono::steady_clock;
  struct Call {
    bool isAnswered = false;
    Outcome outcome;
    Bytes answer;
  };
  struct Fence {
    uint64_t value = 0;
    Outcome failure;
  };

  explicit Client(const Config &config) : config(config) {}
  /// The thread: from start to reaping.
  void serve(std::string program);
  /// Receives until the stream ends; returns why.
  Outcome receiveAll();
  /// One frame; an error is a breach of the protocol.
  Outcome accept(Frame &frame);
  /// Waits until `isOver` or the loss, or until `limit` (then false). While
  /// waiting it makes sure that the process still answers.
  template <typename Condition>
  bool waitUntil(std::unique_lock<std::mutex> &lock, Clock::time_point limit,
                 Condition isOver);
  /// Notes why the process is to be stopped, and stops it; the thread then
  /// publishes the loss. Called with the lock held.
  void stop(const std::string &why);

  const Config config;
  std::mutex sending; // frames are sent whole
  std::mutex mutex;   // what follows
  std::condition_variable changed;
  Process process;
  bool isOpen = false;
  bool isClosing = false;
  std::string reason; // why the process was stopped
  Outcome loss;       // final once set
  uint64_t lastCall = 0;
  std::unordered_map<uint64_t, Call *> calls;
  std::unordered_map<hetagon_fence, std::shared_ptr<Fence>> fences;
  std::unordered_map<hetagon_queue, uint32_t> inFlight;
  std::thread thread;
};

} // namespace hetagon::null

#endif // HETAGON_BACKENDS_NULL_DEVICE_CLIENT_H
