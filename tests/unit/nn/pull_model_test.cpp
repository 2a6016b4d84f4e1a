// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>

#include <sys/file.h>
#include <unistd.h>
#include <random>

#include "loopback_server.hpp"
#include "nn/model_store.hpp"
#include "test_models.hpp"

namespace sidetone::nn {
namespace {

using test::LoopbackServer;
using testing::ElementsAre;
using testing::HasSubstr;

std::string random_bytes(std::size_t count) {
    std::mt19937 random{3};
    std::string bytes(count, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random() & 0xFFU);
    return bytes;
}

class Pull : public testing::Test {
protected:
    Pull() {
        test::write(folder_.path() / "reference", body_);
        GraphSpec graph;
        graph.manifest = folder_.path() / "toy" / "model.toml";
        graph.file = "w.onnx";
        graph.bytes = body_.size();
        graph.sha256 = sha256_of(folder_.path() / "reference");
        graph.url = server_.url();
        model_.folder = folder_.path() / "toy";
        model_.name = model_.weights_folder = "toy";
        model_.graphs = {graph};
        server_.behave({.body = body_});
    }

    void pull() { pull_model(model_, {}); }
    std::string pull_error() {
        return test::error_of([&] { pull(); });
    }
    [[nodiscard]] bool is_complete() const {
        return test::contents_of(target_) == body_ && !std::filesystem::exists(part_);
    }

