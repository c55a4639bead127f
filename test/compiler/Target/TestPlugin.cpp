// A backend that lies about itself in the way that its build asks for.
#include "compiler/Target/Backend.h"

using namespace hetagon::target;

extern "C" const BackendPlugin *hetagonGetBackendPlugin();
const BackendPlugin *hetagonGetBackendPlugin() {
  static const BackendPlugin plugin{TEST_PLUGIN_ABI, TEST_PLUGIN_LLVM,
                                    TEST_PLUGIN_NAME, nullptr};
  return &plugin;
}
