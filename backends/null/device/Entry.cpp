// The C table of the null device: turns each function of hetagon/device.h into
// a request to the device process, and keeps exceptions inside.
#include "backends/null/device/Client.h"
#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <new>
#include <system_error>

using namespace hetagon::null;

struct hetagon_device {
  std::unique_ptr<Client> client;
};

namespace {

hetagon_code report(const Outcome &outcome, hetagon_error *error) {
  if (!outcome.ok() && error) {
    error->code = outcome.code;
    size_t length =
        std::min(outcome.message.size(), sizeof(error->message) - 1);
    std::memcpy(error->message, outcome.message.data(), length);
    error->message[length] = 0;
  }
  return outcome.code;
}

/// Runs `body`, which returns an Outcome, and reports it.
template <typename Body> hetagon_code guarded(hetagon_error *error, Body body) {
  try {
    return report(body(), error);
  } catch (const std::bad_alloc &) {
    return report({HETAGON_RESOURCE_EXHAUSTED, "out of memory"}, error);
  } catch (const std::system_error &failure) { // no thread to be had
    return report({HETAGON_RESOURCE_EXHAUSTED, failure.what()}, error);
  } catch (...) {
    return report({HETAGON_INTERNAL, "an unexpected exception"}, error);
  }
}

/// The same where there is nobody to tell.
template <typename Body> void quietly(Body body) {
  (void)guarded(nullptr, [&]() -> Outcome {
    body();
    return {};
  });
}

/// The program stands beside this module.
std::string programPath() {
  Dl_info info{};
  std::string path;
  if (::dladdr(reinterpret_cast<void *>(&programPath), &info) && info.dli_fname)
    path = info.dli_fname;
  size_t slash = path.rfind('/');
  path.resize(slash == std::string::npos ? 0 : slash + 1);
  return path + "hetagon-null-device";
}

hetagon_code openDevice(const hetagon_host *host, const char *config,
                        hetagon_device **device, hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    if (!host || host->abi_version != HETAGON_DEVICE_ABI_VERSION ||
        host->struct_size < sizeof(hetagon_host))
      return {HETAGON_INVALID_ARGUMENT,
              "the host's structure is not of ABI version " +
                  std::to_string(HETAGON_DEVICE_ABI_VERSION)};
    Config settings;
    Outcome outcome = readConfig(config ? config : "{}", settings);
    std::unique_ptr<Client> client;
    if (outcome.ok())
      outcome = Client::open(settings, programPath(), client);
    if (outcome.ok())
      *device = new hetagon_device{std::move(client)};
    return outcome;
  });
}

void closeDevice(hetagon_device *device) {
  quietly([&] { delete device; });
}

hetagon_code describe(hetagon_device *, hetagon_device_info *info,
                      hetagon_error *error) {
  if (info->struct_size < sizeof(hetagon_device_info))
    return report({HETAGON_INVALID_ARGUMENT, "struct_size is too small"},
                  error);
  info->own_address_space = 1;
  info->name = "null (a process that computes zeros)";
  info->architecture = "null";
  info->memory_bytes = 0;
  info->max_buffer_bytes = 0;
  info->buffer_alignment = 64;
  info->max_in_flight = Client::maxInFlight;
  info->preference = HETAGON_PREFERENCE_NEVER;
  return HETAGON_OK;
}

hetagon_code status(hetagon_device *device, hetagon_error *error) {
  return guarded(error, [&] { return device->client->status(); });
}

/// The system's monotonic clock, which host and process share.
uint64_t clockNs(hetagon_device *) {
  return uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::steady_clock::now().time_since_epoch())
                      .count());
}

hetagon_code counters(hetagon_device *device, hetagon_counters *counters,
                      hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    if (counters->struct_size < sizeof(hetagon_counters))
      return {HETAGON_INVALID_ARGUMENT, "struct_size is too small"};
    Bytes answer;
    Outcome outcome = device->client->call(Kind::Counters, Writer(), answer);
    if (!outcome.ok())
      return outcome;
    Reader reader(answer);
    counters->reserved = 0;
    for (uint64_t *value :
         {&counters->submits, &counters->dispatches, &counters->bytes_to_device,
          &counters->bytes_from_device, &counters->busy_ns,
          &counters->bytes_allocated})
      *value = reader.u64();
    return reader.isDone() ? outcome
                           : device->client->breach("malformed counters");
  });
}

