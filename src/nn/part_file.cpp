// SPDX-License-Identifier: Apache-2.0
#include "nn/part_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int error) {
    throw InputError{fmt::format("{}: {}: {}", path.string(), what, std::generic_category().message(error))};
}

}  // namespace

PartFile::PartFile(const std::filesystem::path& final_path) : final_path_(final_path), part_path_(final_path) {
    part_path_ += ".part";
    std::error_code error;
    std::filesystem::create_directories(final_path_.parent_path(), error);
    if (error) fail(final_path_.parent_path(), "the folder cannot be made", error.value());
    descriptor_ = ::open(part_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor_ < 0) fail(part_path_, "cannot be written", errno);
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        const int why = errno;
        ::close(descriptor_);
        if (why == EWOULDBLOCK)
            throw InputError{fmt::format("{}: another download of it is under way", part_path_.string())};
        fail(part_path_, "cannot be locked", why);
    }
    const auto end = ::lseek(descriptor_, 0, SEEK_END);
    bytes_ = end < 0 ? 0 : static_cast<std::uint64_t>(end);
}

PartFile::~PartFile() {
    ::close(descriptor_);
}

bool PartFile::append(std::span<const char> piece) noexcept {
    while (!piece.empty()) {
        const auto written = ::write(descriptor_, piece.data(), piece.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes_ += static_cast<std::uint64_t>(written);
        piece = piece.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

void PartFile::restart() {
    if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) != 0)
        fail(part_path_, "cannot be emptied", errno);
    bytes_ = 0;
}

void PartFile::remove() noexcept {
    ::unlink(part_path_.c_str());
}

void PartFile::finish() {
    if (::fsync(descriptor_) != 0) fail(part_path_, "cannot be written through", errno);
    if (::rename(part_path_.c_str(), final_path_.c_str()) != 0) fail(final_path_, "cannot be put in place", errno);
}

}  // namespace sidetone::nn
