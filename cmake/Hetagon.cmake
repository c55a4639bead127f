# Compiler settings and the few functions with which every folder declares its targets.
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

find_program(HETAGON_CCACHE ccache)
if(HETAGON_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${HETAGON_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${HETAGON_CCACHE}")
endif()
find_program(HETAGON_LLD NAMES ld.lld-19 ld.lld)
if(HETAGON_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options("-fuse-ld=lld")
endif()

add_compile_options(-Wall -Wextra -Wno-unused-parameter "$<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>"
                    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
if(HETAGON_SANITIZER STREQUAL "address+undefined")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(HETAGON_SANITIZER STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(HETAGON_SANITIZER)
  message(FATAL_ERROR "HETAGON_SANITIZER is '${HETAGON_SANITIZER}'; it must be empty, address+undefined or thread")
endif()

# hetagon_library(NAME SOURCES a.cpp ... [DEPS lib ...] [PRIVATE_DEPS lib ...])
# A static library in the runtime or a frontend reader; includes are relative to the repository root.
function(hetagon_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/runtime/include"
                                            "${CMAKE_BINARY_DIR}")
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# hetagon_test(NAME SOURCES a_test.cpp ... [DEPS lib ...] [ENVIRONMENT K=V ...])
# One GoogleTest program, run whole by ctest; its own XML gives the counts that scripts/test adds up.
function(hetagon_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;ENVIRONMENT" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/runtime/include")
  target_compile_definitions(${name} PRIVATE HETAGON_TEST_DATA="${CMAKE_SOURCE_DIR}/test/data")
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/test")
  add_test(NAME ${name}
           COMMAND ${name} "--gtest_output=xml:${CMAKE_BINARY_DIR}/test-results/${name}.xml")
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 ENVIRONMENT
    "HETAGON_TOOLS_VENV=${HETAGON_TOOLS_VENV};HETAGON_BUILD_DIR=${CMAKE_BINARY_DIR};${ARG_ENVIRONMENT}")
endfunction()

# How backends declare their halves, here and in the installed package.
set(HETAGON_INCLUDE_DIRS "${CMAKE_SOURCE_DIR}/runtime/include")
include(HetagonBackend)
