// From a placed module to a plan: steps, services, reasons and code, and what
// is refused when something is missing.
#include "compiler/Emit/EmitPlan.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "runtime/plan/Explain.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace hetagon;

namespace {

constexpr const char *program = R"mlir(
!kv = !nn.kv<layers = 1, kv_heads = 1, head_dim = 4, page_tokens = 8, format = f32>
nn.func @chat.step(%tokens: tensor<?xi32>, %positions: tensor<?xi32>, %row_seq: tensor<?xi32>,
                   %page_table: tensor<?x?xi32>, %out_rows: tensor<?xi32>, %kv: !kv)
    -> (%logits: tensor<?x16xf32>) kind decoder artefact "chat.weights" {
  %table = nn.weight "table" : tensor<16x4xf32>
  %freq = nn.constant dense<[1.0, 0.1]> : tensor<2xf32>
  %x = nn.embedding %tokens, %table : tensor<16x4xf32> -> tensor<?x4xf32>
  %k = nn.rope half %x, %positions, %freq head_dim 4 scale 1.0 : tensor<?x4xf32>, tensor<2xf32>
  %kv1 = nn.kv_append %k, %x, %kv, %row_seq, %positions, %page_table layer 0 : tensor<?x4xf32>, !kv
  %a = nn.attention %k, %kv1, %row_seq, %positions, %page_table layer 0 heads 1 scale 0.5 window 0 : tensor<?x4xf32>, !kv
  %o = nn.gather_rows %a, %out_rows : tensor<?x4xf32>
  %l = nn.linear %o, %table : tensor<?x4xf32>, tensor<16x4xf32> -> tensor<?x16xf32>
  nn.return %l : tensor<?x16xf32>
}
)mlir";

constexpr const char *tables = R"mlir(
task.system {
  task.device "host" backend "reference" zone "this-machine" trust "own" {config = "{\"threads\": 1}"}
  task.device "unused" backend "cpu" zone "this-machine" trust "own"
  task.device "cloud" backend "remote" zone "eu" trust "contract"
    {endpoint = #task.endpoint<url = "https://example.invalid/v1", model = "m", secret = "KEY",
                               price_per_million_input = 0.25 : f64>}
}
task.resource @clock
task.data_class @confidential zones ["this-machine"]
task.artefact @chat.weights weights
  {sha256 = "0101010101010101010101010101010101010101010101010101010101010101", size = 17 : i64, source = "pypi:w"}
task.artefact @corpus.index index
  {sha256 = "0202020202020202020202020202020202020202020202020202020202020202", data_class = @confidential}
task.tool @now named "get_current_time" server "time" command ["server", "-v"]
  {environment = {LANG = "C"}, pass_environment = ["TZ"], secrets = {TOKEN = "t"}, input_schema = "{}"}
)mlir";

constexpr const char *services = R"mlir(
task.service @chat decoder model "small-chat"
  {program = @chat.step, artefact = @chat.weights, device = "host", context_tokens = 64 : i64, max_rows = 16 : i64,
   vocabulary = 16 : i64, parameters = 64 : i64, weight_bytes = 256 : i64,
   kv = #task.kv_cache<layers = 1, kv_heads = 1, head_dim = 4, page_tokens = 8, format = "f32">,
   tokenizer = #task.tokenizer<artefact = @chat.weights, algorithm = "byte-bpe", split_patterns = ["\\p{N}"],
                               options = {whole_piece_first = "true"}, chat_template = "t", add_bos = true,
                               stop_tokens = [2]>}
task.service @big endpoint model "big" {device = "cloud"}
)mlir";

constexpr const char *graphs = R"mlir(
task.graph @flow("question" %question: !agent.text, "list" %list: !agent.list<!agent.text>)
    -> ("answer": !agent.stream<!agent.text>, "all": !agent.list<!agent.text>) {
  %zone = task.constant "zone" value "UTC" : !agent.text
  %now = task.tool_call "clock" @now("timezone" = %zone : !agent.text) -> !agent.json
    effects <reads = [@clock], writes = []> {timeout_ms = 500 : i64, retries = 1 : i64}
  %wild = task.tool_call "wild" @now() -> !agent.text {after = ["clock"]}
  %m = task.render "answer.prompt" system "Be brief." template "{{now}} {{q}}"
    ("now" = %now : !agent.json, "q" = %question : !agent.text) : !agent.message
  %a = task.generate "answer" @chat %m : !agent.message max_tokens 64 temperature 0.7 seed_key "a"
    -> !agent.stream<!agent.text> loc("flow.yaml":7:3)
  %all = task.map "each" @body over ["item"] ("item" = %list : !agent.list<!agent.text>) parallel 2
    -> ("reply": !agent.list<!agent.text>)
  %r = task.branch "which" on %question : !agent.text ("item" = %question : !agent.text)
    cases ["angry", "other"] graphs [@body, @body] default "other" -> ("reply": !agent.text)
  task.require "r0" "ttft" max 800.0 "ms" at "p95" soft weight 2.0 node "answer"
    on (first %a : !agent.stream<!agent.text>)
    predicted <value = 120.0 : f64, unit = "ms", rung = analytic, basis = "roofline">
  task.objective minimize "cost"
  task.output %a, %all : !agent.stream<!agent.text>, !agent.list<!agent.text>
}
task.graph private @body("item" %item: !agent.text) -> ("reply": !agent.text) {
  %g = task.generate "reply" @big %item : !agent.text max_tokens 8 -> !agent.text
  task.output %g : !agent.text
}
task.scenario @primary {
  task.place "answer" on "host" why "pinned" rejected ["unused: no code"]
}
)mlir";

