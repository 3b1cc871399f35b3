/*-------------------------------------------------------------------------
 *
 * submit.c
 *	  submit_job and submit_jobs.
 *
 * Both build specs, check them and hand them to the store as one batch; one
 * job is a batch of one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/check.h"
#include "api/frame.h"
#include "api/schedule.h"
#include "api/submit.h"
#include "errors.h"
#include "store/registry.h"
#include "store/submit.h"

/* ---- checks of what was given ---- */

#define MAX_RETRIES		128

/* What only dedicated pools have */
static void
check_offered(PmSubmission *submission, PmJobSpec *job)
{
	const char *pool = submission->pool->name;

	if (submission->pool->dedicated)
		return;
	if (job->priority != 1)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("pool \"%s\" is public and has no priorities", pool),
				 errdetail("Priorities are for dedicated pools."),
				 errhint("Leave out the argument \"priority\".")));
	if (job->preemptible)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("pool \"%s\" is public and preempts no jobs", pool),
				 errdetail("Preemption is for dedicated pools."),
				 errhint("Leave out the argument \"preemptible\".")));
	if (job->sub_pool || job->asked_sub_pool_id != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("pool \"%s\" is public and is not divided", pool),
				 errdetail("In a public pool each tenant has one queue. Sub-pools are for dedicated pools."),
				 errhint("Leave out the argument \"sub_pool\".")));
}

/* What can be said of a job without looking at the pool's state */
static void
check_spec(PmCall *call, PmSubmission *submission, PmJobSpec *job)
{
	if (job->name == NULL)
		pm_invalid_argument("name", "A job has a name.", "Give it one.");
	pm_check_name(job->name, "name");
	pm_check_groups(job);
	pm_check_topology(job);
	if (job->priority < 1 || job->priority > 3)
		pm_invalid_argument("priority", "It must be 1, 2 or 3, of which 3 is looked at first.",
							"Leave out the argument for 1.");
	if (job->max_retries < 0 || job->max_retries > MAX_RETRIES)
		pm_invalid_argument("max_retries", "It must be between 0 and 128.",
							"Leave out the argument if the job is not to be restarted.");
	check_offered(submission, job);
	if (job->priority == 3)
		pm_require_high_priority(call, submission->tenant_id);
	if (job->time_limit)
		job->time_limit = pm_exact_interval(job->time_limit, "time_limit");
	if (job->auto_stop)
	{
		if (strcmp(job->kind, "notebook") != 0 && strcmp(job->kind, "inference") != 0)
			pm_invalid_argument("auto_stop", "Only notebooks and services come to rest.",
								"Use the argument \"time_limit\" to end a job after a time.");
		job->auto_stop = pm_exact_interval(job->auto_stop, "auto_stop");
	}
	if (job->max_retries == 0 && (job->retry_backoff || job->retry_on_failure))
		pm_invalid_argument(job->retry_backoff ? "retry_backoff" : "retry_on_failure",
							"The job is not restarted at all.", "Say how often with the argument \"max_retries\".");
	if (job->retry_backoff)
		job->retry_backoff = pm_exact_interval(job->retry_backoff, "retry_backoff");
	pm_check_dependencies(job);
	if (!TIMESTAMP_IS_NOBEGIN(job->not_before) && TIMESTAMP_NOT_FINITE(job->not_before))
		pm_invalid_argument("not_before", "It must be a time that comes.", "Leave out the argument if the job may start at any time.");
	pm_check_max_cost(job);
	if (job->request_id)
		pm_check_request_id(job->request_id);
	pm_check_tags(job->tags);
	pm_check_mounts(submission, job);
	pm_check_volume(job);
}

/* ---- shapes ---- */

/* By sub-pool, reservation and digest; the first of the batch first, which an error then names */
static int
compare_shapes(const void *a, const void *b)
{
	const PmJobSpec *left = *(PmJobSpec *const *) a;
	const PmJobSpec *right = *(PmJobSpec *const *) b;
	int			result = memcmp(left->digest, right->digest, sizeof(left->digest));

	if (left->sub_pool_id != right->sub_pool_id)
		return left->sub_pool_id < right->sub_pool_id ? -1 : 1;
	if (left->reservation_id != right->reservation_id)
		return left->reservation_id < right->reservation_id ? -1 : 1;
	if (result != 0)
		return result;
	return left < right ? -1 : left > right ? 1 : 0;
}

/*
 * Finds or makes the shapes, each once, in the order of their digests: two
 * batches that make the same shapes do not wait for each other crosswise.
 */
