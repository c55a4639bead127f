// Checks and maps kernel objects.
#include "backends/cpu/device/KernelImage.h"
#include "backends/cpu/device/Error.h"
#include "backends/cpu/device/Features.h"
#include <cstring>
#include <elf.h>
#include <sys/mman.h>

namespace hetagon::cpu {

namespace {

constexpr uint64_t pageBytes = 4096;
constexpr uint64_t maxImageBytes = uint64_t(256) << 20;
constexpr uint32_t maxEntries = 1u << 16;

uint64_t pageUp(uint64_t value) {
  return (value + pageBytes - 1) / pageBytes * pageBytes;
}

/// The object as a file, with every access checked.
class ObjectReader {
public:
  explicit ObjectReader(std::span<const uint8_t> bytes) : bytes(bytes) {}

  template <typename T> bool at(uint64_t offset, T &value) const {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T))
      return false;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return true;
  }
  size_t size() const { return bytes.size(); }

  /// The loadable segments, in order.
  std::vector<Elf64_Phdr> segments;
  Elf64_Phdr dynamic = {};
  bool hasDynamic = false;

  /// The file offset of `length` bytes at a virtual address within one segment.
  bool offsetOf(uint64_t address, uint64_t length, uint64_t &offset) const {
    for (const Elf64_Phdr &segment : segments) {
      if (address < segment.p_vaddr || length > segment.p_filesz ||
          address - segment.p_vaddr > segment.p_filesz - length)
        continue;
      offset = segment.p_offset + (address - segment.p_vaddr);
      return true;
    }
    return false;
  }
  template <typename T> bool atAddress(uint64_t address, T &value) const {
    uint64_t offset = 0;
    return offsetOf(address, sizeof(T), offset) && at(offset, value);
  }
  /// Whether the NUL-terminated text at `address` is readable; fills `text`.
  bool textAt(uint64_t address, std::string &text) const {
    text.clear();
    for (char c = 1; text.size() < 4096; ++address) {
      if (!atAddress(address, c))
        return false;
      if (c == 0)
        return true;
      text += c;
    }
    return false;
  }
  /// The bytes at `address` that lie whole in one executable segment; empty
  /// when they do not.
  std::span<const uint8_t> codeAt(uint64_t address, uint64_t length) const {
    for (const Elf64_Phdr &segment : segments)
      if (segment.p_flags & PF_X && address >= segment.p_vaddr &&
          length <= segment.p_filesz &&
          address - segment.p_vaddr <= segment.p_filesz - length)
        return bytes.subspan(segment.p_offset + (address - segment.p_vaddr),
                             length);
    return {};
  }

private:
  std::span<const uint8_t> bytes;
};

hetagon_code readHeaders(ObjectReader &object, hetagon_error *error) {
  Elf64_Ehdr header;
  if (!object.at(0, header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN ||
      header.e_machine != EM_X86_64 || header.e_phentsize != sizeof(Elf64_Phdr))
    return fail(error, HETAGON_INVALID_ARGUMENT,
                "kernel object: not an x86-64 ELF shared object");
  uint64_t end = 0;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (header.e_phoff > object.size() ||
        !object.at(header.e_phoff + uint64_t(i) * sizeof(segment), segment))
      return fail(error, HETAGON_INVALID_ARGUMENT,
                  "kernel object: program header %u lies outside the file", i);
    switch (segment.p_type) {
    case PT_LOAD:
      if (segment.p_flags & PF_W)
        return fail(error, HETAGON_UNSUPPORTED,
                    "kernel object: segment %u is writable", i);
      if (segment.p_memsz != segment.p_filesz ||
          segment.p_offset > object.size() ||
          segment.p_filesz > object.size() - segment.p_offset ||
          segment.p_vaddr > maxImageBytes ||
          segment.p_memsz > maxImageBytes - segment.p_vaddr ||
          segment.p_vaddr / pageBytes * pageBytes < end)
        return fail(error, HETAGON_INVALID_ARGUMENT,
                    "kernel object: segment %u has an invalid extent", i);
      end = pageUp(segment.p_vaddr + segment.p_memsz);
      object.segments.push_back(segment);
      break;
    case PT_DYNAMIC:
      object.dynamic = segment;
      object.hasDynamic = true;
      break;
    case PT_PHDR:
    case PT_NOTE:
    case PT_GNU_STACK:
    case PT_GNU_EH_FRAME:
      break;
    default:
      return fail(error, HETAGON_UNSUPPORTED,
                  "kernel object: program header %u has type 0x%x, which "
                  "kernels do not use",
                  i, segment.p_type);
    }
  }
  if (object.segments.empty() || !object.hasDynamic)
    return fail(error, HETAGON_INVALID_ARGUMENT,
                "kernel object: no loadable segment or no dynamic section");
  return HETAGON_OK;
}

