/*-------------------------------------------------------------------------
 *
 * procedure.c
 *	  Procedures that commit; see procedure.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"

#include "store/procedure.h"

void
pm_require_commits(FunctionCallInfo fcinfo, const char *name)
{
	if (castNode(CallContext, fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("%s() cannot be called inside a transaction block", name),
				 errdetail("It commits, and goes on in another transaction."),
				 errhint("CALL it by itself.")));
}

void
pm_procedure_begin(FunctionCallInfo fcinfo, const char *name)
{
	pm_require_commits(fcinfo, name);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
pm_procedure_commit(void)
{
	SPI_commit();
	/* the commit took it, and what comes may look into tables */
	EnsurePortalSnapshotExists();
}

void
pm_procedure_end(void)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}
