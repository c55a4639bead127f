// Queues and fences: submission to the one VkQueue, waiting, cancelling.
#include "backends/vulkan/device/Device.h"
#include <algorithm>
#include <chrono>

namespace hetagon::vulkan {

static Outcome unknown(const char *what) {
  return {HETAGON_INVALID_ARGUMENT, std::string("vulkan: no such ") + what};
}

Fence::~Fence() {
  if (semaphore)
    vkDestroySemaphore(context.device, semaphore, nullptr);
}

Outcome Fence::create() {
  VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
  info.pNext = &type;
  return context.check(
      vkCreateSemaphore(context.device, &info, nullptr, &semaphore),
      "vkCreateSemaphore");
}

Device::~Device() {
  if (context && context->device) {
    std::lock_guard lock(context->queueMutex);
    // After a loss there is nothing left to wait for.
    vkDeviceWaitIdle(context->device);
  }
}

hetagon_queue Device::createQueue() {
  std::lock_guard lock(mutex);
  return queueTable.add(std::make_shared<Queue>());
}

void Device::destroyQueue(hetagon_queue handle) {
  std::lock_guard lock(mutex);
  if (std::shared_ptr<Queue> queue = queueTable.find(handle))
    drop(*queue);
  queueTable.remove(handle);
}

Outcome Device::createFence(hetagon_fence &handle) {
  auto fence = std::make_shared<Fence>(*context);
  if (Outcome outcome = fence->create(); !outcome.ok())
    return outcome;
  std::lock_guard lock(mutex);
  handle = fenceTable.add(std::move(fence));
  return {};
}

void Device::destroyFence(hetagon_fence handle) {
  std::lock_guard lock(mutex);
  fenceTable.remove(handle);
}

Outcome Device::retire() {
  if (inFlight.empty())
    return {};
  uint64_t done = 0;
  if (Outcome outcome =
          context->check(vkGetSemaphoreCounterValue(
                             context->device, progressFence->semaphore, &done),
                         "vkGetSemaphoreCounterValue");
      !outcome.ok())
    return outcome;
  while (!inFlight.empty() && inFlight.front().progress <= done) {
    const Submission &submission = inFlight.front();
    count.busy_ns += timer->elapsedNs(submission.timer);
    count.dispatches += submission.commands->dispatchCount();
    inFlight.pop_front();
  }
  return {};
}

Outcome Device::start(Submission submission, Lock &lock) {
  if (Outcome outcome = submission.commands->seal(); !outcome.ok())
    return outcome;
  if (Outcome outcome = retire(); !outcome.ok())
    return outcome;
  submission.progress = ++lastProgress;
  submission.timer = uint32_t(submission.progress % (maxInFlight + 1));

  // One batch for each command buffer, between the time stamps.
  std::vector<VkCommandBuffer> buffers{timer->before(submission.timer)};
  buffers.insert(buffers.end(), submission.commands->buffers().begin(),
                 submission.commands->buffers().end());
  buffers.push_back(timer->after(submission.timer));
  std::vector<VkSubmitInfo> batches(buffers.size(),
                                    {VK_STRUCTURE_TYPE_SUBMIT_INFO});
  for (size_t i = 0; i < buffers.size(); ++i) {
    batches[i].commandBufferCount = 1;
    batches[i].pCommandBuffers = &buffers[i];
  }

  VkTimelineSemaphoreSubmitInfo waitValues{
      VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
  if (submission.wait) {
    waitValues.waitSemaphoreValueCount = 1;
    waitValues.pWaitSemaphoreValues = &submission.waitValue;
    batches.front().pNext = &waitValues;
    batches.front().waitSemaphoreCount = 1;
    batches.front().pWaitSemaphores = &submission.wait->semaphore;
    batches.front().pWaitDstStageMask = &stage;
  }
  std::vector<VkSemaphore> signals{progressFence->semaphore};
  std::vector<uint64_t> values{submission.progress};
  // A value that an earlier submission promises already is raised by that one.
  if (submission.signalValue > submission.signal->promised) {
    signals.push_back(submission.signal->semaphore);
    values.push_back(submission.signalValue);
  }
  VkTimelineSemaphoreSubmitInfo signalValues{
      VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  signalValues.signalSemaphoreValueCount = uint32_t(values.size());
  signalValues.pSignalSemaphoreValues = values.data();
  batches.back().pNext = &signalValues;
  batches.back().signalSemaphoreCount = uint32_t(signals.size());
  batches.back().pSignalSemaphores = signals.data();
  {
    std::lock_guard queueLock(context->queueMutex);
    if (Outcome outcome = context->check(
            vkQueueSubmit(context->queue, uint32_t(batches.size()),
                          batches.data(), VK_NULL_HANDLE),
            "vkQueueSubmit");
        !outcome.ok()) {
      --lastProgress;
      return outcome;
    }
  }
  submission.signal->promised =
      std::max(submission.signal->promised, submission.signalValue);
  inFlight.push_back(std::move(submission));
  ++count.submits;

  // Wait for room, so that the next one finds a free pair of time stamps.
  while (inFlight.size() >= maxInFlight) {
    uint64_t oldest = inFlight.front().progress;
    VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
    info.semaphoreCount = 1;
    info.pSemaphores = &progressFence->semaphore;
    info.pValues = &oldest;
    lock.unlock();
    Outcome outcome =
        context->check(vkWaitSemaphores(context->device, &info, UINT64_MAX),
                       "vkWaitSemaphores");
    lock.lock();
    if (!outcome.ok())
      return outcome;
    if (outcome = retire(); !outcome.ok())
      return outcome;
  }
  return {};
}

void Device::fail(Submission &submission, const Outcome &outcome) {
  if (submission.signal->failure.ok())
    submission.signal->failure = outcome;
}

void Device::pump(Lock &lock) {
  // One thread pumps at a time, so that each queue's order is kept.
  if (isPumping)
    return;
  isPumping = true;
  for (bool isMoving = true; isMoving;) {
    isMoving = false;
    auto queues = queueTable.all();
    for (const auto &[handle, queue] : queues) {
      while (!queue->held.empty()) {
        Submission &next = queue->held.front();
        bool isReady = !next.wait || next.wait->promised >= next.waitValue;
        if (!isReady && next.wait->failure.ok())
          break;
        Submission submission = std::move(next);
        queue->held.pop_front();
        isMoving = true;
        Outcome outcome =
            isReady ? start(submission, lock) : submission.wait->failure;
        if (!outcome.ok())
          fail(submission, outcome);
      }
    }
  }
  isPumping = false;
  changed.notify_all();
}

Outcome Device::submit(hetagon_queue queueHandle,
                       hetagon_commands commandsHandle,
                       hetagon_fence waitHandle, uint64_t waitValue,
                       hetagon_fence signalHandle, uint64_t signalValue) {
  if (Outcome outcome = context->health(); !outcome.ok())
    return outcome;
  Lock lock(mutex);
  std::shared_ptr<Queue> queue = queueTable.find(queueHandle);
  Submission submission;
  submission.commands = commandsTable.find(commandsHandle);
  submission.wait = fenceTable.find(waitHandle);
  submission.waitValue = waitValue;
  submission.signal = fenceTable.find(signalHandle);
  submission.signalValue = signalValue;
  if (!queue || !submission.commands || !submission.signal ||
      (waitHandle && !submission.wait))
    return unknown(!queue                 ? "queue"
                   : !submission.commands ? "command buffer"
                                          : "fence");
  changed.wait(lock, [&] { return queue->held.size() < maxInFlight; });
  queue->held.push_back(std::move(submission));
  pump(lock);
  return context->health();
}

Outcome Device::query(hetagon_fence handle, uint64_t &value) {
  if (Outcome outcome = context->health(); !outcome.ok())
    return outcome;
  std::lock_guard lock(mutex);
  std::shared_ptr<Fence> fence = fenceTable.find(handle);
  if (!fence)
    return unknown("fence");
  if (Outcome outcome = context->check(
          vkGetSemaphoreCounterValue(context->device, fence->semaphore, &value),
          "vkGetSemaphoreCounterValue");
      !outcome.ok())
    return outcome;
  return fence->failure;
}

Outcome Device::wait(hetagon_fence handle, uint64_t value, uint64_t timeoutNs) {
  std::shared_ptr<Fence> fence;
  {
    std::lock_guard lock(mutex);
    fence = fenceTable.find(handle);
  }
  if (!fence)
    return unknown("fence");
  // Vulkan is asked in short turns, so that a failure or a loss that another
  // thread finds ends the wait.
  using Clock = std::chrono::steady_clock;
  constexpr uint64_t turnNs = 20'000'000;
  const Clock::time_point start = Clock::now();
  while (true) {
    if (Outcome outcome = context->health(); !outcome.ok())
      return outcome;
    auto spent =
        uint64_t(std::chrono::nanoseconds(Clock::now() - start).count());
    uint64_t left = timeoutNs > spent ? timeoutNs - spent : 0;
    VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
    info.semaphoreCount = 1;
    info.pSemaphores = &fence->semaphore;
    info.pValues = &value;
    VkResult result =
        vkWaitSemaphores(context->device, &info, std::min(left, turnNs));
    if (result != VK_TIMEOUT) {
      if (Outcome outcome = context->check(result, "vkWaitSemaphores");
          !outcome.ok())
        return outcome;
      std::lock_guard lock(mutex);
      if (Outcome outcome = retire(); !outcome.ok())
        return outcome;
      return context->health();
    }
    std::lock_guard lock(mutex);
    if (!fence->failure.ok())
      return fence->failure;
    if (left <= turnNs)
      return {HETAGON_DEADLINE_EXCEEDED, "vulkan: the fence did not reach " +
                                             std::to_string(value) +
                                             " in time"};
  }
}

Outcome Device::cancel(hetagon_queue handle) {
  Lock lock(mutex);
  std::shared_ptr<Queue> queue = queueTable.find(handle);
  if (!queue)
    return unknown("queue");
  drop(*queue);
  pump(lock);
  return {};
}

void Device::drop(Queue &queue) {
  for (Submission &submission : queue.held)
    fail(submission, {HETAGON_CANCELLED, "the submission was cancelled"});
  queue.held.clear();
  changed.notify_all();
}

} // namespace hetagon::vulkan
