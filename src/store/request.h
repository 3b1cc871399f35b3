/*-------------------------------------------------------------------------
 *
 * request.h
 *	  Calls that were made before: the request_id of calls that create things
 *	  (jobs keep theirs themselves).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_REQUEST_H
#define PM_REQUEST_H

#include "store/session.h"

/* What an earlier call with the same request_id was, and returned */
typedef struct PmEarlier
{
	char	   *call;
	char	   *differs;		/* argument that was another; NULL: none */
	int			nresults;
	int64	   *results;
} PmEarlier;

/*
 * Notes the call, unless the request_id was used before; then returns what it
 * was.  arguments is the text of a JSON object.  Waits for a session that is
 * making the same call just now.
 */
extern PmEarlier *pm_note_request(PmCall *call, int64 tenant_id, const char *request_id,
								  const char *name, const char *arguments);
extern void pm_note_results(int64 tenant_id, const char *request_id,
							const int64 *results, int nresults);

#endif							/* PM_REQUEST_H */
