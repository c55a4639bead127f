// The harness over the runtime's own device and executor.
#include "test/backends/cpu/KernelHarness.h"
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace hetagon::cpu {

static void require(const Status &status, const char *what) {
  if (status.isOk())
    return;
  std::fprintf(stderr, "%s: %s\n", what, status.str().c_str());
  std::abort();
}

template <typename T> static T take(StatusOr<T> result, const char *what) {
  require(result.isOk() ? Status() : result.status(), what);
  return std::move(result).value();
}

KernelHost::KernelHost(uint32_t workers)
    : executor(HostExecutor::Options{workers, std::chrono::microseconds(50)}) {
  auto library = take(DeviceLibrary::find("cpu"), "find the cpu device half");
  opened = take(hetagon::Device::open(library, executor.host(), "cpu"),
                "open the cpu device");
  queue = take(opened->createQueue(), "create a queue");
  fence = take(opened->createFence(), "create a fence");
}

void KernelHost::load(std::span<const uint8_t> object) {
  executable = take(opened->load("elf-x86_64", object), "load kernels");
}

Buffer KernelHost::allocate(uint64_t bytes) {
  Buffer buffer = take(opened->allocate(bytes), "allocate");
  sizes[buffer.get()] = bytes;
  return buffer;
}

Buffer KernelHost::upload(std::span<const uint8_t> bytes) {
  Buffer buffer = allocate(bytes.size());
  require(opened->write(buffer, 0, bytes), "write");
  return buffer;
}

void KernelHost::write(const Buffer &buffer, std::span<const uint8_t> bytes) {
  require(opened->write(buffer, 0, bytes), "write");
}

void KernelHost::renewFence() {
  fence = take(opened->createFence(), "create a fence");
  ticks = 0;
}

std::vector<uint8_t> KernelHost::download(const Buffer &buffer,
                                          uint64_t bytes) {
  std::vector<uint8_t> data(bytes);
  require(opened->read(buffer, 0, data), "read");
  return data;
}

Status KernelHost::tryRun(const std::string &entry,
                          const std::vector<const Buffer *> &bindings,
                          const std::vector<int64_t> &constants, int repeats) {
  HETAGON_ASSIGN_OR_RETURN(EntryInfo info, opened->entry(executable, entry));
  HETAGON_ASSIGN_OR_RETURN(Commands commands, opened->createCommands());
  std::vector<hetagon_binding> list;
  for (const Buffer *buffer : bindings)
    list.push_back({buffer->get(), 0, sizes.at(buffer->get())});
  for (int i = 0; i < repeats; ++i)
    HETAGON_RETURN_IF_ERROR(opened->recordDispatch(
        commands, executable, info.index, list, constants));
  HETAGON_RETURN_IF_ERROR(opened->submit(queue, commands, fence, ++ticks));
  return opened->wait(fence, ticks, std::chrono::seconds(60));
}

double KernelHost::run(const std::string &entry,
                       const std::vector<const Buffer *> &bindings,
                       const std::vector<int64_t> &constants, int repeats) {
  auto start = std::chrono::steady_clock::now();
  require(tryRun(entry, bindings, constants, repeats), entry.c_str());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

std::string hostArchitecture() {
  KernelHost host(1);
  return host.device().info().architecture;
}

} // namespace hetagon::cpu
