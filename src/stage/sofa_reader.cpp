// SPDX-License-Identifier: Apache-2.0
#include "stage/sofa_reader.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <system_error>

#include "rt/error.hpp"
#include "stage/hrir_file.hpp"
#include "stage/sofa_message.hpp"

namespace sidetone::stage {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto kProgram = "sidetone-sofa";
constexpr std::size_t kMostText = 1'000;
constexpr auto kUnreadable = "found contents that cannot be read, expected a SOFA file";

[[noreturn]] void refuse(const fs::path& path, const std::string& what) {
    throw InputError(fmt::format("{}: {}", path.string(), what));
}

/// A running reader and the end of the pipe that it writes to; ended with this, whatever it is at.
class Reader {
public:
    Reader(const fs::path& program, const fs::path& file);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// Fills `bytes`, or as much of it as there is until the reader's end or `deadline`.
    [[nodiscard]] std::size_t read(std::span<std::byte> bytes, Clock::time_point deadline) const;

private:
    pid_t child_ = -1;
    int pipe_ = -1;
};

/// The reader writes into `pipe`, and has nothing else that is open here.
struct SpawnActions {
    explicit SpawnActions(int pipe) {
        posix_spawn_file_actions_init(&actions);
        for (const int result : {posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0),
                                 posix_spawn_file_actions_adddup2(&actions, pipe, STDOUT_FILENO),
                                 posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0),
                                 posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)}) {
            if (error == 0) error = result;
        }
    }
    ~SpawnActions() { posix_spawn_file_actions_destroy(&actions); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    posix_spawn_file_actions_t actions{};
    int error = 0;
};

/// Nothing of how the calling thread is set up is handed on: neither its signals nor a real-time priority.
struct SpawnAttributes {
    SpawnAttributes() {
        posix_spawnattr_init(&attributes);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        const sched_param ordinary{};
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setschedpolicy(&attributes, SCHED_OTHER);
        posix_spawnattr_setschedparam(&attributes, &ordinary);
        posix_spawnattr_setflags(&attributes,
                                 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSCHEDULER);
    }
    ~SpawnAttributes() { posix_spawnattr_destroy(&attributes); }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;
    posix_spawnattr_t attributes{};
};

Reader::Reader(const fs::path& program, const fs::path& file) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) refuse(file, "cannot be read: found no room for another pipe");
    pipe_ = ends[0];
    const SpawnActions to{ends[1]};
    const SpawnAttributes as;
    std::string name = program.string(), argument = file.string();
    const std::array<char*, 3> arguments{name.data(), argument.data(), nullptr};
    int error = to.error;
    if (error == 0) {
        error = posix_spawn(&child_, name.c_str(), &to.actions, &as.attributes, arguments.data(), environ);
    }
    close(ends[1]);
    if (error == 0) return;
    close(pipe_);
    refuse(file, fmt::format("cannot be read: {} does not start: {}", name, std::generic_category().message(error)));
}

