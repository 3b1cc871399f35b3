/*-------------------------------------------------------------------------
 *
 * procedure.h
 *	  Procedures that commit: between two commits there are calls.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_PROCEDURE_H
#define PM_PROCEDURE_H

#include "postgres.h"

#include "fmgr.h"

/* 2D000 if it was called where it cannot commit */
extern void pm_require_commits(FunctionCallInfo fcinfo, const char *name);

/* Asks for that.  Until the end memory comes from a context that outlives commits */
extern void pm_procedure_begin(FunctionCallInfo fcinfo, const char *name);
extern void pm_procedure_commit(void);
extern void pm_procedure_end(void);

#endif							/* PM_PROCEDURE_H */
