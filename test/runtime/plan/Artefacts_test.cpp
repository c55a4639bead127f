// Artefacts are found by digest, hashed once, and refused when they differ.
#include "runtime/plan/Artefacts.h"
#include <filesystem>
#include <gtest/gtest.h>

using namespace hetagon;
using namespace hetagon::plan;

namespace {

class Artefacts : public testing::Test {
protected:
  void SetUp() override {
    folder = testing::TempDir() + "artefacts_" +
             testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder + "/plan/sub");
    places.cacheFolder = folder + "/cache";
    places.planFolder = folder + "/plan";
  }
  std::string put(const std::string &name, const std::string &text) {
    std::string path = folder + "/" + name;
    EXPECT_TRUE(writeFileAtomically(path, text).isOk());
    return path;
  }
  StatusOr<std::string> find(const std::string &content,
                             const std::string &source) {
    flatbuffers::FlatBufferBuilder builder;
    Digest digest = sha256(content);
    builder.Finish(fb::CreateArtefactDirect(
        builder, "w", fb::ArtefactKind::weights,
        std::make_unique<std::vector<uint8_t>>(digest.begin(), digest.end())
            .get(),
        content.size(), source.c_str()));
    return ArtefactFinder(places).find(
        *flatbuffers::GetRoot<fb::Artefact>(builder.GetBufferPointer()));
  }
  std::string folder;
  ArtefactPlaces places;
};

TEST_F(Artefacts, AreFoundWhereTheyAreGivenCachedOrHinted) {
  EXPECT_EQ(find("text", "file:sub/w").status().code(), Code::NotFound);
  std::string hinted = put("plan/sub/w", "text");
  EXPECT_EQ(*find("text", "file:sub/w"), hinted);
  std::string bytes = "text";
  ASSERT_TRUE(cacheArtefact(places.cacheFolder, sha256(bytes),
                            {reinterpret_cast<const uint8_t *>(bytes.data()),
                             bytes.size()})
                  .isOk());
  EXPECT_EQ(*find("text", "file:sub/w"),
            places.cacheFolder + "/artefacts/" + hex(sha256(bytes)));
  places.given["w"] = put("mine", "text");
  EXPECT_EQ(*find("text", "file:sub/w"), places.given["w"]);
  places.given.clear();
  places.packageFolders = {folder + "/nothing", folder + "/plan"};
  put("plan/sub/v", "other");
  EXPECT_EQ(*find("other", "pypi:sub/v"), folder + "/plan/sub/v");
}

TEST_F(Artefacts, OfOtherContentAreRefused) {
  put("plan/sub/w", "text");
  Status status = find("TEXT", "file:sub/w").status();
  EXPECT_EQ(status.code(), Code::DataLoss);
  EXPECT_NE(status.message().find(hex(sha256("text"))), std::string::npos);
  EXPECT_NE(status.message().find(hex(sha256("TEXT"))), std::string::npos);
  EXPECT_NE(status.message().find("--artefact w=PATH"), std::string::npos);
  places.given["w"] = put("mine", "texts");
  EXPECT_EQ(find("text", "").status().code(), Code::DataLoss);
}

TEST_F(Artefacts, HintsStayBelowTheirFolder) {
  put("outside", "text");
  EXPECT_EQ(find("text", "file:../outside").status().code(), Code::NotFound);
  EXPECT_EQ(find("text", "file:sub/../../outside").status().code(),
            Code::NotFound);
  EXPECT_EQ(find("text", "file:" + folder + "/outside").status().code(),
            Code::NotFound);
}

TEST_F(Artefacts, DigestsAreRememberedWhileTheFileStays) {
  std::string path = put("w", "text");
  FileDigests digests(places.cacheFolder);
  auto hash = [&] { return hex(*digests.digestOf(**MappedFile::open(path))); };
  EXPECT_EQ(hash(), hex(sha256("text")));
  // A pin that lies shows that it, not the file, is what is read.
  std::string pins = *readFile(places.cacheFolder + "/pins");
  size_t at = pins.find(hex(sha256("text")));
  ASSERT_NE(at, std::string::npos);
  pins.replace(at, 64, hex(sha256("lie")));
  put("cache/pins", pins);
  EXPECT_EQ(hash(), hex(sha256("lie")));
  put("w", "TEXT"); // another inode: hashed anew
  EXPECT_EQ(hash(), hex(sha256("TEXT")));
  for (const char *corrupt :
       {"", "hetagon pins 2\n", "\xff\xfe", "hetagon pins 1\nabc 1 2 3 4\n",
        "hetagon pins 1\n 1 2"}) {
    put("cache/pins", corrupt);
    EXPECT_EQ(hash(), hex(sha256("TEXT")));
  }
}

} // namespace
