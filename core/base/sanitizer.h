/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/sanitizer.h - HAS_SANITIZER: 1 in a build whose sanitizer stops the process's own threads to
 * look for leaks, reserves terabytes of address space and opens files to print what it found.
 */
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif
