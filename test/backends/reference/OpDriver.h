// Runs nn ops one by one on the reference device with the weights of a model
// file: what the golden tests write networks in.
#ifndef HETAGON_TEST_BACKENDS_REFERENCE_OPDRIVER_H
#define HETAGON_TEST_BACKENDS_REFERENCE_OPDRIVER_H

#include "frontend/Models/ModelDescription.h"
#include "runtime/models/TensorFile.h"
#include "test/backends/reference/Harness.h"
#include <map>

namespace hetagon::test {

/// Records ops into one command buffer at a time; buffers made on the way live
/// until it has run.
class OpDriver {
public:
  struct Tensor {
    hetagon_buffer buffer = 0;
    uint64_t bytes = 0;
    int64_t columns = 0;
  };

  OpDriver(Harness &harness, std::shared_ptr<const TensorFile> file)
      : harness(harness), file(std::move(file)) {}

  const hetagon_device_api &api() const { return *harness.api; }

  /// Begins a submission of so many rows.
  void begin(size_t rowCount) {
    rows = int64_t(rowCount);
    harness.check(
        api().create_commands(harness.device, &commands, &harness.error));
  }
  /// Runs what was recorded and returns the first floats of a tensor.
  std::vector<float> finish(Tensor result, size_t count) {
    hetagon_fence done = 0;
    harness.check(api().create_fence(harness.device, &done, &harness.error));
    harness.check(api().submit(harness.device, harness.queue, commands, 0, 0,
                               done, 1, &harness.error));
    harness.check(
        api().wait_fence(harness.device, done, 1, UINT64_MAX, &harness.error));
    std::vector<float> values =
        floatsOf(harness.read(result.buffer, count * 4));
    api().destroy_fence(harness.device, done);
    api().destroy_commands(harness.device, commands);
    for (hetagon_buffer buffer : temporaries)
      api().release(harness.device, buffer);
    temporaries.clear();
    return values;
  }

  static std::string
  sizes(std::initializer_list<std::pair<const char *, int64_t>> keys) {
    std::string text;
    for (const auto &[key, value] : keys)
      text += std::string(" ") + key + "=" + std::to_string(value);
    return text;
  }
  static std::string number(const char *key, float value) {
    char text[60];
    std::snprintf(text, sizeof(text), " %s=%.9g", key, double(value));
    return text;
  }
  static std::string formatOf(const TensorRef &tensor,
                              const char *key = "format") {
    return std::string(" ") + key + "=" +
           std::string(formatWord(tensor.format));
  }

  Tensor input(const std::vector<int32_t> &values) {
    temporaries.push_back(harness.buffer(bytesOf(values)));
    return {temporaries.back(), values.size() * 4};
  }
  Tensor weight(const TensorRef &tensor) {
    std::span<const uint8_t> bytes = file->find(tensor.name)->bytes;
    hetagon_buffer &buffer = weights[tensor.name];
    if (!buffer)
      harness.check(api().import_host(harness.device, bytes.data(),
                                      bytes.size(), &buffer, &harness.error));
    return {buffer, bytes.size()};
  }
  /// Records an op whose result has `columns` columns; 0: it has none;
  /// it has as many rows as the submission unless resultRows says otherwise.
  Tensor dispatch(const std::string &line, std::vector<Tensor> operands,
                  int64_t columns, std::vector<int64_t> constants = {},
                  int64_t resultRows = -1) {
    hetagon_executable &executable = executables[line];
    if (!executable)
      executable = harness.load("reference-ops 1\ne " + line + "\n");
    if (constants.empty())
      constants = {rows};
    if (columns) {
      int64_t count = resultRows < 0 ? rows : resultRows;
      Tensor result{0, uint64_t(count * columns * 4), columns};
      harness.check(api().allocate(harness.device, result.bytes, &result.buffer,
                                   &harness.error));
      temporaries.push_back(result.buffer);
      operands.push_back(result);
    }
    std::vector<hetagon_binding> bindings;
    for (const Tensor &operand : operands)
      bindings.push_back({operand.buffer, 0, operand.bytes});
    harness.check(api().record_dispatch(
        harness.device, commands, executable, 0, bindings.data(),
        uint32_t(bindings.size()), constants.data(), uint32_t(constants.size()),
        &harness.error));
    return operands.back();
  }
  Tensor embedding(const TensorRef &table, Tensor ids) {
    return dispatch(
        "embedding" + sizes({{"vocab", table.dims[0]}, {"d", table.dims[1]}}) +
            formatOf(table),
        {ids, weight(table)}, table.dims[1]);
  }
  Tensor linear(const LinearRef &layer, Tensor x) {
    std::vector<Tensor> operands{x, weight(layer.weight)};
    std::string bias;
    if (layer.bias.present()) {
      operands.push_back(weight(layer.bias));
      bias = formatOf(layer.bias, "bias");
    }
    return dispatch(
        "linear" +
            sizes({{"k", layer.weight.dims[1]}, {"n", layer.weight.dims[0]}}) +
            formatOf(layer.weight) + bias,
        operands, layer.weight.dims[0]);
  }
  Tensor add(Tensor a, Tensor b) {
    return dispatch("add" + sizes({{"d", a.columns}}), {a, b}, a.columns);
  }

  Harness &harness;
  int64_t rows = 0;

private:
  std::shared_ptr<const TensorFile> file;
  hetagon_commands commands = 0;
  std::vector<hetagon_buffer> temporaries;
  std::map<std::string, hetagon_buffer> weights;
  std::map<std::string, hetagon_executable> executables;
};

} // namespace hetagon::test

#endif // HETAGON_TEST_BACKENDS_REFERENCE_OPDRIVER_H
