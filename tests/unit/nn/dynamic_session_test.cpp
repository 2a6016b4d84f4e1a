// SPDX-License-Identifier: Apache-2.0
#include "nn/dynamic_session.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "test_models.hpp"
#include "tiny_onnx.hpp"

namespace sidetone::nn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::array kFloats{1.0F, 2.0F};
constexpr std::array kIntegers{std::int64_t{1}, std::int64_t{2}};
constexpr std::array kShape{std::int64_t{1}, std::int64_t{2}};

TEST(Tensor, ValuesAreThoseOfFloatsOnly) {
    EXPECT_THAT(Tensor::view(std::span<const float>{kFloats}, kShape).values(), ElementsAre(1, 2));
    EXPECT_THROW((void)Tensor::view(std::span<const std::int64_t>{kIntegers}, kShape).values(), std::runtime_error);
    EXPECT_THROW((void)Tensor::flag(true).values(), std::runtime_error);
}

TEST(Tensor, FewerValuesThanTheShapeSaysAreRefused) {
    EXPECT_THROW((void)Tensor::view(std::span<const float>{kFloats}.first(1), kShape), std::runtime_error);
    EXPECT_THROW((void)Tensor::view(std::span<const std::int64_t>{}, kShape), std::runtime_error);
    EXPECT_THROW((void)Tensor::view(std::span<const float>{}, {}), std::runtime_error) << "a scalar is one value";
}

TEST(DynamicSession, TellsWhatTheFileDeclares) {
    const test::TemporaryFolder folder;
    test::TinyOnnx graph;
    graph.node("Identity", {"x"}, "y").input("x", {1, 2}).output("y", {1, 2});
    graph.node("Identity", {"n"}, "m").input("n", {}, test::kInt64).output("m", {}, test::kInt64);
    test::write(folder / "graph.onnx", graph.file());
    DynamicSession session{folder / "graph.onnx"};
    EXPECT_TRUE(session.input("x").has_floats);
    EXPECT_THAT(session.output("y").shape, ElementsAre(1, 2));
    EXPECT_FALSE(session.output("m").has_floats);
    EXPECT_THAT(session.input("n").shape, IsEmpty());
    EXPECT_NE(test::error_of([&] { (void)session.input("y"); }).find("\"y\""), std::string::npos);

    const std::vector<Tensor> inputs{Tensor::view(std::span<const float>{kFloats}, kShape),
                                     Tensor::view(std::span<const std::int64_t>{kIntegers}.first(1), {})};
    const std::vector<std::string> wanted{"y", "m"};
    const auto made = session.run(inputs, wanted);
    EXPECT_THAT(made[0].values(), ElementsAre(1, 2));
    EXPECT_THROW((void)made[1].values(), std::runtime_error);
}

}  // namespace
}  // namespace sidetone::nn
