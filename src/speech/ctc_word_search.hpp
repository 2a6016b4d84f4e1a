// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "rt/realtime.hpp"
#include "speech/hot_words.hpp"
#include "speech/lexicon_trie.hpp"
#include "speech/phones.hpp"
#include "speech/word_history.hpp"
#include "speech/word_language_model.hpp"

namespace sidetone::speech {

/// A word of a hypothesis: `word` is its number in the vocabulary. Frames are counted from the first one after the
/// start or `reset`; both ends belong to it. They are those of the likeliest path up to the next word.
struct CtcWord {
    std::uint32_t word = 0;
    WordTime time;
};

/// Prefix beam search over a stream of posteriors of phones in which every hypothesis is made of words: those behind
/// it, and the beginning of one. Its probability is the sum of all paths that blanks and repeats fold into any
/// pronunciations of these words, times what a language model says of them and a bonus for each. Words that sound alike
/// are hypotheses of their own. While a word is not over it counts as the best that its beginning can become.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction, bounded work per step.
class CtcWordSearch {
public:
    struct Settings {
        std::size_t beam = 32;           ///< hypotheses kept, 1 to 1024
        float least_log_prob = -12;      ///< phones less likely than this are not begun in a frame: a natural logarithm
        double least_share = 1e-10;      ///< of the best hypothesis: what is below is given up
        std::size_t longest_doubt = 16;  ///< words over which hypotheses may differ, 1 to 256
        std::size_t kept_words = 256;    ///< so many of the latest settled words can be had
        float language_weight = 1;       ///< of the language model's logarithms
        float word_bonus = 0;            ///< natural logarithm for every word, or short sentences would win
        float phone_bonus = 0;           ///< the same for every phone: a network that is rarely sure says blank instead
    };

    /// Without `language` all words are as likely. The vocabulary should count with `hot_words` for what is ahead.
    /// Throws std::invalid_argument for settings out of range.
    CtcWordSearch(std::shared_ptr<const LexiconTrie> vocabulary, std::shared_ptr<const WordLanguageModel> language,
                  const Settings& settings, std::shared_ptr<const HotWords> hot_words = {});

    /// Takes one frame: natural logarithms of the posteriors of all kPhoneClassCount classes. What is not a number
    /// counts as impossible; a frame in which no hypothesis could live on changes none.
    void step(const float* log_probs) noexcept SIDETONE_REALTIME;
    /// Forgets all and begins at frame 0.
    void reset() noexcept SIDETONE_REALTIME;

    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
    [[nodiscard]] std::size_t hypotheses() const noexcept { return count_; }
    /// ln of the probability of hypothesis `rank` as far as its words are over. 0 is the best, the others have no
    /// order.
    [[nodiscard]] double log_probability(std::size_t rank = 0) const noexcept;
    /// The beginning of a word that it is in; the root between words.
    [[nodiscard]] LexiconTrie::Index place(std::size_t rank = 0) const noexcept { return current_[rank].place; }
    /// Words since frame 0, without one that is not over.
    [[nodiscard]] std::uint64_t length(std::size_t rank = 0) const noexcept {
        return history_.length(current_[rank].history);
    }
    /// All hypotheses begin with the same so many words, and will for ever.
    [[nodiscard]] std::uint64_t stable_length() const noexcept { return history_.length(history_.root()); }
    /// The first word that can still be had.
    [[nodiscard]] std::uint64_t first_kept() const noexcept { return history_.first_kept(); }
    /// Copies words number `first`, first + 1, … of hypothesis `rank`, until it or `out` ends; returns how many.
    /// first >= first_kept().
    std::size_t copy(std::uint64_t first, std::span<CtcWord> out,
                     std::size_t rank = 0) const noexcept SIDETONE_REALTIME;
    /// The best hypothesis, were the utterance to end here: its last word is over, and the language model has been
    /// asked whether it ends there. Nothing where all are within a word.
    [[nodiscard]] std::optional<std::size_t> best_end() const noexcept SIDETONE_REALTIME;

    [[nodiscard]] const LexiconTrie& vocabulary() const noexcept { return *vocabulary_; }
    /// Nodes of the words' trie in use, for tests of the memory.
    [[nodiscard]] std::size_t used_nodes() const noexcept { return history_.used_nodes(); }

private:
    using Index = std::uint32_t;
    static constexpr Index kNone = std::numeric_limits<Index>::max();

    /// Of the likeliest path: the word that is going on, or else the last one, and the one before it.
    struct Path {
        WordTime before;
        std::int64_t first_frame = 0, last_frame = -1;
        float peak = 0, peaks = 0;  ///< natural logarithms: of the last phone's largest posterior, and of all together
        std::uint32_t phones = 0;
    };

