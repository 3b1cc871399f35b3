/*-------------------------------------------------------------------------
 *
 * pass_read.c
 *	  What a scheduling pass reads: nodes, queue, shapes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "store/explain.h"
#include "store/labels.h"
#include "store/numbers.h"
#include "store/pass.h"
#include "store/statement.h"
#include "store/topology.h"

typedef struct Reader
{
	PmPassData *data;
	MemoryContext context;
	HTAB	   *dimensions;
	HTAB	   *words;			/* of labels and taints */
	HTAB	   *configs;
	HTAB	   *shapes;
	HTAB	   *lanes;
	int			max_nodes;
	int			max_configs;
	int			max_jobs;
	int			max_dims;
	PmNodeConfig *configs_array;
	PmResourceList **allocatable;
	PmResourceList **allocated;
	char	  **accelerators;
	ArrayType **devices;
	HTAB	  **domains;		/* numbers, by level of the topology */
	int64		last_shape;		/* jobs in a row often share it */
	int			last_shape_no;
	int64		last_lane;
	int			last_lane_no;
	HTAB	   *workspaces;		/* where fair shares count */
	int64		last_workspace;
	int			last_workspace_no;
	bool		bound;			/* is a node bound to a sub-pool? */
	const PmJobInfo *guest;		/* looked at with the queue; NULL: none */
	TimestampTz guest_at;
	HTAB	   *requests;
	int			max_requests;
} Reader;

/* ---- labels, selectors, taints, tolerations ---- */

/* sub_pool_id: the one the node is bound to, 0: none */
static int
read_config(Reader *reader, Datum labels, Datum taints, int64 sub_pool_id)
{
	Jsonb	   *label_json = DatumGetJsonbP(labels);
	Jsonb	   *taint_json = DatumGetJsonbP(taints);
	PmNodeConfig *config;
	PmLabel    *list;
	StringInfoData key;
	bool		is_new;
	int			number;

	initStringInfo(&key);
	appendBinaryStringInfo(&key, (char *) label_json, VARSIZE(label_json));
	appendBinaryStringInfo(&key, (char *) taint_json, VARSIZE(taint_json));
	appendBinaryStringInfo(&key, (char *) &sub_pool_id, sizeof(int64));
	number = pm_number_bytes(reader->configs, key.data, key.len, &is_new);
	pfree(key.data);
	if (!is_new)
		return number;
	if (number >= reader->max_configs)
	{
		reader->max_configs = Max(16, reader->max_configs * 2);
		reader->configs_array = reader->configs_array ?
			repalloc(reader->configs_array, sizeof(PmNodeConfig) * reader->max_configs) :
			palloc(sizeof(PmNodeConfig) * reader->max_configs);
	}
	config = &reader->configs_array[number];
	config->nlabels = pm_read_labels(reader->words, label_json, &list);
	config->labels = list;
	config->ntaints = pm_read_taints(reader->words, taint_json, false, &list);
	config->taints = list;
	config->sub_pool = sub_pool_id;
	reader->bound |= sub_pool_id != 0;
	return number;
}

/* ---- nodes ---- */

static int
dimension(Reader *reader, const char *name, int len, bool add)
{
	PmBytes		key = {name, len};
	bool		is_new;
	int			number;

	if (!add)
	{
		PmBytesNumber *entry = hash_search(reader->dimensions, &key, HASH_FIND, NULL);

		return entry ? entry->number : -1;
	}
	number = pm_number_bytes(reader->dimensions, name, len, &is_new);
	if (is_new)
	{
		PmPassData *data = reader->data;

		if (number >= reader->max_dims)
		{
			reader->max_dims = Max(8, reader->max_dims * 2);
			data->dimensions = data->dimensions ?
				repalloc(data->dimensions, sizeof(char *) * reader->max_dims) :
				palloc(sizeof(char *) * reader->max_dims);
		}
		data->dimensions[number] = pnstrdup(name, len);
	}
	return number;
}