struct DynamicSection {
  uint64_t symbols = 0, strings = 0, hash = 0;
};

hetagon_code readDynamic(const ObjectReader &object, DynamicSection &result,
                         hetagon_error *error) {
  for (uint64_t i = 0; i < object.dynamic.p_filesz / sizeof(Elf64_Dyn); ++i) {
    Elf64_Dyn item;
    if (!object.at(object.dynamic.p_offset + i * sizeof(item), item))
      return fail(error, HETAGON_INVALID_ARGUMENT,
                  "kernel object: the dynamic section lies outside the file");
    switch (item.d_tag) {
    case DT_NULL:
      if (!result.symbols || !result.strings || !result.hash)
        return fail(error, HETAGON_INVALID_ARGUMENT,
                    "kernel object: no symbol, string or hash table");
      return HETAGON_OK;
    case DT_SYMTAB:
      result.symbols = item.d_un.d_ptr;
      break;
    case DT_STRTAB:
      result.strings = item.d_un.d_ptr;
      break;
    case DT_HASH:
      result.hash = item.d_un.d_ptr;
      break;
    case DT_STRSZ:
    case DT_SYMENT:
    case DT_GNU_HASH:
    case DT_SONAME:
    case DT_FLAGS:
    case DT_FLAGS_1:
      break;
    default:
      return fail(error, HETAGON_UNSUPPORTED,
                  "kernel object: dynamic tag 0x%llx (needed libraries, "
                  "relocations and constructors are refused)",
                  static_cast<unsigned long long>(item.d_tag));
    }
  }
  return fail(error, HETAGON_INVALID_ARGUMENT,
              "kernel object: the dynamic section has no end");
}

hetagon_code findTable(const ObjectReader &object, uint64_t &table,
                       hetagon_error *error) {
  DynamicSection dynamic;
  if (hetagon_code code = readDynamic(object, dynamic, error))
    return code;
  uint32_t symbolCount = 0; // of DT_HASH: buckets, then chain length
  if (!object.atAddress(dynamic.hash + 4, symbolCount))
    return fail(error, HETAGON_INVALID_ARGUMENT,
                "kernel object: the hash table lies outside the file");
  for (uint32_t i = 1; i < symbolCount; ++i) {
    Elf64_Sym symbol;
    std::string name;
    if (!object.atAddress(dynamic.symbols + uint64_t(i) * sizeof(symbol),
                          symbol) ||
        !object.textAt(dynamic.strings + symbol.st_name, name))
      return fail(error, HETAGON_INVALID_ARGUMENT,
                  "kernel object: symbol %u lies outside the file", i);
    if (symbol.st_shndx == SHN_UNDEF)
      return fail(error, HETAGON_UNSUPPORTED,
                  "kernel object: undefined symbol '%.200s'", name.c_str());
    if (name == HETAGON_CPU_TABLE_SYMBOL) {
      table = symbol.st_value;
      return HETAGON_OK;
    }
  }
  return fail(error, HETAGON_INVALID_ARGUMENT, "kernel object: no symbol '%s'",
              HETAGON_CPU_TABLE_SYMBOL);
}

