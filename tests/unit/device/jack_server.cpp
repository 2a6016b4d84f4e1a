// SPDX-License-Identifier: Apache-2.0
#include "unit/device/jack_server.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "device/jack_card.hpp"

namespace sidetone::device {

namespace {

constexpr auto kPoll = std::chrono::milliseconds(20);
constexpr int kPolls = 500;

std::string path_of_jackd() {
    for (const char* const path : {"/usr/bin/jackd", "/usr/local/bin/jackd"}) {
        if (access(path, X_OK) == 0) return path;
    }
    return {};
}

}  // namespace

bool TestJackServer::is_installed() {
    return !path_of_jackd().empty();
}

TestJackServer::TestJackServer(unsigned rate_hz, unsigned block_frames)
    : name_("sidetone-test-" + std::to_string(getpid())), rate_hz_(rate_hz), block_frames_(block_frames) {
    setenv("JACK_DEFAULT_SERVER", name_.c_str(), 1);
    setenv("JACK_NO_AUDIO_RESERVATION", "1", 1);
    setenv("JACK_NO_START_SERVER", "1", 1);
}

TestJackServer::~TestJackServer() {
    stop();
}

bool TestJackServer::start() {
    const auto path = path_of_jackd();
    const auto rate = std::to_string(rate_hz_), block = std::to_string(block_frames_);
    const std::array<const char*, 11> arguments{path.c_str(), "-n", name_.c_str(), "-R",   "-d", "dummy", "-r",
                                                rate.c_str(), "-p", block.c_str(), nullptr};
    process_ = fork();
    if (process_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that crashes leaves no server behind
        const int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        execv(path.c_str(), const_cast<char* const*>(arguments.data()));
        _exit(127);
    }
    for (int i = 0; i < kPolls; ++i) {
        if (find_jack_server()) return true;
        std::this_thread::sleep_for(kPoll);
    }
    return false;
}

void TestJackServer::stop() {
    if (process_ <= 0) return;
    kill(process_, SIGTERM);
    for (int i = 0; i < kPolls; ++i) {
        if (waitpid(process_, nullptr, WNOHANG) == process_) {
            process_ = 0;
            return;
        }
        std::this_thread::sleep_for(kPoll);
    }
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
}

}  // namespace sidetone::device
