// hetagon-compile: the command line.
#include "tools/CommandLine.h"
#include "tools/hetagon-compile/Commands.h"

using namespace hetagon::compile;

namespace {

void addModelOptions(CLI::App &app, ModelOptions &options) {
  app.add_option("--models", options.registries,
                 "A models.yaml that says where models are (repeatable)");
  app.add_option("--model-map", options.mappings,
                 "Where a model is: ID=PATH (repeatable)");
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"Compiles workflows and models to Hetagon plans."};
  app.name("hetagon-compile");
  app.require_subcommand(1);

  ModelCommand modelCommand;
  auto *modelApp =
      app.add_subcommand("model", "Makes a plan that holds one model");
  modelApp->add_option("model", modelCommand.model, "Model id, file or folder")
      ->required();
  modelApp->add_option("-o", modelCommand.output, "The plan's file")
      ->required();
  modelApp->add_option(
      "--backend", modelCommand.backend,
      "Backend to run on (default: the first that devices lists)");
  modelApp->add_flag("--json", modelCommand.json, "Prints the summary as JSON");
  addModelOptions(*modelApp, modelCommand.models);

  FlowCommand flowCommand;
  auto *flowApp = app.add_subcommand("flow", "Compiles a workflow to a plan");
  flowApp
      ->add_option("flow", flowCommand.flow,
                   "Agent Spec file, its folder, or .mlir of any stage")
      ->required();
  flowApp->add_option("-o", flowCommand.output, "The plan's file");
  flowApp->add_option("--requirements", flowCommand.requirements,
                      "A file of requirements beside those of the flow");
  flowApp->add_option("--devices", flowCommand.devices,
                      "A devices.yaml: endpoints and configured devices");
  flowApp->add_option("--pin", flowCommand.pins,
                      "Runs a node on a device: NODE=DEVICE (repeatable)");
  flowApp->add_option("--forbid", flowCommand.forbidden,
                      "A device that nothing may run on (repeatable)");
  flowApp->add_option("--artefact", flowCommand.artefacts,
                      "The file of an index: ID=PATH (repeatable)");
  flowApp->add_option("--emit", flowCommand.emit,
                      "Prints the IR of a stage instead: agent, task, nn");
  flowApp->add_flag("--needs", flowCommand.needs,
                    "Prints the models and indexes that are needed, as JSON");
  flowApp->add_flag("--json", flowCommand.json, "Prints the summary as JSON");
  addModelOptions(*flowApp, flowCommand.models);

  CheckCommand checkCommand;
  auto *checkApp =
      app.add_subcommand("check", "Checks a workflow; needs no models");
  checkApp->add_option("flow", checkCommand.flow, "Agent Spec file or folder")
      ->required();
  checkApp->add_option("--requirements", checkCommand.requirements,
                       "A file of requirements beside those of the flow");
  checkApp->add_flag("--json", checkCommand.json,
                     "Prints the findings as JSON");

  hetagon::oneValueEach(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? exitOk : exitUsage;
  }
  if (modelApp->parsed())
    return compileModel(modelCommand);
  if (checkApp->parsed())
    return checkFlow(checkCommand);
  if (flowCommand.output.empty() && flowCommand.emit.empty() &&
      !flowCommand.needs) {
    std::cerr << "error: -o PLAN is needed\n";
    return exitUsage;
  }
  return compileFlow(flowCommand);
}
