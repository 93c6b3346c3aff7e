//  why - the reason of a failure, as a sentence for the person who has to act on it
//
//  Opening things fails in ways that a number does not tell: which key, which line, which path,
//  what the system said. Whoever finds the fault writes the sentence; whoever started the program
//  prints it.

#ifndef TIDEPOOL_WHY_H
#define TIDEPOOL_WHY_H

typedef struct why {
    char text[512];
} why_t;

//  Writes the sentence and answers `error`: return why_fail (why, ERR_SYSTEM, "…", …);
int why_fail (why_t *self, int error, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

#endif
