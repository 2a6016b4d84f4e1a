// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Marks a function that may run on an audio thread: no heap, no lock, no system call, no exception, no
/// unbounded loop. Compilers that check it (Clang 20 and newer) do; for the others it is a promise to the
/// reader, held by the interposer counts in the tests (rt/guard.hpp).
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::nonblocking)
#define SIDETONE_REALTIME [[clang::nonblocking]]
#endif
#endif
#ifndef SIDETONE_REALTIME
#define SIDETONE_REALTIME
#endif
