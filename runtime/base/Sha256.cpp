// SHA-256 through libsodium.
#include "runtime/base/Sha256.h"
#include <sodium.h>

namespace hetagon {

static_assert(crypto_hash_sha256_BYTES == std::tuple_size_v<Digest>);

Digest sha256(std::span<const uint8_t> bytes) {
  Digest digest;
  crypto_hash_sha256(digest.data(), bytes.data(), bytes.size());
  return digest;
}

Digest sha256(std::string_view text) {
  return sha256(
      std::span(reinterpret_cast<const uint8_t *>(text.data()), text.size()));
}

std::string hex(const Digest &digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::optional<Digest> parseDigest(std::string_view text) {
  Digest digest;
  if (text.size() != 2 * digest.size())
    return std::nullopt;
  auto value = [](char c) -> int {
    if (c >= '0' && c <= '9')
      return c - '0';
    if (c >= 'a' && c <= 'f')
      return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
      return c - 'A' + 10;
    return -1;
  };
  for (size_t i = 0; i < digest.size(); ++i) {
    int high = value(text[2 * i]), low = value(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    digest[i] = uint8_t(high << 4 | low);
  }
  return digest;
}

} // namespace hetagon
