// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#if defined(__linux__) && !defined(SIDETONE_SANITIZED)

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <span>

#include "compared_session.hpp"
#include "nn/native/native_session.hpp"
#include "operator_case.hpp"
#include "rt/guard.hpp"
#include "rt/thread.hpp"
#include "unit/dsp/signals.hpp"
#include "unit/nn/test_models.hpp"
#include "unit/nn/tiny_onnx.hpp"

namespace sidetone::nn {
namespace {

constexpr std::size_t kWarmUpRuns = 8;

bool is_long() {
    return std::getenv("SIDETONE_LONG") != nullptr;
}

/// What a child process tells; it lies in memory that both see.
struct Told {
    std::uint64_t heap_calls, locks;
    std::int64_t page_faults;
    bool ready, failed;
    volatile std::uint32_t run;  ///< being run, counted from 1; 0: none
};

class SharedTold {
public:
    SharedTold() {
        void* memory = mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc{};
        told_ = new (memory) Told{};
    }
    ~SharedTold() { munmap(told_, sizeof(Told)); }
    SharedTold(const SharedTold&) = delete;
    SharedTold& operator=(const SharedTold&) = delete;
    Told* operator->() const { return told_; }

private:
    Told* told_;
};

/// From now on this process ends with SIGSYS at any system call but those that end it or ask for its page faults.
bool forbid_system_calls() {
    constexpr auto kNumber = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
    std::array filter{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrusage, 1, 0),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

std::int64_t page_faults() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

/// Whatever happens, the child must not go on with the tests.
template <class Body>
pid_t in_child(const Body& body) {
    const auto child = fork();
    if (child != 0) return child;
    try {
        body();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        _exit(1);
    }
    _exit(0);
}

int status_of(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

/// A graph with noise to feed it; each run gets another piece, at another level: quiet, loud, denormal, silence.
class FedSession {
public:
    FedSession(const GraphSpec& graph, const std::filesystem::path& file)
        : session_(graph, open_native_session(graph, file)), noise_(dsp::test::white_noise(1 << 16, 1, 0.1F)) {}

    [[nodiscard]] bool run() {
        const auto signal = session_.signal();
        const auto from = at_++ * 977 % (noise_.size() - signal.size());
        constexpr std::array kLevels{1.0F, 1000.0F, 1e-38F, 0.0F};
        const auto level = kLevels[at_ / 2 % kLevels.size()];  // each for both of the states' places
        std::ranges::transform(std::span{noise_}.subspan(from, signal.size()), signal.begin(),
                               [&](float sample) { return level * sample; });
        return session_.run();
    }

private:
    test::ComparedSession session_;
    std::vector<float> noise_;
    std::size_t at_ = 0;
};

TEST(SystemCallTrap, SeesASystemCall) {
    const SharedTold told;
    const auto status = status_of(in_child([&] {
        told->ready = forbid_system_calls();
        if (told->ready) (void)getppid();
    }));
    if (!told->ready) GTEST_SKIP() << "this machine lets no process filter its own system calls";
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGSYS);
}

class SafeModel : public testing::TestWithParam<const char*> {
protected:
    test::PublishedWeights published_;
    Manifest model_ = find_model(GetParam());
};

TEST_P(SafeModel, RunsWithoutHeapLockSystemCallOrPageFault) {
    SIDETONE_REQUIRE_WEIGHTS(model_);
    const std::size_t runs = is_long() ? 100'000 : 2000;
    for (const auto& graph : model_.graphs) {
        const SharedTold told;
        const auto status = status_of(in_child([&] {
            const rt::ScopedFlushDenormals flush;
            FedSession session{graph, weights_file(model_, graph)};
            const auto run_often = [&](std::size_t count) {
                const rt::RealtimeScope scope{rt::RealtimeKind::worker};
                for (std::size_t run = 0; run < count; ++run) told->failed = !session.run() || told->failed;
            };
            // All of what counts: a child has its parent's code anew, page by page, where it first comes.
            run_often(kWarmUpRuns);
            rt::reset_realtime_counts();
            told->ready = forbid_system_calls();
            const auto before = page_faults();
            run_often(runs);
            told->page_faults = page_faults() - before;
            const auto counts = rt::realtime_counts(rt::RealtimeKind::worker);
            told->heap_calls = counts.heap_calls;
            told->locks = counts.locks;
            _exit(0);
        }));
        EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0) << "the model could not be run";
        if (!told->ready) GTEST_SKIP() << "this machine lets no process filter its own system calls";
        EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << graph.file;
        EXPECT_FALSE(WIFSIGNALED(status)) << graph.file << " ended by signal " << WTERMSIG(status)
                                          << (WTERMSIG(status) == SIGSYS ? ": a system call" : "");
        EXPECT_FALSE(told->failed) << graph.file;
        EXPECT_EQ(told->page_faults, 0) << graph.file;
        if (!rt::interposer_is_present()) continue;
        EXPECT_EQ(told->heap_calls, 0U) << graph.file;
        EXPECT_EQ(told->locks, 0U) << graph.file;
    }
}

/// Instructions of each run of `graph`, counted by stepping through a child process; empty where that is not allowed.
std::vector<std::uint64_t> instructions_of(const GraphSpec& graph, const std::filesystem::path& file,
                                           std::uint32_t runs) {
    const SharedTold told;
    const auto child = in_child([&] {
        const rt::ScopedFlushDenormals flush;
        FedSession session{graph, file};
        for (std::size_t run = 0; run < kWarmUpRuns; ++run) (void)session.run();
        if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) return;
        told->ready = true;
        raise(SIGSTOP);
        for (std::uint32_t run = 1; run <= runs; ++run) {
            told->run = run;
            (void)session.run();
            told->run = 0;
        }
        told->ready = false;
    });
    int status = status_of(child);
    EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0) << "the model could not be run";
    if (!WIFSTOPPED(status)) return {};
    std::vector<std::uint64_t> counts(runs);
    while (told->ready && WIFSTOPPED(status)) {
        if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) return {};
        status = status_of(child);
        if (told->run != 0) ++counts[told->run - 1];
    }
    ptrace(PTRACE_DETACH, child, nullptr, nullptr);
    (void)status_of(child);
    return counts;
}

