// Symbols of the module: models, documents, tools and their servers,
// resources, data classes; and the cache of sub-graphs.
#include "frontend/AgentSpec/ModuleImporter.h"
#include "frontend/AgentSpec/FlowImporter.h"
#include "frontend/AgentSpec/Import.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace hetagon {

Type typeOfPort(const Port &port, MLIRContext *context) {
  if (port.isOfType("string"))
    return agent::TextType::get(context);
  return agent::JsonType::get(context);
}

std::string objectSchema(const std::vector<Port> &ports) {
  Json schema = {{"type", "object"}};
  Json properties = Json::object(), required = Json::array();
  for (const Port &port : ports) {
    properties[port.title] = port.schema;
    if (!port.hasDefault())
      required.push_back(port.title);
  }
  schema["properties"] = std::move(properties);
  schema["required"] = std::move(required);
  return printJson(schema);
}

std::string secretName(llvm::StringRef text) {
  return text.consume_front("secret:") ? text.trim().str() : std::string();
}

ModuleImporter::ModuleImporter(const Workflow &workflow, MLIRContext &context)
    : workflow(workflow), builder(&context) {
  context.loadDialect<agent::AgentDialect>();
}

Location ModuleImporter::locOf(const Place &place) {
  return FileLineColLoc::get(builder.getContext(), place.file, place.line,
                             place.column);
}

LogicalResult ModuleImporter::refuse(const Place &place,
                                     const llvm::Twine &message,
                                     const llvm::Twine &mend) {
  InFlightDiagnostic diagnostic = emitError(locOf(place), message);
  if (!mend.isTriviallyEmpty())
    diagnostic.attachNote() << "mend: " << mend;
  return diagnostic;
}

OwningOpRef<ModuleOp> ModuleImporter::run() {
  const Component &root = workflow.spec->root();
  if (!root.is("Flow")) {
    (void)refuse(root.place,
                 root.label() + " is valid, but only flows are compiled so far",
                 "call it from an AgentNode between a StartNode and an EndNode "
                 "of a Flow");
    return nullptr;
  }
  module = ModuleOp::create(locOf(root));
  builder.setInsertionPointToEnd(module->getBody());
  addDataClasses();
  FlowImporter importer(*this, root);
  SmallVector<Type> inputs;
  for (const Port &input : root.inputs)
    inputs.push_back(typeOfPort(input, builder.getContext()));
  agent::GraphOp graph =
      importer.run(freshName(root.name.empty() ? "flow" : root.name), inputs,
                   /*isPrivate=*/false);
  if (!graph || failed(verify(*module)))
    return nullptr;
  return std::move(module);
}

std::string ModuleImporter::freshName(llvm::StringRef wanted) {
  std::string base;
  for (char c : wanted)
    base += llvm::isAlnum(c) || c == '.' ? c : '_';
  if (base.empty() || llvm::isDigit(base[0]))
    base = "_" + base;
  std::string name = base;
  for (unsigned i = 2; !usedNames.insert(name).second; ++i)
    name = base + "_" + std::to_string(i);
  return name;
}

template <typename SymbolOp>
FlatSymbolRefAttr
ModuleImporter::addSymbol(const Place &place, llvm::StringRef wanted,
                          ArrayRef<NamedAttribute> attributes) {
  // Symbols come before the graphs that use them.
  OpBuilder::InsertionGuard guard(builder);
  auto graphs = module->getOps<agent::GraphOp>();
  if (graphs.empty())
    builder.setInsertionPointToEnd(module->getBody());
  else
    builder.setInsertionPoint(*graphs.begin());
  std::string name = freshName(wanted);
  SmallVector<NamedAttribute> all(attributes);
  all.push_back(builder.getNamedAttr("sym_name", text(name)));
  builder.create<SymbolOp>(locOf(place), TypeRange(), ValueRange(), all);
  return FlatSymbolRefAttr::get(builder.getContext(), name);
}

