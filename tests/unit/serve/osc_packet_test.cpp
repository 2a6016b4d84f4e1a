// SPDX-License-Identifier: Apache-2.0
#include "serve/osc_packet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <span>
#include <string>
#include <variant>

#include "rt/error.hpp"
#include "unit/serve/osc_writer.hpp"

namespace sidetone::serve {
namespace {

using test::Bytes;
using testing::HasSubstr;

std::string fault_in(const Bytes& packet) {
    try {
        (void)read_osc(packet);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

/// A message with these type tags, and these bytes after them.
Bytes raw(std::string_view types, const Bytes& arguments) {
    Bytes bytes;
    test::add_text(bytes, "/gain/gain_db");
    test::add_text(bytes, types);
    bytes.insert(bytes.end(), arguments.begin(), arguments.end());
    return bytes;
}

// As the specification's own example has it, byte by byte: /oscillator/4/frequency ,f 440.
TEST(OscPacket, IsReadAsTheSpecificationWritesIt) {
    const unsigned char example[] = {0x2f, 0x6f, 0x73, 0x63, 0x69, 0x6c, 0x6c, 0x61, 0x74, 0x6f, 0x72,
                                     0x2f, 0x34, 0x2f, 0x66, 0x72, 0x65, 0x71, 0x75, 0x65, 0x6e, 0x63,
                                     0x79, 0x00, 0x2c, 0x66, 0x00, 0x00, 0x43, 0xdc, 0x00, 0x00};
    const auto changes = read_osc(std::as_bytes(std::span{example}));
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].name, "oscillator.4.frequency");
    EXPECT_EQ(std::get<double>(changes[0].value), 440);
}

TEST(OscPacket, NumbersOfAllTypesAndTextsAreRead) {
    Bytes numbers;
    test::add_word(numbers, 0xFFFF'FFFD, 4);
    test::add_word(numbers, std::bit_cast<std::uint32_t>(0.5F), 4);
    test::add_word(numbers, std::bit_cast<std::uint64_t>(1e-300), 8);
    EXPECT_EQ(std::get<std::vector<double>>(read_osc(raw(",ifd", numbers))[0].value),
              (std::vector<double>{-3, 0.5, 1e-300}));
    EXPECT_EQ(std::get<std::string>(read_osc(test::text_message("/spatialise/hrir", "room 2.sofa"))[0].value),
              "room 2.sofa");
}

TEST(OscPacket, BundleIsItsMessagesInOrder) {
    const auto inner = test::bundle({test::message("/b/x", {2}), test::message("/c/x", {3})});
    const auto changes = read_osc(test::bundle({test::message("/a/x", {1}), inner, test::message("/d/x", {4})}));
    ASSERT_EQ(changes.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(changes[i].name, std::string(1, static_cast<char>('a' + i)) + ".x");
        EXPECT_EQ(std::get<double>(changes[i].value), static_cast<double>(i + 1));
    }
    EXPECT_TRUE(read_osc(test::bundle({})).empty());
}

TEST(OscPacket, WhatIsMalformedIsNamedWithItsPlace) {
    EXPECT_EQ(fault_in({}), "at byte 0: found a text without an end, expected a zero after it");
    EXPECT_THAT(fault_in(test::message("gain/gain_db", {1})), HasSubstr("found the address \"gain/gain_db\""));
    EXPECT_THAT(fault_in(test::message("/", {1})), HasSubstr("found the address"));
    for (const auto* const pattern : {"/gain/*", "/gain/gain_d?", "/{gain,limit}/x", "/[a-z]/x", "/a b"}) {
        EXPECT_THAT(fault_in(test::message(pattern, {1})), HasSubstr("found the address"));
    }
    EXPECT_THAT(fault_in(test::message("/gain\n/x", {1})), HasSubstr("expected printable ASCII"));
    EXPECT_THAT(fault_in(test::message("/gain\x9b/x", {1})), HasSubstr("expected printable ASCII"));
    EXPECT_THAT(fault_in(test::message("/gain/gain_db", std::vector<float>{})), HasSubstr("found no argument"));
    EXPECT_THAT(fault_in(raw("ff", {})), HasSubstr("found no argument"));
    EXPECT_THAT(fault_in(raw(",b", Bytes(8))), HasSubstr("an argument of type 'b'"));
    EXPECT_THAT(fault_in(raw(",ss", Bytes(8))), HasSubstr("an argument of type 's'"));
    EXPECT_THAT(fault_in(raw(",f", Bytes(3))), HasSubstr("found 3 bytes, expected 4 or more"));
    EXPECT_THAT(fault_in(raw(",f", Bytes(8))), HasSubstr("found more bytes, expected the end"));
    EXPECT_THAT(fault_in(Bytes(kLongestOscPacket + 1)), HasSubstr("expected at most 8192"));
    auto unpadded = test::message("/gain/gain_db", {1});
    unpadded[15] = std::byte{'x'};
    EXPECT_THAT(fault_in(unpadded), HasSubstr("not padded with zeros"));
    auto longer = test::bundle({test::message("/a/x", {1})});
    longer[19] = std::byte{200};
    EXPECT_THAT(fault_in(longer), HasSubstr("at byte 20: found 16 bytes, expected 200 or more"));
}

TEST(OscPacket, TextsNameNoFolder) {
    for (const auto* const path : {"/etc/passwd", "../secret.wav", "..", ".hidden", "a\\b", "sub/file.sofa"}) {
        EXPECT_THAT(fault_in(test::text_message("/spatialise/hrir", path)),
                    HasSubstr("expected a name without folders"));
    }
}

TEST(OscPacket, BundlesInBundlesEnd) {
    auto packet = test::message("/a/x", {1});
    for (int depth = 0; depth < 4; ++depth) packet = test::bundle({packet});
    EXPECT_EQ(read_osc(packet).size(), 1U);
    EXPECT_THAT(fault_in(test::bundle({packet})), HasSubstr("expected bundles no more than 4 deep"));
}

// Beneath the address sanitizer: whatever comes, it is read or refused.
TEST(OscPacket, AnyBytesAreReadOrRefused) {
    std::mt19937 random{5};
    const auto valid =
        test::bundle({test::message("/a/x", {1, 2}), test::bundle({test::text_message("/b/file", "x.wav")})});
    for (std::size_t size = 0; size < valid.size(); ++size) {
        EXPECT_EQ(fault_in({valid.begin(), valid.begin() + static_cast<std::ptrdiff_t>(size)}).empty(),
                  size == 16 || size == 40)
            << size;
    }
    std::size_t refused = 0;
    constexpr std::size_t kPackets = 50'000;
    for (std::size_t i = 0; i < kPackets; ++i) {
        auto packet = i % 2 == 0 ? valid : Bytes(random() % 64);
        if (i % 2 == 0) {
            for (int n = 0; n < 3; ++n) packet[random() % packet.size()] = static_cast<std::byte>(random());
        } else {
            for (auto& byte : packet) byte = static_cast<std::byte>(random() % 3 == 0 ? 0 : random());
        }
        refused += fault_in(packet).empty() ? 0 : 1;
    }
    EXPECT_GT(refused, kPackets / 2);
    EXPECT_LT(refused, kPackets);
}

}  // namespace
}  // namespace sidetone::serve
