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

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/check.h"
#include "api/schedule.h"
#include "api/submit.h"
#include "errors.h"
#include "store/registry.h"
#include "store/submit.h"

/* ---- checks of what was given ---- */

/* What can be said of a job without looking at the pool's state */
static void
check_spec(PmSubmission *submission, PmJobSpec *job)
{
	if (job->name == NULL)
		pm_invalid_argument("name", "A job has a name.", "Give it one.");
	pm_check_name(job->name, "name");
	if ((job->flavor == NULL) == (job->request == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("job \"%s\" must have either a flavor or a request", job->name),
				 job->flavor ? errdetail("It has both.") : errdetail("It has neither."),
				 errhint("Give one of the arguments \"flavor\" and \"request\".")));
	if (job->replicas < 1)
		pm_invalid_argument("replicas", "It must be 1 or more.", "Leave out the argument for one replica.");
	if (job->min_replicas < 1 || job->min_replicas > job->replicas)
		pm_invalid_argument("min_replicas", "It must be between 1 and \"replicas\".",
							"Leave out the argument if all replicas must start together.");
	if (job->priority < 1 || job->priority > 3)
		pm_invalid_argument("priority", "It must be 1, 2 or 3, of which 3 is looked at first.",
							"Leave out the argument for 1.");
	if (job->priority != 1 && !submission->pool->dedicated)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("pool \"%s\" is public and has no priorities", submission->pool->name),
				 errdetail("Priorities are for dedicated pools."),
				 errhint("Leave out the argument \"priority\".")));
	if (job->time_limit)
		job->time_limit = pm_exact_interval(job->time_limit, "time_limit");
	if (job->request_id)
		pm_check_request_id(job->request_id);
	pm_check_labels(job->node_selector, "node_selector");
	pm_check_taints(job->tolerations, "tolerations", true);
}

static void
check_request(const char *name, PmResourceList *request)
{
	if (request->count == 0)
		pm_invalid_argument("request", "It must ask for something.",
							"Write it like cpu=8,memory=64Gi,nvidia.com/gpu=1.");
	for (uint32 i = 0; i < request->count; i++)
	{
		PmResource	resource = pm_resource_entry(request, i);

		if (resource.value < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("request of job \"%s\" is negative", name),
					 errdetail("It asks for %s of \"%.*s\".",
							   pm_resource_quantity_text(resource.name, resource.name_len, resource.value),
							   resource.name_len, resource.name),
					 errhint("Leave out what the job does not need.")));
	}
}

/* ---- could any node ever hold it? ---- */

static bool
accelerator_fits(const PmFlavor *flavor, PmResource resource)
{
	return flavor->accelerator == NULL ||
		(int) strlen(flavor->accelerator) != resource.name_len ||
		memcmp(flavor->accelerator, resource.name, resource.name_len) != 0 ||
		resource.value < 1000 || resource.value % 1000 == 0;
}

static bool
flavor_holds(const PmFlavor *flavor, PmResourceList *request)
{
	if (!pm_resource_list_contains(flavor->resources, request))
		return false;
	for (uint32 i = 0; i < request->count; i++)
	{
		if (!accelerator_fits(flavor, pm_resource_entry(request, i)))
			return false;
	}
	return true;
}

