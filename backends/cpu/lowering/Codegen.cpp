// The pipeline behind compileKernels: MLIR conversions, LLVM's optimiser and
// code generator, the kernel table, lld.
#include "backends/cpu/lowering/Codegen.h"
#include "backends/cpu/KernelTable.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <mutex>

using namespace mlir;

namespace hetagon::cpu {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "cpu kernels: " + message);
}

/// Each dialect by its own conversion, from structured control flow down to
/// functions; what is left over is an error of translation.
static LogicalResult lowerToLLVMDialect(ModuleOp module) {
  PassManager passes(module.getContext());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(createConvertSCFToCFPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  return passes.run(module);
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
makeTargetMachine(const Isa &isa) {
  static std::once_flag initialised;
  std::call_once(initialised, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
  const std::string triple = "x86_64-unknown-linux-gnu";
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return failure(error);
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, isa.cpu, isa.features, llvm::TargetOptions(), llvm::Reloc::PIC_,
      std::nullopt, llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return failure("no code generator for " + triple);
  return machine;
}

/// Appends the exported table. Offsets instead of pointers: the linked object
/// needs no relocation.
static void addTable(llvm::Module &module,
                     llvm::ArrayRef<const KernelInterface *> kernels,
                     const Isa &isa) {
  llvm::LLVMContext &context = module.getContext();
  llvm::Type *i32 = llvm::Type::getInt32Ty(context);
  llvm::Type *i64 = llvm::Type::getInt64Ty(context);
  llvm::StructType *entryType =
      llvm::StructType::get(context, {i32, i32, i32, i32, i64, i64, i64, i64});
  llvm::StructType *tableType = llvm::StructType::get(
      context,
      {i32, i32, i64, llvm::ArrayType::get(entryType, kernels.size())});
  auto *table = new llvm::GlobalVariable(module, tableType, /*isConstant=*/true,
                                         llvm::GlobalValue::ExternalLinkage,
                                         nullptr, HETAGON_CPU_TABLE_SYMBOL);
  table->setAlignment(llvm::Align(8));
  table->setDSOLocal(true);
  table->setVisibility(llvm::GlobalValue::ProtectedVisibility);
  auto offsetOf = [&](llvm::Constant *symbol) {
    return llvm::ConstantExpr::getTrunc(
        llvm::ConstantExpr::getSub(llvm::ConstantExpr::getPtrToInt(symbol, i64),
                                   llvm::ConstantExpr::getPtrToInt(table, i64)),
        i32);
  };
  llvm::SmallVector<llvm::Constant *> entries;
  for (const KernelInterface *kernel : kernels) {
    auto *text = llvm::ConstantDataArray::getString(context, kernel->name);
    auto *name = new llvm::GlobalVariable(module, text->getType(), true,
                                          llvm::GlobalValue::PrivateLinkage,
                                          text, "name");
    llvm::Function *code = module.getFunction(kernel->name);
    entries.push_back(llvm::ConstantStruct::get(
        entryType,
        {offsetOf(name), offsetOf(code),
         llvm::ConstantInt::get(i32, kernel->bindings),
         llvm::ConstantInt::get(i32, kernel->constants),
         llvm::ConstantInt::get(i64, kernel->scratchBytes),
         llvm::ConstantInt::get(i64, kernel->writtenBindings),
         // Known once the code is linked: see sealTable.
         llvm::ConstantInt::get(i64, 0), llvm::ConstantInt::get(i64, 0)}));
  }
  table->setInitializer(llvm::ConstantStruct::get(
      tableType,
      {llvm::ConstantInt::get(i32, HETAGON_CPU_TABLE_VERSION),
       llvm::ConstantInt::get(i32, kernels.size()),
       llvm::ConstantInt::get(i64, isa.requiredFeatures),
       llvm::ConstantArray::get(llvm::ArrayType::get(entryType, kernels.size()),
                                entries)}));
}

/// Kernels are reached through the table only; each is compiled for the
/// variant's CPU and never turned into library calls.
static void setAttributes(llvm::Module &module, const Isa &isa) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", isa.cpu);
    if (!isa.features.empty())
      function.addFnAttr("target-features", isa.features);
    function.addFnAttr("tune-cpu", isa.tune);
    function.addFnAttr("prefer-vector-width", isa.vnni ? "512" : "256");
    function.addFnAttr("no-builtins");
    function.addFnAttr(llvm::Attribute::NoUnwind);
    // Not internal linkage: the symbol table stays readable in a disassembly.
    function.setVisibility(llvm::GlobalValue::HiddenVisibility);
    function.setDSOLocal(true);
  }
}

static void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  // The generators have chosen vectors and unrolling; LLVM is not to guess
  // again.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  tuning.LoopInterleaving = false;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
      .run(module, modules);
}

/// A file that is removed at the end of the scope.
struct TemporaryFile {
  llvm::SmallString<128> path;
  std::error_code create(llvm::StringRef suffix) {
    return llvm::sys::fs::createTemporaryFile("hetagon-kernels", suffix, path);
  }
  ~TemporaryFile() {
    if (!path.empty())
      llvm::sys::fs::remove(path);
  }
};

static llvm::Expected<std::string> findLinker() {
  for (const char *name : {HETAGON_LLD, "ld.lld-19", "ld.lld"}) {
    if (auto found = llvm::sys::findProgramByName(name))
      return *found;
  }
  return failure("the linker ld.lld was not found on PATH; install lld-19");
}

