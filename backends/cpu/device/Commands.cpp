// Records and runs command lists.
#include "backends/cpu/device/Commands.h"
#include "backends/cpu/device/Error.h"
#include "backends/cpu/device/Team.h"
#include <algorithm>
#include <cstring>
#include <immintrin.h>
#include <sys/mman.h>

namespace hetagon::cpu {

Buffer::~Buffer() {
  if (mapped == 0)
    return;
  munmap(data, mapped);
  account->fetch_sub(size, std::memory_order_relaxed);
}

void CommandList::add(Command command, const std::vector<Span> &spans,
                      uint64_t writtenSpans) {
  auto overlap = [](const Span &a, const Span &b) {
    return a.begin < b.begin + b.size && b.begin < a.begin + a.size;
  };
  for (size_t i = 0; i < spans.size() && !command.afterBarrier; ++i)
    for (size_t j = 0; j < touched.size() && !command.afterBarrier; ++j)
      command.afterBarrier = (wrote[j] || (writtenSpans >> i & 1)) &&
                             overlap(spans[i], touched[j]);
  if (command.afterBarrier) {
    touched.clear();
    wrote.clear();
  }
  for (size_t i = 0; i < spans.size(); ++i) {
    touched.push_back(spans[i]);
    wrote.push_back(writtenSpans >> i & 1);
  }
  commands.push_back(command);
}

void CommandList::dispatch(std::shared_ptr<const KernelImage> image,
                           const KernelEntry &entry,
                           std::vector<std::shared_ptr<Buffer>> held,
                           const std::vector<Span> &bindings,
                           const int64_t *constants, uint32_t constantCount) {
  Command command;
  command.code = entry.code;
  command.entry = &entry;
  command.firstBinding = static_cast<uint32_t>(bindingPool.size());
  command.firstConstant = static_cast<uint32_t>(constantPool.size());
  for (const Span &binding : bindings)
    bindingPool.push_back(binding.begin);
  constantPool.insert(constantPool.end(), constants, constants + constantCount);
  maxScratch = std::max(maxScratch, (entry.scratchBytes + 63) / 64 * 64);
  add(command, bindings, entry.writtenBindings);
  for (std::shared_ptr<Buffer> &buffer : held)
    heldBuffers.push_back(std::move(buffer));
  if (heldImages.empty() || heldImages.back() != image)
    heldImages.push_back(std::move(image));
  ++dispatches;
}

void CommandList::copy(std::shared_ptr<Buffer> source, uint64_t sourceOffset,
                       std::shared_ptr<Buffer> target, uint64_t targetOffset,
                       uint64_t size) {
  Command command;
  command.source = source->data + sourceOffset;
  command.target = target->data + targetOffset;
  command.size = size;
  add(command, {{command.source, size}, {command.target, size}}, 2);
  heldBuffers.push_back(std::move(source));
  heldBuffers.push_back(std::move(target));
}

/// What the parts of a team share while a list runs.
struct CommandList::Execution {
  const CommandList &list;
  uint8_t *scratch;
  const std::atomic<bool> &cancelled;
  TeamBarrier barrier;
  std::atomic<const Command *> failed{nullptr};
  bool stop = false; ///< written by the barrier's last, read after it

  void runPart(uint32_t part, uint32_t parts) {
    uint8_t *mine = scratch + uint64_t(part) * list.maxScratch;
    for (const Command &command : list.commands) {
      if (command.afterBarrier) {
        barrier.arrive([this] {
          stop = cancelled.load(std::memory_order_relaxed) ||
                 failed.load(std::memory_order_relaxed);
        });
        if (stop)
          return;
      }
      if (command.code) {
        if (command.code(list.bindingPool.data() + command.firstBinding,
                         list.constantPool.data() + command.firstConstant, part,
                         parts, mine) != 0)
          failed.store(&command, std::memory_order_relaxed);
      } else {
        uint64_t begin = command.size * part / parts;
        uint64_t end = command.size * (part + 1) / parts;
        std::memmove(command.target + begin, command.source + begin,
                     end - begin);
      }
    }
  }
};

hetagon_code CommandList::run(const hetagon_host &host, uint8_t *scratch,
                              const std::atomic<bool> &cancelled,
                              hetagon_error *error) const {
  uint32_t parts = teamSize.parts(host.worker_count);
  Execution execution{*this, scratch, cancelled, TeamBarrier(parts)};
  uint64_t start = __rdtsc();
  host.run_team(
      host.context, parts,
      [](void *argument, uint32_t part, uint32_t parts) {
        static_cast<Execution *>(argument)->runPart(part, parts);
      },
      &execution);
  teamSize.report(parts, execution.barrier.sleptCycles(), __rdtsc() - start);
  if (const Command *command = execution.failed.load())
    return fail(error, HETAGON_OUT_OF_RANGE,
                "kernel '%s' refused its arguments: an index is out of range",
                command->entry->name.c_str());
  if (execution.stop)
    return fail(error, HETAGON_CANCELLED, "cancelled while running");
  return HETAGON_OK;
}

} // namespace hetagon::cpu
