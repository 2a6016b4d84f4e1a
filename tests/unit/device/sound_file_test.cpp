// SPDX-License-Identifier: Apache-2.0
#include "device/sound_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "unit/device/refusal.hpp"
#include "unit/rt/temporary_folder.hpp"

namespace sidetone::device {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Sound noise(std::uint32_t channels, std::size_t frames, std::uint32_t rate_hz = 48'000) {
    std::mt19937 random(7);
    std::uniform_real_distribution<float> amplitude(-1, 1);
    Sound sound{.rate_hz = rate_hz, .channels = std::vector(channels, std::vector<float>(frames)), .not_finite = 0};
    for (auto& channel : sound.channels) {
        for (auto& sample : channel) sample = amplitude(random);
    }
    return sound;
}

/// Overwrites the 32-bit little-endian number at `at`.
void patch(std::string& bytes, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

std::size_t data_chunk(const std::string& bytes) {
    return bytes.find("data");
}

TEST(SoundFile, FloatsComeBackExactly) {
    const test::TemporaryFolder folder;
    const auto sound = noise(3, 10'007);
    write_sound_file(folder / "a.wav", sound);
    const auto back = read_sound_file(folder / "a.wav");
    EXPECT_EQ(back.rate_hz, 48'000U);
    EXPECT_EQ(back.channels, sound.channels);
    EXPECT_EQ(back.not_finite, 0U);
}

TEST(SoundFile, IntegersComeBackWithinHalfAStep) {
    const test::TemporaryFolder folder;
    const auto sound = noise(2, 9'001);
    for (const auto& [format, bits] : {std::pair{FileFormat::s16, 16}, std::pair{FileFormat::s24, 24}}) {
        write_sound_file(folder / "a.wav", sound, format);
        const auto back = read_sound_file(folder / "a.wav");
        const double step = std::ldexp(1.0, 1 - bits);
        for (std::size_t c = 0; c < 2; ++c) {
            for (std::size_t i = 0; i < sound.frames(); ++i) {
                const double held = std::min<double>(sound.channels[c][i], 1 - step);
                ASSERT_NEAR(back.channels[c][i], held, step * 0.5001) << bits << " bits, frame " << i;
            }
        }
    }
}

TEST(SoundFile, TheSameSamplesGiveTheSameBytes) {
    const test::TemporaryFolder folder;
    const auto sound = noise(1, 5'000);
    write_sound_file(folder / "a.wav", sound);
    write_sound_file(folder / "b.wav", sound);
    const auto bytes = test::contents_of(folder / "a.wav");
    EXPECT_EQ(bytes, test::contents_of(folder / "b.wav"));
    // Where libsndfile would put the time of day.
    const auto peak = bytes.find("PEAK");
    if (peak != std::string::npos) {
        EXPECT_EQ(bytes.substr(peak + 12, 4), std::string(4, '\0'));
    }
}

TEST(SoundFile, BlocksReadInTurnAreTheWhole) {
    const test::TemporaryFolder folder;
    const auto sound = noise(2, 1'000);
    write_sound_file(folder / "a.wav", sound);
    SoundFileReader reader(folder / "a.wav");
    Sound back{.rate_hz = 48'000, .channels = std::vector(2, std::vector<float>(1'000)), .not_finite = 0};
    std::size_t at = 0;
    for (std::size_t block = 1; at < 1'000; ++block) {
        float* const to[] = {back.channels[0].data() + at, back.channels[1].data() + at};
        const auto wanted = std::min<std::size_t>(block, 1'000 - at);
        ASSERT_EQ(reader.read(to, wanted), wanted);
        at += wanted;
    }
    EXPECT_EQ(back.channels, sound.channels);
    float* const beyond[] = {back.channels[0].data(), back.channels[1].data()};
    EXPECT_EQ(reader.read(beyond, 10), 0U);
}

TEST(SoundFile, NanAndInfinityAreCountedAndLeftAlone) {
    const test::TemporaryFolder folder;
    write_sound_file(folder / "a.wav", noise(1, 100));
    auto bytes = test::contents_of(folder / "a.wav");
    patch(bytes, data_chunk(bytes) + 8 + 4 * 10, 0x7fc0'0000);  // NaN
    patch(bytes, data_chunk(bytes) + 8 + 4 * 20, 0xff80'0000);  // -infinity
    test::write(folder / "a.wav", bytes);
    const auto back = read_sound_file(folder / "a.wav");
    EXPECT_EQ(back.not_finite, 2U);
    EXPECT_TRUE(std::isnan(back.channels[0][10]));
    EXPECT_TRUE(std::isinf(back.channels[0][20]));
}

TEST(SoundFile, WriterLetsNothingButFiniteSamplesOut) {
    const test::TemporaryFolder folder;
    auto sound = noise(1, 100);
    sound.channels[0][3] = std::numeric_limits<float>::quiet_NaN();
    sound.channels[0][4] = std::numeric_limits<float>::infinity();
    write_sound_file(folder / "a.wav", sound);
    const auto back = read_sound_file(folder / "a.wav");
    EXPECT_EQ(back.not_finite, 0U);
    EXPECT_EQ(back.channels[0][3], 0.0F);
    EXPECT_EQ(back.channels[0][4], 0.0F);
}

TEST(SoundFile, AFileCutShortIsRefused) {
    const test::TemporaryFolder folder;
    write_sound_file(folder / "a.wav", noise(1, 1'000), FileFormat::s16);
    const auto bytes = test::contents_of(folder / "a.wav");
    test::write(folder / "a.wav", bytes.substr(0, bytes.size() - 500));
    EXPECT_THAT(refusal([&] { SoundFileReader{folder / "a.wav"}; }),
                AllOf(HasSubstr("a.wav"), HasSubstr("promises 2000 bytes"), HasSubstr("holds 1500")));
}

TEST(SoundFile, AHeaderThatPromisesLessIsRefused) {
    const test::TemporaryFolder folder;
    write_sound_file(folder / "a.wav", noise(1, 1'000), FileFormat::s16);
    auto bytes = test::contents_of(folder / "a.wav");
    for (const std::uint32_t size : {0U, 100U, 1'000U}) {
        patch(bytes, data_chunk(bytes) + 4, size);
        test::write(folder / "a.wav", bytes);
        EXPECT_THAT(refusal([&] { SoundFileReader{folder / "a.wav"}; }),
                    AllOf(HasSubstr("a.wav"), HasSubstr("longer than the header says")))
            << size;
    }
}

TEST(SoundFile, ChunksAfterTheSoundAreNoLie) {
    const test::TemporaryFolder folder;
    write_sound_file(folder / "a.wav", noise(1, 1'000), FileFormat::s16);
    auto bytes = test::contents_of(folder / "a.wav");
    bytes += std::string("LIST\x0a\0\0\0INFOabcdef", 18);
    test::write(folder / "a.wav", bytes);
    EXPECT_EQ(read_sound_file(folder / "a.wav").frames(), 1'000U);
}

TEST(SoundFile, ARecordingBeyondFourGibibytesIsReadToItsLength) {
    // RF64 as EBU Tech 3306 lays it out, its sound a hole in the file that takes no room on the disk.
    const test::TemporaryFolder folder;
    constexpr std::uint64_t kFrames = 2'200'000'000, kDataBytes = 2 * kFrames;
    const auto little = [](std::uint64_t value, int bytes) {
        std::string text;
        for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
        return text;
    };
    const auto header = "RF64" + little(0xffff'ffff, 4) + "WAVE" + "ds64" + little(28, 4) + little(72 + kDataBytes, 8) +
                        little(kDataBytes, 8) + little(kFrames, 8) + little(0, 4) + "fmt " + little(16, 4) +
                        little(1, 2) + little(1, 2) + little(48'000, 4) + little(96'000, 4) + little(2, 2) +
                        little(16, 2) + "data" + little(0xffff'ffff, 4);
    test::write(folder / "long.wav", header);
    std::filesystem::resize_file(folder / "long.wav", header.size() + kDataBytes);
    EXPECT_EQ(SoundFileReader(folder / "long.wav").frames(), kFrames);
    std::filesystem::resize_file(folder / "long.wav", header.size() + kDataBytes - 1'000);
    EXPECT_THAT(refusal([&] { SoundFileReader{folder / "long.wav"}; }), HasSubstr("promises 4400000000 bytes"));
}

TEST(SoundFile, NoChannelsAreRefused) {
    const test::TemporaryFolder folder;
    write_sound_file(folder / "a.wav", noise(1, 1'000), FileFormat::s16);
    auto bytes = test::contents_of(folder / "a.wav");
    const auto format = bytes.find("fmt ");
    bytes[format + 10] = bytes[format + 11] = 0;
    test::write(folder / "a.wav", bytes);
    EXPECT_THAT(refusal([&] { SoundFileReader{folder / "a.wav"}; }),
                AllOf(HasSubstr("a.wav"), HasSubstr("0 channels")));
}

TEST(SoundFile, AbsurdRatesAreRefused) {
    const test::TemporaryFolder folder;
    for (const std::uint32_t rate_hz : {100U, 4'000'000U}) {
        write_sound_file(folder / "a.wav", noise(1, 100, rate_hz), FileFormat::s16);
        EXPECT_THAT(refusal([&] { SoundFileReader{folder / "a.wav"}; }),
                    AllOf(HasSubstr(std::to_string(rate_hz)), HasSubstr("8000 to 192000 Hz")));
    }
}

TEST(SoundFile, WhatIsNoSoundFileIsRefusedByName) {
    const test::TemporaryFolder folder;
    EXPECT_THAT(refusal([&] { SoundFileReader{folder / "none.wav"}; }), HasSubstr("none.wav: no such file"));
    EXPECT_THAT(refusal([&] { SoundFileReader{folder.path()}; }), HasSubstr("is a folder"));
    test::write(folder / "empty.wav", "");
    EXPECT_THAT(refusal([&] { SoundFileReader{folder / "empty.wav"}; }), HasSubstr("empty.wav: is empty"));
    test::write(folder / "text.wav", "this is not a sound file, whatever its name says\n");
    EXPECT_THAT(refusal([&] { SoundFileReader{folder / "text.wav"}; }), HasSubstr("text.wav: is no sound file"));
    write_sound_file(folder / "silent.wav", noise(1, 0));
    EXPECT_THAT(refusal([&] { SoundFileReader{folder / "silent.wav"}; }), HasSubstr("0 frames"));
}

TEST(SoundFile, NobodySeesHalfAFile) {
    const test::TemporaryFolder folder;
    const auto sound = noise(1, 100);
    const float* const starts[] = {sound.channels[0].data()};
    {
        SoundFileWriter writer(folder / "a.wav", 48'000, 1);
        writer.write(starts, 100);
        EXPECT_FALSE(std::filesystem::exists(folder / "a.wav"));
        EXPECT_TRUE(std::filesystem::exists(folder / "a.wav.part"));
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "what was not committed leaves nothing";

    SoundFileWriter writer(folder / "a.wav", 48'000, 1);
    writer.write(starts, 100);
    auto moved = std::move(writer);
    moved.commit();
    EXPECT_TRUE(std::filesystem::exists(folder / "a.wav"));
    EXPECT_FALSE(std::filesystem::exists(folder / "a.wav.part"));
}

TEST(SoundFile, APlaceThatCannotBeWrittenIsRefused) {
    const test::TemporaryFolder folder;
    EXPECT_THAT(refusal([&] { SoundFileWriter(folder / "missing/a.wav", 48'000, 1); }),
                AllOf(HasSubstr("a.wav"), HasSubstr("mkdir -p")));
    EXPECT_THAT(refusal([&] { SoundFileWriter(folder / "a.mp3", 48'000, 1); }), HasSubstr("expected .wav"));
    std::filesystem::create_directory(folder / "b.wav");
    EXPECT_THAT(refusal([&] { SoundFileWriter(folder / "b.wav", 48'000, 1); }), HasSubstr("it is a folder"));
}

}  // namespace
}  // namespace sidetone::device
