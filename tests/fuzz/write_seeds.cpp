// SPDX-License-Identifier: Apache-2.0

// write_seeds FOLDER: writes a graph of each operator that the native executor is tested with, for the fuzzer to start
// from.

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "unit/nn/native/operator_case.hpp"

int main(int count, char** arguments) {
    if (count != 2) {
        std::fputs("write_seeds FOLDER\n", stderr);
        return 2;
    }
    using namespace sidetone::nn::test;
    const std::filesystem::path folder{arguments[1]};
    std::filesystem::create_directories(folder);
    for (const auto& rows : {elementwise_rows(), shape_rows(), layer_rows(), quantized_rows()}) {
        for (const auto& row : rows) {
            OperatorCase made{row.name, 1};
            made.opset = row.opsets.back();
            row.make(made);
            std::ofstream{folder / row.name, std::ios::binary} << made.file();
        }
    }
    return 0;
}
