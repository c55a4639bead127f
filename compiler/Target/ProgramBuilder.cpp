// Buffers from nn values, commands as backends give them, and memory slots for
// transients by liveness.
#include "compiler/Target/ProgramBuilder.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace hetagon::target;
namespace nn = hetagon::nn;
using hetagon::nn::KvType;
using hetagon::nn::QuantType;
namespace fb = hetagon::plan::fb;

static fb::DimT makeDim(const BufferDim &dim) {
  fb::DimT result;
  result.size = dim.symbol.empty() ? dim.size : 0;
  result.symbol = dim.symbol;
  return result;
}

static void setDims(fb::BufferT &buffer, ArrayRef<BufferDim> dims) {
  for (const BufferDim &dim : dims)
    buffer.dims.push_back(std::make_unique<fb::DimT>(makeDim(dim)));
}

/// Sets dimensions, element size and format of a tensor. Quantised tensors are
/// counted in blocks along their last dimension.
static void setTensor(fb::BufferT &buffer, RankedTensorType type,
                      ArrayRef<std::string> symbols) {
  SmallVector<BufferDim> dims;
  for (auto [size, symbol] : llvm::zip_equal(type.getShape(), symbols))
    dims.push_back({size, symbol});
  Type element = type.getElementType();
  if (auto quant = dyn_cast<QuantType>(element)) {
    dims.back().size /= quant.getBlockElements();
    buffer.element_bytes = quant.getBlockBytes();
  } else {
    buffer.element_bytes = element.getIntOrFloatBitWidth() / 8;
  }
  buffer.format = nn::getFormatName(element);
  setDims(buffer, dims);
}

static std::vector<uint8_t> elementBytes(DenseElementsAttr elements) {
  ArrayRef<char> raw = elements.getRawData();
  std::vector<uint8_t> bytes;
  size_t copies = elements.isSplat() ? elements.getNumElements() : 1;
  bytes.reserve(raw.size() * copies);
  for (size_t copy = 0; copy < copies; ++copy)
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  return bytes;
}

BufferId ProgramBuilder::add(fb::BufferT buffer) {
  bufferList.push_back(std::move(buffer));
  return BufferId(bufferList.size() - 1);
}

std::string ProgramBuilder::leadingSymbol(Value value) const {
  return nn::getLeadingSymbol(value);
}

void ProgramBuilder::alias(Value value, BufferId buffer) {
  [[maybe_unused]] bool isNew = buffers.try_emplace(value, buffer).second;
  assert(isNew && "the value has a buffer already");
}

/// The buffer of a value that is neither a kv handle nor a weight.
fb::BufferT ProgramBuilder::describe(Value value) {
  fb::BufferT buffer;
  auto type = cast<RankedTensorType>(value.getType());
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto func = cast<nn::FuncOp>(argument.getOwner()->getParentOp());
    buffer.storage = fb::Storage::input;
    buffer.name = func.getArgName(argument.getArgNumber()).str();
    setTensor(buffer, type, nn::getDimSymbols(func, argument.getArgNumber()));
    return buffer;
  }
  std::vector<std::string> symbols(type.getRank());
  if (auto constant = value.getDefiningOp<nn::ConstantOp>()) {
    buffer.storage = fb::Storage::constant;
    buffer.section = constants.size();
    constants.push_back(
        elementBytes(cast<DenseElementsAttr>(constant.getValue())));
    setTensor(buffer, type, symbols);
    return buffer;
  }
  if (type.isDynamicDim(0))
    symbols[0] = leadingSymbol(value);
  setTensor(buffer, type, symbols);
  buffer.storage = fb::Storage::transient;
  for (OpOperand &use : value.getUses())
    if (isa<nn::ReturnOp>(use.getOwner())) {
      auto func = cast<nn::FuncOp>(use.getOwner()->getParentOp());
      buffer.storage = fb::Storage::output;
      buffer.name = func.getResName(use.getOperandNumber()).str();
    }
  return buffer;
}

BufferId ProgramBuilder::bufferOf(Value value) {
  if (auto known = buffers.find(value); known != buffers.end())
    return known->second;

  BufferId id;
  if (auto type = dyn_cast<KvType>(value.getType())) {
    if (!kv) {
      fb::BufferT buffer;
      buffer.storage = fb::Storage::kv;
      buffer.name = "kv";
      buffer.format = nn::getFormatName(type.getFormat());
      buffer.element_bytes = type.getElementBytes();
      setDims(buffer, {{0, "pages"},
                       {type.getPageBytes() / type.getElementBytes(), ""}});
      kv = add(std::move(buffer));
    }
    id = *kv;
  } else if (auto weight = value.getDefiningOp<nn::WeightOp>()) {
    RankedTensorType type = weight.getType();
    int64_t row = weight.getRow().value_or(0);
    std::string key;
    llvm::raw_string_ostream(key) << weight.getName() << '\0' << type << row;
    auto [known, isNew] = weights.try_emplace(key);
    if (isNew) {
      fb::BufferT buffer;
      buffer.storage = fb::Storage::weight;
      buffer.name = weight.getName().str();
      buffer.artefact = artefact;
      setTensor(buffer, type, std::vector<std::string>(type.getRank()));
      buffer.offset = row * nn::getStorageBytes(type);
      known->second = add(std::move(buffer));
    }
    id = known->second;
  } else {
    id = add(describe(value));
  }
  buffers[value] = id;
  return id;
}

