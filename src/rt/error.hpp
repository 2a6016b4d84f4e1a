// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sidetone/error.hpp"  // IWYU pragma: export
