/*-------------------------------------------------------------------------
 *
 * pool.c
 *	  The lock of a pool; which pools a pass is for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/registry.h"
#include "store/statement.h"

TimestampTz
pm_lock_pool(int64 pool_id)
{
	/*
	 * write_clock() is read again when the UPDATE had to wait for another
	 * call, so the instant is taken with the lock held.
	 */
	static PmStatement lock = PM_STATEMENT("int8",
										   "UPDATE pool_manager.pool_clock"
										   " SET last_instant = greatest(last_instant, pool_manager.write_clock())"
										   " WHERE pool_id = $1 RETURNING last_instant");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	if (pm_run(&lock, &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("pool " INT64_FORMAT " does not exist", pool_id),
				 errdetail("It has no row in table pool_clock."),
				 errhint("The view pool_status shows the pools that you may see.")));
	return pm_get_time(0, 1);
}

void
pm_lock_pools(const int64 *pools, int n)
{
	static PmStatement lock = PM_STATEMENT("int8[]",
										   "SELECT FROM pool_manager.pool_clock WHERE pool_id = ANY ($1)"
										   " ORDER BY pool_id FOR NO KEY UPDATE");
	PmArgs		args = {0};

	pm_arg_int64_array(&args, pools, n);
	pm_run(&lock, &args);
}

void
pm_advance_pool(int64 pool_id, TimestampTz instant)
{
	static PmStatement advance = PM_STATEMENT("int8;timestamptz",
											  "UPDATE pool_manager.pool_clock SET last_instant = greatest(last_instant, $2)"
											  " WHERE pool_id = $1");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, instant);
	pm_run(&advance, &args);
}

int
pm_schedulable_pools(PmCall *call, int64 **pools)
{
	static PmStatement read = PM_STATEMENT("",
										   "SELECT pool_id, tenant_id FROM pool_manager.pool WHERE deleted_at IS NULL ORDER BY pool_id");
	PmArgs		args = {0};
	int			n = (int) pm_run(&read, &args);
	int64	   *tenants = palloc(sizeof(int64) * Max(n, 1));
	int			kept = 0;

	*pools = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		(*pools)[i] = pm_get_int64(i, 1);
		tenants[i] = pm_get_int64(i, 2);
	}
	for (int i = 0; i < n; i++)
	{
		if (pm_access(call, tenants[i]) >= PM_ACCESS_MEMBER)
			(*pools)[kept++] = (*pools)[i];
	}
	return kept;
}

int
pm_busy_pools(int64 **pools)
{
	static PmStatement read = PM_STATEMENT("timestamptz",
										   "SELECT p.pool_id FROM pool_manager.pool p WHERE p.deleted_at IS NULL"
										   " AND (EXISTS (SELECT FROM pool_manager.job_queue q WHERE q.pool_id = p.pool_id AND q.state IN ('queued', 'waiting'))"
										   "  OR EXISTS (SELECT FROM pool_manager.job_run r WHERE r.pool_id = p.pool_id AND r.deadline <= $1)"
										   "  OR pool_manager.pool_is_busy(p.pool_id, $1))"
										   " ORDER BY p.pool_id");
	PmArgs		args = {0};
	int			n;

	pm_arg_time(&args, pm_writing_clock());
	n = (int) pm_run(&read, &args);
	*pools = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*pools)[i] = pm_get_int64(i, 1);
	return n;
}