    test::TemporaryFolder folder_;
    test::ScopedVariable data_{"XDG_DATA_HOME", folder_.path().string()};
    test::ScopedVariable proxy_{"http_proxy",
                                "http://127.0.0.1:1"};  // must not be asked: loopback stays on this machine
    const std::string body_ = random_bytes(300'000);
    const std::filesystem::path target_ = folder_.path() / "sidetone/models/toy/w.onnx",
                                part_ = folder_.path() / "sidetone/models/toy/w.onnx.part";
    LoopbackServer server_;
    Manifest model_;
};

TEST_F(Pull, FetchesAFileAndReportsProgressUpToItsSize) {
    std::vector<std::uint64_t> received;
    pull_model(model_, [&](const PullProgress& progress) {
        EXPECT_EQ(progress.file, "w.onnx");
        EXPECT_EQ(progress.total_bytes, body_.size());
        received.push_back(progress.received_bytes);
    });
    EXPECT_TRUE(is_complete());
    EXPECT_TRUE(std::ranges::is_sorted(received));
    EXPECT_EQ(received.front(), 0U);
    EXPECT_EQ(received.back(), body_.size());
    EXPECT_THAT(server_.ranges(), ElementsAre(""));
}

TEST_F(Pull, FetchesNothingThatIsThereAndRight) {
    test::write(target_, body_);
    pull();
    EXPECT_THAT(server_.ranges(), ElementsAre());
}

TEST_F(Pull, ReplacesWeightsThatAreWrong) {
    test::write(target_, std::string(body_.size(), 'x'));
    pull();
    EXPECT_TRUE(is_complete());
}

TEST_F(Pull, GoesOnWhereThePartEnds) {
    test::write(part_, body_.substr(0, 100'000));
    pull();
    EXPECT_TRUE(is_complete());
    EXPECT_THAT(server_.ranges(), ElementsAre("bytes=100000-"));
}

TEST_F(Pull, FinishesAPartThatIsWholeWithoutAsking) {
    test::write(part_, body_);
    pull();
    EXPECT_TRUE(is_complete());
    EXPECT_THAT(server_.ranges(), ElementsAre());
}

TEST_F(Pull, BeginsAnewWhereTheServerKnowsNoRanges) {
    server_.behave({.body = body_, .knows_ranges = false});
    test::write(part_, body_.substr(0, 100'000));
    pull();
    EXPECT_TRUE(is_complete());
    EXPECT_THAT(server_.ranges(), ElementsAre("bytes=100000-", ""));
}

TEST_F(Pull, BeginsAnewWhenThePartIsOfAnotherFile) {
    test::write(part_, std::string(100'000, 'x'));
    pull();
    EXPECT_TRUE(is_complete());
    EXPECT_THAT(server_.ranges(), ElementsAre("bytes=100000-", ""));
}

TEST_F(Pull, BeginsAnewWhenThePartIsLongerThanTheFile) {
    test::write(part_, body_ + "more");
    pull();
    EXPECT_TRUE(is_complete());
}

TEST_F(Pull, KeepsNothingOfAWrongHash) {
    auto other = body_;
    other.back() = static_cast<char>(other.back() + 1);
    server_.behave({.body = other});
    EXPECT_THAT(pull_error(),
                testing::AllOf(HasSubstr("found SHA-256 "), HasSubstr("expected " + model_.graphs[0].sha256)));
    EXPECT_FALSE(std::filesystem::exists(target_));
    EXPECT_FALSE(std::filesystem::exists(part_));
}

TEST_F(Pull, NamesAServersRefusal) {
    server_.behave({.status = 404});
    EXPECT_THAT(pull_error(),
                testing::AllOf(HasSubstr(server_.url()), HasSubstr("404"), HasSubstr("0 of 300000 bytes")));
    EXPECT_FALSE(std::filesystem::exists(target_));
}

TEST_F(Pull, ResumesAfterATruncatedBody) {
    server_.behave({.body = body_, .stop_after = 120'000});
    EXPECT_THAT(pull_error(), HasSubstr("120000 of 300000 bytes are there"));
    EXPECT_FALSE(std::filesystem::exists(target_));
    EXPECT_EQ(test::contents_of(part_), body_.substr(0, 120'000));
    server_.behave({.body = body_});
    pull();
    EXPECT_TRUE(is_complete());
    EXPECT_THAT(server_.ranges(), ElementsAre("", "bytes=120000-"));
}

TEST_F(Pull, NoticesATruncatedBodyOfUnknownLength) {
    server_.behave({.body = body_, .stop_after = 120'000, .announce_length = false});
    EXPECT_THAT(pull_error(), HasSubstr("less than the manifest's size (120000 of 300000"));
}

TEST_F(Pull, ResumesAfterAConnectionReset) {
    server_.behave({.body = body_, .stop_after = 150'000, .reset = true});
    EXPECT_THAT(pull_error(), HasSubstr("of 300000 bytes are there"));
    EXPECT_FALSE(std::filesystem::exists(target_));
    server_.behave({.body = body_});
    pull();
    EXPECT_TRUE(is_complete());
}

TEST_F(Pull, TakesNoMoreThanTheManifestDeclares) {
    for (const bool announced : {true, false}) {
        server_.behave({.body = body_ + body_ + body_, .announce_length = announced});
        EXPECT_THAT(pull_error(), HasSubstr("more than the manifest's size"));
        EXPECT_LE(std::filesystem::file_size(part_), body_.size());
        EXPECT_FALSE(std::filesystem::exists(target_));
    }
}

TEST_F(Pull, FollowsARedirectOnLoopback) {
    LoopbackServer other;
    other.behave({.body = body_});
    server_.behave({.status = 302, .redirect_to = other.url()});
    pull();
    EXPECT_TRUE(is_complete());
}

TEST_F(Pull, FollowsNoRedirectAwayInPlainTextAndNoCircle) {
    server_.behave({.status = 302, .redirect_to = "http://example.org/weights"});
    EXPECT_THAT(pull_error(),
                HasSubstr("http://example.org/weights: not fetched, expected a URL that begins with https://"));
    server_.behave({.status = 302, .redirect_to = "file:///etc/hostname"});
    EXPECT_THAT(pull_error(), HasSubstr("not fetched"));
    server_.behave({.status = 302, .redirect_to = server_.url()});
    EXPECT_THAT(pull_error(), HasSubstr("more than 5 redirects"));
}

TEST_F(Pull, NamesAServerThatIsNotThere) {
    model_.graphs[0].url = "http://127.0.0.1:1/weights";
    EXPECT_THAT(pull_error(), HasSubstr("http://127.0.0.1:1/weights: "));
}

TEST_F(Pull, RefusesAnotherDownloadOfTheSameFile) {
    test::write(part_, "");
    const int other = ::open(part_.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(::flock(other, LOCK_EX), 0);
    EXPECT_THAT(pull_error(), HasSubstr("another download of it is under way"));
    ::close(other);
    pull();
    EXPECT_TRUE(is_complete());
}

TEST_F(Pull, EndsWhenItsListenerThrowsAndKeepsThePart) {
    struct Cancelled {};
    const auto cancel = [](const PullProgress& progress) {
        if (progress.received_bytes > 0) throw Cancelled{};
    };
    EXPECT_THROW(pull_model(model_, cancel), Cancelled);
    EXPECT_GT(std::filesystem::file_size(part_), 0U);
    pull();
    EXPECT_TRUE(is_complete());
}

TEST_F(Pull, SaysWhereWeightsWithoutAUrlComeFrom) {
    model_.graphs[0].url.clear();
    EXPECT_THAT(pull_error(), HasSubstr("w.onnx has no URL to be fetched from; it comes with scripts/setup"));
}

}  // namespace
}  // namespace sidetone::nn