static void
resolve_shapes(PmSubmission *submission, PmJobSpec *jobs, PmJobSpec **fresh, int n, int *current)
{
	PmJobSpec **sorted = palloc(sizeof(PmJobSpec *) * Max(n, 1));

	memcpy(sorted, fresh, sizeof(PmJobSpec *) * n);
	qsort(sorted, n, sizeof(PmJobSpec *), compare_shapes);
	for (int i = 0; i < n; i++)
	{
		PmJobSpec  *job = sorted[i];

		*current = job - jobs;
		if (i > 0 && job->sub_pool_id == sorted[i - 1]->sub_pool_id &&
			job->reservation_id == sorted[i - 1]->reservation_id &&
			memcmp(job->digest, sorted[i - 1]->digest, sizeof(job->digest)) == 0)
		{
			job->shape_id = sorted[i - 1]->shape_id;
			continue;
		}
		job->shape_id = pm_find_shape(submission, job);
		if (job->shape_id == 0)
		{
			pm_check_fit(submission, job);
			job->shape_id = pm_put_shape(submission, job);
		}
	}
}

/* ---- submitting ---- */

void
pm_check_may_start(PmSubmission *submission, bool again)
{
	const char *pool = submission->pool->name;

	if (!submission->pool->running)
		ereport(ERROR,
				(errcode(ERRCODE_PM_WRONG_STATE),
				 errmsg("pool \"%s\" is not running", pool),
				 errdetail("Only a running pool takes jobs."),
				 errhint("The view pool_status shows its state.")));
	if (submission->frozen)
		ereport(ERROR,
				(errcode(ERRCODE_PM_TENANT_FROZEN),
				 errmsg("tenant " INT64_FORMAT " is frozen", submission->tenant_id),
				 errdetail("Who is frozen submits no jobs and starts no notebooks and services."),
				 errhint("An operator can make it active again with set_tenant_state().")));
	if (again ? submission->pool->frozen : submission->pool->closed)
		ereport(ERROR,
				(errcode(ERRCODE_PM_WRONG_STATE),
				 errmsg("pool \"%s\" takes no new jobs", pool),
				 errdetail("The provider has restricted it."),
				 errhint("Column restrictions of table \"pool\" shows how.")));
}

void
pm_check_kind(PmSubmission *submission, const char *kind)
{
	for (int i = 0; i < submission->nkinds; i++)
	{
		if (strcmp(submission->kinds[i], kind) == 0)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_PM_NOT_OFFERED),
			 errmsg("pool \"%s\" does not take %s jobs", submission->pool->name, kind),
			 submission->nkinds == 0 ? errdetail("No job type is enabled.") :
			 errdetail("See table pool_job_type for the job types that are enabled."),
			 errhint("Submit it to a pool that has the job type enabled.")));
}

/* ---- quotas ---- */

/* The resource of table quota_kind that jobs of a kind count as */
static const char *
quota_resource(const char *kind)
{
	static const char *const resources[][2] = {
		{"training", "training_jobs"}, {"notebook", "notebooks"},
		{"inference", "services"}, {"workflow", "workflows"}
	};

	for (int i = 0; i < (int) lengthof(resources); i++)
	{
		if (strcmp(resources[i][0], kind) == 0)
			return resources[i][1];
	}
	elog(ERROR, "no quota counts %s jobs", kind);
}

static int
compare_quotas(const void *a, const void *b)
{
	const PmJobSpec *left = *(PmJobSpec *const *) a;
	const PmJobSpec *right = *(PmJobSpec *const *) b;
	int			result = strcmp(left->kind, right->kind);

	if (result != 0)
		return result;
	return left->workspace_id < right->workspace_id ? -1 : left->workspace_id > right->workspace_id ? 1 : 0;
}

static void
check_quota(PmSubmission *submission, int64 workspace_id, const char *resource, int64 more)
{
	for (int i = 0; i < submission->nlimited; i++)
	{
		if (strcmp(submission->limited[i], resource) == 0)
			pm_check_quota(submission->tenant_id, workspace_id, resource, more);
	}
}

