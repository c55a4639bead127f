// hetagon-compile: the command line.
#include "tools/hetagon-compile/Commands.h"
#include <CLI/CLI.hpp>

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
  modelApp->add_option("--backend", modelCommand.backend,
                       "Backend to run on (default: cpu)");
  modelApp->add_flag("--json", modelCommand.json, "Prints the summary as JSON");
  addModelOptions(*modelApp, modelCommand.models);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? exitOk : exitUsage;
  }
  return compileModel(modelCommand);
}
