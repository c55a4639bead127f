// SHA-256 against the vectors of FIPS 180-2, appendix B.
#include "runtime/base/Sha256.h"
#include <gtest/gtest.h>

using namespace hetagon;

TEST(Sha256, KnownVectors) {
  EXPECT_EQ(hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(
      hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, TextRoundTrip) {
  Digest digest = sha256("x");
  EXPECT_EQ(parseDigest(hex(digest)), digest);
  EXPECT_FALSE(parseDigest("abc"));
  EXPECT_FALSE(parseDigest(std::string(64, 'g')));
}