/// Reads the table into entries whose code is still an address in the object.
hetagon_code readTable(const ObjectReader &object, uint64_t table,
                       uint64_t processor, std::vector<KernelEntry> &entries,
                       std::vector<uint64_t> &addresses, hetagon_error *error) {
  hetagon_cpu_table header;
  if (!object.atAddress(table, header))
    return fail(error, HETAGON_INVALID_ARGUMENT,
                "kernel object: the kernel table lies outside the file");
  if (header.version != HETAGON_CPU_TABLE_VERSION)
    return fail(error, HETAGON_UNSUPPORTED,
                "kernel object: table version %u, this device half knows %u",
                header.version, HETAGON_CPU_TABLE_VERSION);
  if (uint64_t missing = header.required_features & ~processor)
    return fail(error, HETAGON_UNSUPPORTED,
                "kernel object: needs CPU features that this processor lacks: "
                "%s (it has %s)",
                featureWords(missing).c_str(), featureWords(processor).c_str());
  if (header.entry_count > maxEntries)
    return fail(error, HETAGON_OUT_OF_RANGE,
                "kernel object: %u entries, at most %u", header.entry_count,
                maxEntries);
  for (uint32_t i = 0; i < header.entry_count; ++i) {
    hetagon_cpu_entry raw;
    KernelEntry entry;
    uint64_t at = table + sizeof(header) + uint64_t(i) * sizeof(raw);
    if (!object.atAddress(at, raw) ||
        !object.textAt(table + int64_t(raw.name_offset), entry.name) ||
        raw.scratch_bytes > maxImageBytes ||
        raw.binding_count > HETAGON_CPU_MAX_BINDINGS ||
        raw.constant_count > 256)
      return fail(error, HETAGON_INVALID_ARGUMENT,
                  "kernel object: table entry %u is invalid", i);
    std::span<const uint8_t> code =
        object.codeAt(table + int64_t(raw.code_offset), raw.code_bytes);
    if (code.empty() ||
        hetagon_cpu_code_digest(code.data(), code.size()) != raw.code_digest)
      return fail(error, HETAGON_DATA_LOSS,
                  "kernel object: the code of '%.200s' is not what was "
                  "compiled; compile the plan again",
                  entry.name.c_str());
    entry.bindingCount = raw.binding_count;
    entry.constantCount = raw.constant_count;
    entry.scratchBytes = raw.scratch_bytes;
    entry.writtenBindings = raw.written_bindings;
    entries.push_back(std::move(entry));
    addresses.push_back(table + int64_t(raw.code_offset));
  }
  return HETAGON_OK;
}

} // namespace

std::shared_ptr<const KernelImage>
KernelImage::load(std::span<const uint8_t> bytes, uint64_t processorFeatures,
                  hetagon_error *error) {
  ObjectReader object(bytes);
  uint64_t table = 0;
  std::vector<uint64_t> addresses;
  std::shared_ptr<KernelImage> image(new KernelImage);
  if (readHeaders(object, error) || findTable(object, table, error) ||
      readTable(object, table, processorFeatures, image->list, addresses,
                error))
    return nullptr;

  const Elf64_Phdr &last = object.segments.back();
  size_t size = pageUp(last.p_vaddr + last.p_memsz);
  void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    fail(error, HETAGON_RESOURCE_EXHAUSTED,
         "kernel object: cannot map %zu bytes", size);
    return nullptr;
  }
  image->base = static_cast<uint8_t *>(memory);
  image->size = size;
  for (const Elf64_Phdr &segment : object.segments)
    std::memcpy(image->base + segment.p_vaddr, bytes.data() + segment.p_offset,
                segment.p_filesz);
  if (mprotect(memory, size, PROT_READ) != 0) {
    fail(error, HETAGON_INTERNAL, "kernel object: cannot protect its memory");
    return nullptr;
  }
  for (const Elf64_Phdr &segment : object.segments) {
    if (!(segment.p_flags & PF_X))
      continue;
    uint64_t begin = segment.p_vaddr / pageBytes * pageBytes;
    uint64_t end = pageUp(segment.p_vaddr + segment.p_memsz);
    if (mprotect(image->base + begin, end - begin, PROT_READ | PROT_EXEC)) {
      fail(error, HETAGON_PERMISSION_DENIED,
           "kernel object: the system refuses executable memory");
      return nullptr;
    }
  }
  for (size_t i = 0; i < addresses.size(); ++i)
    image->list[i].code =
        reinterpret_cast<hetagon_cpu_kernel>(image->base + addresses[i]);
  return image;
}

KernelImage::~KernelImage() {
  if (base)
    munmap(base, size);
}

} // namespace hetagon::cpu
