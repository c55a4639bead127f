// hetagon-plan: takes a plan apart into files and puts files together to a
// plan, for whoever wants to look at what a plan holds, or to edit it. Nothing
// here makes a plan trusted.
#include "runtime/base/File.h"
#include "runtime/plan/Container.h"
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

using namespace hetagon;
namespace fs = std::filesystem;

namespace {

constexpr int exitOk = 0, exitUsage = 2, exitBadInput = 3;

int fail(const Status &status) {
  std::cerr << "error: " << status.str() << "\n";
  return exitBadInput;
}

Status writeBytes(const fs::path &path, std::span<const uint8_t> bytes) {
  return writeFileAtomically(path.string(), {bytes.begin(), bytes.end()});
}

StatusOr<std::vector<uint8_t>> readBytes(const fs::path &path) {
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file,
                           MappedFile::open(path.string()));
  return std::vector<uint8_t>(file->bytes().begin(), file->bytes().end());
}

/// The sections as "exec.0", "const.1", "plan".
Status unpack(const std::string &plan, const fs::path &folder) {
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const plan::Container> container,
                           plan::Container::open(plan));
  std::error_code error;
  fs::create_directories(folder, error);
  if (!fs::is_empty(folder, error) || error)
    return Status(Code::InvalidArgument,
                  folder.string() + " is not an empty folder; name one that is "
                                    "empty or not there yet");
  for (size_t i = 0; i < container->sections().size(); ++i) {
    std::string name = plan::sectionName(container->sections()[i].kind, i);
    HETAGON_RETURN_IF_ERROR(writeBytes(folder / name, container->bytes(i)));
    std::cout << (folder / name).string() << "\n";
  }
  return Status::ok();
}

/// The kind and index that a section's file name says; the plan is last.
Status readSections(const fs::path &folder,
                    std::vector<plan::NewSection> &sections) {
  for (size_t i = 0;; ++i) {
    plan::NewSection section;
    fs::path path = folder / "plan";
    std::error_code error;
    for (auto kind :
         {plan::SectionKind::Executable, plan::SectionKind::Constant})
      if (fs::path named = folder / plan::sectionName(kind, i);
          fs::exists(named, error)) {
        section.kind = kind;
        path = named;
      }
    HETAGON_ASSIGN_OR_RETURN(section.bytes, readBytes(path));
    sections.push_back(std::move(section));
    if (sections.back().kind == plan::SectionKind::Plan)
      break;
  }
  size_t files = size_t(std::distance(fs::directory_iterator(folder), {}));
  if (files != sections.size())
    return Status(
        Code::InvalidArgument,
        folder.string() + " holds " + std::to_string(files) +
            " files, of which " + std::to_string(sections.size()) +
            " are sections: exec.N or const.N, counted from 0 without "
            "a gap, and plan");
  return Status::ok();
}

Status finish(const std::string &output, std::span<const uint8_t> bytes) {
  HETAGON_RETURN_IF_ERROR(writeBytes(output, bytes));
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<const plan::Container> container,
                           plan::Container::fromBytes(bytes, output));
  std::cout << "wrote " << output << ", digest " << hex(container->digest())
            << "; nobody trusts it yet: 'hetagon run' takes it with --trust "
               "DIGEST\n";
  return Status::ok();
}

Status pack(const fs::path &folder, const std::string &output) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return Status(Code::NotFound, folder.string() + " is no folder");
  std::vector<plan::NewSection> sections;
  HETAGON_RETURN_IF_ERROR(readSections(folder, sections));
  return finish(output, plan::writeContainer(sections));
}

Status redigest(const std::string &plan, const std::string &output) {
  HETAGON_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes, readBytes(plan));
  HETAGON_ASSIGN_OR_RETURN(std::vector<uint8_t> edited, plan::redigest(bytes));
  return finish(output, edited);
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"Takes plans apart and puts them together."};
  app.name("hetagon-plan");
  app.require_subcommand(1);
  std::string plan, folder, output;
  auto *unpackApp = app.add_subcommand(
      "unpack", "Writes each section of a plan as a file of its own");
  unpackApp->add_option("plan", plan, "The plan's file")->required();
  unpackApp->add_option("folder", folder, "An empty or new folder")->required();
  auto *packApp =
      app.add_subcommand("pack", "Makes a plan of the files in a folder");
  packApp->add_option("folder", folder, "What unpack wrote")->required();
  packApp->add_option("-o", output, "The plan's file")->required();
  auto *redigestApp = app.add_subcommand(
      "redigest", "Makes the digests of a plan hold again after an edit");
  redigestApp->add_option("plan", plan, "The edited file")->required();
  redigestApp->add_option("-o", output, "The plan's file")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? exitOk : exitUsage;
  }
  Status status = unpackApp->parsed() ? unpack(plan, folder)
                  : packApp->parsed() ? pack(folder, output)
                                      : redigest(plan, output);
  return status.isOk() ? exitOk : fail(status);
}
