/*-------------------------------------------------------------------------
 *
 * attempt.h
 *	  What may be taken back: a subtransaction around a step of a call.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_ATTEMPT_H
#define PM_ATTEMPT_H

#include "postgres.h"

typedef bool (*PmAttempt) (void *state);

/*
 * Runs it in a subtransaction, which is taken back unless it returns true.
 * Returns the error that it ended with, palloc'd; NULL: none.
 *
 * An error must end the subtransaction before it goes on: one left open would
 * be taken for his own by a caller that catches the error, and restored for
 * him would be what was in force when it began, the extension's owner.
 */
extern ErrorData *pm_attempt(PmAttempt attempt, void *state);

#endif							/* PM_ATTEMPT_H */
