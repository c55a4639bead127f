# MLIR and LLVM 19: found, included, and linked as the shared libraries only (mixing in their archives crashes).
find_package(MLIR 19.1 REQUIRED CONFIG HINTS /usr/lib/llvm-19/lib/cmake/mlir)
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)

# One precompiled header for all that includes MLIR: its headers dominate the compile time.
add_library(hetagon_mlir INTERFACE)
target_include_directories(hetagon_mlir SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_include_directories(hetagon_mlir INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/runtime/include"
                                                  "${CMAKE_BINARY_DIR}")
target_compile_definitions(hetagon_mlir INTERFACE ${LLVM_DEFINITIONS_LIST})
target_link_libraries(hetagon_mlir INTERFACE MLIR LLVM)

add_library(hetagon_mlir_pch OBJECT "${CMAKE_SOURCE_DIR}/cmake/MlirPch.cpp")
target_link_libraries(hetagon_mlir_pch PUBLIC hetagon_mlir)
target_precompile_headers(hetagon_mlir_pch PRIVATE "${CMAKE_SOURCE_DIR}/cmake/MlirPch.h")

# hetagon_mlir_library(NAME [SHARED] SOURCES a.cpp ... [DEPS lib ...] [GENERATED target ...])
# A library that uses MLIR; GENERATED names the tablegen targets that must run first. SHARED is for what the compiler and
# its plugins must hold one copy of: MLIR knows dialects, types and operations by addresses in the library that defines them.
function(hetagon_mlir_library name)
  cmake_parse_arguments(ARG "SHARED" "" "SOURCES;DEPS;GENERATED" ${ARGN})
  if(ARG_SHARED)
    add_library(${name} SHARED ${ARG_SOURCES})
    set_target_properties(${name} PROPERTIES INSTALL_RPATH "$ORIGIN;${LLVM_LIBRARY_DIR}")
    install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  else()
    add_library(${name} STATIC ${ARG_SOURCES})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} hetagon_mlir)
  target_precompile_headers(${name} REUSE_FROM hetagon_mlir_pch)
  if(ARG_GENERATED)
    add_dependencies(${name} ${ARG_GENERATED})
  endif()
endfunction()
