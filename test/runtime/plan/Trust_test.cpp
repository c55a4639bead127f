// Trust: a plan from elsewhere is refused until its digest is recorded, named
// or signed, and the trust file cannot be half written or forged by a label.
#include "runtime/base/File.h"
#include "runtime/plan/Trust.h"
#include "test/runtime/plan/SamplePlan.h"
#include <filesystem>
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>
#include <thread>

using namespace hetagon;
using namespace hetagon::plan;

namespace {

class Trust : public testing::Test {
protected:
  void SetUp() override {
    folder = testing::TempDir() + "trust_" +
             testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder);
    auto read = PlanFile::fromBytes(
        samples::write(samples::encoderSample()).bytes, "p.plan");
    ASSERT_TRUE(read.isOk());
    plan = *read;
  }
  TrustStore load() {
    auto store = TrustStore::load(folder);
    EXPECT_TRUE(store.isOk()) << store.status().str();
    return std::move(*store);
  }
  Status check(const std::string &signature = "") {
    return checkTrust(*plan, load(), {}, signature).status();
  }
  std::string folder;
  std::shared_ptr<const PlanFile> plan;
};

TEST_F(Trust, RefusesUntilRecorded) {
  Status status = check();
  EXPECT_EQ(status.code(), Code::PermissionDenied);
  EXPECT_NE(status.message().find("--trust " + hex(plan->digest())),
            std::string::npos);
  TrustStore store = load();
  ASSERT_TRUE(store.record(TrustKind::Plan, plan->digest(), "my flow").isOk());
  EXPECT_TRUE(check().isOk());
  const TrustEntry *entry = load().find(TrustKind::Plan, plan->digest());
  ASSERT_TRUE(entry);
  EXPECT_EQ(load().find(TrustKind::Tool, plan->digest()), nullptr);
  struct stat info;
  ASSERT_EQ(::stat(store.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Trust, AnEditedPlanIsAnotherPlan) {
  TrustStore store = load();
  ASSERT_TRUE(store.record(TrustKind::Plan, plan->digest(), "flow").isOk());
  std::vector<uint8_t> bytes = samples::write(samples::encoderSample()).bytes;
  bytes[4096] ^= 1;
  auto edited = PlanFile::fromBytes(*redigest(bytes), "edited");
  ASSERT_TRUE(edited.isOk());
  EXPECT_FALSE(checkTrust(**edited, store, {}, "").isOk());
  Digest named = (*edited)->digest();
  EXPECT_TRUE(checkTrust(**edited, store, {&named, 1}, "").isOk());
}

TEST_F(Trust, SignaturesOfKnownKeysCount) {
  ASSERT_GE(sodium_init(), 0);
  Digest publicKey;
  std::array<uint8_t, crypto_sign_SECRETKEYBYTES> secretKey;
  crypto_sign_keypair(publicKey.data(), secretKey.data());
  std::array<uint8_t, crypto_sign_BYTES> signature;
  std::string text = signedText(plan->digest());
  crypto_sign_detached(signature.data(), nullptr,
                       reinterpret_cast<const uint8_t *>(text.data()),
                       text.size(), secretKey.data());
  std::string signatureHex;
  for (uint8_t byte : signature)
    signatureHex += std::string(1, "0123456789abcdef"[byte >> 4]) +
                    "0123456789abcdef"[byte & 15];
  std::filesystem::create_directories(folder);
  std::string path = folder + "/p.plan.sig";
  ASSERT_TRUE(writeFileAtomically(path, "ed25519 " + hex(publicKey) + " " +
                                            signatureHex + "\n")
                  .isOk());
  EXPECT_FALSE(check(path).isOk()); // nobody knows the key
  ASSERT_TRUE(writeFileAtomically(folder + "/trust",
                                  "ed25519 " + hex(publicKey) +
                                      " key 2026-01-01 build server\n",
                                  FileAccess::Private)
                  .isOk());
  EXPECT_TRUE(check(path).isOk()) << check(path).str();
  signatureHex[5] = signatureHex[5] == '0' ? '1' : '0';
  ASSERT_TRUE(writeFileAtomically(path, "ed25519 " + hex(publicKey) + " " +
                                            signatureHex + "\n")
                  .isOk());
  EXPECT_FALSE(check(path).isOk());
}

TEST_F(Trust, RefusesFilesThatOthersMayWriteAndLinesItDoesNotKnow) {
  TrustStore store = load();
  ASSERT_TRUE(store.record(TrustKind::Tool, plan->digest(), "a\nb").isOk());
  EXPECT_TRUE(TrustStore::load(folder).isOk());
  ASSERT_EQ(::chmod(store.path().c_str(), 0620), 0);
  EXPECT_EQ(TrustStore::load(folder).status().code(), Code::PermissionDenied);
  ASSERT_TRUE(writeFileAtomically(store.path(), "# x\nsha256 abc plan d\n",
                                  FileAccess::Private)
                  .isOk());
  auto broken = TrustStore::load(folder);
  ASSERT_FALSE(broken.isOk());
  EXPECT_EQ(broken.status().place()->line, 2u);
}

TEST_F(Trust, RecordsOfSeveralWritersAllStay) {
  constexpr int writers = 8, each = 20;
  std::vector<std::thread> threads;
  for (int w = 0; w < writers; ++w)
    threads.emplace_back([&, w] {
      TrustStore store = *TrustStore::load(folder);
      for (int i = 0; i < each; ++i)
        EXPECT_TRUE(store
                        .record(TrustKind::Plan,
                                sha256(std::to_string(w * each + i)), "x")
                        .isOk());
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(load().entries().size(), size_t(writers * each));
}

TEST(CommandDigest, TellsCommandsApart) {
  EXPECT_EQ(digestOfCommand({"a", "b"}, {{"K", "v"}}),
            digestOfCommand({"a", "b"}, {{"K", "v"}}));
  EXPECT_NE(digestOfCommand({"a", "b"}, {}), digestOfCommand({"a b"}, {}));
  EXPECT_NE(digestOfCommand({"a", "b"}, {}),
            digestOfCommand({"a"}, {{"b", ""}}));
}

} // namespace
