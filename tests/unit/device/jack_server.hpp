// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

namespace sidetone::device {

/// A JACK server of this test process's own, with a simulated card; JACK_DEFAULT_SERVER points at it while it lives.
class TestJackServer {
public:
    /// Whether there is a `jackd` to start.
    [[nodiscard]] static bool is_installed();

    explicit TestJackServer(unsigned rate_hz = 48'000, unsigned block_frames = 128);
    ~TestJackServer();
    TestJackServer(const TestJackServer&) = delete;
    TestJackServer& operator=(const TestJackServer&) = delete;

    /// False: it did not come up within ten seconds.
    [[nodiscard]] bool start();
    /// Ends it in good order, so that it takes its shared memory with it.
    void stop();

    [[nodiscard]] const std::string& name() const { return name_; }

private:
    std::string name_;
    unsigned rate_hz_, block_frames_;
    pid_t process_ = 0;
};

}  // namespace sidetone::device