/* Copies a list, which may be toasted or in a buffer page */
static PmResourceList *
keep_list(Datum value)
{
	return (PmResourceList *) PG_DETOAST_DATUM_COPY(value);
}

static void
node_row(Datum *values, bool *nulls, void *state)
{
	Reader	   *reader = state;
	PmPassData *data = reader->data;
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	int			i = data->cluster.nnodes++;

	if (i >= reader->max_nodes)
	{
		Size		n = reader->max_nodes = Max(1024, reader->max_nodes * 2);

#define GROW(array) \
		((array) = (array) ? repalloc_huge((array), n * sizeof(*(array))) : palloc(n * sizeof(*(array))))
		GROW(data->cluster.nodes);
		GROW(data->node_flavors);
		GROW(reader->allocatable);
		GROW(reader->allocated);
		GROW(reader->accelerators);
		GROW(reader->devices);
	}
	data->cluster.nodes[i].node_id = DatumGetInt64(values[0]);
	data->node_flavors[i] = DatumGetInt64(values[1]);
	data->cluster.nodes[i].config = read_config(reader, values[2], values[3],
													nulls[8] ? 0 : DatumGetInt64(values[8]));
	reader->allocatable[i] = keep_list(values[4]);
	reader->allocated[i] = keep_list(values[5]);
	reader->accelerators[i] = nulls[6] ? NULL : TextDatumGetCString(values[6]);
	reader->devices[i] = (ArrayType *) PG_DETOAST_DATUM_COPY(values[7]);
	data->cluster.nodes[i].domains = pm_read_domains(data->pool->levels, data->pool->nlevels, reader->domains, values[9]);
	for (uint32 entry = 0; entry < reader->allocatable[i]->count; entry++)
	{
		PmResource	resource = pm_resource_entry(reader->allocatable[i], entry);

		(void) dimension(reader, resource.name, resource.name_len, true);
	}
	MemoryContextSwitchTo(old);
}

static void
add_to_vector(Reader *reader, PmResourceList *list, int64 *vector, int sign)
{
	for (uint32 entry = 0; entry < list->count; entry++)
	{
		PmResource	resource = pm_resource_entry(list, entry);

		vector[dimension(reader, resource.name, resource.name_len, true)] += sign * resource.value;
	}
}

/* Once all dimensions are known, rows become vectors */
static void
make_vectors(Reader *reader)
{
	PmCluster  *cluster = &reader->data->cluster;
	int			ndims = (int) hash_get_num_entries(reader->dimensions);
	int64	   *vectors;

	cluster->ndims = ndims;
	cluster->nconfigs = (int) hash_get_num_entries(reader->configs);
	cluster->configs = reader->configs_array;
	vectors = MemoryContextAllocExtended(CurrentMemoryContext,
										 Max((Size) 1, (Size) cluster->nnodes * ndims * 2 * sizeof(int64)),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < cluster->nnodes; i++)
	{
		PmNode	   *node = &cluster->nodes[i];
		ArrayType  *devices = reader->devices[i];
		int64	   *capacity = vectors + (Size) i * 2 * ndims;

		add_to_vector(reader, reader->allocatable[i], capacity, 1);
		node->capacity = capacity;
		node->free = capacity + ndims;
		memcpy(node->free, capacity, ndims * sizeof(int64));
		add_to_vector(reader, reader->allocated[i], node->free, -1);
		node->accelerator = -1;
		node->ndevices = 0;
		node->device_free = NULL;
		if (reader->accelerators[i] == NULL)
			continue;
		node->accelerator = dimension(reader, reader->accelerators[i],
									  strlen(reader->accelerators[i]), false);
		node->ndevices = ArrayGetNItems(ARR_NDIM(devices), ARR_DIMS(devices));
		node->device_free = palloc(sizeof(int32) * Max(node->ndevices, 1));
		for (int k = 0; k < node->ndevices; k++)
			node->device_free[k] = PM_DEVICE_WHOLE - ((int32 *) ARR_DATA_PTR(devices))[k];
	}
}

