# What an installed Hetagon offers to backends outside its tree: headers, and the package Hetagon for find_package.
include(CMakePackageConfigHelpers)
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/Hetagon")
set(MLIR_PACKAGE_VERSION "${MLIR_VERSION}")
configure_package_config_file(cmake/HetagonConfig.cmake.in "${CMAKE_BINARY_DIR}/HetagonConfig.cmake"
  INSTALL_DESTINATION "${package}" PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/HetagonConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES cmake/HetagonBackend.cmake "${CMAKE_BINARY_DIR}/HetagonConfig.cmake"
  "${CMAKE_BINARY_DIR}/HetagonConfigVersion.cmake" DESTINATION "${package}")

if(HETAGON_BUILD_COMPILER)
  set(headers "${CMAKE_INSTALL_INCLUDEDIR}/hetagon")
  install(FILES compiler/Target/Backend.h compiler/Target/ProgramBuilder.h DESTINATION "${headers}/compiler/Target")
  install(FILES "${CMAKE_BINARY_DIR}/runtime/plan/plan_generated.h" DESTINATION "${headers}/runtime/plan")
  install(FILES dialects/Nn/IR/Nn.h DESTINATION "${headers}/dialects/Nn/IR")
  foreach(part Attrs Dialect Enums Interfaces Ops Types)
    install(FILES "${CMAKE_BINARY_DIR}/dialects/Nn/IR/Nn${part}.h.inc" DESTINATION "${headers}/dialects/Nn/IR")
  endforeach()
endif()
