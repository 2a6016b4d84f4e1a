# sidetone_room(NAME SOURCES … USES room… LIBRARIES target…): one room of src/ as a static library
# `sidetone_NAME`, position independent so that the shared library can be made of the same objects.
# sidetone_unit_test(NAME SOURCES … LIBRARIES … [ONE_AT_A_TIME WORD]): one GoogleTest program `NAME`, found by ctest; no two
# tests with the same WORD run at once.

add_library(sidetone_options INTERFACE)
target_compile_features(sidetone_options INTERFACE cxx_std_20)
target_include_directories(sidetone_options INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_options(sidetone_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion
                       -fno-math-errno
                       # Designated initialisers leave the rest at its default, on purpose.
                       -Wno-missing-field-initializers
                       $<$<BOOL:${SIDETONE_WARNINGS_AS_ERRORS}>:-Werror>
                       # The size of a cache line is part of no public type here.
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-interference-size>)
if(SIDETONE_SANITIZER)
  # Less optimisation compiles in half the time, and keeps stack traces readable.
  target_compile_options(sidetone_options INTERFACE -fsanitize=${SIDETONE_SANITIZER} -fno-omit-frame-pointer -O1 -g1)
  target_link_options(sidetone_options INTERFACE -fsanitize=${SIDETONE_SANITIZER})
  target_compile_definitions(sidetone_options INTERFACE SIDETONE_SANITIZED)
endif()

function(sidetone_room name)
  cmake_parse_arguments(room "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  set(target sidetone_${name})
  add_library(${target} STATIC ${room_SOURCES})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
                        VISIBILITY_INLINES_HIDDEN ON CXX_EXTENSIONS OFF)
  list(TRANSFORM room_USES PREPEND sidetone_)
  target_link_libraries(${target} PUBLIC sidetone_options ${room_USES} ${room_LIBRARIES})
  set_property(GLOBAL APPEND PROPERTY SIDETONE_ROOMS ${target})
endfunction()

add_custom_target(unit_tests)

function(sidetone_unit_test name)
  cmake_parse_arguments(test "" "ONE_AT_A_TIME" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${test_SOURCES})
  target_link_libraries(${name} PRIVATE ${test_LIBRARIES} GTest::gtest_main GTest::gmock)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE SIDETONE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  add_dependencies(unit_tests ${name})
  set(properties TIMEOUT 300)
  if(test_ONE_AT_A_TIME)
    list(APPEND properties RESOURCE_LOCK ${test_ONE_AT_A_TIME})
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
endfunction()