static void
read_nodes(Reader *reader)
{
	static PmStatement nodes = PM_STATEMENT("int8",
											"SELECT n.node_id, n.flavor_id, n.labels, n.taints,"
											" l.allocatable, l.allocated, l.accelerator, l.devices, n.sub_pool_id, n.topology"
											" FROM pool_manager.node n JOIN pool_manager.node_load l USING (pool_id, node_id)"
											" WHERE n.pool_id = $1 AND n.state = 'available' AND n.schedulable AND NOT n.spare AND n.isolated_by IS NULL ORDER BY n.node_id");
	PmArgs		args = {0};

	pm_arg_int64(&args, reader->data->pool->pool_id);
	reader->data->cluster.nlevels = reader->data->pool->nlevels;
	reader->domains = pm_domain_numbers(reader->data->pool->nlevels);
	pm_scan(&nodes, &args, node_row, reader);
	make_vectors(reader);
}

/* ---- queue ---- */

static int64 *
ids_of(HTAB *table, int n)
{
	int64	   *ids = palloc(sizeof(int64) * Max(n, 1));
	HASH_SEQ_STATUS status;
	PmIdNumber *entry;

	hash_seq_init(&status, table);
	while ((entry = hash_seq_search(&status)) != NULL)
		ids[entry->number] = entry->id;
	return ids;
}

static void
queue_row(Datum *values, bool *nulls, void *state)
{
	Reader	   *reader = state;
	PmPassData *data = reader->data;
	int64		shape_id = DatumGetInt64(values[2]);
	int64		lane_id = DatumGetInt64(values[3]);
	PmJob	   *job;
	bool		is_new;

	if (data->queue.njobs >= reader->max_jobs)
	{
		reader->max_jobs *= 2;
		data->queue.jobs = repalloc_huge(data->queue.jobs, sizeof(PmJob) * reader->max_jobs);
	}
	if (shape_id != reader->last_shape)
	{
		reader->last_shape = shape_id;
		reader->last_shape_no = pm_number_id(reader->shapes, shape_id, &is_new);
	}
	if (lane_id != reader->last_lane)
	{
		reader->last_lane = lane_id;
		reader->last_lane_no = pm_number_id(reader->lanes, lane_id, &is_new);
	}
	if (reader->workspaces && DatumGetInt64(values[8]) != reader->last_workspace)
	{
		reader->last_workspace = DatumGetInt64(values[8]);
		reader->last_workspace_no = pm_number_id(reader->workspaces, reader->last_workspace, &is_new);
	}
	job = &data->queue.jobs[data->queue.njobs++];
	memset(job, 0, sizeof(PmJob));
	job->job_id = DatumGetInt64(values[0]);
	job->submitted_at = DatumGetTimestampTz(values[1]);
	job->shape = job->asked = reader->last_shape_no;
	job->lane = reader->last_lane_no;
	job->workspace = reader->last_workspace_no;
	job->priority = DatumGetInt16(values[4]);
	job->restarted = DatumGetBool(values[5]);
	job->time_limit = nulls[6] ? data->pool->default_time_limit : pm_length(values[6], false);
	job->time_limit = Min(job->time_limit, pm_length(values[7], nulls[7]));
	job->locked_since = nulls[9] ? 0 : DatumGetTimestampTz(values[9]);
	job->claims_since = nulls[10] ? 0 : DatumGetTimestampTz(values[10]);
}