hetagon_code allocate(hetagon_device *device, uint64_t size,
                      hetagon_buffer *buffer, hetagon_error *error) {
  return guarded(error, [&] {
    return device->client->create(Kind::Allocate, Writer().u64(size), *buffer);
  });
}

void release(hetagon_device *device, hetagon_buffer buffer) {
  quietly(
      [&] { (void)device->client->tell(Kind::Release, Writer().u64(buffer)); });
}

hetagon_code write(hetagon_device *device, hetagon_buffer buffer,
                   uint64_t offset, const void *data, uint64_t size,
                   hetagon_error *error) {
  return guarded(error, [&] {
    const auto *rest = static_cast<const uint8_t *>(data);
    Outcome outcome;
    do { // once at least: the process checks the handle
      uint64_t part = std::min(size, maxContentBytes);
      outcome = device->client->tell(
          Kind::Write,
          Writer().u64(buffer).u64(offset).u64(size).raw(rest, part));
      offset += part;
      rest += part;
      size -= part;
    } while (outcome.ok() && size > 0);
    return outcome;
  });
}

hetagon_code read(hetagon_device *device, hetagon_buffer buffer,
                  uint64_t offset, void *data, uint64_t size,
                  hetagon_error *error) {
  return guarded(error, [&] {
    auto *rest = static_cast<uint8_t *>(data);
    Outcome outcome;
    do {
      uint64_t part = std::min(size, maxContentBytes);
      Bytes answer;
      outcome = device->client->call(
          Kind::Read, Writer().u64(buffer).u64(offset).u64(size), answer);
      if (outcome.ok() && answer.size() != part)
        outcome = device->client->breach("another number of bytes than asked "
                                         "for");
      if (!outcome.ok())
        break;
      if (part)
        std::memcpy(rest, answer.data(), part);
      offset += part;
      rest += part;
      size -= part;
    } while (size > 0);
    return outcome;
  });
}

hetagon_code load(hetagon_device *device, const char *format,
                  const void *payload, uint64_t size,
                  hetagon_executable *executable, hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    if (std::strcmp(format, "null-ops") != 0)
      return {HETAGON_UNSUPPORTED, "the null device loads code of the format "
                                   "'null-ops', not '" +
                                       std::string(format) + "'"};
    if (size > maxContentBytes)
      return {HETAGON_OUT_OF_RANGE,
              "code of " + std::to_string(size) + " bytes; at most " +
                  std::to_string(maxContentBytes) + " are supported"};
    return device->client->create(Kind::Load, Writer().raw(payload, size),
                                  *executable);
  });
}

void unload(hetagon_device *device, hetagon_executable executable) {
  quietly([&] {
    (void)device->client->tell(Kind::Unload, Writer().u64(executable));
  });
}

hetagon_code entry(hetagon_device *device, hetagon_executable executable,
                   const char *name, uint32_t *index, uint32_t *bindings,
                   uint32_t *constants, hetagon_error *error) {
  return guarded(error, [&] {
    Bytes answer;
    Outcome outcome = device->client->call(
        Kind::Entry, Writer().u64(executable).text(name), answer);
    if (!outcome.ok())
      return outcome;
    Reader reader(answer);
    *index = reader.u32();
    *bindings = reader.u32();
    *constants = reader.u32();
    return reader.isDone() ? outcome
                           : device->client->breach("a malformed entry");
  });
}

hetagon_code createCommands(hetagon_device *device, hetagon_commands *commands,
                            hetagon_error *error) {
  return guarded(error, [&] {
    return device->client->create(Kind::CreateCommands, Writer(), *commands);
  });
}

void destroyCommands(hetagon_device *device, hetagon_commands commands) {
  quietly([&] {
    (void)device->client->tell(Kind::DestroyCommands, Writer().u64(commands));
  });
}