BufferId ProgramBuilder::addPersistent(StringRef layout, uint64_t bytes) {
  fb::BufferT buffer;
  buffer.storage = fb::Storage::persistent;
  buffer.format = layout.str();
  buffer.element_bytes = 1;
  setDims(buffer, {{static_cast<int64_t>(bytes), ""}});
  return add(std::move(buffer));
}

BufferId ProgramBuilder::addTransient(std::vector<BufferDim> dims,
                                      uint32_t elementBytes, StringRef format) {
  fb::BufferT buffer;
  buffer.storage = fb::Storage::transient;
  buffer.format = format.str();
  buffer.element_bytes = elementBytes;
  setDims(buffer, dims);
  return add(std::move(buffer));
}

BufferId ProgramBuilder::addConstant(std::vector<uint8_t> bytes,
                                     std::vector<BufferDim> dims,
                                     uint32_t elementBytes, StringRef format) {
  fb::BufferT buffer;
  buffer.storage = fb::Storage::constant;
  buffer.format = format.str();
  buffer.element_bytes = elementBytes;
  buffer.section = constants.size();
  constants.push_back(std::move(bytes));
  setDims(buffer, dims);
  return add(std::move(buffer));
}

ExecutableId ProgramBuilder::declareExecutable() {
  executables.push_back(nullptr);
  payloads.emplace_back();
  return ExecutableId(executables.size() - 1);
}

void ProgramBuilder::defineExecutable(ExecutableId id, StringRef backend,
                                      StringRef format,
                                      std::vector<uint8_t> payload,
                                      std::vector<std::string> entries,
                                      std::vector<std::string> features) {
  auto index = static_cast<uint32_t>(id);
  assert(!executables[index] && "the executable is defined already");
  auto executable = std::make_unique<fb::ExecutableT>();
  executable->backend = backend.str();
  executable->format = format.str();
  executable->features = std::move(features);
  executable->entries = std::move(entries);
  executables[index] = std::move(executable);
  payloads[index] = std::move(payload);
}

static std::unique_ptr<fb::CommandT>
makeCommand(ExecutableId executable, StringRef entry,
            ArrayRef<BufferId> bindings, ArrayRef<DispatchConstant> constants,
            StringRef note) {
  auto command = std::make_unique<fb::CommandT>();
  command->executable = static_cast<uint32_t>(executable);
  command->entry = entry.str();
  command->note = note.str();
  for (BufferId binding : bindings)
    command->bindings.push_back(static_cast<uint32_t>(binding));
  for (const DispatchConstant &constant : constants) {
    auto argument = std::make_unique<fb::ConstantT>();
    argument->value = constant.symbol.empty() ? constant.value : 0;
    argument->symbol = constant.symbol;
    command->constants.push_back(std::move(argument));
  }
  return command;
}

void ProgramBuilder::addLoadCommand(ExecutableId executable, StringRef entry,
                                    ArrayRef<BufferId> bindings,
                                    ArrayRef<DispatchConstant> constants,
                                    StringRef note) {
  loadCommands.push_back(
      makeCommand(executable, entry, bindings, constants, note));
}