FlatSymbolRefAttr ModuleImporter::addModel(const Place &place,
                                           llvm::StringRef id,
                                           llvm::StringRef url,
                                           llvm::StringRef secret) {
  std::string key = (id + "\n" + url + "\n" + secret).str();
  FlatSymbolRefAttr &known = models[key];
  if (known)
    return known;
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("id", text(id))};
  if (!url.empty())
    attributes.push_back(builder.getNamedAttr("url", text(url)));
  if (!secret.empty())
    attributes.push_back(builder.getNamedAttr("secret", text(secret)));
  return known = addSymbol<agent::ModelOp>(place, id, attributes);
}

FlatSymbolRefAttr ModuleImporter::modelById(llvm::StringRef id,
                                            const Place &place) {
  return addModel(place, id, {}, {});
}

FlatSymbolRefAttr ModuleImporter::model(const Component &config) {
  bool plain = config.type->name == "LlmConfig" ||
               config.is("OpenAiCompatibleConfig") ||
               config.type->name == "OpenAiConfig";
  if (!plain) {
    (void)refuse(config.place,
                 "a model of " + config.label() + " cannot be reached yet",
                 "use an LlmConfig (a local model by its id) or an "
                 "OpenAiCompatibleConfig");
    return nullptr;
  }
  for (const char *field : {"key_file", "cert_file", "ca_file"})
    if (config.value(field)) {
      (void)refuse(config.placeOf(field),
                   "client certificates are not supported yet",
                   "remove the field");
      return nullptr;
    }
  std::string url = config.text("url");
  if (url.empty() && config.type->name == "OpenAiConfig")
    url = "https://api.openai.com/v1";
  std::string secret;
  if (const SourceValue *key = config.value("api_key")) {
    secret = secretName(key->text);
    if (secret.empty()) {
      (void)refuse(config.placeOf("api_key"),
                   "a key stands in the workflow, from where it would get into "
                   "plans and logs",
                   "write 'api_key: secret:NAME' and store the key under that "
                   "name");
      return nullptr;
    }
  }
  return addModel(config.place, config.text("model_id"), url, secret);
}

FlatSymbolRefAttr ModuleImporter::documents(llvm::StringRef source,
                                            const Place &place) {
  FlatSymbolRefAttr &known = documentSets[source.str()];
  if (known)
    return known;
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("source", text(source))};
  for (const DataLabel &label : workflow.demands.data)
    if (label.data.name == "documents")
      attributes.push_back(builder.getNamedAttr(
          "data_class",
          FlatSymbolRefAttr::get(builder.getContext(), label.dataClass.name)));
  return known = addSymbol<agent::DocumentsOp>(
             place,
             llvm::StringRef(source).rsplit('/').second.empty()
                 ? source
                 : llvm::StringRef(source).rsplit('/').second,
             attributes);
}

FlatSymbolRefAttr ModuleImporter::resource(const LocatedName &name) {
  if (name.name == agent::worldResource.str())
    return FlatSymbolRefAttr::get(builder.getContext(), agent::worldResource);
  FlatSymbolRefAttr &known = resources[name.name];
  if (!known)
    known = addSymbol<agent::ResourceOp>(name.place, name.name, {});
  return known;
}

agent::EffectsAttr ModuleImporter::effects(const Requirements *demands) {
  if (!demands || !demands->effects)
    return nullptr;
  SmallVector<FlatSymbolRefAttr> reads, writes;
  for (const LocatedName &name : demands->effects->reads)
    reads.push_back(resource(name));
  for (const LocatedName &name : demands->effects->writes)
    writes.push_back(resource(name));
  return agent::EffectsAttr::get(builder.getContext(), reads, writes);
}