Reader::~Reader() {
    close(pipe_);
    // A host that reaps all children may have had this one already.
    if (waitpid(child_, nullptr, WNOHANG) != 0) return;
    kill(child_, SIGKILL);
    while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

std::size_t Reader::read(std::span<std::byte> bytes, Clock::time_point deadline) const {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) break;
        pollfd waiting{.fd = pipe_, .events = POLLIN, .revents = 0};
        const int ready = poll(&waiting, 1, static_cast<int>(left));
        if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
        if (ready < 0) break;
        const auto got = ::read(pipe_, bytes.data() + done, bytes.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

void check_sizes(const fs::path& path, const SofaMessage& message) {
    if (message.directions == 0 || message.frames == 0) {
        refuse(path, fmt::format("found {} directions of {} frames, expected at least one of each", message.directions,
                                 message.frames));
    }
    if (message.directions > SofaMessage::kMostDirections || message.floats() > SofaMessage::kMostFloats) {
        refuse(path,
               fmt::format("found {} directions of {} frames, expected at most {} directions and {} samples",
                           message.directions, message.frames, SofaMessage::kMostDirections, SofaMessage::kMostFloats));
    }
    if (message.rate_hz < SofaMessage::kLowestRateHz || message.rate_hz > SofaMessage::kHighestRateHz) {
        refuse(path, fmt::format("found a sampling rate of {} Hz, expected {} to {}", message.rate_hz,
                                 SofaMessage::kLowestRateHz, SofaMessage::kHighestRateHz));
    }
    const double seconds = static_cast<double>(message.frames) / message.rate_hz;
    if (seconds > kLongestResponseSeconds) {
        refuse(path,
               fmt::format("found responses of {:.1f} s, expected up to {:g} s", seconds, kLongestResponseSeconds));
    }
}

/// All responses are made as long as the latest one needs.
void check_delays(const fs::path& path, const SofaContents& contents) {
    const auto [earliest, latest] = std::ranges::minmax(contents.delay_frames);
    constexpr double kRounded = 1.001;  // the rate, to whole Hz
    if (earliest < 0 || static_cast<double>(latest) > kRounded * SofaMessage::kLatestDelaySeconds * contents.rate_hz) {
        refuse(path, fmt::format("found a delay out of range, expected 0 to {:g} s", SofaMessage::kLatestDelaySeconds));
    }
    const auto samples =
        std::uint64_t{2} * contents.directions * delayed_frames(contents.frames, static_cast<double>(latest));
    if (samples > SofaMessage::kMostFloats) {
        refuse(path, fmt::format("found {} directions of {} frames and delays up to {:g} frames, expected at most {} "
                                 "samples with the delays",
                                 contents.directions, contents.frames, latest, SofaMessage::kMostFloats));
    }
}

bool is_finite(const std::vector<float>& values) {
    return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

/// What the reader says, on one line and without what a terminal would obey.
[[noreturn]] void refuse_in_its_words(const fs::path& path, const Reader& reader, Clock::time_point deadline) {
    std::string text(kMostText, '\0');
    text.resize(reader.read(std::as_writable_bytes(std::span{text}), deadline));
    std::ranges::replace_if(
        text, [](char c) { return c < ' ' || c > '~'; }, '?');
    refuse(path, text.empty() ? kUnreadable : text);
}

/// Where the program lies whose code this is: the executable, or a library within another one's process.
fs::path folder_of_this_code() {
    Dl_info found{};
    if (dladdr(reinterpret_cast<const void*>(&folder_of_this_code), &found) == 0 || found.dli_fname == nullptr)
        return {};
    std::error_code error;
    return fs::canonical(found.dli_fname, error).parent_path();
}

}  // namespace

SofaContents read_sofa_contents(const fs::path& path, const fs::path& program, std::chrono::milliseconds patience) {
    const auto deadline = Clock::now() + patience;
    const Reader reader{program, path};
    SofaMessage message;
    const auto got = reader.read(std::as_writable_bytes(std::span{&message, 1}), deadline);
    if (got != sizeof message || message.mark != SofaMessage::kMark) {
        if (Clock::now() < deadline) refuse(path, kUnreadable);
        refuse(path, fmt::format("found contents that take longer than {:g} s to read, expected a SOFA file",
                                 std::chrono::duration<double>(patience).count()));
    }
    if (message.is_read != 1) refuse_in_its_words(path, reader, deadline);
    check_sizes(path, message);
    SofaContents contents{.rate_hz = message.rate_hz,
                          .directions = message.directions,
                          .frames = message.frames,
                          .angles_deg = std::vector<float>(std::size_t{2} * message.directions),
                          .delay_frames = std::vector<float>(std::size_t{2} * message.directions),
                          .taps = {}};
    const auto receive = [&](std::vector<float>& values) {
        const auto bytes = std::as_writable_bytes(std::span{values});
        if (reader.read(bytes, deadline) != bytes.size()) refuse(path, "ends too early, expected a whole SOFA file");
        if (!is_finite(values)) refuse(path, "found values that are no numbers, expected finite ones");
    };
    receive(contents.angles_deg);
    receive(contents.delay_frames);
    check_delays(path, contents);
    contents.taps.resize(std::size_t{2} * message.directions * message.frames);
    receive(contents.taps);
    return contents;
}

std::size_t delayed_frames(std::size_t frames, double delay_frames) noexcept {
    constexpr std::size_t kRinging = 32;
    return delay_frames == 0 ? frames : frames + static_cast<std::size_t>(std::ceil(delay_frames)) + kRinging;
}

fs::path find_sofa_reader() {
    if (const char* named = std::getenv("SIDETONE_SOFA_READER"); named != nullptr && *named != '\0') return named;
    std::error_code error;
    const auto program = fs::read_symlink("/proc/self/exe", error).parent_path();
    const auto library = folder_of_this_code();
    std::vector<fs::path> candidates;
    for (const auto& folder : {program, library}) {
        if (folder.empty()) continue;
        for (const auto* const below : {"", "../bin", "../libexec/sidetone"})
            candidates.push_back(folder / below / kProgram);
    }
    candidates.push_back(fs::path{SIDETONE_INSTALL_LIBEXECDIR} / "sidetone" / kProgram);
    const auto is_there = [](const fs::path& candidate) { return access(candidate.c_str(), X_OK) == 0; };
    const auto found = std::ranges::find_if(candidates, is_there);
    if (found != candidates.end()) return *found;
    throw InputError(
        fmt::format("cannot read SOFA files: found no program {} beside {}, expected it there or where "
                    "SIDETONE_SOFA_READER says",
                    kProgram, program.string()));
}

}  // namespace sidetone::stage
