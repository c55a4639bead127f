# The functions with which a backend declares its halves; used in this tree and, through the installed package, outside it.
# Includes are relative to the project's root. HETAGON_INCLUDE_DIRS has the device ABI.

# hetagon_device_half(NAME SOURCES a.cpp ... [DEPS lib ...])
# The device half of a backend: a module that exports hetagon_device_query and is found in lib/hetagon/devices.
function(hetagon_device_half name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(hetagon-device-${name} MODULE ${ARG_SOURCES})
  target_compile_features(hetagon-device-${name} PRIVATE cxx_std_20)
  target_include_directories(hetagon-device-${name} PRIVATE "${CMAKE_SOURCE_DIR}" ${HETAGON_INCLUDE_DIRS})
  target_link_libraries(hetagon-device-${name} PRIVATE ${ARG_DEPS})
  set_target_properties(hetagon-device-${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/hetagon/devices")
  install(TARGETS hetagon-device-${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/hetagon/devices)
endfunction()

# hetagon_device_program(NAME SOURCES a.cpp ... [DEPS lib ...])
# A program that a device half runs: stands beside it.
function(hetagon_device_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}" ${HETAGON_INCLUDE_DIRS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/hetagon/devices")
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_LIBDIR}/hetagon/devices)
endfunction()

# hetagon_lowering_half(NAME SOURCES a.cpp ... [DEPS lib ...])
# The lowering half of a backend: a plugin that exports hetagonGetBackendPlugin, found in lib/hetagon/lowering.
function(hetagon_lowering_half name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(hetagon-lowering-${name} MODULE ${ARG_SOURCES})
  target_link_libraries(hetagon-lowering-${name} PRIVATE ${ARG_DEPS} hetagon_mlir)
  if(TARGET hetagon_mlir_pch)
    target_precompile_headers(hetagon-lowering-${name} REUSE_FROM hetagon_mlir_pch)
  endif()
  set_target_properties(hetagon-lowering-${name} PROPERTIES PREFIX "" INSTALL_RPATH "$ORIGIN/../..;${LLVM_LIBRARY_DIR}"
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/hetagon/lowering")
  install(TARGETS hetagon-lowering-${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/hetagon/lowering)
endfunction()
