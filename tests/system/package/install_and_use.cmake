# Installs the build in `build` below `work`, moves the installation, and there builds and runs the project beside
# this file with `compiler` and `generator`. Moving it shows that no path of the build is left in what was installed.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${work})

execute_process(COMMAND ${CMAKE_COMMAND} --install ${build} --prefix ${work}/first OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${work}/first ${work}/prefix)

execute_process(COMMAND ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${work}/build -G ${generator}
                        -DCMAKE_CXX_COMPILER=${compiler} -DCMAKE_PREFIX_PATH=${work}/prefix
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${work}/build COMMAND_ERROR_IS_FATAL ANY)

set(ENV{SIDETONE_MODELS} ${work}/prefix/share/sidetone/models)
foreach(program IN ITEMS with_static with_shared)
  execute_process(COMMAND ${work}/build/${program} ${work}/prefix/share/sidetone/chains/denoise.toml COMMAND_ERROR_IS_FATAL ANY)
endforeach()

# The program finds its libraries and models by itself.
unset(ENV{SIDETONE_MODELS})
execute_process(COMMAND ${work}/prefix/bin/sidetone models verify dtln COMMAND_ERROR_IS_FATAL ANY)
