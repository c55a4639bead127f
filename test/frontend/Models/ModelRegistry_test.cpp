// models.yaml: entries, replacement, and the place of every mistake.
#include "frontend/Models/ModelRegistry.h"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

using namespace hetagon;

namespace {

std::string write(const std::string &text) {
  std::string path = testing::TempDir() + "models.yaml";
  std::ofstream(path) << text;
  return path;
}

TEST(ModelRegistry, ResolvesEntriesRelativeToTheFile) {
  ModelRegistry registry;
  std::string file = write("models:\n"
                           "  - {id: small, path: weights/small.gguf, "
                           "licence: Apache-2.0}\n"
                           "  - id: other\n"
                           "    path: /models/other\n");
  ASSERT_TRUE(registry.addFile(file).isOk());
  auto small = registry.resolve("small");
  ASSERT_TRUE(small.isOk());
  EXPECT_EQ(std::filesystem::path(testing::TempDir()) / "weights/small.gguf",
            small->path);
  EXPECT_EQ("Apache-2.0", small->licence);
  EXPECT_EQ(2u, small->place.line);
  EXPECT_EQ("/models/other", registry.resolve("other")->path);

  ASSERT_TRUE(registry.addMapping("small=/elsewhere/x=y.gguf").isOk());
  EXPECT_EQ("/elsewhere/x=y.gguf", registry.resolve("small")->path);
  Status unknown = registry.resolve("third").status();
  EXPECT_EQ(Code::NotFound, unknown.code());
  EXPECT_NE(std::string::npos, unknown.message().find("other, small"));
  for (const char *bad : {"", "a", "=p", "a="})
    EXPECT_EQ(Code::InvalidArgument, registry.addMapping(bad).code()) << bad;
}

TEST(ModelRegistry, WildcardsMatchExactlyOnePath) {
  std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / "registry";
  std::filesystem::create_directories(folder / "python3.11");
  ModelRegistry registry;
  std::string pattern = (folder / "python3*").string();
  ASSERT_TRUE(registry.addMapping("m=" + pattern).isOk());
  EXPECT_EQ((folder / "python3.11").string(), registry.resolve("m")->path);
  std::filesystem::create_directories(folder / "python3.12");
  EXPECT_EQ(Code::InvalidArgument, registry.addMapping("m=" + pattern).code());
  EXPECT_EQ(Code::NotFound,
            registry.addMapping("m=" + folder.string() + "/ruby*").code());
  std::filesystem::remove_all(folder);
}

TEST(ModelRegistry, AnEntryWithASourceMayBeAbsent) {
  std::filesystem::path cache =
      std::filesystem::path(testing::TempDir()) / "registry_cache";
  ::setenv("HETAGON_CACHE_HOME", cache.c_str(), 1);
  std::string file =
      write("models:\n"
            "  - {id: ../x y, path: none/*.gguf, source: 'pypi:a-b==1.0'}\n"
            "  - {id: here, path: ., source: 'pypi:a-b==1.0'}\n");
  ModelRegistry registry;
  ASSERT_TRUE(registry.addFile(file).isOk());
  Status absent = registry.resolve("../x y").status();
  EXPECT_EQ(Code::NotFound, absent.code());
  EXPECT_NE(std::string::npos, absent.message().find("hetagon models pull"));
  ASSERT_TRUE(registry.resolve("here").isOk());

  const RegisteredModel &entry = registry.all().at("../x y");
  EXPECT_EQ("a-b==1.0", entry.package());
  // The id cannot lead out of the cache.
  EXPECT_EQ(cache / "models",
            std::filesystem::path(entry.fetchedFolder).parent_path());
  EXPECT_NE(entry.fetchedFolder, registry.all().at("here").fetchedFolder);
  std::filesystem::create_directories(entry.fetchedFolder);
  ModelRegistry again;
  ASSERT_TRUE(again.addFile(file).isOk());
  EXPECT_EQ(entry.fetchedFolder, again.resolve("../x y")->path);
  std::filesystem::remove_all(cache);
  ::unsetenv("HETAGON_CACHE_HOME");
}

TEST(ModelRegistry, LocatesMistakes) {
  struct Case {
    const char *text;
    uint32_t line, column;
    const char *mention;
  };
  for (const Case &bad :
       {Case{"models:\n  - {id: a, path: b, size: 3}\n", 2, 22, "size"},
        {"models:\n  - {id: a}\n", 2, 5, "path"},
        {"models:\n  - a\n", 2, 5, "map"},
        {"models: 3\n", 1, 9, "list"},
        {"modles: []\n", 1, 1, "models"},
        {"- a\n", 1, 1, "map"},
        {"models:\n  - {id: a, path: b}\n  - {id: a, path: c}\n", 3, 5,
         "twice"},
        {"models:\n  - {id: a, id: b, path: c}\n", 2, 13, "twice"},
        {"models:\n  - {id: a, path: [b]}\n", 2, 13, "text"},
        {"models:\n  - {id: a, source: pip}\n", 2, 21, "pypi:"},
        {"models:\n  - {id: a, source: 'pypi:-r==x'}\n", 2, 21, "pypi:"},
        {"models:\n  - {id: a, source: 'pypi:a b==1'}\n", 2, 21, "pypi:"},
        {"models:\n  - {id: a, source: 'pypi:a==1 --x'}\n", 2, 21, "pypi:"},
        {"models:\n  - {id: a, source: 'pypi:a>=1'}\n", 2, 21, "pypi:"},
        {"models:\n  - {id: a, source: 'https://h/x'}\n", 2, 5, "sha256"},
        {"models:\n  - {id: a, source: 'pypi:a==1', sha256: 12}\n", 2, 42,
         "64"},
        {"models:\n  - {id: a, path: b, sha256: 12}\n", 2, 5, "source"},
        {"models: [\n", 2, 1, "YAML"}}) {
    ModelRegistry registry;
    Status status = registry.addFile(write(bad.text));
    ASSERT_FALSE(status.isOk()) << bad.text;
    EXPECT_NE(std::string::npos, status.message().find(bad.mention))
        << status.str();
    ASSERT_TRUE(status.place()) << status.str();
    EXPECT_EQ(bad.line, status.place()->line) << status.str();
    EXPECT_EQ(bad.column, status.place()->column) << status.str();
  }
  EXPECT_EQ(Code::NotFound,
            ModelRegistry().addFile(testing::TempDir() + "none.yaml").code());
}

} // namespace
