/*-------------------------------------------------------------------------
 *
 * user_query.h
 *	  Running queries that users hand in as text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_USER_QUERY_H
#define PM_USER_QUERY_H

#include "store/submit.h"

/*
 * Runs a job query with the rights of the current role: to be called before
 * pm_begin().  Columns are found by name; what is missing has its default.
 * Everything is palloc'd in the current context.
 */
extern int	pm_run_job_query(const char *query, PmJobSpec **jobs);

#endif							/* PM_USER_QUERY_H */
