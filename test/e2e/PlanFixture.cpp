// Compiling and opening plans for tests.
#include "test/e2e/PlanFixture.h"
#include "runtime/base/File.h"
#include "runtime/plan/Artefacts.h"
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace hetagon::test {

namespace fs = std::filesystem;

std::string modelPath(const std::string &package) {
  const char *venv = std::getenv("HETAGON_TOOLS_VENV");
  std::error_code error;
  if (venv && *venv)
    for (const auto &python :
         fs::directory_iterator(std::string(venv) + "/lib", error))
      if (fs::exists(python.path() / "site-packages" / package, error))
        return (python.path() / "site-packages" / package).string();
  return {};
}

std::unique_ptr<PlanRuntime> openModel(const std::string &model,
                                       const std::string &backend,
                                       uint32_t threads, uint32_t chunkTokens) {
  static const std::string folder = [] {
    std::string made =
        testing::TempDir() + "hetagon-e2e-" + std::to_string(::getpid());
    fs::create_directories(made);
    ::setenv("HETAGON_CONFIG_HOME", made.c_str(), 1);
    ::setenv("HETAGON_CACHE_HOME", made.c_str(), 1);
    return made;
  }();
  std::string bin = std::string(std::getenv("HETAGON_BUILD_DIR")) + "/bin/";
  std::string plan =
      folder + "/" + fs::path(model).filename().string() + "." + backend;
  if (!fs::exists(plan)) {
    std::string command = bin + "hetagon-compile model '" + model +
                          "' --backend " + backend + " -o '" + plan +
                          "' > /dev/null";
    if (std::system(command.c_str()) != 0) {
      ADD_FAILURE() << "failed: " << command;
      return nullptr;
    }
  }
  auto file = plan::PlanFile::open(plan);
  if (!file.isOk()) {
    ADD_FAILURE() << file.status().str();
    return nullptr;
  }
  plan::ArtefactPlaces places;
  places.cacheFolder = folder;
  auto finder = std::make_shared<plan::ArtefactFinder>(std::move(places));
  RuntimeOptions options;
  options.workers = threads;
  options.chunkTokens = chunkTokens;
  options.artefactPath = [finder](const plan::fb::Artefact &artefact) {
    return finder->find(artefact);
  };
  auto runtime = PlanRuntime::open(*file, std::move(options));
  if (!runtime.isOk()) {
    ADD_FAILURE() << runtime.status().str();
    return nullptr;
  }
  return std::move(*runtime);
}

std::vector<GoldenPrompt> goldenPrompts() {
  std::vector<GoldenPrompt> prompts;
  std::ifstream file(HETAGON_TEST_DATA "/models/smollm2-135m-f32-greedy.jsonl");
  for (std::string line; std::getline(file, line);) {
    auto json = parseJson(line, "golden");
    if (!json.isOk() || !json->contains("prompt_tokens"))
      continue;
    prompts.push_back({printJson((*json)["prompt"]),
                       (*json)["prompt_tokens"].get<std::vector<int32_t>>(),
                       (*json)["tokens"].get<std::vector<int32_t>>()});
  }
  return prompts;
}

} // namespace hetagon::test
