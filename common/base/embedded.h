/* SPDX-License-Identifier: Apache-2.0
 * Files that are part of the program: text that ends with a NUL, found by the compiler's include path. */
#ifndef TIDEMARK_BASE_EMBEDDED_H
#define TIDEMARK_BASE_EMBEDDED_H

/* Declares `symbol`, the text of the file. */
#define EMBEDDED(symbol, path)                                                                                         \
    __asm__(".pushsection .rodata\n" #symbol ":\n.incbin \"" path "\"\n.byte 0\n.popsection\n");                       \
    extern const char symbol[] __asm__(#symbol)

#endif