class Emit : public testing::Test {
protected:
  Emit() {
    context
        .loadDialect<task::TaskDialect, agent::AgentDialect, nn::NnDialect>();
  }

  FailureOr<plan::WrittenPlan> emitText(const std::string &text) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    if (!module) {
      ADD_FAILURE() << "the module does not parse";
      return failure();
    }
    emit::PluginLowering plugins;
    return emit::emitPlan(*module, {"hetagon test", sha256("flow")}, plugins);
  }

  /// The first error of an emission that fails, with its notes.
  std::string refusal(const std::string &text) {
    std::string said;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      said += diagnostic.str() + "\n";
      for (Diagnostic &note : diagnostic.getNotes())
        said += note.str() + "\n";
      return success();
    });
    EXPECT_TRUE(failed(emitText(text)));
    return said;
  }

  MLIRContext context;
};

std::string whole() {
  return std::string(program) + tables + services + graphs;
}

/// `text` with the one occurrence of `from` replaced.
std::string with(std::string text, const std::string &from,
                 const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST_F(Emit, TheWholeModuleStandsInThePlan) {
  auto written = emitText(whole());
  ASSERT_TRUE(succeeded(written));
  auto read = plan::PlanFile::fromBytes(written->bytes, "p");
  ASSERT_TRUE(read.isOk()) << read.status().str();
  Json json = plan::explainJson(**read, "")["plan"];
  EXPECT_EQ(json["flow"], "flow");
  EXPECT_EQ(json["flow_sha256"], hex(sha256("flow")));
  ASSERT_EQ(json["devices"].size(), 2u); // those in use
  EXPECT_EQ(json["devices"][0]["config"], "{\"threads\": 1}");
  EXPECT_EQ(json["artefacts"][1]["confidentiality"], "confidential");
  EXPECT_EQ(json["objective"], "minimize cost");

  Json &chat = json["services"][0];
  EXPECT_EQ(chat["kind"], "decoder");
  EXPECT_EQ(chat["kv"]["page_bytes"], 2 * 4 * 8 * 4);
  EXPECT_EQ(chat["tokenizer"]["options"][0]["key"], "whole_piece_first");
  EXPECT_EQ(chat["step"]["commands"].size(), 6u);
  EXPECT_EQ(chat["executables"][0]["format"], "reference-ops");
  EXPECT_EQ(json["services"][1]["endpoint"]["zone"], "eu");
  EXPECT_EQ(json["services"][1]["endpoint"]["price_per_million_input"], 0.25);

  Json &steps = json["graphs"][0]["steps"];
  std::vector<std::string> names;
  for (const Json &step : steps)
    names.push_back(step["name"]);
  EXPECT_EQ(names, (std::vector<std::string>{
                       "zone", "clock", "wild", "answer.prompt", "answer",
                       "each", "which", "output.answer", "output.all"}));
  EXPECT_EQ(steps[1]["timeout_ms"], 500);
  EXPECT_EQ(steps[1]["effects"][0]["resource"], "clock");
  EXPECT_EQ(steps[1]["effects"][0]["write"], false);
  EXPECT_EQ(steps[2]["effects"][0]["resource"], "world");
  EXPECT_EQ(steps[2]["after"][0], 1);
  EXPECT_EQ(steps[4]["location"]["line"], 7);
  EXPECT_EQ(steps[4]["outputs"][0]["type"], "stream<text>");
  EXPECT_EQ(steps[4]["attributes"][1]["value"], "0.7");
  EXPECT_EQ(steps[5]["graphs"][0], 1);
  EXPECT_EQ(steps[7]["attributes"][1]["key"], "stream");
  EXPECT_EQ(json["requirements"][0]["predicted"]["value"], 120.0);
  EXPECT_EQ(json["requirements"][0]["soft"], true);
  EXPECT_EQ(json["scenarios"][0]["placements"][0]["rejected"][0],
            "unused: no code");
}

TEST_F(Emit, TheSameModuleGivesTheSameBytes) {
  auto one = emitText(whole());
  auto other = emitText(whole());
  ASSERT_TRUE(succeeded(one) && succeeded(other));
  EXPECT_EQ(one->bytes, other->bytes);
  // A change of the program changes the plan.
  auto changed =
      emitText(with(whole(), "dense<[1.0, 0.1]>", "dense<[1.0, 0.2]>"));
  ASSERT_TRUE(succeeded(changed));
  EXPECT_NE(one->digest, changed->digest);
}

TEST_F(Emit, SaysWhatIsMissing) {
  EXPECT_NE(refusal(with(whole(), "program = @chat.step, ", ""))
                .find("--model-map small-chat=PATH"),
            std::string::npos);
  EXPECT_NE(refusal(with(whole(), "device = \"host\", ", ""))
                .find("a scenario must be applied"),
            std::string::npos);
  EXPECT_NE(
      refusal(with(whole(), "task.graph @flow", "task.graph private @flow"))
          .find("no public task.graph"),
      std::string::npos);
  EXPECT_NE(
      refusal(with(whole(),
                   "{sha256 = \"0202020202020202020202020202020202020202020"
                   "202020202020202020202\", data_class = @confidential}",
                   "{data_class = @confidential}"))
          .find("--artefact ID=PATH"),
      std::string::npos);
  EXPECT_NE(refusal(whole() + "task.graph @second() -> () { task.output }")
                .find("a second public graph"),
            std::string::npos);
}

} // namespace