/* A job of another pool, in the queue of its tenant */
static void
read_guest_job(Reader *reader)
{
	static PmStatement guest = PM_STATEMENT("int8;int8;int8;timestamptz",
											"SELECT j.job_id, $4, j.shape_id, coalesce((SELECT s.sub_pool_id FROM pool_manager.sub_pool s"
											"  WHERE s.pool_id = $1 AND s.tenant_id = j.tenant_id AND s.name IS NULL AND s.deleted_at IS NULL), 0),"
											" CASE p.kind WHEN 'public' THEN 1::smallint ELSE j.priority END, false, j.time_limit, j.auto_stop, j.workspace_id, NULL"
											" FROM pool_manager.job j, pool_manager.pool p WHERE p.pool_id = $1 AND j.pool_id = $2 AND j.job_id = $3");
	PmArgs		args = {0};

	pm_arg_int64(&args, reader->data->pool->pool_id);
	pm_arg_int64(&args, reader->guest->pool_id);
	pm_arg_int64(&args, reader->guest->job_id);
	pm_arg_time(&args, reader->guest_at);
	/* 0, of a tenant that has had no job there, is a lane as well */
	reader->last_lane = -1;
	pm_scan(&guest, &args, queue_row, reader);
}

/* All that is queued, and what is to grow; or one job that is not queued */
static void
read_queue(Reader *reader, int64 job_id, bool grow)
{
	static PmStatement queue = PM_STATEMENT("int8",
											"SELECT job_id, submitted_at, shape_id, sub_pool_id, priority, restarted, time_limit, auto_stop, workspace_id, locked_since, claims_since"
											" FROM pool_manager.job_queue WHERE pool_id = $1 AND state = 'queued'");
	static PmStatement one = PM_STATEMENT("int8;int8",
										  "SELECT job_id, submitted_at, shape_id, sub_pool_id, priority, false, time_limit, auto_stop, workspace_id, NULL, NULL::timestamptz"
										  " FROM pool_manager.job WHERE pool_id = $1 AND job_id = $2");
	PmPassData *data = reader->data;
	PmArgs		args = {0};

	reader->max_jobs = 1024;
	data->queue.jobs = palloc(sizeof(PmJob) * reader->max_jobs);
	reader->shapes = pm_id_numbers("shapes of a pass");
	reader->lanes = pm_id_numbers("lanes of a pass");
	if (data->pool->weights.fair > 0)
		reader->workspaces = pm_id_numbers("workspaces of a pass");
	pm_arg_int64(&args, data->pool->pool_id);
	if (job_id != 0)
		pm_arg_int64(&args, job_id);
	pm_scan(job_id != 0 ? &one : &queue, &args, queue_row, reader);
	if (reader->guest)
		read_guest_job(reader);
	data->nqueued_shapes = (int) hash_get_num_entries(reader->shapes);
	if (grow)
		pm_read_growing(data, reader->shapes, reader->lanes);
	data->queue.nshapes = (int) hash_get_num_entries(reader->shapes);
	data->queue.nlanes = (int) hash_get_num_entries(reader->lanes);
	data->shape_ids = ids_of(reader->shapes, data->queue.nshapes);
	if (reader->workspaces)
	{
		data->nworkspaces = (int) hash_get_num_entries(reader->workspaces);
		data->workspaces = ids_of(reader->workspaces, data->nworkspaces);
	}
}

/* ---- sub-pools and shapes ---- */

static void
read_lanes(Reader *reader)
{
	static PmStatement lanes = PM_STATEMENT("int8;int8[]",
											"SELECT s.sub_pool_id, s.tenant_id, s.blocked_by, t.state = 'frozen'"
											PM_QUOTA_COLUMNS
											" FROM pool_manager.sub_pool s JOIN pool_manager.tenant t USING (tenant_id)"
											" WHERE s.pool_id = $1 AND (s.sub_pool_id = ANY ($2) OR s.blocked_by IS NOT NULL"
											"  OR (s.limited AND s.deleted_at IS NULL))");
	PmPassData *data = reader->data;
	bool	   *frozen;
	bool		any_frozen = false;
	PmArgs		args = {0};
	uint64		n;

	data->lanes = ids_of(reader->lanes, data->queue.nlanes);
	pm_arg_int64(&args, data->pool->pool_id);
	pm_arg_int64_array(&args, data->lanes, data->queue.nlanes);
	n = pm_run(&lanes, &args);
	data->lanes = repalloc(data->lanes, sizeof(int64) * (n + 1));
	data->lane_tenants = palloc0(sizeof(int64) * (n + 1));
	data->lane_blocked = palloc0(sizeof(int64) * (n + 1));
	frozen = palloc0(sizeof(bool) * (n + 1));
	for (uint64 row = 0; row < n; row++)
	{
		bool		is_new;
		int			lane = pm_number_id(reader->lanes, pm_get_int64(row, 1), &is_new);

		/* one that has no queued job: it was blocked, or has a quota */
		if (is_new)
			data->lanes[data->queue.nlanes++] = pm_get_int64(row, 1);
		data->lane_tenants[lane] = pm_get_int64(row, 2);
		data->lane_blocked[lane] = pm_get_int64(row, 3);
		frozen[lane] = pm_get_bool(row, 4);
		any_frozen |= frozen[lane];
	}
	data->queue.lane_frozen = any_frozen ? frozen : NULL;
	pm_keep_quotas(data, reader->lanes, n);
}

