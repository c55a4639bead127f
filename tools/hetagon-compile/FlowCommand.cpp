// hetagon-compile flow and check: from a workflow (Agent Spec, or IR of any
// stage) to a plan.
#include "compiler/Pipeline/Pipelines.h"
#include "compiler/Planner/Passes.h"
#include "frontend/AgentSpec/Import.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "runtime/base/File.h"
#include "tools/hetagon-compile/Session.h"
#include "llvm/Support/raw_ostream.h"
#include <filesystem>
#include <iostream>

using namespace mlir;

namespace hetagon::compile {

namespace fs = std::filesystem;

namespace {

/// What was read, and the folder that paths in it are relative to.
struct Source {
  OwningOpRef<ModuleOp> module;
  std::string folder;
  std::optional<Digest> digest;
};

/// Reads a flow; an empty module after an error, which has been printed.
Source readFlow(Session &session, const FlowCommand &command) {
  Source source;
  std::string path = command.flow;
  if (!path.ends_with(".mlir")) {
    Diagnostics found;
    std::unique_ptr<Workflow> workflow =
        readWorkflow(path, command.requirements, found);
    std::cerr << found.str();
    if (!workflow)
      return source;
    source.module = importWorkflow(*workflow, session.context());
    if (StatusOr<std::string> file = findFlowFile(path); file.isOk())
      path = *file;
  } else {
    source.module = parseSourceFile<ModuleOp>(path, &session.context());
  }
  source.folder = fs::absolute(path).parent_path().string();
  if (StatusOr<std::string> text = readFile(path); text.isOk())
    source.digest = sha256(*text);
  return source;
}

LogicalResult runPipeline(ModuleOp module,
                          llvm::function_ref<void(OpPassManager &)> build) {
  PassManager passes(module.getContext());
  build(passes);
  return passes.run(module);
}

/// Gives the artefacts of indexes their files.
LogicalResult attachArtefacts(Session &session, ModuleOp module,
                              const std::vector<std::string> &given) {
  std::map<std::string, std::string> paths;
  for (const std::string &text : given) {
    size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
      std::cerr << "error: --artefact needs ID=PATH, not '" << text << "'\n";
      return failure();
    }
    paths[text.substr(0, equals)] = text.substr(equals + 1);
  }
  Builder builder(module.getContext());
  for (auto artefact : module.getOps<task::ArtefactOp>()) {
    auto path = paths.find(artefact.getSymName().str());
    if (path == paths.end())
      continue;
    StatusOr<Digest> digest = session.digestOf(path->second);
    if (!digest.isOk())
      return artefact.emitError(digest.status().str());
    artefact.setSha256Attr(builder.getStringAttr(hex(*digest)));
    artefact.setSizeAttr(
        builder.getI64IntegerAttr(int64_t(fs::file_size(path->second))));
    session.files()[path->first] = path->second;
    paths.erase(path);
  }
  for (const auto &[id, path] : paths) {
    std::cerr << "error: the flow has no artefact '" << id << "'\n";
    return failure();
  }
  return success();
}

/// The indexes to build before a plan can be emitted.
Json indexNeeds(ModuleOp module, const std::string &folder) {
  SymbolTable symbols(module);
  Json list = Json::array();
  for (auto artefact : module.getOps<task::ArtefactOp>()) {
    if (artefact.getKind() != task::ArtefactKind::Index || artefact.getSha256())
      continue;
    auto embedder =
        artefact.getEmbedder()
            ? symbols.lookup<task::ServiceOp>(*artefact.getEmbedder())
            : task::ServiceOp();
    fs::path documents = artefact.getDocuments().value_or("").str();
    if (documents.is_relative())
      documents = fs::path(folder) / documents;
    list.push_back({{"artefact", artefact.getSymName().str()},
                    {"documents", documents.string()},
                    {"model", embedder ? embedder.getModel().str() : ""}});
  }
  return list;
}

/// Ids of the models that have to be found, endpoints left out.
Json modelNeeds(ModuleOp module) {
  std::set<std::string> models;
  for (auto service : module.getOps<task::ServiceOp>())
    if (service.getKind() != task::ServiceKind::Endpoint)
      models.insert(service.getModel().str());
  return Json(models);
}

int print(ModuleOp module, const std::string &output) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, OpPrintingFlags().enableDebugInfo(true, false));
  if (output.empty()) {
    std::cout << text;
    return exitOk;
  }
  Status status = writeFileAtomically(output, text);
  return status.isOk() ? exitOk : fail(status);
}

} // namespace

int compileFlow(const FlowCommand &command) {
  const std::string &emit = command.emit;
  if (!emit.empty() && emit != "agent" && emit != "task" && emit != "nn") {
    std::cerr << "error: --emit needs agent, task or nn, not '" << emit
              << "'\n";
    return exitUsage;
  }
  Session session;
  if (Status status = session.addModels(command.models); !status.isOk())
    return fail(status);
  Source source = readFlow(session, command);
  if (!source.module)
    return exitBadInput;
  ModuleOp module = *source.module;
  if (emit == "agent")
    return print(module, command.output);

  // IR that is past a stage already goes on from there.
  if (!module.getOps<agent::GraphOp>().empty() &&
      failed(runPipeline(module, pipeline::buildDecomposingPipeline)))
    return exitBadInput;
  if (command.needs) {
    std::cout << printJson({{"models", modelNeeds(module)},
                            {"indexes", indexNeeds(module, source.folder)}})
              << "\n";
    return exitOk;
  }
  if (emit == "task")
    return print(module, command.output);

  if (failed(session.addSystem(module, command.devices, command.pins)) ||
      failed(attachArtefacts(session, module, command.artefacts)) ||
      failed(session.resolve(module)) || failed(session.expectTimes(module)))
    return exitBadInput;
  if (module.getOps<task::ScenarioOp>().empty()) {
    pipeline::PlacementOptions placing{command.pins, command.forbidden};
    if (failed(runPipeline(module, [&](OpPassManager &passes) {
          pipeline::buildPlacingPipeline(passes, placing);
        })))
      return module->hasAttr(unsatisfiableAttrName) ? exitUnsatisfiable
                                                    : exitBadInput;
  }
  if (failed(runPipeline(module, pipeline::buildClosingPipeline)))
    return exitBadInput;
  if (emit == "nn")
    return print(module, command.output);
  return succeeded(session.finish(module, command.output, source.digest,
                                  command.json))
             ? exitOk
             : exitBadInput;
}

int checkFlow(const CheckCommand &command) {
  Diagnostics found = hetagon::checkFlow(command.flow, command.requirements);
  if (command.json) {
    Json list = Json::array();
    for (const Diagnostic &one : found.all())
      list.push_back(
          {{"severity", one.severity == Severity::Error ? "error" : "warning"},
           {"file", one.place.file},
           {"line", one.place.line},
           {"column", one.place.column},
           {"message", one.message},
           {"mend", one.mend}});
    std::cout << printJson({{"diagnostics", list}}) << "\n";
  } else {
    std::cerr << found.str();
  }
  if (found.hasErrors())
    return exitBadInput;
  // What only the import finds: constructs that cannot be executed yet.
  Session session;
  FlowCommand flow;
  flow.flow = command.flow;
  flow.requirements = command.requirements;
  Diagnostics again;
  std::unique_ptr<Workflow> workflow =
      readWorkflow(flow.flow, flow.requirements, again);
  if (!workflow || !importWorkflow(*workflow, session.context()))
    return exitBadInput;
  if (!command.json)
    std::cout << command.flow << ": no errors\n";
  return exitOk;
}

} // namespace hetagon::compile
