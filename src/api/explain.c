/*-------------------------------------------------------------------------
 *
 * explain.c
 *	  explain_job(): why a job waits, when it will start, what would start it
 *	  now.  Part of the same of a job that is only quoted.
 *
 * The pool is read once, like by a pass, but nothing is locked.  All that is
 * said of the job is found by the engine on copies.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/explain.h"
#include "api/forecast.h"
#include "api/schedule.h"

#define MAX_HOLDERS			5	/* runs that are named */
#define MAX_RESERVATIONS	5	/* and jobs that were given a time */

PmExplainRow
pm_explain_row(const char *kind, const char *item)
{
	PmExplainRow row = {kind, item, NULL, -1, NULL, NULL, 0, 0};

	return row;
}

void
pm_explain_put(PmExplanation *this, PmExplainRow row)
{
	MemoryContext old = MemoryContextSwitchTo(this->call->caller);
	Datum		values[8];
	bool		nulls[8];

	values[0] = CStringGetTextDatum(row.kind);
	nulls[0] = false;
	nulls[1] = row.item == NULL;
	values[1] = row.item ? CStringGetTextDatum(row.item) : (Datum) 0;
	nulls[2] = row.detail == NULL;
	values[2] = row.detail ? CStringGetTextDatum(row.detail) : (Datum) 0;
	nulls[3] = row.count < 0;
	values[3] = Int64GetDatum(row.count);
	nulls[4] = row.needed == NULL;
	values[4] = NumericGetDatum(row.needed);
	nulls[5] = row.available == NULL;
	values[5] = NumericGetDatum(row.available);
	nulls[6] = row.job_id == 0;
	values[6] = Int64GetDatum(row.job_id);
	nulls[7] = row.at == 0;
	values[7] = TimestampTzGetDatum(row.at);
	tuplestore_putvalues(this->rsinfo->setResult, this->rsinfo->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
}

/* An amount of a dimension, as tables have it */
static Numeric
amount(const PmExplanation *this, int dimension, int64 value)
{
	const char *name;

	if (dimension == PM_DIM_REPLICAS)
		return int64_to_numeric(value);
	name = this->data->terms->dimensions[dimension];
	return pm_resource_quantity_numeric(name, strlen(name), value);
}

static const char *
dimension_name(const PmExplanation *this, int dimension)
{
	if (dimension == PM_DIM_NONE)
		return NULL;
	return dimension == PM_DIM_REPLICAS ? "replicas" : this->data->terms->dimensions[dimension];
}

static void
set_lack(const PmExplanation *this, PmExplainRow *row, int dimension, int64 needed, int64 available)
{
	if (dimension == PM_DIM_NONE)
		return;
	row->detail = dimension_name(this, dimension);
	row->needed = amount(this, dimension, needed);
	row->available = amount(this, dimension, Max(available, 0));
}

static const PmJob *
job_of(const PmExplanation *this)
{
	return &this->data->queue.jobs[this->index];
}

static const PmShape *
shape_of(const PmExplanation *this)
{
	return &this->data->queue.shapes[job_of(this)->shape];
}

/* ---- where it stands ---- */

/* Rank in which the next pass looks at the job, as in the view queue */
static int64
position_of(const PmExplanation *this)
{
	PmCluster	cluster;
	PmQueue		queue;
	int		   *turns;

	if (this->data->quotas == NULL)
		return this->index + 1;
	pm_copy_pool(&this->it, &cluster, &queue);
	turns = pm_queue_turns(&cluster, &queue);
	for (int turn = 0; turn < queue.njobs; turn++)
		if (turns[turn] == this->index)
			return turn + 1;
	return this->index + 1;
}

static void
put_state(PmExplanation *this)
{
	PmExplainRow row = pm_explain_row("state", "queued");

	row.at = job_of(this)->submitted_at;
	pm_explain_put(this, row);
	row = pm_explain_row("position", NULL);
	row.count = position_of(this);
	pm_explain_put(this, row);
}

/* NULL: the next pass starts it */
static const char *
reason_of(const PmExplanation *this, const PmWouldBe *would)
{
	if (!this->data->pool->running || this->data->pool->frozen)
		return "pool_not_running";
	if (would->claims)
		return "waiting_for_preemption";
	return would->replicas > 0 ? NULL : pm_reason_name(would->block.reason);
}

static void
put_reason(PmExplanation *this, const PmWouldBe *would)
{
	const PmBlock *block = &would->block;
	const char *reason = reason_of(this, would);
	PmExplainRow row = pm_explain_row("reason", reason ? reason : "not_considered");

	if (this->data->pool->running && !this->data->pool->frozen && !would->claims && reason)
		set_lack(this, &row, block->dimension, block->needed, block->available);
	pm_explain_put(this, row);
}

/* ---- nodes ---- */

static void
put_nodes(PmExplanation *this)
{
	PmAbsent   *absent;
	int			nabsent = pm_read_absent(this->job->pool_id, &absent);
	int			ngroups = shape_of(this)->ngroups;

	for (int i = 0; i < nabsent; i++)
	{
		PmExplainRow row = pm_explain_row("nodes", absent[i].test);

		row.count = absent[i].nodes;
		pm_explain_put(this, row);
	}
	for (int g = 0; g < ngroups; g++)
	{
		PmTested   *tested;
		int			n = pm_test_nodes(&this->it, g, &tested);

		for (int i = 0; i < n; i++)
		{
			PmExplainRow row = pm_explain_row("nodes", pm_test_name(tested[i].test));

			set_lack(this, &row, tested[i].dimension, tested[i].needed, tested[i].available);
			if (ngroups > 1)
				row.detail = row.detail ? psprintf("group %d: %s", g + 1, row.detail) : psprintf("group %d", g + 1);
			row.count = tested[i].nodes;
			pm_explain_put(this, row);
		}
	}
}

/* ---- what is in the way ---- */

/* Jobs that were given a time before this one */
static void
put_reservations(PmExplanation *this, const PmWouldBe *would)
{
	int			owner = pm_owner_of(&would->queue, would->queue.jobs[would->job].shape);
	int			put_already = 0;

	for (int i = 0; i < would->decision->nreservations && put_already < MAX_RESERVATIONS; i++)
	{
		const PmReservation *reservation = &would->decision->reservations[i];
		const PmJob *other = &would->queue.jobs[reservation->job];
		PmExplainRow row = pm_explain_row("blocked_by", "reservation");

		if (reservation->job == would->job || pm_owner_of(&would->queue, other->shape) != owner)
			continue;
		row.job_id = this->visible[other->lane] ? other->job_id : 0;
		row.at = reservation->at;
		pm_explain_put(this, row);
		put_already++;
	}
}

/* Jobs ahead that do not start either, for which something may be withheld */
static void
put_withheld(PmExplanation *this, const PmWouldBe *would)
{
	bool	   *starts = palloc0(sizeof(bool) * would->queue.njobs);
	PmExplainRow row = pm_explain_row("blocked_by", "withheld");

	for (int i = 0; i < would->decision->nstarts; i++)
		starts[would->decision->starts[i].job] = true;
	row.count = 0;
	for (int i = 0; i < would->job; i++)
		row.count += !starts[i];
	pm_explain_put(this, row);
}

static void
put_quota(PmExplanation *this, const PmBlock *block)
{
	PmExplainRow row = pm_explain_row("blocked_by", block->level == PM_LEVEL_NONE ? "quota" :
							 block->level == PM_LEVEL_PARENT ? "quota_above" : "kept_by_others");
	char	   *name = pm_sub_pool_name(this->job->pool_id, this->data->lanes[job_of(this)->lane]);

	set_lack(this, &row, block->dimension, block->needed, block->available);
	if (name)
		row.detail = psprintf("%s: %s", name, row.detail);
	pm_explain_put(this, row);
}

/* Runs that stop, or are to be stopped, for it */
static void
put_stopping(PmExplanation *this, const PmWouldBe *would)
{
	const PmCluster *cluster = &this->data->cluster;
	bool	   *stops = palloc0(sizeof(bool) * Max(cluster->nruns, 1));
	int			put_already = 0;

	for (int i = 0; i < would->decision->nvictims; i++)
		stops[would->decision->victims[i].run] |= would->decision->victims[i].job == would->job;
	for (int r = 0; r < cluster->nruns && put_already < MAX_HOLDERS; r++)
	{
		PmExplainRow row = pm_explain_row("blocked_by", "stopping");

		if (!stops[r] && !(cluster->runs[r].stopping && job_of(this)->claims_since != 0))
			continue;
		row.job_id = cluster->runs[r].job_id;
		pm_explain_put(this, row);
		put_already++;
	}
}

static void
put_blockers(PmExplanation *this, const PmWouldBe *would)
{
	const PmBlock *block = &would->block;
	int			head = would->decision->blocked_by[would->queue.jobs[would->job].lane];
	PmExplainRow row;

	if (would->replicas > 0)
		return;
	if (would->claims)
	{
		put_stopping(this, would);
		return;
	}
	switch (block->reason)
	{
		case PM_REASON_BEHIND_HEAD:
			row = pm_explain_row("blocked_by", "head");
			/* of a reservation it is not known which */
			row.job_id = head < 0 ? 0 : would->queue.jobs[head].job_id;
			pm_explain_put(this, row);
			break;
		case PM_REASON_RESERVED:
			if (would->decision->nreservations > 0)
				put_reservations(this, would);
			else
				put_withheld(this, would);
			break;
		case PM_REASON_RESERVED_NODES:
			pm_explain_reserved_nodes(this);
			break;
		case PM_REASON_RESERVATION:
		case PM_REASON_RESERVATION_OVER:
			pm_explain_own_reservation(this);
			break;
		case PM_REASON_QUOTA:
			put_quota(this, block);
			break;
		case PM_REASON_EXCEEDS_MAX:
			if (block->level == PM_LEVEL_NONE || block->level == PM_LEVEL_PARENT)
				put_quota(this, block);
			break;
		case PM_REASON_NO_ADDRESS:
		case PM_REASON_NETWORK_BANDWIDTH:
			row = pm_explain_row("blocked_by", "network");
			set_lack(this, &row, block->dimension, block->needed, block->available);
			pm_explain_put(this, row);
			break;
		default:
			break;
	}
}

/* ---- who holds what is lacking ---- */

typedef struct Holder
{
	const PmRunning *run;
	int64		held;
} Holder;

static int
compare_holders(const void *a, const void *b)
{
	const PmRunning *left = ((const Holder *) a)->run;
	const PmRunning *right = ((const Holder *) b)->run;

	if (left->planned_end != right->planned_end)
		return left->planned_end < right->planned_end ? -1 : 1;
	return left->run_id < right->run_id ? -1 : left->run_id > right->run_id ? 1 : 0;
}

/* The dimension that is lacking; where pieces are, what most nodes lack */
static int
lacking_dimension(PmExplanation *this, const PmBlock *block)
{
	PmTested   *tested;
	int			n;
	int			most = -1;

	if (block->dimension >= 0)
		return block->dimension;
	if (block->reason != PM_REASON_FRAGMENTED && block->reason != PM_REASON_TOPOLOGY)
		return PM_DIM_NONE;
	n = pm_test_nodes(&this->it, 0, &tested);
	for (int i = 0; i < n; i++)
		if (tested[i].test == PM_TEST_NO_ROOM && (most < 0 || tested[i].nodes > tested[most].nodes))
			most = i;
	return most < 0 ? PM_DIM_NONE : tested[most].dimension;
}

/* Which of the jobs that hold something the actor may see */
static bool *
visible_holders(PmExplanation *this, const Holder *holders, int n)
{
	bool	   *visible = palloc(sizeof(bool) * Max(n, 1));
	int64	   *jobs = palloc(sizeof(int64) * Max(n, 1));
	int64	   *tenants;
	int64	   *seen;
	int			nseen = pm_visible_tenants(this->call, &seen);

	/* in a dedicated pool all are its owner's */
	if (this->job->dedicated || nseen < 0)
	{
		memset(visible, true, sizeof(bool) * n);
		return visible;
	}
	for (int i = 0; i < n; i++)
		jobs[i] = holders[i].run->job_id;
	tenants = pm_job_tenants(this->job->pool_id, jobs, n);
	for (int i = 0; i < n; i++)
	{
		visible[i] = false;
		for (int t = 0; t < nseen && !visible[i]; t++)
			visible[i] = seen[t] == tenants[i];
	}
	return visible;
}

/* Of a quota it is what its own sub-pool holds; else what is held on any node */
static void
put_holders(PmExplanation *this, const PmBlock *block)
{
	const PmCluster *cluster = &this->data->cluster;
	int			dimension;
	Holder	   *holders;
	bool	   *visible;
	int			n = 0;

	if (block->reason == PM_REASON_NONE || block->reason == PM_REASON_EXCEEDS_MAX)
		return;
	dimension = lacking_dimension(this, block);
	if (dimension == PM_DIM_NONE)
		return;
	holders = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Holder) * (Size) Max(cluster->nruns, 1));
	for (int r = 0; r < cluster->nruns; r++)
	{
		const PmRunning *run = &cluster->runs[r];
		int64		held = 0;

		if (block->reason == PM_REASON_QUOTA && block->level == PM_LEVEL_NONE &&
			run->sub_pool_id != this->data->lanes[job_of(this)->lane])
			continue;
		for (int h = 0; h < run->nholds; h++)
			held += run->holds[h].amounts[dimension];
		if (held > 0)
		{
			holders[n].run = run;
			holders[n++].held = held;
		}
	}
	qsort(holders, n, sizeof(Holder), compare_holders);
	visible = visible_holders(this, holders, n);
	for (int i = 0, put_already = 0; i < n && put_already < MAX_HOLDERS; i++)
	{
		PmExplainRow row = pm_explain_row("holds", dimension_name(this, dimension));

		if (!visible[i])
			continue;
		row.available = amount(this, dimension, holders[i].held);
		row.job_id = holders[i].run->job_id;
		row.at = holders[i].run->planned_end == PM_NEVER ? 0 : holders[i].run->planned_end;
		pm_explain_put(this, row);
		put_already++;
	}
}

