# The library as others use it, made of every room's objects but the program's:
#   sidetone::sidetone          libsidetone.a
#   sidetone::sidetone_shared   libsidetone.so, which exports what include/sidetone marks and nothing else
get_property(rooms GLOBAL PROPERTY SIDETONE_ROOMS)
list(REMOVE_ITEM rooms sidetone_cli)
set(links)
foreach(room IN LISTS rooms)
  get_target_property(room_links ${room} LINK_LIBRARIES)
  list(APPEND links ${room_links})
endforeach()
list(REMOVE_DUPLICATES links)
list(REMOVE_ITEM links sidetone_options ${rooms})
# Headers only, and in no public header: who uses the built library does not need them.
list(REMOVE_ITEM links nlohmann_json::nlohmann_json CLI11::CLI11)

add_library(sidetone_static STATIC)
add_library(sidetone_shared SHARED)
add_library(sidetone::sidetone ALIAS sidetone_static)
add_library(sidetone::sidetone_shared ALIAS sidetone_shared)

foreach(library IN ITEMS sidetone_static sidetone_shared)
  foreach(room IN LISTS rooms)
    target_sources(${library} PRIVATE $<TARGET_OBJECTS:${room}>)
  endforeach()
  set_target_properties(${library} PROPERTIES OUTPUT_NAME sidetone LINKER_LANGUAGE CXX)
  target_compile_features(${library} INTERFACE cxx_std_20)
  target_include_directories(${library} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  if(SIDETONE_SANITIZER)
    target_link_options(${library} PUBLIC $<BUILD_INTERFACE:-fsanitize=${SIDETONE_SANITIZER}>)
  endif()
endforeach()
set_target_properties(sidetone_static PROPERTIES EXPORT_NAME sidetone)
set_target_properties(sidetone_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_link_libraries(sidetone_shared PRIVATE ${links})
if(NOT SIDETONE_SANITIZER)
  target_link_options(sidetone_shared PRIVATE -Wl,--no-undefined)
endif()
# A static library leaves linking to its user. An installed one knows what came from deps/ by another name (SidetoneInstall).
foreach(link IN LISTS links)
  string(REGEX REPLACE "^sidetone_" "sidetone::" installed_link ${link})
  target_link_libraries(sidetone_static INTERFACE $<BUILD_INTERFACE:${link}> $<INSTALL_INTERFACE:${installed_link}>)
endforeach()
