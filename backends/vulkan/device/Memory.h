// Device memory and the transfers between it and the host.
#ifndef HETAGON_BACKENDS_VULKAN_DEVICE_MEMORY_H
#define HETAGON_BACKENDS_VULKAN_DEVICE_MEMORY_H

#include "backends/vulkan/device/Context.h"

namespace hetagon::vulkan {

/// A VkBuffer with memory of its own. Never outlives the context.
class Buffer {
public:
  Buffer(Context &context, uint64_t size) : context(context), size(size) {}
  ~Buffer();
  Outcome create(VkBufferUsageFlags usage, VkMemoryPropertyFlags flags);
  /// Whether [offset, offset + length) lies inside.
  bool contains(uint64_t offset, uint64_t length) const {
    return offset <= size && length <= size - offset;
  }

  Context &context;
  const uint64_t size;   // what was asked for
  uint64_t capacity = 0; // whole words, at least one
  VkBuffer handle = VK_NULL_HANDLE;
  VkDeviceMemory memory = VK_NULL_HANDLE;
};

/// Copies through one host-visible buffer; each call waits until it is done.
class Stager {
public:
  explicit Stager(Context &context)
      : context(context), staging(context, chunkBytes) {}
  ~Stager();
  Outcome create();
  Outcome zero(Buffer &target);
  /// The ranges are inside the buffers.
  Outcome write(Buffer &target, uint64_t offset, const void *data,
                uint64_t size);
  Outcome read(Buffer &source, uint64_t offset, void *data, uint64_t size);

private:
  static constexpr uint64_t chunkBytes = 8 << 20;
  template <typename Record> Outcome run(Record record);

  Context &context;
  std::mutex mutex;
  Buffer staging;
  void *mapped = nullptr;
  VkCommandPool pool = VK_NULL_HANDLE;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  VkFence done = VK_NULL_HANDLE;
};

} // namespace hetagon::vulkan

#endif // HETAGON_BACKENDS_VULKAN_DEVICE_MEMORY_H
