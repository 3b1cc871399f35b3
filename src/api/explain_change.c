/*-------------------------------------------------------------------------
 *
 * explain_change.c
 *	  What would start a job that waits: fewer replicas, a smaller request, a
 *	  shorter time limit, another flavor, another pool.
 *
 * Each was tried by the engine before it becomes a row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/explain.h"
#include "api/schedule.h"

static char *
request_text(const PmExplanation *this, const int64 *amounts)
{
	int			ndims = this->data->cluster.ndims;
	PmResource *entries = palloc(sizeof(PmResource) * Max(ndims, 1));
	int			n = 0;

	for (int d = 0; d < ndims; d++)
	{
		if (amounts[d] == 0)
			continue;
		entries[n].name = this->data->terms->dimensions[d];
		entries[n].name_len = strlen(entries[n].name);
		entries[n++].value = amounts[d];
	}
	return pm_resource_list_text(pm_resource_list_make(entries, n));
}

static char *
length_text(int64 length)
{
	Interval	interval = {0};

	interval.time = length;
	return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(&interval)));
}

static void
put_flavors(PmExplanation *this)
{
	PmSmallerFlavor *flavors;
	int			n = pm_read_smaller_flavors(this->job, &flavors);

	for (int i = 0; i < n; i++)
	{
		int64	   *amounts = palloc0(sizeof(int64) * Max(this->data->cluster.ndims, 1));
		bool		possible = true;
		PmInstead	instead = {0};
		PmExplainRow row = pm_explain_row("would_start", "flavor");

		for (uint32 e = 0; e < flavors[i].resources->count; e++)
		{
			PmResource	resource = pm_resource_entry(flavors[i].resources, e);
			int			d = pm_dimension(this->data->terms, resource.name, resource.name_len);

			possible &= d >= 0;
			if (d >= 0)
				amounts[d] = resource.value;
		}
		instead.amounts = amounts;
		if (!possible || pm_what_if(&this->it, &instead)->replicas == 0)
			continue;
		row.detail = flavors[i].name;
		pm_explain_put(this, row);
	}
}

/* Pools to which the actor could submit the job instead */
void
pm_explain_pools(PmExplanation *this)
{
	PmAccess	access = pm_access(this->call, this->job->tenant_id);
	PmOtherPool *pools;
	int			n;

	if (access < PM_ACCESS_MEMBER)
		return;
	n = pm_read_other_pools(this->job, access >= PM_ACCESS_OPERATOR || this->call->public_pools, &pools);
	for (int i = 0; i < n; i++)
	{
		MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "pool_manager other pool",
													  ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(scratch);
		PmPoolInfo *pool = pm_find_pool(this->call, NULL, pools[i].pool_id);
		PmPassData *data = pm_read_guest(pool, this->job, this->policy.now);
		PmPolicy	policy = pm_policy_of(pool);
		PmInstead	as_it_is = {0};
		PmCase		it = {&data->cluster, &data->queue, &policy, this->job->job_id};
		PmExplainRow row = pm_explain_row("would_start", pools[i].loses_sub_pool ? "pool, sub_pool" : "pool");

		policy.now = this->policy.now;
		pm_score_queue(data, policy.order, policy.now);
		if (pm_what_if(&it, &as_it_is)->replicas > 0)
		{
			row.detail = pool->name;
			pm_explain_put(this, row);
		}
		MemoryContextSwitchTo(old);
		MemoryContextDelete(scratch);
	}
}

void
pm_explain_changes(PmExplanation *this)
{
	int64	   *amounts;
	PmExplainRow row;
	int			replicas = pm_fewer_replicas(&this->it);
	int64		limit;

	if (replicas > 0)
	{
		row = pm_explain_row("would_start", "replicas");
		row.count = replicas;
		pm_explain_put(this, row);
	}
	amounts = pm_smaller_request(&this->it);
	if (amounts)
	{
		row = pm_explain_row("would_start", "request");
		row.detail = request_text(this, amounts);
		pm_explain_put(this, row);
	}
	limit = pm_shorter_limit(&this->it);
	if (limit > 0)
	{
		row = pm_explain_row("would_start", "time_limit");
		row.detail = length_text(limit);
		pm_explain_put(this, row);
	}
	put_flavors(this);
}
