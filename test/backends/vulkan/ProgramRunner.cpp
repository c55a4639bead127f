// Buffers, commands and one submission at a time.
#include "test/backends/vulkan/ProgramRunner.h"
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace hetagon::test {

namespace fb = plan::fb;

static std::string readFile(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream content;
  content << stream.rdbuf();
  return content.str();
}

StatusOr<LoweredProgram> lowerProgram(const std::string &backend,
                                      const std::string &text,
                                      std::string *diagnostics) {
  const char *build = std::getenv("HETAGON_BUILD_DIR");
  if (!build)
    return Status(Code::NotFound, "HETAGON_BUILD_DIR is not set");
  std::string stem =
      testing::TempDir() + "vulkan_program_" +
      testing::UnitTest::GetInstance()->current_test_info()->name() + "_" +
      backend;
  std::replace(stem.begin() + testing::TempDir().size(), stem.end(), '/', '_');
  std::ofstream(stem + ".mlir") << text;
  std::string command = std::string("HETAGON_LOWERING_PATH='") + build +
                        "/lib/hetagon/lowering' '" + build +
                        "/test/vulkan_lower' " + backend + " '" + stem +
                        ".mlir' '" + stem + ".out' 2> '" + stem + ".err'";
  int status = std::system(command.c_str());
  if (diagnostics)
    *diagnostics = readFile(stem + ".err");
  if (status != 0)
    return Status(Code::InvalidArgument, readFile(stem + ".err"));

  std::string content = readFile(stem + ".out");
  std::vector<Bytes> parts;
  for (size_t at = 0; at + 8 <= content.size();) {
    uint64_t size;
    std::memcpy(&size, content.data() + at, 8);
    at += 8;
    if (size > content.size() - at)
      return Status(Code::DataLoss, "vulkan_lower's output is cut off");
    parts.emplace_back(content.begin() + at, content.begin() + at + size);
    at += size;
  }
  if (parts.empty())
    return Status(Code::DataLoss, "vulkan_lower wrote nothing");
  LoweredProgram program;
  flatbuffers::GetRoot<fb::Service>(parts[0].data())
      ->UnPackTo(&program.service);
  program.sections.assign(parts.begin() + 1, parts.end());
  return program;
}

ProgramRunner::ProgramRunner()
    : executor(HostExecutor::Options{2, std::chrono::microseconds(50)}) {}

StatusOr<std::unique_ptr<ProgramRunner>>
ProgramRunner::open(const std::string &backend, const std::string &config) {
  std::unique_ptr<ProgramRunner> runner(new ProgramRunner);
  HETAGON_ASSIGN_OR_RETURN(auto library, DeviceLibrary::find(backend));
  HETAGON_ASSIGN_OR_RETURN(
      runner->opened,
      Device::open(library, runner->executor.host(), backend, config));
  HETAGON_ASSIGN_OR_RETURN(runner->queue, runner->opened->createQueue());
  HETAGON_ASSIGN_OR_RETURN(runner->fence, runner->opened->createFence());
  return runner;
}

static uint64_t sizeOf(const fb::BufferT &buffer, const ProgramData &data) {
  uint64_t bytes = buffer.element_bytes;
  for (const auto &dim : buffer.dims)
    bytes *= dim->symbol.empty() ? dim->size : data.symbols.at(dim->symbol);
  return bytes;
}

StatusOr<std::vector<float>> ProgramRunner::run(const LoweredProgram &program,
                                                const ProgramData &data,
                                                int repeats) {
  const fb::ServiceT &service = program.service;
  std::vector<Executable> executables;
  for (const auto &executable : service.executables) {
    HETAGON_ASSIGN_OR_RETURN(
        Executable loaded, opened->load(executable->format,
                                        program.sections[executable->section]));
    executables.push_back(std::move(loaded));
  }
  // Transients of one slot share memory, as they do in the runtime.
  std::map<int, uint64_t> slotBytes;
  for (const auto &buffer : service.buffers)
    if (buffer->slot >= 0)
      slotBytes[buffer->slot] =
          std::max(slotBytes[buffer->slot], sizeOf(*buffer, data));
  std::map<int, Buffer> slots;
  for (auto [slot, bytes] : slotBytes) {
    HETAGON_ASSIGN_OR_RETURN(slots[slot], opened->allocate(bytes));
  }
  std::vector<Buffer> own(service.buffers.size());
  std::vector<hetagon_binding> bindings;
  size_t output = 0;
  for (size_t i = 0; i < service.buffers.size(); ++i) {
    const fb::BufferT &buffer = *service.buffers[i];
    uint64_t bytes = sizeOf(buffer, data);
    if (buffer.slot >= 0) {
      bindings.push_back({slots.at(buffer.slot).get(), 0, bytes});
      continue;
    }
    HETAGON_ASSIGN_OR_RETURN(own[i], opened->allocate(bytes));
    bindings.push_back({own[i].get(), 0, bytes});
    if (buffer.storage == fb::Storage::output)
      output = i;
    const Bytes *content = nullptr;
    if (buffer.storage == fb::Storage::constant)
      content = &program.sections[buffer.section];
    else if (auto given = data.contents.find(buffer.name);
             given != data.contents.end())
      content = &given->second;
    if (!content)
      continue;
    if (content->size() < buffer.offset + bytes)
      return Status(Code::InvalidArgument, "too few bytes for " + buffer.name);
    HETAGON_RETURN_IF_ERROR(opened->write(
        own[i], 0, std::span(*content).subspan(buffer.offset, bytes)));
  }

  HETAGON_ASSIGN_OR_RETURN(Commands commands, opened->createCommands());
  for (const auto &command : service.step->commands) {
    const Executable &executable = executables[command->executable];
    HETAGON_ASSIGN_OR_RETURN(EntryInfo info,
                             opened->entry(executable, command->entry));
    std::vector<hetagon_binding> given;
    for (uint32_t binding : command->bindings)
      given.push_back(bindings[binding]);
    std::vector<int64_t> constants;
    for (const auto &constant : command->constants)
      constants.push_back(constant->symbol.empty()
                              ? constant->value
                              : data.symbols.at(constant->symbol));
    HETAGON_RETURN_IF_ERROR(opened->recordDispatch(
        commands, executable, info.index, given, constants));
  }
  fastest = 1e9;
  for (int i = 0; i < repeats; ++i) {
    auto start = std::chrono::steady_clock::now();
    HETAGON_RETURN_IF_ERROR(opened->submit(queue, commands, fence, ++ticks));
    HETAGON_RETURN_IF_ERROR(
        opened->wait(fence, ticks, std::chrono::seconds(120)));
    fastest = std::min(fastest, std::chrono::duration<double>(
                                    std::chrono::steady_clock::now() - start)
                                    .count());
  }
  Bytes bytes(bindings[output].size);
  HETAGON_RETURN_IF_ERROR(opened->read(own[output], 0, bytes));
  std::vector<float> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), values.size() * 4);
  return values;
}

} // namespace hetagon::test
