/*-------------------------------------------------------------------------
 *
 * request.h
 *	  The argument request_id of calls that create things: the same id and
 *	  content returns the first result, other content is an error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_API_REQUEST_H
#define PM_API_REQUEST_H

#include "fmgr.h"

#include "store/session.h"

typedef struct PmRequested
{
	int64		tenant_id;
	char	   *request_id;		/* NULL: none given */
	int			nresults;		/* of the earlier call */
	int64	   *results;
} PmRequested;

/*
 * The request_id is the last argument.  True: an earlier call did the same,
 * and requested holds its results.  Otherwise the call goes on and ends with
 * pm_request_done().
 */
extern bool pm_is_repeated(PmCall *call, FunctionCallInfo fcinfo, int64 tenant_id,
						   PmRequested *requested);
extern void pm_request_done(const PmRequested *requested, const int64 *results, int nresults);

#endif							/* PM_API_REQUEST_H */
