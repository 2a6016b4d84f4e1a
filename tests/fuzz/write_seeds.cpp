// SPDX-License-Identifier: Apache-2.0

// write_seeds FOLDER: writes a graph of each operator that the native executor is tested with, for the fuzzer to start
// from.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "unit/nn/native/operator_case.hpp"
#include "unit/nn/native/tflite_operator_rows.hpp"

int main(int count, char** arguments) {
    if (count != 2) {
        std::fputs("write_seeds FOLDER\n", stderr);
        return 2;
    }
    using namespace sidetone::nn::test;
    const std::filesystem::path folder{arguments[1]};
    std::filesystem::create_directories(folder);
    std::map<std::string, int> written;
    for (const auto& rows : {elementwise_rows(), shape_rows(), layer_rows(), recurrent_rows(), quantized_rows()}) {
        for (const auto& row : rows) {
            OperatorCase made{row.name, 1};
            made.opset = row.opsets.back();
            row.make(made);
            // Operators with several rows have a seed of each.
            const auto number = ++written[row.name];
            const auto name = number == 1 ? std::string{row.name} : row.name + std::to_string(number);
            std::ofstream{folder / name, std::ios::binary} << made.file();
        }
    }
    for (const auto& row : tflite_operator_rows()) {
        TinyTfliteFile made;
        row.make(made);
        std::ofstream{folder / (std::string{"tflite"} + row.name), std::ios::binary} << made.contents();
    }
    return 0;
}
