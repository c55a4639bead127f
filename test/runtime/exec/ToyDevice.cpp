// The device table of the toy: an asynchronous in-order device on the host's
// executor.
#include "ToyDevice.h"
#include "ToyKernels.h"
#include "runtime/base/Json.h"
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace hetagon::toy {
namespace {

struct Memory {
  std::vector<uint8_t> own;
  const uint8_t *host = nullptr;
  uint64_t size = 0;
  uint8_t *data() { return host ? const_cast<uint8_t *>(host) : own.data(); }
};
struct Dispatch {
  const Kernel *kernel; ///< null: a copy of bindings[0] to bindings[1]
  std::vector<hetagon_binding> bindings;
  std::vector<int64_t> constants;
};
struct FenceState {
  uint64_t value = 0;
  hetagon_code code = HETAGON_OK;
  std::string message;
};
struct Submission {
  std::vector<Dispatch> work;
  hetagon_fence fence;
  uint64_t value, number;
};

hetagon_code set(hetagon_error *error, hetagon_code code,
                 const std::string &message) {
  if (error) {
    error->code = code;
    std::strncpy(error->message, message.c_str(), sizeof error->message - 1);
  }
  return code;
}
} // namespace
} // namespace hetagon::toy

struct hetagon_device {
  const hetagon_host *host = nullptr;
  bool ownAddressSpace = false;
  uint64_t delayUs = 0, failSubmit = 0, loseSubmit = 0, hangSubmit = 0,
           maxBufferBytes = 0;

  std::mutex mutex;
  std::condition_variable changed;
  uint64_t next = 0;
  std::map<uint64_t, std::shared_ptr<hetagon::toy::Memory>> memory;
  std::map<uint64_t, std::vector<hetagon::toy::Dispatch>> commands;
  std::map<uint64_t, hetagon::toy::FenceState> fences;
  std::deque<hetagon::toy::Submission> queue;
  uint64_t posted = 0;
  bool lost = false;
  hetagon_counters count{};
  std::mutex execution; ///< one submission at a time, in order
};