/* ---- the call ---- */

static void
explain_unqueued(PmExplanation *this)
{
	PmJobState	state = pm_read_job_state(this->job);
	PmExplainRow row = pm_explain_row("state", state.state);

	row.detail = state.why;
	row.at = state.at;
	pm_explain_put(this, row);
}

/* 0: it cannot be told.  Uses up what was read. */
static TimestampTz
expected_start(PmExplanation *this)
{
	int64	   *starts = pm_forecast_pool(this->data);

	for (int i = 0; i < this->data->queue.njobs; i++)
		if (this->data->queue.jobs[i].job_id == this->job->job_id && starts[i] != PM_NEVER)
			return starts[i];
	return 0;
}

static bool
is_queued(const PmJobInfo *job)
{
	return job->queue_state && strcmp(job->queue_state, "queued") == 0;
}

/* Reads the pool; what a pass would do with the job, which is queued or were */
static PmWouldBe *
look_at_pool(PmExplanation *this)
{
	PmPoolInfo *pool = pm_find_pool(this->call, NULL, this->job->pool_id);
	PmPassData *data = is_queued(this->job) ? pm_read_outlook(pool) :
		pm_read_guest(pool, this->job, pm_reading_clock());

	this->data = data;
	this->policy = pm_policy_of(pool);
	this->policy.now = pm_reading_clock();
	pm_score_queue(data, this->policy.order, this->policy.now);
	pm_order_jobs(data->queue.jobs, data->queue.njobs, this->policy.order);
	this->visible = pm_visible_lanes(this->call, data);
	this->it.cluster = &data->cluster;
	this->it.queue = &data->queue;
	this->it.policy = &this->policy;
	this->it.job_id = this->job->job_id;
	while (this->index < data->queue.njobs && job_of(this)->job_id != this->job->job_id)
		this->index++;
	if (this->index == data->queue.njobs)
		elog(ERROR, "job " INT64_FORMAT " is not in the queue", this->job->job_id);

	return pm_what_if(&this->it, NULL);
}

