/*-------------------------------------------------------------------------
 *
 * run_read.c
 *	  What is to come on the nodes of a pass: what runs hold, and until when.
 *
 * Not here: maintenance and reservations (reservation.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/timestamp.h"

#include "store/numbers.h"
#include "store/pass.h"
#include "store/statement.h"

typedef struct RunReader
{
	PmPassData *data;
	MemoryContext context;
	HTAB	   *lanes;			/* numbers by sub-pool; NULL: whose runs are is not read */
	int			max_runs;
	int			max_holds;		/* of the last run */
	PmResourceList *last;		/* holds in a row often are of the same */
	const int64 *last_amounts;
} RunReader;

/* The cluster's index of a node, or -1: nodes are read in order of their ids */
int
pm_node_index(const PmCluster *cluster, int64 node_id)
{
	int			low = 0;
	int			high = cluster->nnodes - 1;

	while (low <= high)
	{
		int			middle = low + (high - low) / 2;

		if (cluster->nodes[middle].node_id == node_id)
			return middle;
		if (cluster->nodes[middle].node_id < node_id)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return -1;
}

static const int64 *
amounts_of(RunReader *reader, Datum value)
{
	PmResourceList *list = DatumGetResourceListP(value);

	if (reader->last && VARSIZE(reader->last) == VARSIZE(list) &&
		memcmp(reader->last, list, VARSIZE(list)) == 0)
		return reader->last_amounts;
	reader->last = palloc(VARSIZE(list));
	memcpy(reader->last, list, VARSIZE(list));
	reader->last_amounts = pm_vector(reader->data->terms, list);
	return reader->last_amounts;
}

static int *
numbers_of(Datum value, int *n)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	int		   *numbers;

	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	numbers = palloc(sizeof(int) * Max(*n, 1));
	memcpy(numbers, ARR_DATA_PTR(array), sizeof(int) * *n);
	return numbers;
}

/* The lane of a sub-pool, or -1: it has none, or nobody asked whose runs are */
static int
lane_of(const RunReader *reader, int64 sub_pool_id)
{
	PmIdNumber *lane = NULL;

	if (reader->lanes)
		lane = hash_search(reader->lanes, &sub_pool_id, HASH_FIND, NULL);
	return lane ? lane->number : -1;
}

static HTAB *
number_lanes(const PmPassData *data)
{
	HTAB	   *lanes = pm_id_numbers("lanes of runs");
	bool		is_new;

	for (int lane = 0; lane < data->queue.nlanes; lane++)
		(void) pm_number_id(lanes, data->lanes[lane], &is_new);
	return lanes;
}

static PmRunning *
add_run(RunReader *reader, Datum *values, bool *nulls)
{
	PmCluster  *cluster = &reader->data->cluster;
	PmRunning  *run;

	if (cluster->nruns == reader->max_runs)
	{
		reader->max_runs *= 2;
		cluster->runs = repalloc_huge(cluster->runs, sizeof(PmRunning) * (Size) reader->max_runs);
	}
	run = &cluster->runs[cluster->nruns++];
	memset(run, 0, sizeof(PmRunning));
	run->run_id = DatumGetInt64(values[0]);
	run->job_id = DatumGetInt64(values[1]);
	run->sub_pool_id = DatumGetInt64(values[2]);
	run->lane = lane_of(reader, run->sub_pool_id);
	run->priority = DatumGetInt16(values[3]);
	run->preemptible = DatumGetBool(values[4]);
	run->stopping = DatumGetBool(values[5]);
	run->placed_at = DatumGetTimestampTz(values[6]);
	run->planned_end = nulls[7] ? PM_NEVER : DatumGetTimestampTz(values[7]);
	run->min_replicas = numbers_of(values[8], &run->ngroups);
	run->submitted_at = DatumGetTimestampTz(values[15]);
	reader->max_holds = 0;
	return run;
}