void expect_constant_instructions(const GraphSpec& graph, const std::filesystem::path& file, std::uint32_t runs) {
    const auto counts = instructions_of(graph, file, runs);
    if (counts.empty()) GTEST_SKIP() << "this machine lets no process step through another";
    EXPECT_GT(counts[0], 200U) << file;
    // Every other run works on the same memory: states change places.
    for (std::size_t run = 2; run < counts.size(); ++run) EXPECT_EQ(counts[run], counts[run - 2]) << file;
    testing::Test::RecordProperty(file.stem().string() + "_instructions", std::to_string(counts[0]));
}

TEST(Instructions, AreAsManyWhateverTheNumbers) {
    const test::TemporaryFolder folder;
    const auto file = folder.path() / "tiny.onnx";
    test::TinyOnnx onnx;
    onnx.input("x", {12, 12}).output("y", {12, 12}).node("MatMul", {"x", "x"}, "a").node("Sigmoid", {"a"}, "b");
    onnx.node("Tanh", {"a"}, "c")
        .node("Softplus", {"a"}, "d")
        .node("Div", {"d", "c"}, "e")
        .node("Add", {"b", "e"}, "f");
    test::write(file, onnx.node("Greater", {"a", "x"}, "g").node("Where", {"g", "f", "x"}, "y").file());
    expect_constant_instructions({.input = "x",
                                  .output = "y",
                                  .inputs = {{"x", ElementType::f32, {12, 12}}},
                                  .outputs = {{"y", ElementType::f32, {12, 12}}}},
                                 file, 8);
}

TEST(Instructions, AreAsManyWhateverTheNumbersThatBecomeBytes) {
    const test::TemporaryFolder folder;
    const auto file = folder.path() / "bytes.onnx";
    test::OperatorCase made{"Mul", 1};
    made.dynamic_floats({1, 40});
    const auto x = made.take_input();
    const auto quantized = made.node("DynamicQuantizeLinear", {x}, 3);
    std::vector<std::int64_t> values(40 * 20);
    for (auto& value : values) value = made.random.integer(-128, 127);
    made.constant_integers<std::int8_t>({40, 20}, values);
    const auto sums = made.node("MatMulInteger", {quantized[0], made.take_input(), quantized[2]});
    const auto cast = made.node("Cast", {sums[0]});
    made.node_attribute("to", 1);
    made.constant_floats({}, 0.01F, 0.02F);
    const auto scale = made.node("Mul", {quantized[1], made.take_input()});
    made.computed(cast[0]).computed(scale[0]);
    test::write(file, made.file());
    expect_constant_instructions({.input = x,
                                  .output = "y0",
                                  .inputs = {{x, ElementType::f32, {1, 40}}},
                                  .outputs = {{"y0", ElementType::f32, {1, 20}}}},
                                 file, 8);
}

TEST(Instructions, AreAsManyWhateverTheSignsAtTheEdgesOfAConvolution) {
    const test::TemporaryFolder folder;
    const auto file = folder.path() / "edges.onnx";
    test::OperatorCase made{"PRelu", 1};
    made.dynamic_floats({1, 3, 3, 33});
    const auto x = made.take_input();
    made.constant_floats({3, 1, 3, 3}, -1.0F, 1.0F);
    const auto sums = made.node("Conv", {x, made.take_input()});
    made.node_attribute("group", 3).node_attribute("pads", std::vector<std::int64_t>{0, 1, 0, 1});
    made.computed(sums[0]).constant_floats({1}, 0.1F, 0.3F);
    test::write(file, made.file());
    test::write(file, made.file());
    expect_constant_instructions({.input = x,
                                  .output = "y0",
                                  .inputs = {{x, ElementType::f32, {1, 3, 3, 33}}},
                                  .outputs = {{"y0", ElementType::f32, {1, 3, 1, 33}}}},
                                 file, 8);
}

TEST_P(SafeModel, TakesTheSameInstructionsWhateverTheSound) {
    if (!is_long()) GTEST_SKIP() << "takes minutes; SIDETONE_LONG is not set";
    SIDETONE_REQUIRE_WEIGHTS(model_);
    for (const auto& graph : model_.graphs) expect_constant_instructions(graph, weights_file(model_, graph), 4);
}

INSTANTIATE_TEST_SUITE_P(Models, SafeModel, testing::Values("gtcrn", "dtln", "dtln-onnx", "ul-unas", "silero-vad"),
                         test::name_of_case);

}  // namespace
}  // namespace sidetone::nn

#endif