/* The engine's request for a row; equal rows get the same number */
static int
read_request(Reader *reader, PmResourceList *list,
			 Jsonb *selector, Jsonb *tolerations, int64 sub_pool_id)
{
	PmQueue    *queue = &reader->data->queue;
	PmRequest  *request;
	PmLabel    *labels;
	int64	   *amounts;
	StringInfoData key;
	bool		is_new;
	int			number;

	initStringInfo(&key);
	appendBinaryStringInfo(&key, (char *) list, VARSIZE(list));
	appendBinaryStringInfo(&key, (char *) selector, VARSIZE(selector));
	appendBinaryStringInfo(&key, (char *) tolerations, VARSIZE(tolerations));
	if (reader->bound)
		appendBinaryStringInfo(&key, (char *) &sub_pool_id, sizeof(int64));
	number = pm_number_bytes(reader->requests, key.data, key.len, &is_new);
	pfree(key.data);
	if (!is_new)
		return number;
	if (number >= reader->max_requests)
	{
		reader->max_requests = Max(64, reader->max_requests * 2);
		queue->requests = queue->requests ?
			repalloc(queue->requests, sizeof(PmRequest) * reader->max_requests) :
			palloc(sizeof(PmRequest) * reader->max_requests);
	}
	queue->nrequests = number + 1;
	request = &queue->requests[number];
	memset(request, 0, sizeof(PmRequest));
	amounts = palloc0(sizeof(int64) * Max(reader->data->cluster.ndims, 1));
	for (uint32 entry = 0; entry < list->count; entry++)
	{
		PmResource	resource = pm_resource_entry(list, entry);
		int			d = dimension(reader, resource.name, resource.name_len, false);

		if (d < 0)
			request->impossible = true;
		else
			amounts[d] = resource.value;
	}
	request->amounts = amounts;
	request->nselectors = pm_read_labels(reader->words, selector, &labels);
	request->selectors = labels;
	request->ntolerations = pm_read_taints(reader->words, tolerations, true, &labels);
	request->tolerations = labels;
	request->sub_pool = reader->bound ? sub_pool_id : 0;
	return number;
}

/* A column that names a level of the topology, as its number; NULL: 0 */
static int
level_of(const PmPoolInfo *pool, uint64 row, int column)
{
	char	   *name = pm_get_text(row, column);
	int			level = pm_level_number(pool->levels, pool->nlevels, name);

	/* set_topology_levels() sees to that */
	if (level < 0)
		elog(ERROR, "pool \"%s\" has no topology level \"%s\"", pool->name, name);
	return level;
}

