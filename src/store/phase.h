/*-------------------------------------------------------------------------
 *
 * phase.h
 *	  Phases of workflows as they are asked for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_PHASE_H
#define PM_PHASE_H

#include "store/submit.h"

/*
 * An array of objects, one a phase, whose keys are arguments of submit_job;
 * what is missing has its default.  Kind and workspace are the caller's.
 */
extern int	pm_read_phases(Jsonb *phases, PmJobSpec **jobs);

#endif							/* PM_PHASE_H */