static void
hold_row(Datum *values, bool *nulls, void *state)
{
	RunReader  *reader = state;
	PmCluster  *cluster = &reader->data->cluster;
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	int64		run_id = DatumGetInt64(values[0]);
	int			node = pm_node_index(cluster, DatumGetInt64(values[10]));
	PmRunning  *run = cluster->nruns > 0 ? &cluster->runs[cluster->nruns - 1] : NULL;
	PmHold	   *hold;

	if (run == NULL || run->run_id != run_id)
		run = add_run(reader, values, nulls);
	if (node >= 0)
	{
		if (run->nholds == reader->max_holds)
		{
			reader->max_holds = Max(1, reader->max_holds * 2);
			run->holds = run->holds ?
				repalloc_huge(run->holds, sizeof(PmHold) * (Size) reader->max_holds) :
				palloc(sizeof(PmHold) * reader->max_holds);
		}
		hold = &run->holds[run->nholds++];
		hold->node = node;
		hold->group = DatumGetInt16(values[9]) - 1;
		hold->replicas = DatumGetInt32(values[11]);
		hold->amounts = amounts_of(reader, values[12]);
		hold->devices = numbers_of(values[13], &hold->ndevices);
		hold->device_share = DatumGetInt32(values[14]);
		hold->part = DatumGetInt32(values[16]);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Without its job's sub-pool, priority and replicas a run is read from two
 * tables, both in the order of their keys.  IS TRUE keeps the planner from the
 * index of live allocations (see PM_HELD), but not from what it knows of them.
 */
void
pm_read_runs(PmPassData *data, bool all, bool whose)
{
	static PmStatement runs = PM_STATEMENT("int8;bool",
										   "SELECT r.run_id, r.job_id, j.sub_pool_id, j.priority, r.preemptible, r.state = 'stopping', r.placed_at,"
										   " CASE WHEN r.state = 'stopping' THEN r.deadline ELSE r.planned_end END, g.least,"
										   " a.group_no, a.node_id, a.replicas, a.allocated, a.devices, a.device_share, j.submitted_at, a.part_no::int4"
										   " FROM pool_manager.job_run r JOIN pool_manager.job j USING (pool_id, job_id)"
										   " JOIN (SELECT pool_id, shape_id, array_agg(min_replicas ORDER BY group_no) AS least"
										   "  FROM pool_manager.task_group WHERE pool_id = $1 GROUP BY pool_id, shape_id) AS g USING (pool_id, shape_id)"
										   " JOIN pool_manager.allocation a USING (pool_id, run_id)"
										   " WHERE r.pool_id = $1 AND r.ended_at IS NULL AND ($2 OR r.preemptible OR r.state = 'stopping') AND " PM_HELD("a")
										   " ORDER BY r.run_id, a.group_no, a.node_id, a.part_no");
	static PmStatement ends = PM_STATEMENT("int8",
										   "SELECT r.run_id, r.job_id, 0::int8, 0::int2, r.preemptible, r.state = 'stopping', r.placed_at,"
										   " CASE WHEN r.state = 'stopping' THEN r.deadline ELSE r.planned_end END, '{}'::int4[],"
										   " a.group_no, a.node_id, a.replicas, a.allocated, a.devices, a.device_share, r.placed_at, a.part_no::int4"
										   " FROM pool_manager.job_run r JOIN pool_manager.allocation a USING (pool_id, run_id)"
										   " WHERE r.pool_id = $1 AND r.ended_at IS NULL AND (a.released_at IS NULL) IS TRUE"
										   " ORDER BY r.run_id, a.group_no, a.node_id, a.part_no");
	RunReader	reader = {0};
	PmArgs		args = {0};

	reader.data = data;
	reader.context = CurrentMemoryContext;
	reader.max_runs = 256;
	reader.lanes = whose ? number_lanes(data) : NULL;
	data->cluster.nruns = 0;
	data->cluster.runs = palloc(sizeof(PmRunning) * reader.max_runs);
	pm_arg_int64(&args, data->pool->pool_id);
	if (whose)
		pm_arg_bool(&args, all);
	pm_scan(whose ? &runs : &ends, &args, hold_row, &reader);
}

int
pm_read_accuracy(int64 pool_id, PmAccuracy **accuracy)
{
	/* the pool's latest runs: by their key, whatever has ended before */
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT j.sub_pool_id, greatest(1, round(1000 * sum(least(lasted, longest)) / sum(longest)))::integer"
										   " FROM (SELECT job_id, extract(epoch FROM ended_at - started_at) AS lasted,"
										   "   extract(epoch FROM planned_end - started_at) AS longest"
										   "  FROM pool_manager.job_run WHERE pool_id = $1 AND state IN ('completed', 'failed', 'timed_out')"
										   "   AND planned_end > started_at ORDER BY run_id DESC LIMIT 1000) AS r"
										   " JOIN pool_manager.job j ON j.pool_id = $1 AND j.job_id = r.job_id"
										   " GROUP BY j.sub_pool_id HAVING count(*) >= 10 ORDER BY j.sub_pool_id");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, pool_id);
	n = (int) pm_run(&read, &args);
	*accuracy = palloc(sizeof(PmAccuracy) * Max(n, 1));
	for (int row = 0; row < n; row++)
	{
		(*accuracy)[row].sub_pool_id = pm_get_int64(row, 1);
		(*accuracy)[row].thousandths = pm_get_int32(row, 2);
	}
	return n;
}
