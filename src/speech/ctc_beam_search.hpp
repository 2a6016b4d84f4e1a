// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "rt/realtime.hpp"
#include "speech/phones.hpp"

namespace sidetone::speech {

/// A token of a hypothesis. Frames are counted from the first one after the start or `reset`; both ends belong to it.
/// They are those of the likeliest path up to the next token; tokens are in order and never overlap.
struct CtcToken {
    Phone token = kBlank;
    float confidence = 0;  ///< its largest posterior within its frames, 0 to 1
    std::int64_t first_frame = 0, last_frame = 0;
};

/// What a language model or a grammar adds to a hypothesis when `token` follows what led to `state`: a natural
/// logarithm, and the state after it. Called on the thread that calls `step`, under the same rules.
struct ExternalScore {
    using Function = float (*)(const void* model, std::uint32_t state, Phone token, std::uint32_t& next_state) noexcept;

    Function score = nullptr;  ///< none: every token costs nothing
    const void* model = nullptr;
    std::uint32_t start_state = 0;
};

/// Prefix beam search over a stream of posteriors of connectionist temporal classification (Hannun et al., 2014).
///
/// A hypothesis is a prefix, the sum of all paths that blanks and repeats fold into it. Prefixes are nodes of a trie,
/// so equal ones are one node; sums are kept as probabilities in double precision, scaled by powers of two, so nothing
/// is lost to logarithms. What all hypotheses begin with is stable: it is taken off the trie and kept in a ring. Should
/// they disagree for `longest_doubt` tokens, the best decides. So memory never grows.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction, bounded work per step.
class CtcBeamSearch {
public:
    struct Settings {
        int classes = kPhoneClassCount;  ///< 2 to 64, class 0 is the blank
        std::size_t beam = 16;           ///< hypotheses kept, 1 to 128
        /// Tokens less likely than this are not begun in a frame: a natural logarithm. The default begins all.
        float least_log_prob = -std::numeric_limits<float>::infinity();
        std::size_t longest_doubt = 64;  ///< tokens over which hypotheses may differ, 1 to 1024
        std::size_t kept_tokens = 1024;  ///< so many of the latest settled tokens can be had
        ExternalScore external;
    };

    /// Throws std::invalid_argument for settings out of range, and std::bad_alloc.
    explicit CtcBeamSearch(const Settings& settings);

    /// Takes one frame: `classes` natural logarithms of posteriors. What is not a number counts as impossible; a frame
    /// in which nothing is possible changes no hypothesis.
    void step(const float* log_probs) noexcept SIDETONE_REALTIME;
    /// Forgets all and begins at frame 0.
    void reset() noexcept SIDETONE_REALTIME;

    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
    [[nodiscard]] std::size_t hypotheses() const noexcept { return count_; }
    /// ln of the sum of the paths of hypothesis `rank`, external score included. 0 is the best, the others have no
    /// order.
    [[nodiscard]] double log_probability(std::size_t rank = 0) const noexcept;
    /// Tokens since frame 0.
    [[nodiscard]] std::uint64_t length(std::size_t rank = 0) const noexcept {
        return nodes_[current_[rank].node].length;
    }
    /// All hypotheses begin with the same so many tokens, and will for ever.
    [[nodiscard]] std::uint64_t stable_length() const noexcept { return nodes_[root_].length; }
    /// The first token that can still be had.
    [[nodiscard]] std::uint64_t first_kept() const noexcept {
        return settled_ > ring_.size() ? settled_ - ring_.size() : 0;
    }
    /// Copies tokens number `first`, first + 1, … of hypothesis `rank`, until it or `out` ends; returns how many.
    /// first >= first_kept().
    std::size_t copy(std::uint64_t first, std::span<CtcToken> out,
                     std::size_t rank = 0) const noexcept SIDETONE_REALTIME;

    /// Nodes of the trie in use, for tests of the memory.
    [[nodiscard]] std::size_t used_nodes() const noexcept { return nodes_.size() - free_count_; }

private:
    using Index = std::uint32_t;
    static constexpr Index kNone = std::numeric_limits<Index>::max();
    static constexpr Phone kNoToken = std::numeric_limits<Phone>::max();