/* Each kind in each workspace once, and where it is in several, in all of them */
static void
check_quotas(PmSubmission *submission, PmJobSpec **fresh, int n)
{
	PmJobSpec **sorted;
	int			kind = 0;
	int			last;

	if (submission->nlimited == 0 || n <= 0)
		return;
	sorted = palloc(sizeof(PmJobSpec *) * n);
	memcpy(sorted, fresh, sizeof(PmJobSpec *) * n);
	qsort(sorted, n, sizeof(PmJobSpec *), compare_quotas);
	for (int first = 0; first < n; first = last)
	{
		const char *resource = quota_resource(sorted[first]->kind);
		int64		workspace_id = sorted[first]->workspace_id;
		bool		ends_kind;

		for (last = first + 1; last < n && compare_quotas(&sorted[first], &sorted[last]) == 0;)
			last++;
		ends_kind = last == n || strcmp(sorted[first]->kind, sorted[last]->kind) != 0;
		check_quota(submission, workspace_id, resource, last - first);
		check_quota(submission, workspace_id, "accelerator_minutes", 0);
		check_quota(submission, workspace_id, "run_minutes", 0);
		if (ends_kind && first > kind)
			check_quota(submission, 0, resource, last - kind);
		if (ends_kind)
			kind = last;
	}
}

/* The job of an earlier call with the same request_id, or 0 */
static int64
earlier_job(PmSubmission *submission, PmJobSpec *job)
{
	const char *differs = NULL;
	int64		job_id = job->request_id ? pm_find_request(submission, job, &differs) : 0;

	if (differs)
		ereport(ERROR,
				(errcode(ERRCODE_PM_REQUEST_REUSED),
				 errmsg("request_id \"%s\" was used before with other content", job->request_id),
				 errdetail("Argument \"%s\" differs from that of job " INT64_FORMAT ".", differs, job_id),
				 errhint("Repeat the call as it was, or use another request_id.")));
	return job_id;
}

void
pm_submit_batch(PmCall *call, PmSubmission *submission, PmJobSpec *jobs, int n, int *current)
{
	PmJobSpec **fresh = palloc(sizeof(PmJobSpec *) * Max(n, 1));
	PmFlavorsSeen seen = {0};
	int			nfresh = 0;

	for (int i = 0; i < n; i++)
	{
		*current = i;
		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		if (jobs[i].workspace_id == 0)
			jobs[i].workspace_id = submission->default_workspace_id;
		if (jobs[i].workspace_id == 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("tenant " INT64_FORMAT " has no workspace \"default\"", submission->tenant_id),
					 errdetail("Jobs that name no workspace go to the one of that name."),
					 errhint("Name one with the argument \"workspace\".")));
		check_spec(call, submission, &jobs[i]);
		pm_resolve_groups(submission, &jobs[i], &seen);
		jobs[i].job_id = earlier_job(submission, &jobs[i]);
		if (jobs[i].job_id != 0)
			continue;
		pm_check_may_start(submission, false);
		pm_check_kind(submission, jobs[i].kind);
		pm_resolve_topology(submission, &jobs[i]);
		pm_resolve_sub_pool(submission, &jobs[i]);
		pm_resolve_reservation(submission, &jobs[i]);
		fresh[nfresh++] = &jobs[i];
	}
	pm_resolve_dependencies(submission, jobs, fresh, nfresh, current);
	pm_resolve_mounts(submission, jobs, fresh, nfresh, current);
	pm_resolve_volumes(jobs, fresh, nfresh, current);
	resolve_shapes(submission, jobs, fresh, nfresh, current);
	*current = -1;
	check_quotas(submission, fresh, nfresh);
	if (nfresh > 0)
		pm_insert_jobs(call, submission, fresh, nfresh);
	pm_check_costs(jobs, fresh, nfresh, current);

	/* those whose request_id another call, or an earlier row, took meanwhile */
	for (int i = 0; i < nfresh; i++)
	{
		if (fresh[i]->job_id != 0)
			continue;
		*current = fresh[i] - jobs;
		fresh[i]->job_id = earlier_job(submission, fresh[i]);
	}
	*current = -1;
}

PmSubmission *
pm_begin_submission(PmCall *call, PmPoolInfo *pool, int64 tenant_id)
{
	if (tenant_id == 0)
		tenant_id = pool->dedicated ? pool->tenant_id : pm_default_tenant(call);
	if (pool->dedicated && tenant_id != pool->tenant_id)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("pool \"%s\" is dedicated to another tenant", pool->name),
				 errdetail("Only its owner's jobs run there."),
				 errhint("Submit to a pool of the tenant's own, or to a public one.")));
	pm_require(call, tenant_id, PM_ACCESS_MEMBER);
	if (!pool->dedicated)
		pm_require_public_pools(call, tenant_id);
	if (!pool->dedicated)
		return pm_open_submission(pool, tenant_id);

	/*
	 * A pass may follow: the pool's lock comes before those of shapes and jobs.
	 * The tenant's, under which quotas are counted, comes before the pool's.
	 */
	pm_lock_limited_tenant(tenant_id);
	(void) pm_lock_pool(pool->pool_id);
	return pm_open_submission(pm_find_pool(call, NULL, pool->pool_id), tenant_id);
}

