/*-------------------------------------------------------------------------
 *
 * errors.h
 *	  SQLSTATEs of the extension's own class PM, for rules that no standard
 *	  code names.  doc/errors.md lists them with one example each.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_ERRORS_H
#define PM_ERRORS_H

#include "utils/elog.h"

/* the request can never be held, whatever ends or is freed */
#define ERRCODE_PM_NEVER_FITS			MAKE_SQLSTATE('P','M','0','0','1')
/* the thing named is not in a state in which the call makes sense */
#define ERRCODE_PM_WRONG_STATE			MAKE_SQLSTATE('P','M','0','0','2')
/* what the kind of pool does not offer */
#define ERRCODE_PM_NOT_OFFERED			MAKE_SQLSTATE('P','M','0','0','3')
/* a request_id that was used for other content */
#define ERRCODE_PM_REQUEST_REUSED		MAKE_SQLSTATE('P','M','0','0','4')
/* the tenant is frozen */
#define ERRCODE_PM_TENANT_FROZEN		MAKE_SQLSTATE('P','M','0','0','5')
/* a table's books would no longer agree */
#define ERRCODE_PM_BOOKS				MAKE_SQLSTATE('P','M','0','0','6')
/* more than a quota allows */
#define ERRCODE_PM_QUOTA				MAKE_SQLSTATE('P','M','0','0','7')

#endif							/* PM_ERRORS_H */