    /// What tells hypotheses apart. `word` is one that has just been said behind `history`, which has no node for it.
    struct Key {
        Index history = 0;
        std::uint32_t word = kNone;
        LexiconTrie::Index place = 0;
        Phone last = kBlank;
        [[nodiscard]] bool operator==(const Key&) const noexcept = default;
    };

    /// Probabilities of all paths (`sum`) and of the likeliest (`best`), by whether they end with a blank.
    struct Sums {
        double blank_sum = 0, token_sum = 0, blank_best = 0, token_best = 0;
        [[nodiscard]] double sum() const noexcept { return blank_sum + token_sum; }
        [[nodiscard]] double best() const noexcept { return blank_best > token_best ? blank_best : token_best; }
    };

    struct Hypothesis {
        Index history = 0;
        LexiconTrie::Index place = 0;
        Phone last = kBlank;
        Sums sums;
        Path blank_path, token_path;

        [[nodiscard]] const Path& path() const noexcept {
            return sums.blank_best >= sums.token_best ? blank_path : token_path;
        }
        [[nodiscard]] double sum_before(Phone next) const noexcept {
            return next == last ? sums.blank_sum : sums.sum();
        }
        [[nodiscard]] double best_before(Phone next) const noexcept {
            return next == last ? sums.blank_best : sums.best();
        }
    };

    struct Candidate {
        Key key;
        Sums sums;
        double look_ahead = 1;
        double factor = 1;                             ///< of a new word
        std::uint32_t state = 0;                       ///< of the language model after it
        std::uint32_t hot = 0;                         ///< of the hot words after it
        Index blank_from = kNone, token_from = kNone;  ///< hypotheses that the likeliest paths come from
        bool is_repeat = false;                        ///< the path from `token_from` was in the same phone already
        std::uint32_t order = 0;                       ///< in which it was found
        [[nodiscard]] double rank() const noexcept { return sums.sum() * look_ahead; }
    };

    /// A word's end as a hypothesis of its own.
    struct Said {
        Key key;
        double factor = 1;
        std::uint32_t state = 0, hot = 0;
    };

    [[nodiscard]] bool weigh(const float* log_probs) noexcept;
    void choose_tokens(const float* log_probs) noexcept;
    void gather_stays() noexcept;
    void gather_extensions() noexcept;
    void extend(Index from, Phone token) noexcept;
    [[nodiscard]] Said say(Index history, std::uint32_t word, Phone last) const noexcept;
    void begin_token(const Said& said, Index from, double look_ahead) noexcept;
    [[nodiscard]] Candidate* find(const Key& key) noexcept;
    Candidate& insert(const Key& key, double look_ahead) noexcept;
    [[nodiscard]] std::size_t slot_of(const Key& key) const noexcept;
    void clear_slots() noexcept;
    void raise_threshold() noexcept;
    void make_room() noexcept;
    void keep_best_candidates() noexcept;
    void build(const Candidate& candidate, Hypothesis& next) noexcept;
    [[nodiscard]] Path token_path(const Candidate& candidate) const noexcept;
    [[nodiscard]] WordTime time_of(const Path& path) const noexcept;
    void take_over() noexcept;
    void rescale() noexcept;
    void settle() noexcept;
    void decide() noexcept;
    [[nodiscard]] std::size_t guide() const noexcept;
    [[nodiscard]] double rank(const Hypothesis& hypothesis) const noexcept {
        return hypothesis.sums.sum() * vocabulary_->look_ahead(hypothesis.place);
    }

    std::shared_ptr<const LexiconTrie> vocabulary_;
    std::shared_ptr<const WordLanguageModel> language_;
    std::shared_ptr<const HotWords> hot_words_;
    Settings settings_;
    WordHistory history_;
    std::vector<Hypothesis> current_, next_;
    std::vector<Candidate> candidates_;
    std::vector<Index> slots_;  ///< of candidates by key: open addressing
    std::vector<WordHistory::Settled> settling_;
    std::vector<double> weights_;    ///< posteriors of this frame, the largest being 1
    std::vector<float> logarithms_;  ///< of the posteriors
    std::vector<Phone> tokens_;      ///< those worth beginning in this frame, the likeliest first
    std::size_t count_ = 0, candidate_count_ = 0, token_count_ = 0;
    std::uint32_t order_ = 0;
    double floor_ = 0;      ///< what ranks below is given up, wherever it leads
    double threshold_ = 0;  ///< what ranks below is no new hypothesis
    double phone_factor_ = 1;
    double most_ahead_ = 1;   ///< that a token can gain by a word's end or beginning
    double log_largest_ = 0;  ///< ln of the frame's largest posterior
    double log_scale_ = 0;    ///< true sums are e^log_scale_ 2^exponent_ times ours
    std::int64_t exponent_ = 0;
    std::uint64_t frames_ = 0;
};

}  // namespace sidetone::speech