static void
explain_queued(PmExplanation *this)
{
	PmWouldBe  *would = look_at_pool(this);
	const PmPoolInfo *pool = this->data->pool;
	bool		runs = pool->running && !pool->frozen;
	PmExplainRow start = pm_explain_row("expected_start", NULL);

	put_state(this);
	put_reason(this, would);
	put_nodes(this);
	if (runs)
	{
		put_blockers(this, would);
		if (would->replicas == 0 && !would->claims)
			put_holders(this, &would->block);
	}
	/* a change is a new job */
	if (runs && !pool->closed && would->replicas == 0)
		pm_explain_changes(this);
	if (!runs || would->replicas == 0)
		pm_explain_pools(this);
	start.at = expected_start(this);
	pm_explain_put(this, start);
}

PG_FUNCTION_INFO_V1(pm_explain_job);

Datum
pm_explain_job(PG_FUNCTION_ARGS)
{
	PmExplanation this = {0};
	PmCall		call;

	InitMaterializedSRF(fcinfo, 0);
	pm_begin(&call, fcinfo);
	this.call = &call;
	this.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	pm_refuse_nulls(fcinfo);
	this.job = pm_find_job(&call, PG_GETARG_INT64(0));
	if (is_queued(this.job))
		explain_queued(&this);
	else
		explain_unqueued(&this);
	pm_end(&call);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(pm_job_outlook);

/* Of a quote; the job was found when it was submitted */
Datum
pm_job_outlook(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PmExplanation this = {0};
	PmCall		call;
	const char *reason;
	TimestampTz start;
	MemoryContext inner;
	Datum		values[2];
	bool		nulls[2];

	InitMaterializedSRF(fcinfo, 0);
	pm_begin(&call, fcinfo);
	this.call = &call;
	this.job = pm_find_job(&call, PG_GETARG_INT64(0));
	reason = reason_of(&this, look_at_pool(&this));
	start = expected_start(&this);
	inner = MemoryContextSwitchTo(call.caller);
	nulls[0] = reason == NULL;
	values[0] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	nulls[1] = start == 0;
	values[1] = TimestampTzGetDatum(start);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	MemoryContextSwitchTo(inner);
	pm_end(&call);
	return (Datum) 0;
}
