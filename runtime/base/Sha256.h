// SHA-256 digests, by libsodium: what names artefacts, plan sections and cache
// entries.
#ifndef HETAGON_RUNTIME_BASE_SHA256_H
#define HETAGON_RUNTIME_BASE_SHA256_H

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hetagon {

using Digest = std::array<uint8_t, 32>;

Digest sha256(std::span<const uint8_t> bytes);
Digest sha256(std::string_view text);

/// 64 lower-case hexadecimal digits.
std::string hex(const Digest &digest);
/// The digest that `text` spells in 64 hexadecimal digits of either case.
std::optional<Digest> parseDigest(std::string_view text);

} // namespace hetagon

#endif // HETAGON_RUNTIME_BASE_SHA256_H