    struct Frames {
        std::int64_t first = 0, last = 0;
        float confidence = 0;
    };

    /// Where the last token and the one before it lie on the likeliest path.
    struct Alignment {
        Frames own, before;
    };

    struct Node {
        Index parent = kNone, first_child = kNone, next = kNone, previous = kNone;
        Index slot = kNone;  ///< its hypothesis, if it is one
        std::uint32_t state = 0;
        std::uint64_t children = 0;  ///< a bit per token
        std::uint64_t length = 0;
        double external = 1;  ///< factor of the step from the parent to here
        Frames before;        ///< of the parent's token
        Phone token = kNoToken;
    };

    /// Probabilities of all paths (`sum`) and of the likeliest (`best`), by whether they end with a blank.
    struct Hypothesis {
        Index node = 0;
        Phone token = kNoToken;
        double blank_sum = 0, token_sum = 0, blank_best = 0, token_best = 0;
        Alignment blank_alignment, token_alignment;

        [[nodiscard]] double sum() const noexcept { return blank_sum + token_sum; }
        [[nodiscard]] double best() const noexcept { return blank_best > token_best ? blank_best : token_best; }
        [[nodiscard]] const Alignment& alignment() const noexcept {
            return blank_best >= token_best ? blank_alignment : token_alignment;
        }
        /// What a path may go on from with `next`: a repeated token needs a blank in between.
        [[nodiscard]] double sum_before(Phone next) const noexcept { return next == token ? blank_sum : sum(); }
        [[nodiscard]] double best_before(Phone next) const noexcept { return next == token ? blank_best : best(); }
    };

    /// A hypothesis that stays what it is (token kBlank), or goes on with a token.
    struct Candidate {
        double sum;
        Index from;
        Phone token;
    };

    struct Stay {
        double blank_sum, token_sum;
        std::uint64_t children;  ///< tokens with which it is another hypothesis already
    };

    void rehearse();
    [[nodiscard]] bool weigh(const float* log_probs) noexcept;
    void gather_stays() noexcept;
    void gather_tokens() noexcept;
    void gather_extensions() noexcept;
    void offer(const Candidate& candidate) noexcept;
    void keep_best_candidates() noexcept;
    void build(const Candidate& candidate, Hypothesis& next) noexcept;
    void build_stay(Index from, Hypothesis& next) noexcept;
    void build_extension(const Candidate& candidate, Hypothesis& next) noexcept;
    [[nodiscard]] Alignment begin(const Hypothesis& parent, Phone token) const noexcept;
    [[nodiscard]] double external_factor(const Node& node, Phone token, std::uint32_t& state) const noexcept;
    [[nodiscard]] Index child(Index parent, Phone token) noexcept;
    void take_over() noexcept;
    void rescale() noexcept;
    void release(Index node) noexcept;
    void settle() noexcept;
    void decide() noexcept;

    Settings settings_;
    std::vector<Node> nodes_;
    std::vector<Index> free_;
    std::vector<Hypothesis> current_, next_;
    std::vector<Stay> stays_;
    std::vector<Candidate> candidates_;
    std::vector<Phone> tokens_;    ///< those worth beginning in this frame, the likeliest first
    std::vector<double> weights_;  ///< posteriors of this frame, the largest being 1
    std::vector<CtcToken> ring_;   ///< settled tokens: number n at n modulo size
    std::vector<CtcToken> settling_;
    std::size_t free_count_ = 0, count_ = 0, candidate_count_ = 0, token_count_ = 0;
    Index root_ = 0;        ///< what all hypotheses begin with
    double threshold_ = 0;  ///< a candidate below cannot be among the best
    double least_posterior_ = 0, largest_posterior_ = 1;
    double log_scale_ = 0;  ///< true sums are e^log_scale_ 2^exponent_ times ours
    std::int64_t exponent_ = 0;
    std::uint64_t frames_ = 0, settled_ = 0;
};

}  // namespace sidetone::speech
