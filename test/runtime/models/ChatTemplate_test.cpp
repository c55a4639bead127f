// Templates against what jinja2 renders, and against bounds and hostile input.
#include "runtime/base/File.h"
#include "runtime/models/ChatTemplate.h"
#include "test/runtime/models/TokenizerCases.h"
#include <chrono>
#include <gtest/gtest.h>
#include <random>

namespace hetagon {
namespace {

StatusOr<std::string> render(std::string_view source, const Json &variables,
                             RenderOptions options = {}) {
  HETAGON_ASSIGN_OR_RETURN(ChatTemplate parsed, ChatTemplate::parse(source));
  return parsed.render(variables, options);
}

std::vector<Json> cases() {
  auto text = readFile(HETAGON_TEST_DATA "/models/templates.jsonl");
  EXPECT_TRUE(text.isOk()) << text.status().str();
  std::vector<Json> lines;
  for (size_t at = 0; text.isOk() && at < text->size();) {
    size_t end = text->find('\n', at);
    lines.push_back(
        *parseJson(std::string_view(*text).substr(at, end - at), "cases"));
    at = end + 1;
  }
  return lines;
}

TEST(ChatTemplate, EqualsJinja2) {
  RenderOptions options;
  options.now = 1753660800; // as in make_template_cases.py
  size_t rendered = 0, failing = 0;
  for (const Json &each : cases()) {
    std::string source = each["template"];
    auto got = render(source, each["variables"], options);
    if (each.contains("fails")) {
      ++failing;
      ASSERT_FALSE(got.isOk()) << source << "\n" << *got;
      ASSERT_TRUE(got.status().place()) << source;
      EXPECT_GT(got.status().place()->line, 0u) << source;
      EXPECT_GT(got.status().place()->column, 0u) << source;
      continue;
    }
    ++rendered;
    ASSERT_TRUE(got.isOk()) << source << "\n" << got.status().str();
    EXPECT_EQ(*got, each["rendered"].get<std::string>())
        << source.substr(0, 200);
  }
  EXPECT_GE(rendered, 90u);
  EXPECT_GE(failing, 15u);
}

TEST(ChatTemplate, ErrorsSayWhere) {
  auto status = render("a\n {{ x.y }}", Json::object()).status();
  EXPECT_EQ(status.str(), "chat template:2:6: 'y' of an undefined value");
  status = render("{% if a %}\n{% endfor %}", Json::object()).status();
  ASSERT_TRUE(status.place());
  EXPECT_EQ(status.place()->line, 2u);
  status =
      render("{{ raise_exception('odd roles') }}", Json::object()).status();
  EXPECT_EQ(status.message(), "odd roles");
}

/// Renders within a second, whatever the outcome.
void expectBounded(const std::string &source, bool mayRender = false) {
  auto start = std::chrono::steady_clock::now();
  auto got = render(source, Json::object());
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (!mayRender)
    EXPECT_FALSE(got.isOk()) << source.substr(0, 200);
  if (!test::underSanitizer)
    EXPECT_LT(took.count(), 1.0) << source.substr(0, 200);
}

std::string repeat(std::string_view text, size_t times) {
  std::string out;
  for (; times > 0; --times)
    out += text;
  return out;
}

TEST(ChatTemplate, HostileTemplatesAreBounded) {
  expectBounded(repeat("{% if x %}", 100000));
  expectBounded("{{ " + repeat("(", 100000) + "1" + repeat(")", 100000) +
                " }}");
  expectBounded("{{ " + repeat("[", 100000) + repeat("]", 100000) + " }}");
  expectBounded("{{ " + repeat("not ", 100000) + "1 }}");
  expectBounded("{{ " + repeat("-", 100000) + "1 }}");
  expectBounded("{{ 1" + repeat("+1", 100000) + " }}");
  expectBounded("{{ x" + repeat("|trim", 100000) + " }}");
  expectBounded("{{ x" + repeat(".a", 100000) + " }}");
  expectBounded("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
  expectBounded("{{ 'a' * 1000000000000 }}");
  expectBounded("{% set n = namespace(s='aaaaaaaa') %}{% for i in range(100) %}"
                "{% set n.s = n.s + n.s %}{% endfor %}");
  expectBounded("{% set n = namespace(s=[1]) %}{% for i in range(100) %}"
                "{% set n.s = n.s + n.s %}{% endfor %}");
  expectBounded("{% set n = namespace(s=[]) %}{% for i in range(100000) %}"
                "{% set n.s = [n.s] %}{% endfor %}");
  expectBounded("{% set n = namespace() %}{% set n.n = n %}");
  expectBounded("{% for a in range(99999) %}{% for b in range(99999) %}"
                "{% endfor %}{% endfor %}");
  expectBounded("{{ range(1000000000000) }}");
  expectBounded("{% set n = namespace(s='a') %}{% for i in range(20) %}"
                "{% set n.s = n.s | replace('a', 'aaaaaaaa') %}{% endfor %}");
  expectBounded("{{ 9223372036854775807 + 1 }}");
  expectBounded("{{ (0 - 9223372036854775807 - 1) // -1 }}");
  expectBounded("{{ 99999999999999999999 }}");
  expectBounded("{{ strftime_now('%" + repeat("9", 150) + "Y') }}", true);
  expectBounded(std::string(5 << 20, 'x'));
  expectBounded("{% set n = namespace(d={}) %}{% for i in range(90) %}"
                "{% set n.d = [n.d, n.d] %}{% endfor %}{{ n.d | tojson }}");
  expectBounded("{% set n = namespace(d=[]) %}{% for i in range(90) %}"
                "{% set n.d = [n.d, n.d] %}{% endfor %}{{ n.d == [n.d] }}");
}

TEST(ChatTemplate, MutatedTemplatesNeverCrash) {
  std::mt19937 rng(3);
  std::vector<Json> all = cases();
  for (int round = 0; round < 3000; ++round) {
    const Json &each = all[rng() % all.size()];
    std::string source = each["template"];
    for (size_t edits = 1 + rng() % 4; edits > 0 && !source.empty(); --edits) {
      size_t at = rng() % source.size();
      switch (rng() % 3) {
      case 0:
        source[at] = char(rng());
        break;
      case 1:
        source.erase(at, 1 + rng() % 5);
        break;
      default:
        source.insert(at, source.substr(rng() % source.size(), rng() % 20));
      }
    }
    auto got = render(source, each["variables"]);
    if (!got.isOk())
      EXPECT_FALSE(got.status().message().empty());
  }
}

} // namespace
} // namespace hetagon
