// Submissions of a service's step program.
#include "runtime/exec/ProgramRunner.h"
#include <algorithm>

namespace hetagon {

using plan::fb::Storage;

namespace {
constexpr size_t recordedLimit = 32;
} // namespace

StatusOr<std::unique_ptr<ProgramRunner>>
ProgramRunner::create(std::shared_ptr<ServiceInstance> service) {
  std::unique_ptr<ProgramRunner> runner(new ProgramRunner(std::move(service)));
  HETAGON_RETURN_IF_ERROR(runner->renewQueue());
  return runner;
}

ProgramRunner::~ProgramRunner() {
  if (stuck.isOk())
    return;
  struct Abandoned {
    std::shared_ptr<ServiceInstance> instance;
    Queue queue;
    Fence fence;
    RecordedList recorded;
  };
  static std::mutex mutex;
  static auto *abandoned = new std::vector<Abandoned>();
  std::lock_guard lock(mutex);
  abandoned->push_back({std::move(instance), std::move(queue), std::move(fence),
                        std::move(recorded)});
}

Status ProgramRunner::renewQueue() {
  HETAGON_ASSIGN_OR_RETURN(queue, instance->device().createQueue());
  HETAGON_ASSIGN_OR_RETURN(fence, instance->device().createFence());
  fenceValue = 0;
  return Status::ok();
}

StatusOr<const Commands *>
ProgramRunner::commandsFor(const SymbolValues &symbols) {
  if (auto found = bySymbols.find(symbols); found != bySymbols.end()) {
    recorded.splice(recorded.begin(), recorded, found->second);
    return &recorded.front().commands;
  }
  HETAGON_ASSIGN_OR_RETURN(Commands commands,
                           instance->device().createCommands());
  HETAGON_RETURN_IF_ERROR(instance->record(commands, *instance->plan().step,
                                           instance->step, symbols));
  ++count.recordings;
  if (recorded.size() == recordedLimit) {
    bySymbols.erase(recorded.back().symbols);
    recorded.pop_back();
  }
  recorded.push_front({symbols, std::move(commands)});
  bySymbols[symbols] = recorded.begin();
  return &recorded.front().commands;
}

Status ProgramRunner::submitAndWait(const Commands &commands) {
  Device &device = instance->device();
  if (!queue || !fence)
    HETAGON_RETURN_IF_ERROR(renewQueue());
  HETAGON_RETURN_IF_ERROR(device.submit(queue, commands, fence, ++fenceValue));
  Status status =
      device.wait(fence, fenceValue, instance->options().stepTimeout);
  if (status.isOk())
    return status;
  if (status.code() == Code::DeadlineExceeded) {
    stuck = status;
    return status;
  }
  // A fence that reported a failure does not recover; the next step takes
  // others.
  queue.reset();
  fence.reset();
  return status;
}

Status ProgramRunner::run(const SymbolValues &symbols,
                          std::span<const Input> inputs,
                          std::span<const Output> outputs) {
  HETAGON_RETURN_IF_ERROR(stuck);
  const SymbolValues &limit = instance->limits();
  SymbolValues values = symbols;
  values.maxPages = limit.maxPages;
  values.pages = limit.pages;
  if (values.rows < 1 || values.rows > limit.rows || values.seqs < 1 ||
      values.seqs > limit.seqs || values.outs < 1 || values.outs > limit.outs)
    return Status(Code::OutOfRange,
                  "a batch of " + std::to_string(values.rows) + " rows, " +
                      std::to_string(values.seqs) + " sequences and " +
                      std::to_string(values.outs) +
                      " outputs is outside the limits of service '" +
                      instance->name() + "'");

  Device &device = instance->device();
  const auto &buffers = instance->plan().buffers;
  auto sized = [&](size_t index, size_t given) -> Status {
    HETAGON_ASSIGN_OR_RETURN(uint64_t bytes,
                             bufferBytes(*buffers[index], values));
    if (bytes != given)
      return Status(Code::InvalidArgument,
                    "'" + buffers[index]->name + "' has " +
                        std::to_string(given) + " bytes; the program takes " +
                        std::to_string(bytes));
    return Status::ok();
  };
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i]->storage != Storage::input)
      continue;
    auto found =
        std::find_if(inputs.begin(), inputs.end(), [&](const Input &input) {
          return input.name == buffers[i]->name;
        });
    if (found == inputs.end())
      return Status(Code::InvalidArgument,
                    "no value for input '" + buffers[i]->name + "'");
    HETAGON_RETURN_IF_ERROR(sized(i, found->bytes.size()));
    HETAGON_RETURN_IF_ERROR(
        device.write(instance->allocations[instance->memory[i].allocation], 0,
                     found->bytes));
  }

  HETAGON_ASSIGN_OR_RETURN(const Commands *commands, commandsFor(values));
  auto begin = Trace::Clock::now();
  HETAGON_RETURN_IF_ERROR(submitAndWait(*commands));
  instance->traceSubmission("step", begin,
                            {{"rows", values.rows},
                             {"sequences", values.seqs},
                             {"outputs", values.outs}});
  ++count.steps;

  for (const Output &output : outputs) {
    size_t index = 0;
    while (index < buffers.size() &&
           (buffers[index]->storage != Storage::output ||
            buffers[index]->name != output.name))
      ++index;
    if (index == buffers.size())
      return Status(Code::NotFound, "the program has no output '" +
                                        std::string(output.name) + "'");
    HETAGON_RETURN_IF_ERROR(sized(index, output.bytes.size()));
    HETAGON_RETURN_IF_ERROR(
        device.read(instance->allocations[instance->memory[index].allocation],
                    0, output.bytes));
  }
  return Status::ok();
}

Status ProgramRunner::copyPages(std::span<const PageCopy> copies) {
  HETAGON_RETURN_IF_ERROR(stuck);
  if (copies.empty())
    return Status::ok();
  if (instance->kvBuffer < 0)
    return Status(Code::InvalidArgument,
                  "service '" + instance->name() + "' has no KV pool");
  Device &device = instance->device();
  const Buffer &pool =
      instance->allocations[instance->memory[instance->kvBuffer].allocation];
  uint64_t bytes = instance->plan().kv->page_bytes;
  HETAGON_ASSIGN_OR_RETURN(Commands commands, device.createCommands());
  for (PageCopy copy : copies) {
    if (copy.source >= instance->kvPages() ||
        copy.target >= instance->kvPages())
      return Status(Code::OutOfRange, "a page outside the KV pool");
    HETAGON_RETURN_IF_ERROR(device.recordCopy(
        commands, pool, copy.source * bytes, pool, copy.target * bytes, bytes));
  }
  auto begin = Trace::Clock::now();
  Status status = submitAndWait(commands);
  instance->traceSubmission("copy", begin, {{"pages", copies.size()}});
  if (!stuck.isOk())
    recorded.push_front({SymbolValues(), std::move(commands)});
  return status;
}

} // namespace hetagon