/*
 * The dedicated promise: with nothing ahead of it, a job is placed before its
 * submission returns.  Of a batch, that is asked of the job that a pass looks
 * at first.  The pool is locked since the submission began, so of two that
 * come at once the second sees the first.
 */
void
pm_keep_promise(PmCall *call, PmSubmission *submission, const PmJobSpec *jobs, int n)
{
	const PmJobSpec *first = NULL;
	const PmJobSpec *waits = NULL;

	if (!submission->pool->dedicated)
		return;
	for (int i = 0; i < n; i++)
	{
		/* one without a shape was there before this call; later phases wait */
		if (jobs[i].shape_id == 0 || jobs[i].phase_no > 1)
			continue;
		/* what waits for nothing comes first */
		if (jobs[i].ndependencies > 0 || !TIMESTAMP_IS_NOBEGIN(jobs[i].not_before))
			waits = &jobs[i];
		else if (first == NULL || jobs[i].priority > first->priority)
			first = &jobs[i];
	}
	if (first == NULL)
		first = waits;
	if (first && !pm_is_queued_ahead(submission->pool->pool_id, first->job_id))
		(void) pm_run_pass(call, submission->pool);
}

/* Arguments of submit_job, in order */
enum
{
	ARG_POOL, ARG_NAME, ARG_KIND, ARG_FLAVOR, ARG_REQUEST, ARG_REPLICAS, ARG_MIN_REPLICAS,
	ARG_TENANT, ARG_WORKSPACE, ARG_PRIORITY, ARG_TIME_LIMIT, ARG_SELECTOR, ARG_TOLERATIONS,
	ARG_SUB_POOL, ARG_PREEMPTIBLE, ARG_AUTO_STOP, ARG_MAX_RETRIES, ARG_MOUNTS, ARG_VOLUME_GIB,
	ARG_VOLUME_TYPE, ARG_TASK_GROUPS, ARG_AFFINITY_LEVEL, ARG_AFFINITY_REQUIRED, ARG_GROUP_LEVEL,
	ARG_GROUP_SIZE, ARG_SPREAD_LEVEL, ARG_MAX_PER_DOMAIN, ARG_DEPENDS_ON, ARG_NOT_BEFORE, ARG_RETRY_BACKOFF, ARG_RETRY_ON_FAILURE,
	ARG_RESERVATION, ARG_MAX_COST, ARG_TAGS, ARG_REQUEST_ID
};

static Jsonb *
jsonb_arg(FunctionCallInfo fcinfo, int n, const char *name)
{
	pm_not_null(fcinfo, n, name);
	return PG_GETARG_JSONB_P(n);
}

