// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sidetone::device {

/// A whole recording in memory, one vector per channel.
struct Sound {
    std::uint32_t rate_hz = 0;
    std::vector<std::vector<float>> channels = {};
    std::uint64_t not_finite = 0;  ///< samples that are NaN or infinite; left as they are

    [[nodiscard]] std::size_t frames() const noexcept { return channels.empty() ? 0 : channels.front().size(); }
};

/// Reads what libsndfile reads (WAV, FLAC, AIFF, Ogg …) as floats, full scale ±1. Ordinary threads only.
class SoundFileReader {
public:
    /// Throws InputError naming the file, what was found and what was expected: missing, a folder, empty, no sound
    /// file, a header that lies about the length, no or more than 64 channels, a rate outside 8000 to 192000 Hz.
    explicit SoundFileReader(const std::filesystem::path& path);
    ~SoundFileReader();
    SoundFileReader(SoundFileReader&&) noexcept;
    SoundFileReader& operator=(SoundFileReader&&) noexcept;

    [[nodiscard]] std::uint32_t rate_hz() const noexcept { return rate_hz_; }
    [[nodiscard]] std::uint32_t channels() const noexcept { return channels_; }
    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }

    /// The next `frames` frames, one buffer per channel; fewer only at the end. Throws InputError when the file ends
    /// before the frames its header promised.
    std::size_t read(std::span<float* const> channels, std::size_t frames);

    /// Samples read so far that were NaN or infinite. They are handed out as they are.
    [[nodiscard]] std::uint64_t not_finite() const noexcept { return not_finite_; }

private:
    struct Closer {
        void operator()(void* file) const noexcept;
    };
    std::string name_;
    std::unique_ptr<void, Closer> file_;
    std::uint32_t rate_hz_ = 0, channels_ = 0;
    std::uint64_t frames_ = 0, read_frames_ = 0, not_finite_ = 0;
    std::vector<float> interleaved_;
};

/// All of a file. Throws as SoundFileReader does.
[[nodiscard]] Sound read_sound_file(const std::filesystem::path& path);

/// How a file stores its samples.
enum class FileFormat : std::uint8_t { s16, s24, f32 };

/// Writes a WAV file (RF64 beyond 4 GiB) as `NAME.part` beside its target and renames it on `commit`, so that nobody
/// ever sees half a file; without `commit` it leaves nothing. The same samples give the same bytes. Ordinary threads
/// only.
class SoundFileWriter {
public:
    /// Throws InputError: a name that does not end in .wav, a missing folder, no right to write there.
    SoundFileWriter(const std::filesystem::path& path, std::uint32_t rate_hz, std::uint32_t channels,
                    FileFormat format = FileFormat::f32);
    ~SoundFileWriter();
    SoundFileWriter(SoundFileWriter&&) noexcept;
    SoundFileWriter& operator=(SoundFileWriter&&) noexcept;

    /// One buffer per channel. Integers are rounded to nearest and clamped; NaN and infinity become 0. Throws
    /// InputError when the disk does not take them.
    void write(std::span<const float* const> channels, std::size_t frames);

    /// Finishes the file and gives it its name. Throws InputError. Nothing may be written afterwards.
    void commit();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }

private:
    struct Closer {
        void operator()(void* file) const noexcept;
    };
    void write_chunk(std::span<const float* const> channels, std::size_t first, std::size_t frames);
    void discard() noexcept;

    std::filesystem::path path_, part_;
    std::unique_ptr<void, Closer> file_;
    std::uint32_t channels_ = 0;
    FileFormat format_ = FileFormat::f32;
    std::uint64_t frames_ = 0;
    std::vector<std::int32_t> words_;  // one chunk, interleaved, in the file's format
};

/// Writes all of `sound`. Throws as SoundFileWriter does.
void write_sound_file(const std::filesystem::path& path, const Sound& sound, FileFormat format = FileFormat::f32);

}  // namespace sidetone::device
