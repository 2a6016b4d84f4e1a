# sidetone_onnxruntime and sidetone_tflite: a system package when there is one, else deps/.
# SIDETONE_BUNDLED_LIBRARIES: the shared libraries taken from deps/, which an installation must bring along.
set(deps ${PROJECT_SOURCE_DIR}/deps)
set(SIDETONE_BUNDLED_LIBRARIES)

add_library(sidetone_onnxruntime INTERFACE)
find_package(onnxruntime QUIET)
if(TARGET onnxruntime::onnxruntime)
  target_link_libraries(sidetone_onnxruntime INTERFACE onnxruntime::onnxruntime)
elseif(EXISTS ${deps}/onnxruntime/lib/libonnxruntime.so)
  target_include_directories(sidetone_onnxruntime SYSTEM INTERFACE ${deps}/onnxruntime/include)
  target_link_libraries(sidetone_onnxruntime INTERFACE ${deps}/onnxruntime/lib/libonnxruntime.so)
  list(APPEND SIDETONE_BUNDLED_LIBRARIES ${deps}/onnxruntime/lib/libonnxruntime.so)
else()
  message(FATAL_ERROR "ONNX Runtime not found: neither a system package nor deps/onnxruntime. Run scripts/setup first.")
endif()

add_library(sidetone_tflite INTERFACE)
if(EXISTS ${deps}/tflite/lib/libtensorflowlite_c.so)
  target_include_directories(sidetone_tflite SYSTEM INTERFACE ${deps}/tflite/include)
  target_link_libraries(sidetone_tflite INTERFACE ${deps}/tflite/lib/libtensorflowlite_c.so)
  list(APPEND SIDETONE_BUNDLED_LIBRARIES ${deps}/tflite/lib/libtensorflowlite_c.so)
else()
  message(FATAL_ERROR "TensorFlow Lite not found in deps/tflite. Run scripts/setup first.")
endif()

# ONNX's own file format, for the native executor: Debian's libonnx is built on protobuf.
find_package(Protobuf REQUIRED)
find_library(SIDETONE_ONNX_PROTO NAMES onnx_proto REQUIRED)
add_library(sidetone_onnx INTERFACE)
target_compile_definitions(sidetone_onnx INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)
target_link_libraries(sidetone_onnx INTERFACE ${SIDETONE_ONNX_PROTO} protobuf::libprotobuf)