hetagon_code recordDispatch(hetagon_device *device, hetagon_commands commands,
                            hetagon_executable executable, uint32_t entry,
                            const hetagon_binding *bindings,
                            uint32_t bindingCount, const int64_t *constants,
                            uint32_t constantCount, hetagon_error *error) {
  return guarded(error, [&]() -> Outcome {
    if (bindingCount > maxBindings || constantCount > maxConstants)
      return {HETAGON_OUT_OF_RANGE, "too many bindings or constants"};
    Writer request;
    request.u64(commands).u64(executable).u32(entry).u32(bindingCount);
    for (uint32_t i = 0; i < bindingCount; ++i)
      request.u64(bindings[i].buffer)
          .u64(bindings[i].offset)
          .u64(bindings[i].size);
    request.u32(constantCount);
    for (uint32_t i = 0; i < constantCount; ++i)
      request.u64(static_cast<uint64_t>(constants[i]));
    return device->client->tell(Kind::Dispatch, request);
  });
}

hetagon_code recordCopy(hetagon_device *device, hetagon_commands commands,
                        hetagon_buffer source, uint64_t sourceOffset,
                        hetagon_buffer target, uint64_t targetOffset,
                        uint64_t size, hetagon_error *error) {
  return guarded(error, [&] {
    return device->client->tell(Kind::Copy, Writer()
                                                .u64(commands)
                                                .u64(source)
                                                .u64(sourceOffset)
                                                .u64(target)
                                                .u64(targetOffset)
                                                .u64(size));
  });
}

hetagon_code createQueue(hetagon_device *device, hetagon_queue *queue,
                         hetagon_error *error) {
  return guarded(error, [&] { return device->client->createQueue(*queue); });
}

void destroyQueue(hetagon_device *device, hetagon_queue queue) {
  quietly([&] { device->client->destroyQueue(queue); });
}

hetagon_code createFence(hetagon_device *device, hetagon_fence *fence,
                         hetagon_error *error) {
  return guarded(error, [&] { return device->client->createFence(*fence); });
}

void destroyFence(hetagon_device *device, hetagon_fence fence) {
  quietly([&] { device->client->destroyFence(fence); });
}

hetagon_code submit(hetagon_device *device, hetagon_queue queue,
                    hetagon_commands commands, hetagon_fence waitFence,
                    uint64_t waitValue, hetagon_fence signalFence,
                    uint64_t signalValue, hetagon_error *error) {
  return guarded(error, [&] {
    return device->client->submit(queue, commands, waitFence, waitValue,
                                  signalFence, signalValue);
  });
}

hetagon_code queryFence(hetagon_device *device, hetagon_fence fence,
                        uint64_t *value, hetagon_error *error) {
  return guarded(error, [&] { return device->client->query(fence, *value); });
}

hetagon_code waitFence(hetagon_device *device, hetagon_fence fence,
                       uint64_t value, uint64_t timeoutNs,
                       hetagon_error *error) {
  return guarded(error,
                 [&] { return device->client->wait(fence, value, timeoutNs); });
}

hetagon_code cancel(hetagon_device *device, hetagon_queue queue,
                    hetagon_error *error) {
  return guarded(error, [&] {
    return device->client->tell(Kind::Cancel, Writer().u64(queue));
  });
}

const hetagon_device_api api = {
    sizeof(hetagon_device_api),
    HETAGON_DEVICE_ABI_VERSION,
    "null",
    openDevice,
    closeDevice,
    describe,
    status,
    clockNs,
    counters,
    allocate,
    nullptr, // host memory cannot be imported into another process
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
    cancel,
};

} // namespace

extern "C" __attribute__((visibility("default"))) const hetagon_device_api *
hetagon_device_query(uint32_t hostAbiVersion, hetagon_error *error) {
  if (hostAbiVersion != HETAGON_DEVICE_ABI_VERSION) {
    report({HETAGON_UNSUPPORTED,
            "the host speaks device ABI version " +
                std::to_string(hostAbiVersion) + ", this device version " +
                std::to_string(HETAGON_DEVICE_ABI_VERSION)},
           error);
    return nullptr;
  }
  return &api;
}