/* Those of the queue that a pool has */
static void
read_shapes_of(Reader *reader, int64 pool_id, PmShape *engine_shapes)
{
	static PmStatement shapes = PM_STATEMENT("int8;int8[]",
											 "SELECT s.shape_id, s.reason, s.level, s.resource, s.needed::text, s.available::text,"
											 " g.request, g.replicas, g.min_replicas, g.node_selector, g.tolerations, f.sku_id, s.sub_pool_id,"
											 " s.affinity_level, s.affinity_required, g.group_level, g.group_size, g.spread_level, g.max_per_domain"
											 " FROM unnest($2) AS i(shape_id)"
											 " JOIN pool_manager.job_shape s ON s.pool_id = $1 AND s.shape_id = i.shape_id"
											 " JOIN pool_manager.task_group g ON g.pool_id = $1 AND g.shape_id = i.shape_id"
											 " LEFT JOIN pool_manager.flavor f USING (flavor_id)"
											 " ORDER BY s.shape_id, g.group_no");
	PmPassData *data = reader->data;
	const PmPoolInfo *pool = data->pool;
	PmQueue    *queue = &data->queue;
	PmArgs		args = {0};
	uint64		n;
	uint64		row = 0;

	pm_arg_int64(&args, pool_id);
	pm_arg_int64_array(&args, data->shape_ids, queue->nshapes);
	n = pm_run(&shapes, &args);
	while (row < n)
	{
		int64		shape_id = pm_get_int64(row, 1);
		bool		is_new;
		int			number = pm_number_id(reader->shapes, shape_id, &is_new);
		PmStoredShape *stored = &data->shapes[number];
		PmTaskGroup *groups;
		int			ngroups = 0;

		while (row + ngroups < n && pm_get_int64(row + ngroups, 1) == shape_id)
			ngroups++;
		stored->shape_id = shape_id;
		stored->reason = pm_get_text(row, 2);
		stored->level = pm_get_text(row, 3);
		stored->resource = pm_get_text(row, 4);
		stored->needed = pm_get_text(row, 5);
		stored->available = pm_get_text(row, 6);
		stored->groups = palloc(sizeof(PmStoredGroup) * ngroups);
		groups = palloc0(sizeof(PmTaskGroup) * ngroups);
		for (int g = 0; g < ngroups; g++, row++)
		{
			bool		isnull;

			stored->groups[g].request = keep_list(pm_get(row, 7, &isnull));
			stored->groups[g].sku_id = pm_get_int64(row, 12);
			groups[g].replicas = pm_get_int32(row, 8);
			groups[g].min_replicas = pm_get_int32(row, 9);
			groups[g].request = read_request(reader, stored->groups[g].request,
											 DatumGetJsonbP(pm_get(row, 10, &isnull)),
											 DatumGetJsonbP(pm_get(row, 11, &isnull)),
											 pm_get_int64(row, 13));
			groups[g].group_level = level_of(pool, row, 16);
			groups[g].group_size = pm_get_int32(row, 17);
			groups[g].spread_level = level_of(pool, row, 18);
			groups[g].max_per_domain = pm_get_int32(row, 19);
		}
		engine_shapes[number].affinity_level = level_of(pool, row - 1, 14);
		engine_shapes[number].affinity_required = pm_get_bool(row - 1, 15);
		engine_shapes[number].ngroups = ngroups;
		engine_shapes[number].groups = groups;
	}
}

static void
read_shapes(Reader *reader)
{
	PmPassData *data = reader->data;
	int			nshapes = Max(data->queue.nshapes, 1);
	PmShape    *engine_shapes = palloc0(sizeof(PmShape) * nshapes);

	reader->requests = pm_bytes_numbers("requests of a pass");
	data->shapes = palloc0(sizeof(PmStoredShape) * nshapes);
	read_shapes_of(reader, data->pool->pool_id, engine_shapes);
	if (reader->guest)
		read_shapes_of(reader, reader->guest->pool_id, engine_shapes);
	data->queue.shapes = engine_shapes;
}

PmPassData *
pm_read_queue(PmPoolInfo *pool)
{
	PmPassData *data = palloc0(sizeof(PmPassData));
	Reader		reader = {0};

	data->pool = pool;
	reader.data = data;
	reader.context = CurrentMemoryContext;
	read_queue(&reader, 0, false);
	read_lanes(&reader);
	return data;
}

