/*-------------------------------------------------------------------------
 *
 * explain.h
 *	  What the files of explain_job() share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_API_EXPLAIN_H
#define PM_API_EXPLAIN_H

#include "funcapi.h"
#include "utils/numeric.h"

#include "engine/explain.h"
#include "store/explain.h"

/* A row to be; what is not set is NULL */
typedef struct PmExplainRow
{
	const char *kind;
	const char *item;
	const char *detail;
	int64		count;			/* -1: NULL */
	Numeric		needed;
	Numeric		available;
	int64		job_id;			/* 0: NULL */
	TimestampTz at;				/* 0: NULL */
} PmExplainRow;

typedef struct PmExplanation
{
	PmCall	   *call;
	ReturnSetInfo *rsinfo;
	const PmJobInfo *job;
	PmPassData *data;
	PmPolicy	policy;
	PmCase		it;
	int			index;			/* of the job in the queue */
	bool	   *visible;		/* lanes */
} PmExplanation;

extern PmExplainRow pm_explain_row(const char *kind, const char *item);
extern void pm_explain_put(PmExplanation *this, PmExplainRow row);

/* explain_reservation.c */
extern void pm_explain_reserved_nodes(PmExplanation *this);
extern void pm_explain_own_reservation(PmExplanation *this);

/* explain_change.c: with which changes the next pass would start the job; in
 * which other pools */
extern void pm_explain_changes(PmExplanation *this);
extern void pm_explain_pools(PmExplanation *this);

#endif							/* PM_API_EXPLAIN_H */