void ProgramBuilder::addCommand(ExecutableId executable, StringRef entry,
                                ArrayRef<BufferId> bindings,
                                ArrayRef<DispatchConstant> constants,
                                StringRef note) {
  stepCommands.push_back(
      makeCommand(executable, entry, bindings, constants, note));
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

namespace {
/// A size as the product of one symbol's value and `bytes`.
struct SlotSize {
  std::string symbols;
  uint64_t bytes = 0;
};

struct Slot {
  SlotSize size;
  size_t busyUntil = 0; // last command that uses it
};
} // namespace

static SlotSize sizeOf(const fb::BufferT &buffer) {
  SlotSize size{"", buffer.element_bytes};
  for (const auto &dim : buffer.dims) {
    if (dim->symbol.empty())
      size.bytes *= dim->size;
    else
      size.symbols += dim->symbol + "*";
  }
  return size;
}

/// First-fit over the commands in their order, load program first. Only buffers
/// that grow with the same symbols share a slot, so that a slot's size is known
/// up to them; among free slots the one that grows least is taken.
void ProgramBuilder::assignSlots() {
  constexpr size_t never = SIZE_MAX;
  struct Life {
    size_t first = never, last = 0;
  };
  std::vector<Life> lives(bufferList.size());
  size_t time = 0;
  for (const auto *commands : {&loadCommands, &stepCommands})
    for (const auto &command : *commands) {
      for (uint32_t binding : command->bindings) {
        lives[binding].first = std::min(lives[binding].first, time);
        lives[binding].last = time;
      }
      ++time;
    }

  std::vector<std::pair<size_t, uint32_t>> order; // first command, buffer
  for (uint32_t index = 0; index < bufferList.size(); ++index)
    if (bufferList[index].storage == fb::Storage::transient &&
        lives[index].first != never)
      order.emplace_back(lives[index].first, index);
  llvm::sort(order);

  std::vector<Slot> slots;
  for (auto [first, index] : order) {
    SlotSize size = sizeOf(bufferList[index]);
    std::optional<size_t> best;
    uint64_t bestWaste = 0;
    for (size_t slot = 0; slot < slots.size(); ++slot) {
      if (slots[slot].busyUntil >= first ||
          slots[slot].size.symbols != size.symbols)
        continue;
      uint64_t have = slots[slot].size.bytes;
      uint64_t waste =
          have > size.bytes ? have - size.bytes : size.bytes - have;
      if (!best || waste < bestWaste) {
        best = slot;
        bestWaste = waste;
      }
    }
    if (!best) {
      best = slots.size();
      slots.push_back({size, 0});
    }
    Slot &slot = slots[*best];
    slot.size.bytes = std::max(slot.size.bytes, size.bytes);
    slot.busyUntil = lives[index].last;
    bufferList[index].slot = static_cast<int32_t>(*best);
  }
}

void ProgramBuilder::finish(fb::ServiceT &service,
                            std::vector<std::vector<uint8_t>> &sections) {
  assignSlots();
  for (auto [executable, payload] : llvm::zip_equal(executables, payloads)) {
    assert(executable && "a declared executable was never defined");
    executable->section = sections.size();
    sections.push_back(std::move(payload));
    service.executables.push_back(std::move(executable));
  }
  size_t firstConstant = sections.size();
  for (std::vector<uint8_t> &bytes : constants)
    sections.push_back(std::move(bytes));
  for (fb::BufferT &buffer : bufferList) {
    if (buffer.storage == fb::Storage::constant)
      buffer.section += firstConstant;
    service.buffers.push_back(std::make_unique<fb::BufferT>(std::move(buffer)));
  }
  auto program = [](StringRef name, auto &commands) {
    auto result = std::make_unique<fb::ProgramT>();
    result->name = name.str();
    result->commands = std::move(commands);
    return result;
  };
  service.load = program("load", loadCommands);
  service.step = program("step", stepCommands);
}

void hetagon::target::describeService(nn::FuncOp step, fb::ServiceT &service) {
  bool isDecoder = step.getKind() == nn::ProgramKind::Decoder;
  service.kind =
      isDecoder ? fb::ServiceKind::decoder : fb::ServiceKind::encoder;
  uint32_t columns = nn::getColumns(step.getResultTypes().front());
  (isDecoder ? service.vocabulary : service.embedding_size) = columns;
  for (Type type : step.getArgumentTypes())
    if (auto kv = dyn_cast<KvType>(type)) {
      service.kv = std::make_unique<fb::KvCacheT>();
      service.kv->layers = kv.getLayers();
      service.kv->kv_heads = kv.getKvHeads();
      service.kv->head_dim = kv.getHeadDim();
      service.kv->page_tokens = kv.getPageTokens();
      service.kv->format = nn::getFormatName(kv.getFormat());
      service.kv->page_bytes = kv.getPageBytes();
    }
}

LogicalResult hetagon::target::verifyLowerable(nn::FuncOp step) {
  auto result = cast<nn::ReturnOp>(step.getBody().front().getTerminator());
  llvm::SmallDenseSet<Value> seen;
  for (Value value : result.getResults()) {
    Operation *definition = value.getDefiningOp();
    if (!definition || isa<nn::WeightOp, nn::ConstantOp>(definition))
      return result.emitOpError("returns what no operation computes")
                 .attachNote(definition ? definition->getLoc() : value.getLoc())
             << "an argument, weight or constant cannot be a result; compute "
                "something from it";
    if (!seen.insert(value).second)
      return result.emitOpError("returns one value twice");
  }
  return success();
}