namespace hetagon::toy {
namespace {
using Device = ::hetagon_device;

hetagon_code lostError(hetagon_error *error) {
  return set(error, HETAGON_DEVICE_LOST, "the toy device is lost");
}

/// Runs one submission; what is wrong, or empty.
std::string execute(Device &device, const Submission &submission) {
  for (const Dispatch &dispatch : submission.work) {
    std::vector<std::shared_ptr<Memory>> held;
    std::vector<Argument> arguments;
    {
      std::lock_guard lock(device.mutex);
      for (const hetagon_binding &binding : dispatch.bindings) {
        auto found = device.memory.find(binding.buffer);
        if (found == device.memory.end())
          return "a binding's buffer was released";
        if (binding.offset > found->second->size ||
            binding.size > found->second->size - binding.offset)
          return "a binding is larger than its buffer";
        held.push_back(found->second);
        arguments.push_back(
            {found->second->data() + binding.offset, binding.size});
      }
      device.count.dispatches += dispatch.kernel != nullptr;
    }
    if (!dispatch.kernel) {
      std::memmove(arguments[1].data, arguments[0].data, arguments[0].size);
      continue;
    }
    std::string wrong =
        dispatch.kernel->run(*device.host, arguments, dispatch.constants);
    if (!wrong.empty())
      return std::string(dispatch.kernel->name) + ": " + wrong;
  }
  return {};
}

void runNext(void *argument) {
  auto &device = *static_cast<Device *>(argument);
  std::lock_guard inOrder(device.execution);
  Submission submission;
  {
    std::lock_guard lock(device.mutex);
    submission = std::move(device.queue.front());
    device.queue.pop_front();
  }
  if (device.delayUs)
    std::this_thread::sleep_for(std::chrono::microseconds(device.delayUs));
  std::string wrong;
  hetagon_code code = HETAGON_INTERNAL;
  if (submission.number == device.loseSubmit) {
    wrong = "the toy device is lost";
    code = HETAGON_DEVICE_LOST;
  } else if (submission.number == device.failSubmit) {
    wrong = "the submission was told to fail";
  } else {
    wrong = execute(device, submission);
  }
  std::lock_guard lock(device.mutex);
  device.lost |= code == HETAGON_DEVICE_LOST;
  FenceState &fence = device.fences[submission.fence];
  if (wrong.empty()) {
    fence.value = submission.value;
  } else {
    fence.code = code;
    fence.message = wrong;
  }
  --device.posted;
  device.changed.notify_all();
}

hetagon_code open(const hetagon_host *host, const char *config, Device **device,
                  hetagon_error *error) {
  auto json = parseJson(config, "config");
  if (!json.isOk())
    return set(error, HETAGON_INVALID_ARGUMENT, json.status().str());
  auto made = std::make_unique<Device>();
  made->host = host;
  for (auto &[key, value] : json->items()) {
    if (key == "own_address_space" && value.is_boolean())
      made->ownAddressSpace = value.get<bool>();
    else if (!value.is_number_unsigned())
      return set(error, HETAGON_INVALID_ARGUMENT, "bad value of " + key);
    else if (key == "delay_us")
      made->delayUs = value.get<uint64_t>();
    else if (key == "fail_submit")
      made->failSubmit = value.get<uint64_t>();
    else if (key == "lose_submit")
      made->loseSubmit = value.get<uint64_t>();
    else if (key == "hang_submit")
      made->hangSubmit = value.get<uint64_t>();
    else if (key == "max_buffer_bytes")
      made->maxBufferBytes = value.get<uint64_t>();
    else
      return set(error, HETAGON_INVALID_ARGUMENT, "unknown key " + key);
  }
  made->count.struct_size = sizeof made->count;
  *device = made.release();
  return HETAGON_OK;
}

void close(Device *device) {
  {
    std::unique_lock lock(device->mutex);
    device->changed.wait(lock, [&] { return device->posted == 0; });
  }
  // The last task may still hold the execution lock on its way out.
  {
    std::lock_guard lock(device->execution);
  }
  delete device;
}

hetagon_code describe(Device *device, hetagon_device_info *info,
                      hetagon_error *) {
  *info = {sizeof *info,
           device->ownAddressSpace,
           "toy",
           "toy",
           0,
           device->maxBufferBytes,
           16,
           4,
           0,
           0};
  return HETAGON_OK;
}

hetagon_code status(Device *device, hetagon_error *error) {
  std::lock_guard lock(device->mutex);
  return device->lost ? lostError(error) : HETAGON_OK;
}

uint64_t clockNs(Device *) {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

hetagon_code counters(Device *device, hetagon_counters *values,
                      hetagon_error *) {
  std::lock_guard lock(device->mutex);
  *values = device->count;
  return HETAGON_OK;
}

hetagon_code allocate(Device *device, uint64_t size, hetagon_buffer *buffer,
                      hetagon_error *error) {
  std::lock_guard lock(device->mutex);
  if (device->lost)
    return lostError(error);
  auto memory = std::make_shared<Memory>();
  memory->own.resize(size);
  memory->size = size;
  device->count.bytes_allocated += size;
  device->memory[ *buffer = ++device->next] = std::move(memory);
  return HETAGON_OK;
}

hetagon_code importHost(Device *device, const void *data, uint64_t size,
                        hetagon_buffer *buffer, hetagon_error *error) {
  std::lock_guard lock(device->mutex);
  if (device->ownAddressSpace)
    return set(error, HETAGON_UNSUPPORTED, "another address space");
  auto memory = std::make_shared<Memory>();
  memory->host = static_cast<const uint8_t *>(data);
  memory->size = size;
  device->memory[ *buffer = ++device->next] = std::move(memory);
  return HETAGON_OK;
}

void release(Device *device, hetagon_buffer buffer) {
  std::lock_guard lock(device->mutex);
  device->memory.erase(buffer);
}

hetagon_code transfer(Device *device, hetagon_buffer buffer, uint64_t offset,
                      uint8_t *out, const uint8_t *in, uint64_t size,
                      hetagon_error *error) {
  std::lock_guard lock(device->mutex);
  if (device->lost)
    return lostError(error);
  auto found = device->memory.find(buffer);
  if (found == device->memory.end() || offset > found->second->size ||
      size > found->second->size - offset)
    return set(error, HETAGON_OUT_OF_RANGE, "transfer outside the buffer");
  uint8_t *data = found->second->data() + offset;
  if (in)
    std::memcpy(data, in, size);
  else
    std::memcpy(out, data, size);
  (in ? device->count.bytes_to_device : device->count.bytes_from_device) +=
      size;
  return HETAGON_OK;
}

hetagon_code write(Device *device, hetagon_buffer buffer, uint64_t offset,
                   const void *data, uint64_t size, hetagon_error *error) {
  return transfer(device, buffer, offset, nullptr,
                  static_cast<const uint8_t *>(data), size, error);
}

hetagon_code read(Device *device, hetagon_buffer buffer, uint64_t offset,
                  void *data, uint64_t size, hetagon_error *error) {
  return transfer(device, buffer, offset, static_cast<uint8_t *>(data), nullptr,
                  size, error);
}

hetagon_code load(Device *device, const char *format, const void *payload,
                  uint64_t size, hetagon_executable *executable,
                  hetagon_error *error) {
  if (std::strcmp(format, "toy") ||
      std::string_view(static_cast<const char *>(payload), size) != "TOY1")
    return set(error, HETAGON_INVALID_ARGUMENT, "no toy code");
  std::lock_guard lock(device->mutex);
  *executable = ++device->next;
  return HETAGON_OK;
}

void unload(Device *, hetagon_executable) {}

hetagon_code entry(Device *, hetagon_executable, const char *name,
                   uint32_t *index, uint32_t *bindings, uint32_t *constants,
                   hetagon_error *error) {
  for (const Kernel &kernel : kernels())
    if (!std::strcmp(kernel.name, name)) {
      *index = static_cast<uint32_t>(&kernel - kernels().data());
      *bindings = kernel.bindings;
      *constants = kernel.constants;
      return HETAGON_OK;
    }
  return set(error, HETAGON_NOT_FOUND, "no such entry");
}

hetagon_code createCommands(Device *device, hetagon_commands *commands,
                            hetagon_error *error) {
  std::lock_guard lock(device->mutex);
  device->commands[ *commands = ++device->next];
  return HETAGON_OK;
}

void destroyCommands(Device *device, hetagon_commands commands) {
  std::lock_guard lock(device->mutex);
  device->commands.erase(commands);
}

hetagon_code recordDispatch(Device *device, hetagon_commands commands,
                            hetagon_executable, uint32_t entry,
                            const hetagon_binding *bindings,
                            uint32_t bindingCount, const int64_t *constants,
                            uint32_t constantCount, hetagon_error *) {
  std::lock_guard lock(device->mutex);
  device->commands[commands].push_back(
      {&kernels()[entry],
       {bindings, bindings + bindingCount},
       {constants, constants + constantCount}});
  return HETAGON_OK;
}

hetagon_code recordCopy(Device *device, hetagon_commands commands,
                        hetagon_buffer source, uint64_t sourceOffset,
                        hetagon_buffer target, uint64_t targetOffset,
                        uint64_t size, hetagon_error *) {
  std::lock_guard lock(device->mutex);
  device->commands[commands].push_back(
      {nullptr,
       {{source, sourceOffset, size}, {target, targetOffset, size}},
       {}});
  return HETAGON_OK;
}

hetagon_code createQueue(Device *device, hetagon_queue *queue,
                         hetagon_error *) {
  std::lock_guard lock(device->mutex);
  *queue = ++device->next;
  return HETAGON_OK;
}
void destroyQueue(Device *, hetagon_queue) {}

hetagon_code createFence(Device *device, hetagon_fence *fence,
                         hetagon_error *) {
  std::lock_guard lock(device->mutex);
  device->fences[ *fence = ++device->next];
  return HETAGON_OK;
}
void destroyFence(Device *device, hetagon_fence fence) {
  std::lock_guard lock(device->mutex);
  device->fences.erase(fence);
}

hetagon_code submit(Device *device, hetagon_queue, hetagon_commands commands,
                    hetagon_fence, uint64_t, hetagon_fence fence,
                    uint64_t value, hetagon_error *error) {
  {
    std::lock_guard lock(device->mutex);
    if (device->lost)
      return lostError(error);
    uint64_t number = ++device->count.submits;
    if (number == device->hangSubmit)
      return HETAGON_OK;
    ++device->posted;
    device->queue.push_back({device->commands[commands], fence, value, number});
  }
  device->host->post(device->host->context, runNext, device);
  return HETAGON_OK;
}

hetagon_code queryFence(Device *device, hetagon_fence fence, uint64_t *value,
                        hetagon_error *error) {
  std::lock_guard lock(device->mutex);
  const FenceState &state = device->fences[fence];
  *value = state.value;
  return state.code == HETAGON_OK ? HETAGON_OK
                                  : set(error, state.code, state.message);
}

hetagon_code waitFence(Device *device, hetagon_fence fence, uint64_t value,
                       uint64_t timeoutNs, hetagon_error *error) {
  std::unique_lock lock(device->mutex);
  FenceState &state = device->fences[fence];
  auto ready = [&] {
    return state.value >= value || state.code != HETAGON_OK || device->lost;
  };
  if (timeoutNs == UINT64_MAX)
    device->changed.wait(lock, ready);
  else if (!device->changed.wait_for(lock, std::chrono::nanoseconds(timeoutNs),
                                     ready))
    return set(error, HETAGON_DEADLINE_EXCEEDED, "the fence was not reached");
  if (state.code != HETAGON_OK)
    return set(error, state.code, state.message);
  return state.value >= value ? HETAGON_OK : lostError(error);
}
} // namespace

const hetagon_device_api *api() {
  static const hetagon_device_api table = {sizeof table,
                                           HETAGON_DEVICE_ABI_VERSION,
                                           "toy",
                                           open,
                                           close,
                                           describe,
                                           status,
                                           clockNs,
                                           counters,
                                           allocate,
                                           importHost,
                                           release,
                                           write,
                                           read,
                                           load,
                                           unload,
                                           entry,
                                           createCommands,
                                           destroyCommands,
                                           recordDispatch,
                                           recordCopy,
                                           createQueue,
                                           destroyQueue,
                                           createFence,
                                           destroyFence,
                                           submit,
                                           queryFence,
                                           waitFence,
                                           nullptr};
  return &table;
}

} // namespace hetagon::toy