FlatSymbolRefAttr ModuleImporter::server(const Component &transport) {
  FlatSymbolRefAttr &known = servers[&transport];
  if (known)
    return known;
  if (!transport.is("StdioTransport")) {
    (void)refuse(transport.place,
                 "a tool server over " + std::string(transport.type->name) +
                     " cannot be reached yet",
                 "use a StdioTransport");
    return nullptr;
  }
  if (transport.value("cwd")) {
    (void)refuse(transport.placeOf("cwd"),
                 "a tool server runs in a folder of its own, so 'cwd' cannot "
                 "be chosen",
                 "remove it, and pass absolute paths in 'args'");
    return nullptr;
  }
  SmallVector<Attribute> command = {text(transport.text("command"))};
  if (const SourceValue *arguments = transport.value("args"))
    for (const SourceValue &argument : arguments->items)
      command.push_back(text(argument.text));
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("transport",
                           agent::TransportAttr::get(builder.getContext(),
                                                     agent::Transport::Stdio)),
      builder.getNamedAttr("command", builder.getArrayAttr(command))};
  NamedAttrList literal, secrets;
  if (const SourceValue *variables = transport.value("env"))
    for (size_t i = 0; i < variables->pairs(); ++i) {
      std::string secret = secretName(variables->value(i).text);
      if (secret.empty())
        literal.set(variables->key(i).text, text(variables->value(i).text));
      else
        secrets.set(variables->key(i).text, text(secret));
    }
  if (!literal.empty())
    attributes.push_back(builder.getNamedAttr(
        "environment", literal.getDictionary(builder.getContext())));
  if (!secrets.empty())
    attributes.push_back(builder.getNamedAttr(
        "secrets", secrets.getDictionary(builder.getContext())));
  return known = addSymbol<agent::ToolServerOp>(transport.place, transport.name,
                                                attributes);
}

FlatSymbolRefAttr ModuleImporter::tool(const Component &tool) {
  FlatSymbolRefAttr &known = tools[&tool];
  if (known)
    return known;
  if (!tool.is("MCPTool")) {
    (void)refuse(
        tool.place,
        tool.label() + " cannot be called: " +
            (tool.is("BuiltinTool")
                 ? "Hetagon has no tool '" + tool.text("tool_type") + "'"
                 : "code of a " + std::string(tool.type->name) +
                       " is not in the workflow"),
        "offer it on an MCP server and call it as an MCPTool, or use "
        "hetagon.retrieve or hetagon.attribute");
    return nullptr;
  }
  if (const SourceValue *confirm = tool.value("requires_confirmation");
      confirm && confirm->boolean) {
    (void)refuse(tool.placeOf("requires_confirmation"),
                 "confirmation of single calls is not supported yet",
                 "ask with an InputMessageNode before the call");
    return nullptr;
  }
  FlatSymbolRefAttr on = server(*tool.child("client_transport"));
  if (!on)
    return nullptr;
  return known = addSymbol<agent::ToolOp>(
             tool.place, tool.name,
             {builder.getNamedAttr("server", on),
              builder.getNamedAttr("tool_name", text(tool.name)),
              builder.getNamedAttr("input_schema",
                                   text(objectSchema(tool.inputs)))});
}

agent::GraphOp ModuleImporter::subgraph(const Component &flow,
                                        TypeRange inputs) {
  std::vector<const void *> key;
  for (Type type : inputs)
    key.push_back(type.getAsOpaquePointer());
  agent::GraphOp &known = graphs[{&flow, key}];
  if (known)
    return known;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(module->getBody());
  FlowImporter importer(*this, flow);
  agent::GraphOp made =
      importer.run(freshName(flow.name.empty() ? "flow" : flow.name), inputs,
                   /*isPrivate=*/true);
  return graphs[{&flow, key}] = made;
}

void ModuleImporter::addDataClasses() {
  for (const DataClass &one : workflow.demands.classes) {
    SmallVector<llvm::StringRef> zones;
    for (const LocatedName &zone : one.zones)
      zones.push_back(zone.name);
    // The name is the symbol, because labels refer to it.
    usedNames.insert(one.name.name);
    builder.create<agent::DataClassOp>(
        locOf(one.name.place), TypeRange(), ValueRange(),
        ArrayRef<NamedAttribute>{
            builder.getNamedAttr("sym_name", text(one.name.name)),
            builder.getNamedAttr("zones", builder.getStrArrayAttr(zones))});
  }
}

OwningOpRef<ModuleOp> importWorkflow(const Workflow &workflow,
                                     MLIRContext &context) {
  return ModuleImporter(workflow, context).run();
}

} // namespace hetagon