static void
spec_of_args(FunctionCallInfo fcinfo, PmJobSpec *job)
{
	pm_not_null(fcinfo, ARG_NAME, "name");
	pm_not_null(fcinfo, ARG_KIND, "kind");
	pm_not_null(fcinfo, ARG_REPLICAS, "replicas");
	pm_not_null(fcinfo, ARG_PRIORITY, "priority");
	pm_not_null(fcinfo, ARG_PREEMPTIBLE, "preemptible");
	pm_not_null(fcinfo, ARG_MAX_RETRIES, "max_retries");
	pm_not_null(fcinfo, ARG_RETRY_ON_FAILURE, "retry_on_failure");
	pm_not_null(fcinfo, ARG_AFFINITY_REQUIRED, "affinity_required");
	memset(job, 0, sizeof(PmJobSpec));
	job->name = pm_text_arg(fcinfo, ARG_NAME);
	job->kind = pm_enum_arg(fcinfo, ARG_KIND);
	job->flavor = pm_text_arg(fcinfo, ARG_FLAVOR);
	job->request = PG_ARGISNULL(ARG_REQUEST) ? NULL : PG_GETARG_RESOURCE_LIST_P(ARG_REQUEST);
	job->replicas = PG_GETARG_INT32(ARG_REPLICAS);
	job->min_replicas = PG_ARGISNULL(ARG_MIN_REPLICAS) ? job->replicas : PG_GETARG_INT32(ARG_MIN_REPLICAS);
	job->priority = PG_GETARG_INT32(ARG_PRIORITY);
	job->time_limit = PG_ARGISNULL(ARG_TIME_LIMIT) ? NULL : PG_GETARG_INTERVAL_P(ARG_TIME_LIMIT);
	job->node_selector = jsonb_arg(fcinfo, ARG_SELECTOR, "node_selector");
	job->tolerations = jsonb_arg(fcinfo, ARG_TOLERATIONS, "tolerations");
	if (!PG_ARGISNULL(ARG_SUB_POOL) && pm_is_text_arg(fcinfo, ARG_SUB_POOL))
		job->sub_pool = pm_text_arg(fcinfo, ARG_SUB_POOL);
	else if (!PG_ARGISNULL(ARG_SUB_POOL))
		job->asked_sub_pool_id = PG_GETARG_INT64(ARG_SUB_POOL);
	job->preemptible = PG_GETARG_BOOL(ARG_PREEMPTIBLE);
	job->auto_stop = PG_ARGISNULL(ARG_AUTO_STOP) ? NULL : PG_GETARG_INTERVAL_P(ARG_AUTO_STOP);
	job->max_retries = PG_GETARG_INT32(ARG_MAX_RETRIES);
	job->mounts = jsonb_arg(fcinfo, ARG_MOUNTS, "mounts");
	job->volume_gib = PG_ARGISNULL(ARG_VOLUME_GIB) ? 0 : PG_GETARG_INT32(ARG_VOLUME_GIB);
	job->volume_type = pm_text_arg(fcinfo, ARG_VOLUME_TYPE);
	job->task_groups = PG_ARGISNULL(ARG_TASK_GROUPS) ? NULL : PG_GETARG_JSONB_P(ARG_TASK_GROUPS);
	job->affinity_level = pm_text_arg(fcinfo, ARG_AFFINITY_LEVEL);
	job->affinity_required = PG_GETARG_BOOL(ARG_AFFINITY_REQUIRED);
	job->group_level = pm_text_arg(fcinfo, ARG_GROUP_LEVEL);
	job->group_size = PG_ARGISNULL(ARG_GROUP_SIZE) ? 0 : PG_GETARG_INT32(ARG_GROUP_SIZE);
	job->spread_level = pm_text_arg(fcinfo, ARG_SPREAD_LEVEL);
	job->max_per_domain = PG_ARGISNULL(ARG_MAX_PER_DOMAIN) ? 0 : PG_GETARG_INT32(ARG_MAX_PER_DOMAIN);
	job->depends_on = pm_text_arg(fcinfo, ARG_DEPENDS_ON);
	job->not_before = PG_ARGISNULL(ARG_NOT_BEFORE) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(ARG_NOT_BEFORE);
	job->retry_backoff = PG_ARGISNULL(ARG_RETRY_BACKOFF) ? NULL : PG_GETARG_INTERVAL_P(ARG_RETRY_BACKOFF);
	job->retry_on_failure = PG_GETARG_BOOL(ARG_RETRY_ON_FAILURE);
	job->reservation = pm_text_arg(fcinfo, ARG_RESERVATION);
	job->max_cost = PG_ARGISNULL(ARG_MAX_COST) ? NULL : PG_GETARG_NUMERIC(ARG_MAX_COST);
	job->tags = jsonb_arg(fcinfo, ARG_TAGS, "tags");
	job->request_id = pm_text_arg(fcinfo, ARG_REQUEST_ID);
}

PG_FUNCTION_INFO_V1(pm_submit_job);

Datum
pm_submit_job(PG_FUNCTION_ARGS)
{
	PmCall		call;
	PmPoolInfo *pool;
	PmSubmission *submission;
	PmJobSpec	job;
	int			current;

	pm_begin(&call, fcinfo);
	pool = pm_pool_arg(&call, fcinfo, ARG_POOL);
	submission = pm_begin_submission(&call, pool, pm_tenant_arg(&call, fcinfo, ARG_TENANT));
	spec_of_args(fcinfo, &job);
	if (!PG_ARGISNULL(ARG_WORKSPACE))
		job.workspace_id = pm_workspace_arg(&call, fcinfo, ARG_WORKSPACE, submission->tenant_id);
	pm_submit_batch(&call, submission, &job, 1, &current);
	pm_keep_promise(&call, submission, &job, 1);
	pm_end(&call);
	PG_RETURN_INT64(job.job_id);
}

PG_FUNCTION_INFO_V1(pm_sql_submit_as_called);

/* For a call that is declared like submit_job and works on what it would make */
Datum
pm_sql_submit_as_called(PG_FUNCTION_ARGS)
{
	return pm_submit_job(pm_frame()->fcinfo);
}