/* Names the dimension, what was asked and the most there is */
static void
refuse_request(PmSubmission *submission, PmJobSpec *job)
{
	const char *pool = submission->pool->name;

	if (submission->nflavors == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NEVER_FITS),
				 errmsg("pool \"%s\" has no nodes", pool),
				 errdetail("A pool takes only what one of its nodes could hold."),
				 errhint("Nodes are added with add_nodes().")));
	for (uint32 i = 0; i < job->request->count; i++)
	{
		PmResource	resource = pm_resource_entry(job->request, i);
		int64		most = 0;
		bool		divisible = false;

		for (int f = 0; f < submission->nflavors; f++)
		{
			int64		has = pm_resource_get(submission->flavors[f].resources, resource.name, resource.name_len);

			most = Max(most, has);
			if (has >= resource.value && accelerator_fits(&submission->flavors[f], resource))
				divisible = true;
		}
		if (resource.value > most)
			ereport(ERROR,
					(errcode(ERRCODE_PM_NEVER_FITS),
					 errmsg("no node of pool \"%s\" can hold a replica of job \"%s\"", pool, job->name),
					 errdetail("It asks for %s of \"%.*s\"; the largest node has %s.",
							   pm_resource_quantity_text(resource.name, resource.name_len, resource.value),
							   resource.name_len, resource.name,
							   pm_resource_quantity_text(resource.name, resource.name_len, most)),
					 errhint("Ask for less a replica, or for more replicas.")));
		if (!divisible)
			ereport(ERROR,
					(errcode(ERRCODE_PM_NEVER_FITS),
					 errmsg("no node of pool \"%s\" can hold a replica of job \"%s\"", pool, job->name),
					 errdetail("It asks for %s of \"%.*s\", which is given out as a part of one device or as whole devices.",
							   pm_resource_quantity_text(resource.name, resource.name_len, resource.value),
							   resource.name_len, resource.name),
					 errhint("Ask for less than 1, or for a whole number.")));
	}
	ereport(ERROR,
			(errcode(ERRCODE_PM_NEVER_FITS),
			 errmsg("no node of pool \"%s\" can hold a replica of job \"%s\"", pool, job->name),
			 errdetail("It asks for \"%s\"; each of these fits on some node, but no node has all of them.",
					   pm_resource_list_text(job->request)),
			 errhint("Ask for less a replica, or for more replicas.")));
}

static void
check_fit(PmSubmission *submission, PmJobSpec *job)
{
	pm_read_pool_flavors(submission);
	for (int f = 0; f < submission->nflavors; f++)
	{
		if (flavor_holds(&submission->flavors[f], job->request))
			return;
	}
	refuse_request(submission, job);
}

/* ---- shapes ---- */

static void
digest_part(pg_cryptohash_ctx *hash, const void *data, uint32 len)
{
	if (pg_cryptohash_update(hash, (const uint8 *) &len, sizeof(len)) < 0 ||
		pg_cryptohash_update(hash, data, len) < 0)
		elog(ERROR, "could not compute a digest");
}

/*
 * What makes the shape.  The digest is stored, so it is taken from forms that
 * do not depend on the machine: canonical text.
 */
static void
digest_job(PmJobSpec *job)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	char	   *numbers = psprintf(INT64_FORMAT ",%d,%d", job->flavor_id, job->replicas, job->min_replicas);
	char	   *request = pm_resource_list_text(job->request);
	char	   *selector = JsonbToCString(NULL, &job->node_selector->root, VARSIZE(job->node_selector));
	char	   *tolerations = JsonbToCString(NULL, &job->tolerations->root, VARSIZE(job->tolerations));

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		elog(ERROR, "could not compute a digest");
	digest_part(hash, numbers, strlen(numbers));
	digest_part(hash, request, strlen(request));
	digest_part(hash, selector, strlen(selector));
	digest_part(hash, tolerations, strlen(tolerations));
	if (pg_cryptohash_final(hash, job->digest, sizeof(job->digest)) < 0)
		elog(ERROR, "could not compute a digest");
	pg_cryptohash_free(hash);
}

/* Flavors that jobs of a batch have named; few, though the jobs be many */
typedef struct Seen
{
	int			count;
	int			size;
	PmFlavor  **flavors;
} Seen;

static PmFlavor *
seen_flavor(Seen *seen, const char *name)
{
	for (int i = seen->count - 1; i >= 0; i--)
	{
		if (strcmp(seen->flavors[i]->name, name) == 0)
			return seen->flavors[i];
	}
	if (seen->count == seen->size)
	{
		seen->size = Max(8, seen->size * 2);
		seen->flavors = seen->flavors ?
			repalloc(seen->flavors, sizeof(PmFlavor *) * seen->size) :
			palloc(sizeof(PmFlavor *) * seen->size);
	}
	return seen->flavors[seen->count++] = pm_find_flavor(name);
}

