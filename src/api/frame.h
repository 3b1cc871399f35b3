/*-------------------------------------------------------------------------
 *
 * frame.h
 *	  The frame of calls whose body is PL/pgSQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_FRAME_H
#define PM_FRAME_H

#include "api/request.h"
#include "store/session.h"

typedef struct PmFrame
{
	PmCall		call;			/* first: pm_body points to it */
	FunctionCallInfo fcinfo;
	MemoryContext context;		/* lives as long as the frame */
	PmRequested requested;
} PmFrame;

/* The call whose body runs now, of a pass too; 55000 without one */
extern PmCall *pm_running_body(void);
/* Its frame, which a pass does not have */
extern PmFrame *pm_frame(void);

#endif							/* PM_FRAME_H */
