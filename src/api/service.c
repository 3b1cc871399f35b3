/*-------------------------------------------------------------------------
 *
 * service.c
 *	  scale_job: more or fewer replicas of a running service.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/check.h"
#include "api/life.h"
#include "api/schedule.h"
#include "api/submit.h"
#include "errors.h"
#include "store/registry.h"
#include "store/scale.h"

static void
check_target(const PmService *service, int32 replicas)
{
	if (replicas < service->least || replicas > service->most)
		pm_invalid_argument("replicas",
							psprintf("The service was submitted for %d to %d replicas.", service->least, service->most),
							"Ask for a number between these.");
}

/* As many as fit now, at most so many */
static void
grow(PmCall *call, PmPoolInfo *pool, PmService *service, int32 replicas, TimestampTz instant)
{
	PmPassData *data = pm_read_growth(pool, service->job_id, replicas);
	PmPolicy	policy = pm_policy_of(pool);
	PmDecision *decision;

	/* it is the only job */
	policy.queue = PM_QUEUE_TRAVERSAL;
	policy.now = instant;
	/* nobody gives way to what goes beyond a start */
	policy.preemption = PM_PREEMPT_NEVER;
	policy.reclaim = PM_RECLAIM_NEVER;
	policy.stops = false;
	decision = pm_pass(&data->cluster, &data->queue, &policy);
	if (decision->nstarts > 0)
		pm_grow_service(call, data, service, decision, instant);
}

/* What the run is billed as in a public pool, by the nodes that it is on */
static int
measure(PmPoolInfo *pool, const PmService *service, PmMeasured **measured)
{
	PmRun		run = {.run_id = service->run_id, .job_id = service->job_id};
	PmHeld	   *held;
	PmResourceSku *skus;
	int			nheld;
	int			nskus;

	if (pool->dedicated)
		return 0;
	nheld = pm_read_held(pool->pool_id, &run, &held);
	nskus = pm_read_resource_skus(pool->pool_id, &skus);
	return pm_measure(held, nheld, skus, nskus, measured);
}

PG_FUNCTION_INFO_V1(pm_scale_job);

Datum
pm_scale_job(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmJobInfo  *job;
	PmPoolInfo *pool;
	PmService  *service;
	TimestampTz locked_at;
	TimestampTz instant;
	PmMeasured *was = NULL;
	PmMeasured *is = NULL;
	int			nwas;
	int32		target;
	int32		before;

	pm_begin(&call, fcinfo);
	job = pm_job_of_tenant(&call, fcinfo);
	pm_not_null(fcinfo, 1, "replicas");
	target = PG_GETARG_INT32(1);
	if (strcmp(job->kind, "inference") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("job " INT64_FORMAT " is a %s job and cannot be scaled", job->job_id, job->kind),
				 errdetail("Only services, jobs of kind inference, are scaled while they run."),
				 errhint("Submit another job with the number of replicas that it needs.")));
	locked_at = pm_lock_pool(job->pool_id);
	service = pm_read_service(job->pool_id, job->job_id);
	if (service == NULL)
	{
		job = pm_find_job(&call, job->job_id);
		pm_wrong_job_state(job->job_id, "running", pm_job_state_now(job, pm_find_run(job->pool_id, job->job_id)));
	}
	if (service->ngroups > 1)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("job " INT64_FORMAT " has %d task groups and cannot be scaled", job->job_id, service->ngroups),
				 errdetail("Only services of one task group are scaled while they run."),
				 errhint("Submit another job with the numbers of replicas that it needs.")));
	if (service->topology)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("job " INT64_FORMAT " has rules of topology and cannot be scaled", job->job_id),
				 errdetail("What is added or taken away might break its affinity, groups or spread."),
				 errhint("Submit another job with the number of replicas that it needs.")));
	check_target(service, target);
	pool = pm_find_pool(&call, NULL, job->pool_id);
	instant = Max(locked_at, pm_metered_until(PM_HOLDER_RUN, pool->pool_id, &service->run_id, 1));
	before = service->replicas;
	nwas = measure(pool, service, &was);
	if (target < before)
		pm_shrink_service(&call, pool, service, before - target, instant);
	else if (target > before)
	{
		pm_check_may_start(pm_open_submission(pool, job->tenant_id), true);
		grow(&call, pool, service, target - before, instant);
	}
	pm_set_wanted(pool, service, target);
	if (service->replicas != before && pool->addressed)
		pm_reopen_addresses(pool->pool_id, &service->run_id, 1, instant);
	else if (service->replicas != before && !pool->dedicated)
	{
		int			nis = measure(pool, service, &is);

		pm_reopen_holdings(pool->pool_id, service->run_id, was, nwas, is, nis, before, service->replicas, instant);
	}
	if (instant > locked_at)
		pm_advance_pool(pool->pool_id, instant);
	pm_end(&call);
	PG_RETURN_INT32(service->replicas);
}
