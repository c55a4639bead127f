// The steps from a service of a plan to memory and code on a device.
#include "runtime/exec/ServiceLoader.h"
#include "runtime/memory/PageTable.h"
#include <algorithm>
#include <limits>

namespace hetagon {

using plan::fb::BufferT;
using plan::fb::ServiceKind;
using plan::fb::Storage;

namespace {
/// What a protocol of docs/nn-programs.md says of one argument or result.
struct ProtocolEntry {
  ServiceKind kind;
  Storage storage;
  std::string_view name, format, leading, second;
};
constexpr ProtocolEntry protocol[] = {
    {ServiceKind::decoder, Storage::input, "tokens", "i32", "rows", ""},
    {ServiceKind::decoder, Storage::input, "positions", "i32", "rows", ""},
    {ServiceKind::decoder, Storage::input, "row_seq", "i32", "rows", ""},
    {ServiceKind::decoder, Storage::input, "page_table", "i32", "seqs",
     "max_pages"},
    {ServiceKind::decoder, Storage::input, "out_rows", "i32", "outs", ""},
    {ServiceKind::decoder, Storage::output, "logits", "f32", "outs", "V"},
    {ServiceKind::encoder, Storage::input, "tokens", "i32", "rows", ""},
    {ServiceKind::encoder, Storage::input, "positions", "i32", "rows", ""},
    {ServiceKind::encoder, Storage::input, "row_begin", "i32", "rows", ""},
    {ServiceKind::encoder, Storage::input, "row_end", "i32", "rows", ""},
    {ServiceKind::encoder, Storage::input, "segments", "i32", "seqs", "2"},
    {ServiceKind::encoder, Storage::output, "embedding", "f32", "seqs", "D"},
};

// Bounds that keep every later product within 64 bits and every index within
// the 32 bits of the protocol.
constexpr uint32_t maxRowsBound = 1u << 20;
constexpr uint32_t maxContextBound = 1u << 26;
constexpr uint32_t maxPageTokens = 1u << 16;

bool matches(const BufferT &buffer, size_t dim, std::string_view what,
             const plan::fb::ServiceT &service) {
  const plan::fb::DimT &found = *buffer.dims[dim];
  if (what == "V")
    return found.symbol.empty() && found.size == int64_t(service.vocabulary);
  if (what == "D")
    return found.symbol.empty() &&
           found.size == int64_t(service.embedding_size);
  if (what == "2")
    return found.symbol.empty() && found.size == 2;
  return found.symbol == what;
}
} // namespace

Status ServiceLoader::fail(Code code, size_t buffer,
                           const std::string &what) const {
  const BufferT &found = *service.buffers[buffer];
  return Status(code, "buffer " + std::to_string(buffer) + " (" +
                          plan::fb::EnumNameStorage(found.storage) +
                          (found.name.empty() ? "" : " '" + found.name + "'") +
                          "): " + what);
}

Status ServiceLoader::run() {
  HETAGON_RETURN_IF_ERROR(chooseLimits());
  HETAGON_RETURN_IF_ERROR(checkBuffers());
  HETAGON_RETURN_IF_ERROR(loadExecutables());
  if (service.load)
    HETAGON_RETURN_IF_ERROR(checkProgram(*service.load, true, loadCommands));
  HETAGON_RETURN_IF_ERROR(checkProgram(*service.step, false, instance.step));
  HETAGON_RETURN_IF_ERROR(allocate());
  HETAGON_RETURN_IF_ERROR(runLoadProgram());
  releaseLoadOnly();
  return Status::ok();
}

Status ServiceLoader::chooseLimits() {
  auto invalid = [](std::string what) {
    return Status(Code::InvalidArgument, std::move(what));
  };
  if (service.kind != ServiceKind::decoder &&
      service.kind != ServiceKind::encoder)
    return invalid("an endpoint has no tensor program to load");
  if (!service.step || service.step->commands.empty())
    return invalid("there is no step program");
  if (service.max_rows == 0 || service.max_rows > maxRowsBound)
    return invalid("max_rows is " + std::to_string(service.max_rows) +
                   "; it must lie in [1, " + std::to_string(maxRowsBound) +
                   "]");
  if (service.context_tokens == 0 || service.context_tokens > maxContextBound)
    return invalid(
        "context_tokens is " + std::to_string(service.context_tokens) +
        "; it must lie in [1, " + std::to_string(maxContextBound) + "]");
  SymbolValues &limit = instance.limit;
  const ServiceOptions &options = instance.opts;
  limit.rows = service.max_rows;
  limit.seqs =
      std::min<int64_t>(std::max(options.maxSequences, 1u), limit.rows);
  // Each decoding sequence wants one row of logits, so outs is never less.
  limit.outs = std::clamp<int64_t>(options.maxOutputs, limit.seqs, limit.rows);
  if (service.kind == ServiceKind::encoder) {
    if (service.embedding_size == 0)
      return invalid("embedding_size is 0");
    return Status::ok();
  }

  if (service.vocabulary == 0 ||
      service.vocabulary > uint32_t(std::numeric_limits<int32_t>::max()))
    return invalid("vocabulary is " + std::to_string(service.vocabulary) +
                   "; token ids are 31-bit numbers and there is at least one");
  if (!service.kv || service.kv->page_tokens == 0 ||
      service.kv->page_tokens > maxPageTokens || service.kv->page_bytes == 0)
    return invalid("a decoder needs a KV cache with page_tokens in [1, " +
                   std::to_string(maxPageTokens) + "] and page_bytes");
  limit.maxPages =
      PageTable::pagesFor(service.context_tokens, service.kv->page_tokens);
  uint64_t pages = options.kvPages;
  if (pages == 0)
    pages = std::clamp<uint64_t>(options.kvBytes / service.kv->page_bytes, 1,
                                 limit.maxPages * limit.seqs);
  limit.pages = static_cast<int64_t>(
      std::min<uint64_t>(pages, std::numeric_limits<int32_t>::max()));
  return Status::ok();
}

Status ServiceLoader::checkProtocol(const BufferT &buffer) const {
  const ProtocolEntry *found = nullptr;
  for (const ProtocolEntry &entry : protocol)
    if (entry.kind == service.kind && entry.storage == buffer.storage &&
        entry.name == buffer.name)
      found = &entry;
  std::string kind = plan::fb::EnumNameServiceKind(service.kind);
  if (!found)
    return Status(Code::InvalidArgument,
                  "the " + kind + " protocol has no such name");
  bool good =
      buffer.format == found->format && buffer.element_bytes == 4 &&
      buffer.dims.size() == (found->second.empty() ? 1u : 2u) &&
      matches(buffer, 0, found->leading, service) &&
      (found->second.empty() || matches(buffer, 1, found->second, service));
  if (!good)
    return Status(Code::InvalidArgument,
                  "its type differs from the " + kind +
                      " protocol's: " + std::string(found->format) + " [" +
                      std::string(found->leading) +
                      (found->second.empty() ? "" : ", ") +
                      std::string(found->second) + "]");
  return Status::ok();
}

Status ServiceLoader::checkBuffers() {
  bool hasTokens = false, hasOutput = false;
  for (size_t i = 0; i < service.buffers.size(); ++i) {
    if (!service.buffers[i])
      return Status(Code::InvalidArgument,
                    "buffer " + std::to_string(i) + " is missing");
    const BufferT &buffer = *service.buffers[i];
    StatusOr<uint64_t> bytes = bufferBytes(buffer, instance.limit);
    if (!bytes.isOk())
      return fail(bytes.status().code(), i, bytes.status().message());
    if (*bytes == 0)
      return fail(Code::InvalidArgument, i, "it has no bytes");
    capacity.push_back(*bytes);

    switch (buffer.storage) {
    case Storage::input:
    case Storage::output:
      if (Status status = checkProtocol(buffer); !status.isOk())
        return fail(status.code(), i, status.message());
      for (size_t j = 0; j < i; ++j)
        if (service.buffers[j]->storage == buffer.storage &&
            service.buffers[j]->name == buffer.name)
          return fail(Code::InvalidArgument, i, "its name occurs twice");
      hasTokens |= buffer.storage == Storage::input && buffer.name == "tokens";
      hasOutput |= buffer.storage == Storage::output;
      break;
    case Storage::transient:
      if (buffer.slot < -1 || buffer.slot >= int64_t(service.buffers.size()))
        return fail(Code::OutOfRange, i,
                    "slot " + std::to_string(buffer.slot) +
                        " is beyond the number of buffers");
      break;
    case Storage::kv:
      if (service.kind != ServiceKind::decoder || instance.kvBuffer >= 0)
        return fail(Code::InvalidArgument, i,
                    "a decoder has one KV buffer, an encoder none");
      if (variesBySubmission(buffer) ||
          *bytes / uint64_t(instance.limit.pages) != service.kv->page_bytes ||
          *bytes % uint64_t(instance.limit.pages) != 0)
        return fail(Code::InvalidArgument, i,
                    "its size is not 'pages' times page_bytes (" +
                        std::to_string(service.kv->page_bytes) + ")");
      instance.kvBuffer = static_cast<int32_t>(i);
      break;
    case Storage::persistent:
    case Storage::weight:
    case Storage::constant:
      for (const auto &dim : buffer.dims)
        if (!dim->symbol.empty())
          return fail(Code::InvalidArgument, i,
                      "its size depends on symbol '" + dim->symbol + "'");
      break;
    default:
      return Status(Code::Unsupported, "buffer " + std::to_string(i) +
                                           " has unknown storage " +
                                           std::to_string(int(buffer.storage)));
    }
  }
  if (!hasTokens || !hasOutput)
    return Status(Code::InvalidArgument,
                  "the program lacks the input 'tokens' or its output");
  return Status::ok();
}

Status ServiceLoader::loadExecutables() {
  for (size_t i = 0; i < service.executables.size(); ++i) {
    std::string what = "executable " + std::to_string(i);
    if (!service.executables[i])
      return Status(Code::InvalidArgument, what + " is missing");
    const plan::fb::ExecutableT &executable = *service.executables[i];
    if (executable.backend != device.backend())
      return Status(Code::InvalidArgument,
                    what + " is for backend '" + executable.backend +
                        "', but device '" + device.id() + "' is of backend '" +
                        std::string(device.backend()) + "'");
    StatusOr<std::span<const uint8_t>> payload =
        instance.sources.section(executable.section);
    if (!payload.isOk())
      return payload.status().withContext(what);
    StatusOr<Executable> loaded = device.load(executable.format, *payload);
    if (!loaded.isOk())
      return loaded.status().withContext(what);
    instance.executables.push_back(std::move(*loaded));
  }
  return Status::ok();
}

Status
ServiceLoader::checkProgram(const plan::fb::ProgramT &program, bool isLoad,
                            std::vector<ServiceInstance::BoundCommand> &bound) {
  for (size_t i = 0; i < program.commands.size(); ++i) {
    std::string where =
        std::string(isLoad ? "load" : "step") + " command " + std::to_string(i);
    if (!program.commands[i])
      return Status(Code::InvalidArgument, where + " is missing");
    const plan::fb::CommandT &command = *program.commands[i];
    where += " '" + command.entry + "'" +
             (command.note.empty() ? "" : " (" + command.note + ")");
    auto invalid = [&](std::string what, Code code = Code::InvalidArgument) {
      return Status(code, where + ": " + std::move(what));
    };
    if (command.executable >= instance.executables.size())
      return invalid("executable " + std::to_string(command.executable) +
                         " of " + std::to_string(instance.executables.size()),
                     Code::OutOfRange);
    StatusOr<EntryInfo> entry =
        device.entry(instance.executables[command.executable], command.entry);
    if (!entry.isOk())
      return entry.status().withContext(where);
    if (entry->bindings != command.bindings.size())
      return invalid("it gives " + std::to_string(command.bindings.size()) +
                     " bindings; the entry takes " +
                     std::to_string(entry->bindings));
    if (entry->constants != command.constants.size())
      return invalid("it gives " + std::to_string(command.constants.size()) +
                     " constants; the entry takes " +
                     std::to_string(entry->constants));
    for (uint32_t binding : command.bindings) {
      if (binding >= service.buffers.size())
        return invalid("it binds buffer " + std::to_string(binding) + " of " +
                           std::to_string(service.buffers.size()),
                       Code::OutOfRange);
      const BufferT &buffer = *service.buffers[binding];
      bool perSubmission = buffer.storage == Storage::input ||
                           buffer.storage == Storage::output ||
                           variesBySubmission(buffer);
      if (isLoad && perSubmission)
        return invalid("it binds buffer " + std::to_string(binding) +
                       ", which exists only within a submission");
    }
    for (const auto &constant : command.constants) {
      if (!constant)
        return invalid("a constant is missing");
      if (constant->symbol.empty())
        continue;
      if (!findSymbol(instance.limit, constant->symbol))
        return invalid("unknown symbol '" + constant->symbol + "'");
      if (isLoad && constant->symbol != "pages")
        return invalid("symbol '" + constant->symbol +
                       "' has no value while loading");
    }
    bound.push_back({command.executable, entry->index});
  }
  return Status::ok();
}

StatusOr<std::span<const uint8_t>>
ServiceLoader::bytesOfBuffer(size_t index) const {
  const BufferT &buffer = *service.buffers[index];
  bool isWeight = buffer.storage == Storage::weight;
  int32_t source = isWeight ? buffer.artefact : buffer.section;
  if (source < 0)
    return fail(Code::InvalidArgument, index,
                isWeight ? "it names no artefact" : "it names no section");
  StatusOr<std::span<const uint8_t>> bytes =
      isWeight ? instance.sources.tensor(uint32_t(source), buffer.name)
               : instance.sources.section(uint32_t(source));
  if (!bytes.isOk())
    return fail(bytes.status().code(), index, bytes.status().message());
  uint64_t offset = isWeight ? buffer.offset : 0;
  if (offset <= bytes->size() && capacity[index] <= bytes->size() - offset &&
      (isWeight || bytes->size() == capacity[index]))
    return bytes->subspan(offset, capacity[index]);
  return fail(Code::InvalidArgument, index,
              "its source has " + std::to_string(bytes->size()) +
                  " bytes; the program expects " +
                  std::to_string(capacity[index]) + " at offset " +
                  std::to_string(offset));
}

Status ServiceLoader::allocate() {
  size_t count = service.buffers.size();
  // All sources are checked before any memory is taken.
  std::vector<std::span<const uint8_t>> sources(count);
  for (size_t i = 0; i < count; ++i) {
    Storage storage = service.buffers[i]->storage;
    if (storage == Storage::weight || storage == Storage::constant) {
      HETAGON_ASSIGN_OR_RETURN(sources[i], bytesOfBuffer(i));
    }
  }

  std::vector<uint64_t> slotBytes(count, 0);
  std::vector<uint32_t> slotAllocation(count, UINT32_MAX);
  for (size_t i = 0; i < count; ++i)
    if (const BufferT &buffer = *service.buffers[i];
        buffer.storage == Storage::transient && buffer.slot >= 0)
      slotBytes[buffer.slot] = std::max(slotBytes[buffer.slot], capacity[i]);

  instance.memory.resize(count);
  auto add = [&](Buffer buffer) {
    instance.allocations.push_back(std::move(buffer));
    return static_cast<uint32_t>(instance.allocations.size() - 1);
  };
  for (size_t i = 0; i < count; ++i) {
    const BufferT &buffer = *service.buffers[i];
    ServiceInstance::Memory &memory = instance.memory[i];
    memory.capacity = capacity[i];
    bool hasSlot = buffer.storage == Storage::transient && buffer.slot >= 0;
    if (hasSlot && slotAllocation[buffer.slot] != UINT32_MAX) {
      memory.allocation = slotAllocation[buffer.slot];
      continue;
    }
    if (buffer.storage == Storage::weight) {
      StatusOr<Buffer> mapped = device.importHost(sources[i]);
      if (mapped.isOk()) {
        memory.allocation = add(std::move(*mapped));
        instance.imported += capacity[i];
        continue;
      }
      if (mapped.status().code() != Code::Unsupported)
        return fail(mapped.status().code(), i, mapped.status().message());
    }
    StatusOr<Buffer> fresh =
        device.allocate(hasSlot ? slotBytes[buffer.slot] : capacity[i]);
    if (!fresh.isOk())
      return fail(fresh.status().code(), i, fresh.status().message());
    if (!sources[i].empty())
      HETAGON_RETURN_IF_ERROR(device.write(*fresh, 0, sources[i]));
    if (buffer.storage == Storage::weight)
      instance.copied += capacity[i];
    memory.allocation = add(std::move(*fresh));
    if (hasSlot)
      slotAllocation[buffer.slot] = memory.allocation;
  }
  return Status::ok();
}

Status ServiceLoader::runLoadProgram() {
  if (loadCommands.empty())
    return Status::ok();
  HETAGON_ASSIGN_OR_RETURN(Commands commands, device.createCommands());
  HETAGON_RETURN_IF_ERROR(
      instance.record(commands, *service.load, loadCommands, instance.limit));
  HETAGON_ASSIGN_OR_RETURN(Queue queue, device.createQueue());
  HETAGON_ASSIGN_OR_RETURN(Fence fence, device.createFence());
  auto begin = Trace::Clock::now();
  HETAGON_RETURN_IF_ERROR(device.submit(queue, commands, fence, 1));
  Status status = device.wait(fence, 1, std::chrono::nanoseconds::max());
  instance.traceSubmission("load", begin, {{"commands", loadCommands.size()}});
  return status.withContext("load program");
}

void ServiceLoader::releaseLoadOnly() {
  std::vector<bool> used(instance.allocations.size(), false);
  for (const auto &command : service.step->commands)
    for (uint32_t binding : command->bindings)
      used[instance.memory[binding].allocation] = true;
  for (size_t i = 0; i < service.buffers.size(); ++i) {
    Storage storage = service.buffers[i]->storage;
    uint32_t allocation = instance.memory[i].allocation;
    if (!used[allocation] &&
        (storage == Storage::weight || storage == Storage::constant))
      instance.allocations[allocation].reset();
  }
}

} // namespace hetagon
