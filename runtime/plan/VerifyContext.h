// What the parts of the plan's verifier share: the plan, its container and the
// making of located failures. Private to runtime/plan.
#ifndef HETAGON_RUNTIME_PLAN_VERIFYCONTEXT_H
#define HETAGON_RUNTIME_PLAN_VERIFYCONTEXT_H

#include "runtime/plan/Container.h"
#include "runtime/plan/plan_generated.h"
#include <string>

namespace hetagon::plan {

/// Elements of a vector that may be absent.
template <typename T> size_t sizeOf(const flatbuffers::Vector<T> *list) {
  return list ? list->size() : 0;
}
inline std::string_view view(const flatbuffers::String *text) {
  return text ? std::string_view(text->c_str(), text->size())
              : std::string_view();
}
inline std::string inQuotes(std::string_view text) {
  constexpr size_t longest = 80;
  std::string shown(text.substr(0, longest));
  return "'" + shown + (text.size() > longest ? "..." : "") + "'";
}

struct VerifyContext {
  const fb::Plan &plan;
  const Container &container;

  /// A failure at `object`, which lies in the plan's section.
  Status fail(const void *object, const std::string &path,
              const std::string &message,
              Code code = Code::InvalidArgument) const {
    size_t last = container.sections().size() - 1;
    uint64_t inSection = uint64_t(static_cast<const uint8_t *>(object) -
                                  container.bytes(last).data());
    return Status(code, path + ": " + message + "; compile the flow again",
                  Place{container.name(), 0, 0,
                        container.sections()[last].offset + inSection});
  }
  /// Fails unless `index` is below `count`; `what` names the things counted.
  Status within(const void *object, const std::string &path, int64_t index,
                size_t count, const char *what) const {
    if (index >= 0 && uint64_t(index) < count)
      return Status::ok();
    return fail(object, path,
                std::string(what) + " " + std::to_string(index) +
                    " does not exist: the plan has " + std::to_string(count),
                Code::OutOfRange);
  }
  /// Fails unless section `index` exists and is of this kind.
  Status sectionOfKind(const void *object, const std::string &path,
                       int64_t index, SectionKind kind) const {
    HETAGON_RETURN_IF_ERROR(
        within(object, path, index, container.sections().size(), "section"));
    if (container.sections()[size_t(index)].kind == kind)
      return Status::ok();
    return fail(
        object, path,
        "section " + std::to_string(index) + " is not " +
            (kind == SectionKind::Executable ? "an executable" : "a constant"));
  }
};

/// Buffers, executables and programs of one service.
Status verifyService(const VerifyContext &context, const fb::Service &service,
                     const std::string &path);
/// All step graphs, and how they call each other.
Status verifyGraphs(const VerifyContext &context);

} // namespace hetagon::plan

#endif // HETAGON_RUNTIME_PLAN_VERIFYCONTEXT_H
