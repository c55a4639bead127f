# The lit tests: every .mlir and .test below test/ with a RUN line.
import os
import lit.formats

config.name = "hetagon"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.test_source_root = os.path.join(config.hetagon_source_dir, "test")
config.test_exec_root = os.path.join(config.hetagon_build_dir, "test", "lit")
config.excludes = ["data"]
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.hetagon_build_dir, "bin"), config.llvm_tools_dir, config.environment["PATH"]])
config.environment["HETAGON_TOOLS_VENV"] = config.tools_venv
config.substitutions.append(("%data", os.path.join(config.test_source_root, "data")))
