// Symbols of the agent dialect to those of the task dialect.
#include "compiler/Conversion/AgentToTask/Lowering.h"

using namespace mlir;
using namespace hetagon;
using namespace hetagon::agenttotask;

OpBuilder SymbolLowering::beforeGraphs() {
  auto graphs = target.getOps<task::GraphOp>();
  if (graphs.empty())
    return OpBuilder::atBlockEnd(target.getBody());
  return OpBuilder(*graphs.begin());
}

void SymbolLowering::run() {
  OpBuilder builder = beforeGraphs();
  for (Operation &op : *source.getBody()) {
    Location loc = op.getLoc();
    Operation *made = nullptr;
    if (auto resource = dyn_cast<agent::ResourceOp>(op)) {
      made = builder.create<task::ResourceOp>(loc, resource.getSymNameAttr(),
                                              StringAttr());
    } else if (auto dataClass = dyn_cast<agent::DataClassOp>(op)) {
      made = builder.create<task::DataClassOp>(loc, dataClass.getSymNameAttr(),
                                               dataClass.getZonesAttr(),
                                               StringAttr());
    } else if (auto tool = dyn_cast<agent::ToolOp>(op)) {
      auto lowered = builder.create<task::ToolOp>(
          loc, tool.getSymNameAttr(), tool.getToolNameAttr(), StringAttr(),
          ArrayAttr(), DictionaryAttr(), ArrayAttr(), DictionaryAttr(),
          tool.getInputSchemaAttr(), StringAttr());
      if (FlatSymbolRefAttr ref = tool.getServerAttr()) {
        auto server = sourceSymbols.lookup<agent::ToolServerOp>(ref.getAttr());
        lowered.setServerAttr(server.getSymNameAttr());
        lowered.setCommandAttr(server.getCommandAttr());
        lowered.setEnvironmentAttr(server.getEnvironmentAttr());
        lowered.setPassEnvironmentAttr(server.getPassEnvironmentAttr());
        lowered.setSecretsAttr(server.getSecretsAttr());
      }
      made = lowered;
    }
    if (made)
      targetSymbols.insert(made);
  }
}

FailureOr<task::ServiceOp> SymbolLowering::service(Operation *user,
                                                   FlatSymbolRefAttr ref,
                                                   task::ServiceKind kind) {
  auto model = sourceSymbols.lookup<agent::ModelOp>(ref.getAttr());
  bool isEndpoint = bool(model.getUrlAttr());
  if (isEndpoint)
    kind = task::ServiceKind::Endpoint;
  task::ServiceOp &service = services[{model.getIdAttr(), model.getUrlAttr()}];
  if (service && service.getKind() != kind) {
    InFlightDiagnostic diag =
        user->emitError() << "the model '" << model.getId() << "' is asked as "
                          << stringifyServiceKind(kind) << " here and as "
                          << stringifyServiceKind(service.getKind())
                          << " elsewhere";
    diag.attachNote(service.getLoc())
        << "declared here; a model does one or the other";
    return failure();
  }
  if (service)
    return service;

  service = beforeGraphs().create<task::ServiceOp>(
      model.getLoc(), model.getSymName(), kind, model.getId());
  if (isEndpoint)
    service.setEndpointAttr(task::EndpointAttr::get(
        source.getContext(), model.getUrlAttr(), model.getIdAttr(),
        model.getSecretAttr(), FloatAttr(), FloatAttr()));
  targetSymbols.insert(service);
  return service;
}

task::ArtefactOp SymbolLowering::index(FlatSymbolRefAttr ref,
                                       task::ServiceOp embedder) {
  task::ArtefactOp &index = indexes[{ref.getAttr(), embedder}];
  if (index)
    return index;
  auto documents = sourceSymbols.lookup<agent::DocumentsOp>(ref.getAttr());
  std::string name = (ref.getValue() + "." + embedder.getSymName()).str();
  index = beforeGraphs().create<task::ArtefactOp>(documents.getLoc(), name,
                                                  task::ArtefactKind::Index);
  index.setDocumentsAttr(documents.getSourceAttr());
  index.setEmbedderAttr(FlatSymbolRefAttr::get(embedder.getSymNameAttr()));
  index.setDataClassAttr(documents.getDataClassAttr());
  targetSymbols.insert(index);
  return index;
}

task::GraphOp SymbolLowering::graph(Location loc, StringRef wanted,
                                    ArrayAttr inputNames, TypeRange inputTypes,
                                    ArrayAttr outputNames,
                                    TypeRange outputTypes, bool isPrivate) {
  auto graph =
      OpBuilder::atBlockEnd(target.getBody())
          .create<task::GraphOp>(
              loc, StringAttr::get(source.getContext(), wanted), inputNames,
              inputTypes, outputNames, outputTypes, isPrivate);
  targetSymbols.insert(graph);
  return graph;
}
