// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sidetone::nn::test {

/// A small HTTP server on 127.0.0.1 that serves one body and can misbehave. One connection at a time, one request each.
class LoopbackServer {
public:
    struct Behaviour {
        std::string body;
        int status = 200;                   ///< other than 200: that, and no body
        std::string redirect_to;            ///< with a status of 3xx
        bool knows_ranges = true;           ///< false: a range is ignored, and all is sent with 200
        std::size_t stop_after = SIZE_MAX;  ///< closes after so many bytes of the body, whatever length it announced
        bool reset = false;                 ///< closes with a TCP reset instead of an orderly end
        bool announce_length = true;
    };

    LoopbackServer();
    ~LoopbackServer();
    LoopbackServer(const LoopbackServer&) = delete;
    LoopbackServer& operator=(const LoopbackServer&) = delete;

    void behave(Behaviour behaviour);

    /// http://127.0.0.1:PORT/weights
    [[nodiscard]] std::string url() const;

    /// The `Range` header of every request so far, "" where there was none.
    [[nodiscard]] std::vector<std::string> ranges() const;

private:
    void serve();
    void answer(int connection);

    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_;
    Behaviour behaviour_;
    std::vector<std::string> ranges_;
    std::thread thread_;
};

}  // namespace sidetone::nn::test
