# Program, libraries, public headers, models, chains, and the CMake package `sidetone`.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sidetone)
# Libraries out of deps/ lie in a folder of their own, where they cannot replace a system's.
set(bundle_dir ${CMAKE_INSTALL_LIBDIR}/sidetone)
file(RELATIVE_PATH bin_to_lib /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})

install(TARGETS sidetone_static EXPORT sidetone-static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS sidetone_shared EXPORT sidetone-shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
set_target_properties(sidetone_shared PROPERTIES INSTALL_RPATH "$ORIGIN/sidetone")
foreach(kind IN ITEMS static shared)
  install(EXPORT sidetone-${kind} NAMESPACE sidetone:: FILE sidetone-${kind}.cmake DESTINATION ${package_dir})
endforeach()
if(TARGET sidetone)
  set_target_properties(sidetone PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib};$ORIGIN/${bin_to_lib}/sidetone")
  install(TARGETS sidetone RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(TARGETS sidetone_sofa RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sidetone)
install(FILES ${SIDETONE_BUNDLED_LIBRARIES} DESTINATION ${bundle_dir})

install(DIRECTORY include/sidetone DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} OPTIONAL)
install(DIRECTORY models chains DESTINATION ${CMAKE_INSTALL_DATADIR}/sidetone OPTIONAL)
# Weights that set-up brought go beside their manifests.
install(DIRECTORY deps/models DESTINATION ${CMAKE_INSTALL_DATADIR}/sidetone OPTIONAL)
install(FILES LICENSE README.md THIRD_PARTY.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)

list(TRANSFORM links REPLACE "^sidetone_" "sidetone::" OUTPUT_VARIABLE SIDETONE_STATIC_LINKS)
foreach(path IN LISTS SIDETONE_BUNDLED_LIBRARIES)
  cmake_path(GET path FILENAME file)
  list(APPEND SIDETONE_BUNDLED_FILES ${file})
endforeach()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/sidetoneConfig.cmake.in sidetoneConfig.cmake
                              INSTALL_DESTINATION ${package_dir} PATH_VARS bundle_dir)
write_basic_package_version_file(sidetoneConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sidetoneConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/sidetoneConfigVersion.cmake
        DESTINATION ${package_dir})