static void
resolve_flavor(PmSubmission *submission, PmJobSpec *job, Seen *seen)
{
	if (job->flavor)
	{
		PmFlavor   *flavor = seen_flavor(seen, job->flavor);

		job->request = flavor->resources;
		job->flavor_id = flavor->flavor_id;
		if (flavor->sku_id == 0 && !submission->pool->dedicated)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("flavor \"%s\" has no SKU", job->flavor),
					 errdetail("A job with a flavor is billed as its SKU in a public pool."),
					 errhint("Use a flavor with a SKU, or a bare request.")));
	}
	else
		check_request(job->name, job->request);
	digest_job(job);
}

/* By digest; the first of the batch first, which an error then names */
static int
compare_shapes(const void *a, const void *b)
{
	const PmJobSpec *left = *(PmJobSpec *const *) a;
	const PmJobSpec *right = *(PmJobSpec *const *) b;
	int			result = memcmp(left->digest, right->digest, sizeof(left->digest));

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
		if (i > 0 && memcmp(job->digest, sorted[i - 1]->digest, sizeof(job->digest)) == 0)
		{
			job->shape_id = sorted[i - 1]->shape_id;
			continue;
		}
		job->shape_id = pm_find_shape(submission, job->digest);
		if (job->shape_id == 0)
		{
			check_fit(submission, job);
			job->shape_id = pm_put_shape(submission, job);
		}
	}
}

/* ---- submitting ---- */

static void
check_open(PmSubmission *submission, PmJobSpec *job)
{
	if (!submission->pool->running)
		ereport(ERROR,
				(errcode(ERRCODE_PM_WRONG_STATE),
				 errmsg("pool \"%s\" is not running", submission->pool->name),
				 errdetail("Only a running pool takes jobs."),
				 errhint("The view pool_status shows its state.")));
	for (int i = 0; i < submission->nkinds; i++)
	{
		if (strcmp(submission->kinds[i], job->kind) == 0)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_PM_NOT_OFFERED),
			 errmsg("pool \"%s\" does not take %s jobs", submission->pool->name, job->kind),
			 submission->nkinds == 0 ? errdetail("No job type is enabled.") :
			 errdetail("See table pool_job_type for the job types that are enabled."),
			 errhint("Submit it to a pool that has the job type enabled.")));
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
	Seen		seen = {0};
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
		check_spec(submission, &jobs[i]);
		resolve_flavor(submission, &jobs[i], &seen);
		jobs[i].job_id = earlier_job(submission, &jobs[i]);
		if (jobs[i].job_id != 0)
			continue;
		check_open(submission, &jobs[i]);
		fresh[nfresh++] = &jobs[i];
	}
	resolve_shapes(submission, jobs, fresh, nfresh, current);
	*current = -1;
	if (nfresh > 0)
		pm_insert_jobs(call, submission, fresh, nfresh);

	/* those whose request_id another call, or an earlier row, took meanwhile */
	for (int i = 0; i < nfresh; i++)
	{
		if (fresh[i]->job_id == 0)
			fresh[i]->job_id = earlier_job(submission, fresh[i]);
	}
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
	/* a pass may follow: the pool's lock comes before those of shapes and jobs */
	if (pool->dedicated)
	{
		(void) pm_lock_pool(pool->pool_id);
		pool = pm_find_pool(call, NULL, pool->pool_id);
	}
	return pm_open_submission(pool, tenant_id);
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

	if (!submission->pool->dedicated)
		return;
	for (int i = 0; i < n; i++)
	{
		/* one without a shape was there before this call */
		if (jobs[i].shape_id != 0 && (first == NULL || jobs[i].priority > first->priority))
			first = &jobs[i];
	}
	if (first && !pm_is_queued_ahead(submission->pool->pool_id, first->job_id))
		(void) pm_run_pass(call, submission->pool);
}

/* Arguments of submit_job, in order */
enum
{
	ARG_POOL, ARG_NAME, ARG_KIND, ARG_FLAVOR, ARG_REQUEST, ARG_REPLICAS, ARG_MIN_REPLICAS,
	ARG_TENANT, ARG_WORKSPACE, ARG_PRIORITY, ARG_TIME_LIMIT, ARG_SELECTOR, ARG_TOLERATIONS,
	ARG_REQUEST_ID
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