/*
 * Shapes that ask for the same are one to the engine, whosever they are, unless
 * quotas, caps or frozen tenants make it matter whose.
 */
static void
merge_shapes(PmPassData *data)
{
	PmQueue    *queue = &data->queue;
	HTAB	   *known = pm_bytes_numbers("alike shapes of a pass");
	bool		merged = !queue->lanes && !queue->pool_cap && !queue->lane_frozen;
	int32	   *first = palloc(sizeof(int32) * Max(queue->nshapes, 1));
	StringInfoData key;

	data->alike = palloc(sizeof(int32) * Max(queue->nshapes, 1));
	initStringInfo(&key);
	for (int s = 0; s < queue->nshapes; s++)
	{
		const PmShape *shape = &queue->shapes[s];
		bool		is_new;
		int			number;

		data->alike[s] = s;
		if (!merged)
			continue;
		resetStringInfo(&key);
		appendBinaryStringInfo(&key, (const char *) shape->groups,
							   sizeof(PmTaskGroup) * shape->ngroups);
		appendBinaryStringInfo(&key, (const char *) &shape->affinity_level, sizeof(int));
		appendStringInfoChar(&key, shape->affinity_required);
		number = pm_number_bytes(known, key.data, key.len, &is_new);
		if (is_new)
			first[number] = s;
		data->alike[s] = first[number];
	}
	for (int i = 0; i < queue->njobs && merged; i++)
		queue->jobs[i].shape = data->alike[queue->jobs[i].asked];
}

/*
 * Who plans ahead needs all runs, who preempts those that may give way.  For
 * when they end nobody asks whose they are, but quotas do.
 */
static void
read_runs(PmPassData *data, int64 job_id)
{
	bool		preempts = !data->only_looks && job_id == 0 && pm_may_preempt(data);

	if (data->only_looks || strcmp(data->pool->queue_policy, "backfill") == 0)
		pm_read_runs(data, true, data->only_looks || preempts || data->queue.lanes != NULL);
	else if (preempts)
		pm_read_runs(data, false, true);
}

static PmPassData *
read_pass(PmPoolInfo *pool, int64 job_id, bool only_looks, const PmJobInfo *guest, TimestampTz guest_at)
{
	PmPassData *data = palloc0(sizeof(PmPassData));
	Reader		reader = {0};

	data->pool = pool;
	data->only_looks = only_looks;
	reader.data = data;
	reader.context = CurrentMemoryContext;
	reader.guest = guest;
	reader.guest_at = guest_at;
	reader.dimensions = pm_bytes_numbers("resources of a pass");
	reader.words = pm_bytes_numbers("labels of a pass");
	reader.configs = pm_bytes_numbers("node configurations of a pass");
	read_queue(&reader, job_id, job_id == 0 && !only_looks);
	read_lanes(&reader);
	if (data->queue.njobs == 0 && data->queue.ngrowing == 0)
		return data;
	read_nodes(&reader);
	read_shapes(&reader);
	pm_read_caps(data);
	merge_shapes(data);
	pm_read_windows(data);
	read_runs(data, job_id);
	return data;
}

PmPassData *
pm_read_pass(PmPoolInfo *pool)
{
	return read_pass(pool, 0, false, NULL, 0);
}

PmPassData *
pm_read_outlook(PmPoolInfo *pool)
{
	return read_pass(pool, 0, true, NULL, 0);
}

PmPassData *
pm_read_guest(PmPoolInfo *pool, const PmJobInfo *job, TimestampTz at)
{
	return read_pass(pool, 0, true, job, at);
}

PmPassData *
pm_read_growth(PmPoolInfo *pool, int64 job_id, int replicas)
{
	PmPassData *data = read_pass(pool, job_id, false, NULL, 0);
	PmTaskGroup *group = palloc(sizeof(PmTaskGroup));

	*group = data->queue.shapes[0].groups[0];
	group->replicas = replicas;
	group->min_replicas = 1;
	((PmShape *) data->queue.shapes)[0].groups = group;
	return data;
}