static llvm::Expected<std::vector<uint8_t>> link(llvm::StringRef object) {
  auto linker = findLinker();
  if (!linker)
    return linker.takeError();
  TemporaryFile input, output, messages;
  if (input.create("o") || output.create("so") || messages.create("txt"))
    return failure("cannot create temporary files");
  std::error_code code;
  {
    llvm::raw_fd_ostream stream(input.path, code);
    stream << object;
  }
  if (code)
    return failure("cannot write " + input.path + ": " + code.message());
  llvm::StringRef arguments[] = {
      *linker,
      "-shared",
      "-z",
      "defs",
      "-z",
      "rodynamic",
      "-z",
      "noexecstack",
      "-z",
      "separate-loadable-segments",
      "--hash-style=sysv",
      "--no-eh-frame-hdr",
      "--gc-sections",
      "--export-dynamic-symbol=" HETAGON_CPU_TABLE_SYMBOL,
      "--build-id=none",
      "-o",
      output.path,
      input.path};
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(),
                                                llvm::StringRef(messages.path),
                                                llvm::StringRef(messages.path)};
  std::string error;
  int status = llvm::sys::ExecuteAndWait(*linker, arguments, std::nullopt,
                                         redirects, 120, 0, &error);
  if (status != 0) {
    auto text = llvm::MemoryBuffer::getFile(messages.path);
    return failure("linking failed: " + error +
                   (text ? (*text)->getBuffer() : llvm::StringRef()));
  }
  auto linked = llvm::MemoryBuffer::getFile(output.path);
  if (!linked)
    return failure("cannot read the linked object");
  llvm::StringRef bytes = (*linked)->getBuffer();
  return std::vector<uint8_t>(bytes.bytes_begin(), bytes.bytes_end());
}

/// Writes each entry's size and digest of code into the linked object's table.
static llvm::Error sealTable(std::vector<uint8_t> &file) {
  using Elf = llvm::object::ELF64LEObjectFile;
  auto object = Elf::create(llvm::MemoryBufferRef(
      llvm::toStringRef(llvm::ArrayRef<uint8_t>(file)), "kernels"));
  if (!object)
    return object.takeError();
  auto sections = object->getELFFile().sections();
  if (!sections)
    return sections.takeError();
  // Offset in the file of `bytes` at a virtual address; nothing is moved here.
  auto locate = [&](uint64_t address, uint64_t bytes) -> uint8_t * {
    for (const auto &section : *sections)
      if (section.sh_type != llvm::ELF::SHT_NOBITS && section.sh_addr &&
          address >= section.sh_addr && bytes <= section.sh_size &&
          address - section.sh_addr <= section.sh_size - bytes)
        return file.data() + section.sh_offset + (address - section.sh_addr);
    return nullptr;
  };
  uint64_t tableAddress = 0;
  llvm::DenseMap<uint64_t, uint64_t> sizes; // of functions, by address
  for (const llvm::object::ELFSymbolRef symbol : object->symbols()) {
    auto name = symbol.getName();
    auto address = symbol.getAddress();
    if (!name || !address)
      return llvm::joinErrors(name.takeError(), address.takeError());
    if (*name == HETAGON_CPU_TABLE_SYMBOL)
      tableAddress = *address;
    else if (symbol.getELFType() == llvm::ELF::STT_FUNC)
      sizes[*address] = symbol.getSize();
  }
  uint8_t *at = locate(tableAddress, sizeof(hetagon_cpu_table));
  if (!at)
    return failure("the linked object has no table");
  auto *table = reinterpret_cast<hetagon_cpu_table *>(at);
  for (uint32_t i = 0; i < table->entry_count; ++i) {
    hetagon_cpu_entry &entry = table->entries[i];
    uint64_t address = tableAddress + int64_t(entry.code_offset);
    entry.code_bytes = sizes.lookup(address);
    const uint8_t *code = locate(address, entry.code_bytes);
    if (!code || !entry.code_bytes)
      return failure("the linked object has no code for table entry " +
                     llvm::Twine(i));
    entry.code_digest = hetagon_cpu_code_digest(code, entry.code_bytes);
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<uint8_t>>
compileKernels(ModuleOp module, llvm::ArrayRef<const KernelInterface *> kernels,
               const Isa &isa) {
  if (failed(lowerToLLVMDialect(module)))
    return failure("lowering to the LLVM dialect failed");
  auto machine = makeTargetMachine(isa);
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(module, context);
  if (!code)
    return failure("translation to LLVM IR failed");
  code->setTargetTriple((*machine)->getTargetTriple().str());
  code->setDataLayout((*machine)->createDataLayout());
  addTable(*code, kernels, isa);
  setAttributes(*code, isa);
  optimise(*code, **machine);

  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager emission;
  if ((*machine)->addPassesToEmitFile(emission, stream, nullptr,
                                      llvm::CodeGenFileType::ObjectFile))
    return failure("the code generator cannot emit objects");
  emission.run(*code);
  auto linked = link(llvm::StringRef(object.data(), object.size()));
  if (!linked)
    return linked;
  if (llvm::Error error = sealTable(*linked))
    return std::move(error);
  return linked;
}

} // namespace hetagon::cpu
