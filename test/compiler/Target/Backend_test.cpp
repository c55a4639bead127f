// The loader of lowering halves says what it found and where it looked.
#include "compiler/Target/Backend.h"
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

using namespace hetagon::target;

namespace {

std::string errorOf(llvm::StringRef name) {
  auto backend = loadBackend(name);
  if (backend)
    return "";
  return llvm::toString(backend.takeError());
}

bool has(const std::string &text, llvm::StringRef part) {
  return llvm::StringRef(text).contains(part);
}

class LoadBackend : public testing::Test {
protected:
  void SetUp() override {
    setenv("HETAGON_LOWERING_PATH", TEST_PLUGIN_FOLDER ":/nowhere/else", 1);
  }
  void TearDown() override { unsetenv("HETAGON_LOWERING_PATH"); }
};

TEST_F(LoadBackend, NamesTheFoldersSearched) {
  std::string error = errorOf("abacus");
  EXPECT_TRUE(has(error, "no backend 'abacus'")) << error;
  EXPECT_TRUE(has(error, "hetagon-lowering-abacus.so")) << error;
  EXPECT_TRUE(has(error, TEST_PLUGIN_FOLDER)) << error;
  EXPECT_TRUE(has(error, "/nowhere/else")) << error;
  EXPECT_TRUE(has(error, "lib/hetagon/lowering")) << error;
}

TEST_F(LoadBackend, RefusesAPathAsName) {
  EXPECT_TRUE(has(errorOf("../cpu"), "no name of a backend"));
  EXPECT_TRUE(has(errorOf(""), "no name of a backend"));
}

TEST_F(LoadBackend, RefusesAnotherInterfaceVersion) {
  std::string error = errorOf("old");
  EXPECT_TRUE(has(error, "version 0 of the backend interface")) << error;
  EXPECT_TRUE(has(error, "hetagon-lowering-old.so")) << error;
}

TEST_F(LoadBackend, RefusesAnotherLlvm) {
  std::string error = errorOf("stranger");
  EXPECT_TRUE(has(error, "built with LLVM 1.2.3")) << error;
  EXPECT_TRUE(has(error, LLVM_VERSION_STRING)) << error;
}

TEST_F(LoadBackend, RefusesAnotherName) {
  std::string error = errorOf("alias");
  EXPECT_TRUE(has(error, "calls itself 'somebody', not 'alias'")) << error;
}

TEST_F(LoadBackend, RefusesWhatIsNoLibrary) {
  std::string folder = testing::TempDir() + "hetagon-no-library";
  (void)system(("mkdir -p " + folder).c_str());
  std::ofstream(folder + "/hetagon-lowering-text.so") << "not ELF";
  setenv("HETAGON_LOWERING_PATH", folder.c_str(), 1);
  EXPECT_TRUE(has(errorOf("text"), "cannot load backend 'text'"));
}

} // namespace
