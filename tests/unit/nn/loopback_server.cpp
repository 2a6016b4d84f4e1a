// SPDX-License-Identifier: Apache-2.0
#include "loopback_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace sidetone::nn::test {
namespace {

std::string request_on(int connection) {
    std::string request;
    char chunk[1024];
    while (request.find("\r\n\r\n") == std::string::npos) {
        const auto count = ::recv(connection, chunk, sizeof chunk, 0);
        if (count <= 0) break;
        request.append(chunk, static_cast<std::size_t>(count));
    }
    return request;
}

std::string range_in(const std::string& request) {
    constexpr std::string_view kHeader = "Range: ";
    const auto at = request.find(kHeader);
    if (at == std::string::npos) return {};
    const auto begin = at + kHeader.size();
    return request.substr(begin, request.find("\r\n", begin) - begin);
}

void send_all(int connection, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
        if (count <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

}  // namespace

LoopbackServer::LoopbackServer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::listen(listener_, 8) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        throw std::runtime_error{"no server on 127.0.0.1"};
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { serve(); }};
}

LoopbackServer::~LoopbackServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
}

void LoopbackServer::behave(Behaviour behaviour) {
    const std::lock_guard lock{mutex_};
    behaviour_ = std::move(behaviour);
}

std::string LoopbackServer::url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/weights";
}

std::vector<std::string> LoopbackServer::ranges() const {
    const std::lock_guard lock{mutex_};
    return ranges_;
}

void LoopbackServer::serve() {
    while (!stopping_) {
        const int connection = ::accept(listener_, nullptr, nullptr);
        if (connection < 0) continue;
        answer(connection);
        ::close(connection);
    }
}

void LoopbackServer::answer(int connection) {
    const auto range = range_in(request_on(connection));
    Behaviour behaviour;
    {
        const std::lock_guard lock{mutex_};
        ranges_.push_back(range);
        behaviour = behaviour_;
    }
    if (behaviour.status != 200) {
        const auto location = behaviour.redirect_to.empty() ? "" : "Location: " + behaviour.redirect_to + "\r\n";
        constexpr std::string_view kPage = "not the weights";
        send_all(connection, "HTTP/1.1 " + std::to_string(behaviour.status) + " x\r\n" + location + "Content-Length: " +
                                 std::to_string(kPage.size()) + "\r\nConnection: close\r\n\r\n" + std::string{kPage});
        return;
    }
    std::string_view body = behaviour.body;
    std::string head = "HTTP/1.1 200 OK\r\n";
    if (behaviour.knows_ranges && range.starts_with("bytes=")) {
        const auto first = static_cast<std::size_t>(std::stoull(range.substr(6)));
        if (first >= body.size())
            return send_all(connection, "HTTP/1.1 416 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        head = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(first) + "-" +
               std::to_string(body.size() - 1) + "/" + std::to_string(body.size()) + "\r\n";
        body.remove_prefix(first);
    }
    if (behaviour.announce_length) head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    send_all(connection, head + "Connection: close\r\n\r\n");
    send_all(connection, body.substr(0, std::min(behaviour.stop_after, body.size())));
    if (behaviour.reset) {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
}

}  // namespace sidetone::nn::test
