/*-------------------------------------------------------------------------
 *
 * simulate_read.c
 *	  What a simulation reads: rows of two queries of the caller become the
 *	  engine's structs.
 *
 * Rows are checked and turned into numbers one by one, and not kept: a million
 * jobs of a few shapes take little more memory than the engine's array.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "store/labels.h"
#include "store/numbers.h"
#include "store/row_query.h"
#include "store/simulate.h"
#include "store/statement.h"
#include "store/topology.h"

#define MAX_NODES	10000000

enum
{
	NODE_NAME, NODE_RESOURCES, NODE_COUNT, NODE_LABELS, NODE_TAINTS, NODE_TOPOLOGY, NODE_SUB_POOL, NODE_ACCELERATOR
};

static const PmQueryColumn node_columns[] = {
	{"name", "pg_catalog.text", NULL},
	{"resources", "pool_manager.resource_list", NULL},
	{"count", "pg_catalog.int4", "1"},
	{"labels", "pg_catalog.jsonb", "'{}'"},
	{"taints", "pg_catalog.jsonb", "'[]'"},
	{"topology", "pg_catalog.jsonb", "'{}'"},
	{"sub_pool", "pg_catalog.text", "NULL"},
	{"accelerator", "pg_catalog.text", "NULL"},
};

static const PmRowQuery node_query_kind = {
	"node_query", "simulate",
	"Each row that it returns is a node, or several that are alike.",
	"A node has one of each.",
	"It may return name, resources, count, labels, taints, topology, sub_pool and accelerator.",
	lengthof(node_columns), node_columns
};

enum
{
	JOB_ID, JOB_SUBMITTED_AT, JOB_REQUEST, JOB_DURATION, JOB_REPLICAS, JOB_MIN_REPLICAS,
	JOB_TIME_LIMIT, JOB_PRIORITY, JOB_TENANT, JOB_SUB_POOL, JOB_SELECTOR, JOB_TOLERATIONS,
	JOB_AFFINITY_LEVEL, JOB_AFFINITY_REQUIRED, JOB_GROUP_LEVEL, JOB_GROUP_SIZE, JOB_SPREAD_LEVEL, JOB_MAX_PER_DOMAIN
};

static const PmQueryColumn job_columns[] = {
	{"job_id", "pg_catalog.int8", NULL},
	{"submitted_at", "pg_catalog.timestamptz", NULL},
	{"request", "pool_manager.resource_list", NULL},
	{"duration", "pg_catalog.interval", NULL},
	{"replicas", "pg_catalog.int4", "1"},
	{"min_replicas", "pg_catalog.int4", "NULL"},
	{"time_limit", "pg_catalog.interval", "NULL"},
	{"priority", "pg_catalog.int4", "1"},
	{"tenant", "pg_catalog.text", "NULL"},
	{"sub_pool", "pg_catalog.text", "NULL"},
	{"node_selector", "pg_catalog.jsonb", "'{}'"},
	{"tolerations", "pg_catalog.jsonb", "'[]'"},
	{"affinity_level", "pg_catalog.text", "NULL"},
	{"affinity_required", "pg_catalog.bool", "true"},
	{"group_level", "pg_catalog.text", "NULL"},
	{"group_size", "pg_catalog.int4", "NULL"},
	{"spread_level", "pg_catalog.text", "NULL"},
	{"max_per_domain", "pg_catalog.int4", "NULL"},
};

static const PmRowQuery job_query_kind = {
	"job_query", "simulate",
	"Each row that it returns is a job.",
	"A job has one of each.",
	"It may return job_id, submitted_at, request, duration, replicas, min_replicas, time_limit, "
	"priority, tenant, sub_pool, node_selector, tolerations, affinity_level, affinity_required, "
	"group_level, group_size, spread_level and max_per_domain.",
	lengthof(job_columns), job_columns
};

/* Rows of the node query until the dimensions are known */
typedef struct NodeRow
{
	PmResourceList *resources;
	char	   *name;
	char	   *accelerator;
	int			config;
	const int32 *domains;
	int			count;
} NodeRow;

typedef struct SimJob
{
	PmJob		job;
	int64		duration;
} SimJob;

typedef struct Reader
{
	PmSimInput *input;
	const PmSimLevels *levels;
	const PmSimChecks *checks;
	HTAB	  **domains;		/* of each level */
	MemoryContext context;		/* of what is kept */
	MemoryContext row;			/* emptied at each row */
	HTAB	   *words;			/* of labels and taints */
	HTAB	   *sub_pools;
	HTAB	   *configs;
	HTAB	   *dimensions;
	HTAB	   *requests;
	HTAB	   *shapes;
	HTAB	   *lanes;
	bool		bound;			/* is a node bound to a sub-pool? */
	int			max_dims;
	int			max_configs;
	PmNodeConfig *config_array;
	int			nrows;
	int			max_rows;
	NodeRow    *rows;
	int64		nnodes;
	int			max_requests;
	int			max_shapes;
	PmShape    *shape_array;
	int			njobs;
	int			max_jobs;
	SimJob	   *jobs;
} Reader;

static inline int
sim_job_cmp(const SimJob *a, const SimJob *b)
{
	return a->job.job_id < b->job.job_id ? -1 : a->job.job_id > b->job.job_id;
}

#define ST_SORT sort_sim_jobs
#define ST_ELEMENT_TYPE SimJob
#define ST_COMPARE(a, b) sim_job_cmp(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Room for one more element */
static void *
grow(void *array, int *max, int count, Size size)
{
	if (count < *max)
		return array;
	if (*max > PG_INT32_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the query returns too many rows"),
				 errdetail("There may be %d of them.", *max),
				 errhint("Simulate a part.")));
	*max = Max(16, *max * 2);
	return array ? repalloc_huge(array, size * *max) : MemoryContextAllocHuge(CurrentMemoryContext, size * *max);
}

/* A column that may be left out, but not be NULL */
static void
refuse_null(const PmQueryRow *row, const PmQueryColumn *columns, int column)
{
	if (row->nulls[column])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("column \"%s\" must not be null", columns[column].name),
				 errdetail("A row without a value would say nothing."),
				 columns[column].missing ? errhint("Leave out the column for the default.") :
				 errhint("Leave out the row.")));
}

/* A sub-pool's number from 1; 0: none */
static int64
sub_pool_number(Reader *reader, const char *name)
{
	bool		is_new;

	return name ? pm_number_bytes(reader->sub_pools, name, strlen(name), &is_new) + 1 : 0;
}

/* ---- nodes ---- */

static void
add_dimensions(Reader *reader, const PmResourceList *list)
{
	PmSimInput *input = reader->input;

	for (uint32 i = 0; i < list->count; i++)
	{
		PmResource	resource = pm_resource_entry(list, i);
		bool		is_new;
		int			d = pm_number_bytes(reader->dimensions, resource.name, resource.name_len, &is_new);

		if (!is_new)
			continue;
		input->dimensions = grow(input->dimensions, &reader->max_dims, d, sizeof(char *));
		input->dimensions[d] = pnstrdup(resource.name, resource.name_len);
		input->cluster.ndims = d + 1;
	}
}

static int
dimension_of(const Reader *reader, const char *name, int len)
{
	PmBytes		key = {name, len};
	PmBytesNumber *entry = hash_search(reader->dimensions, &key, HASH_FIND, NULL);

	return entry ? entry->number : -1;
}

static int
read_config(Reader *reader, const PmSimNodeRow *row)
{
	int64		sub_pool = sub_pool_number(reader, row->sub_pool);
	StringInfoData key;
	PmNodeConfig *config;
	PmLabel    *list;
	bool		is_new;
	int			number;

	initStringInfo(&key);
	appendBinaryStringInfo(&key, (char *) row->labels, VARSIZE(row->labels));
	appendBinaryStringInfo(&key, (char *) row->taints, VARSIZE(row->taints));
	appendBinaryStringInfo(&key, (char *) &sub_pool, sizeof(int64));
	number = pm_number_bytes(reader->configs, key.data, key.len, &is_new);
	pfree(key.data);
	if (!is_new)
		return number;
	reader->config_array = grow(reader->config_array, &reader->max_configs, number, sizeof(PmNodeConfig));
	config = &reader->config_array[number];
	memset(config, 0, sizeof(PmNodeConfig));
	config->nlabels = pm_read_labels(reader->words, row->labels, &list);
	config->labels = list;
	config->ntaints = pm_read_taints(reader->words, row->taints, false, &list);
	config->taints = list;
	config->sub_pool = sub_pool;
	reader->bound |= sub_pool != 0;
	return number;
}

static void
node_row(const PmQueryRow *values, void *state)
{
	Reader	   *reader = state;
	PmSimNodeRow row = {0};
	NodeRow    *kept;
	MemoryContext old;

	for (int c = NODE_NAME; c <= NODE_TOPOLOGY; c++)
		refuse_null(values, node_columns, c);
	old = MemoryContextSwitchTo(reader->row);
	row.name = pm_row_text(values, NODE_NAME);
	row.resources = pm_row_pointer(values, NODE_RESOURCES);
	row.count = pm_row_int32(values, NODE_COUNT, 1);
	row.labels = pm_row_pointer(values, NODE_LABELS);
	row.taints = pm_row_pointer(values, NODE_TAINTS);
	row.topology = pm_row_pointer(values, NODE_TOPOLOGY);
	row.sub_pool = pm_row_text(values, NODE_SUB_POOL);
	row.accelerator = pm_row_text(values, NODE_ACCELERATOR);
	reader->checks->node(&row, reader->levels);
	MemoryContextSwitchTo(reader->context);

	reader->nnodes += row.count;
	if (reader->nnodes > MAX_NODES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("node_query returns too many nodes"),
				 errdetail("A simulation has %d at most.", MAX_NODES),
				 errhint("Simulate a part.")));
	reader->rows = grow(reader->rows, &reader->max_rows, reader->nrows, sizeof(NodeRow));
	kept = &reader->rows[reader->nrows++];
	kept->resources = palloc(VARSIZE(row.resources));
	memcpy(kept->resources, row.resources, VARSIZE(row.resources));
	kept->name = pstrdup(row.name);
	kept->accelerator = row.accelerator ? pstrdup(row.accelerator) : NULL;
	kept->count = row.count;
	kept->config = read_config(reader, &row);
	kept->domains = pm_read_domains(reader->levels->names, reader->levels->count, reader->domains,
									JsonbPGetDatum(row.topology));
	add_dimensions(reader, row.resources);
	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->row);
}

static void
name_node(Reader *reader, HTAB *names, int node, char *name)
{
	bool		is_new;

	(void) pm_number_bytes(names, name, strlen(name), &is_new);
	if (!is_new)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("node_query returns node \"%s\" twice", name),
				 errdetail("Nodes are told apart by name; a row with a count names its nodes name-1, name-2 and so on."),
				 errhint("Give each row a name of its own.")));
	reader->input->node_names[node] = name;
}

/* Once all dimensions are known, rows become nodes */
static void
make_nodes(Reader *reader)
{
	PmSimInput *input = reader->input;
	PmCluster  *cluster = &input->cluster;
	Size		ndims = cluster->ndims;
	HTAB	   *names = pm_bytes_numbers("nodes of a simulation");
	int64	   *vectors = MemoryContextAllocExtended(CurrentMemoryContext,
													 sizeof(int64) * Max(1, ndims * (reader->nrows + reader->nnodes)),
													 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	cluster->nodes = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(PmNode) * Max(reader->nnodes, 1),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	input->node_names = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(char *) * Max(reader->nnodes, 1));
	cluster->nlevels = reader->levels->count;
	cluster->nconfigs = (int) hash_get_num_entries(reader->configs);
	cluster->configs = reader->config_array;
	for (int r = 0; r < reader->nrows; r++)
	{
		NodeRow    *row = &reader->rows[r];
		int64	   *capacity = vectors;
		int			accelerator = -1;

		vectors += ndims;
		for (uint32 i = 0; i < row->resources->count; i++)
		{
			PmResource	resource = pm_resource_entry(row->resources, i);

			capacity[dimension_of(reader, resource.name, resource.name_len)] = resource.value;
		}
		if (row->accelerator)
			accelerator = dimension_of(reader, row->accelerator, strlen(row->accelerator));
		for (int i = 0; i < row->count; i++)
		{
			int			n = cluster->nnodes++;
			PmNode	   *node = &cluster->nodes[n];

			if ((n & 1023) == 0)
				CHECK_FOR_INTERRUPTS();
			name_node(reader, names, n, row->count == 1 ? row->name : psprintf("%s-%d", row->name, i + 1));
			node->node_id = n;
			node->config = row->config;
			node->domains = row->domains;
			node->capacity = capacity;
			node->free = memcpy(vectors, capacity, sizeof(int64) * ndims);
			vectors += ndims;
			node->accelerator = accelerator;
			if (accelerator < 0)
				continue;
			node->ndevices = (int) (capacity[accelerator] / PM_DEVICE_WHOLE);
			node->device_free = palloc(sizeof(int32) * Max(node->ndevices, 1));
			for (int k = 0; k < node->ndevices; k++)
				node->device_free[k] = PM_DEVICE_WHOLE;
		}
	}
	hash_destroy(names);
}

/* ---- jobs ---- */

/* The engine's request of a row; equal rows get the same number */
static int
read_request(Reader *reader, const PmSimJobRow *row, int64 sub_pool)
{
	PmQueue    *queue = &reader->input->queue;
	PmRequest  *request;
	PmLabel    *list;
	int64	   *amounts;
	StringInfoData key;
	bool		is_new;
	int			number;

	initStringInfo(&key);
	appendBinaryStringInfo(&key, (char *) row->request, VARSIZE(row->request));
	appendBinaryStringInfo(&key, (char *) row->node_selector, VARSIZE(row->node_selector));
	appendBinaryStringInfo(&key, (char *) row->tolerations, VARSIZE(row->tolerations));
	if (reader->bound)
		appendBinaryStringInfo(&key, (char *) &sub_pool, sizeof(int64));
	number = pm_number_bytes(reader->requests, key.data, key.len, &is_new);
	pfree(key.data);
	if (!is_new)
		return number;
	queue->requests = grow(queue->requests, &reader->max_requests, number, sizeof(PmRequest));
	queue->nrequests = number + 1;
	request = &queue->requests[number];
	memset(request, 0, sizeof(PmRequest));
	amounts = palloc0(sizeof(int64) * Max(reader->input->cluster.ndims, 1));
	for (uint32 i = 0; i < row->request->count; i++)
	{
		PmResource	resource = pm_resource_entry(row->request, i);
		int			d = dimension_of(reader, resource.name, resource.name_len);

		if (d < 0)
			request->impossible = true;
		else
			amounts[d] = resource.value;
	}
	request->amounts = amounts;
	request->nselectors = pm_read_labels(reader->words, row->node_selector, &list);
	request->selectors = list;
	request->ntolerations = pm_read_taints(reader->words, row->tolerations, true, &list);
	request->tolerations = list;
	request->sub_pool = reader->bound ? sub_pool : 0;
	return number;
}

static int
read_shape(Reader *reader, const PmSimJobRow *row, int64 sub_pool)
{
	/* a key: no bytes between its members */
	struct
	{
		PmTaskGroup group;
		int			affinity_level;
		int			affinity_required;
	}			key = {0};
	const PmSimLevels *levels = reader->levels;
	PmShape    *shape;
	PmTaskGroup *kept;
	bool		is_new;
	int			number;

	key.group.request = read_request(reader, row, sub_pool);
	key.group.replicas = row->replicas;
	key.group.min_replicas = row->min_replicas;
	key.group.group_level = pm_level_number(levels->names, levels->count, row->group_level);
	key.group.group_size = row->group_size;
	key.group.spread_level = pm_level_number(levels->names, levels->count, row->spread_level);
	key.group.max_per_domain = row->max_per_domain;
	key.affinity_level = pm_level_number(levels->names, levels->count, row->affinity_level);
	key.affinity_required = key.affinity_level != 0 && row->affinity_required;
	number = pm_number_bytes(reader->shapes, &key, sizeof(key), &is_new);
	if (!is_new)
		return number;
	reader->shape_array = grow(reader->shape_array, &reader->max_shapes, number, sizeof(PmShape));
	shape = &reader->shape_array[number];
	memset(shape, 0, sizeof(PmShape));
	kept = palloc(sizeof(PmTaskGroup));
	*kept = key.group;
	shape->ngroups = 1;
	shape->groups = kept;
	shape->affinity_level = key.affinity_level;
	shape->affinity_required = key.affinity_required != 0;
	return number;
}

/* Sub-pools of different tenants are different queues, whatever their names */
static int
read_lane(Reader *reader, const PmQueryRow *values, const PmSimJobRow *row)
{
	StringInfoData key;
	bool		is_new;
	int			number;

	if (!pm_row_has(values, JOB_SUB_POOL))
		return 0;
	initStringInfo(&key);
	appendStringInfo(&key, "%zu:%s:%s", row->tenant ? strlen(row->tenant) : 0,
					 row->tenant ? row->tenant : "", row->sub_pool ? row->sub_pool : "");
	number = pm_number_bytes(reader->lanes, key.data, key.len, &is_new);
	pfree(key.data);
	return number;
}

static int64
length_of(const Interval *length)
{
	return length ? pm_length(IntervalPGetDatum(length), false) : PM_NEVER;
}

static void
job_row(const PmQueryRow *values, void *state)
{
	Reader	   *reader = state;
	PmSimJobRow row = {0};
	SimJob	   *kept;
	MemoryContext old;

	for (int c = JOB_ID; c <= JOB_REQUEST; c++)
		refuse_null(values, job_columns, c);
	refuse_null(values, job_columns, JOB_SELECTOR);
	refuse_null(values, job_columns, JOB_TOLERATIONS);
	refuse_null(values, job_columns, JOB_AFFINITY_REQUIRED);
	old = MemoryContextSwitchTo(reader->row);
	row.job_id = DatumGetInt64(values->values[JOB_ID]);
	row.submitted_at = DatumGetTimestampTz(values->values[JOB_SUBMITTED_AT]);
	row.request = pm_row_pointer(values, JOB_REQUEST);
	row.duration = pm_row_pointer(values, JOB_DURATION);
	row.replicas = pm_row_int32(values, JOB_REPLICAS, 1);
	row.min_replicas = pm_row_int32(values, JOB_MIN_REPLICAS, row.replicas);
	row.time_limit = pm_row_pointer(values, JOB_TIME_LIMIT);
	row.priority = pm_row_int32(values, JOB_PRIORITY, 1);
	row.tenant = pm_row_text(values, JOB_TENANT);
	row.sub_pool = pm_row_text(values, JOB_SUB_POOL);
	row.node_selector = pm_row_pointer(values, JOB_SELECTOR);
	row.tolerations = pm_row_pointer(values, JOB_TOLERATIONS);
	row.affinity_level = pm_row_text(values, JOB_AFFINITY_LEVEL);
	row.affinity_required = pm_row_bool(values, JOB_AFFINITY_REQUIRED, true);
	row.group_level = pm_row_text(values, JOB_GROUP_LEVEL);
	row.group_size = pm_row_int32(values, JOB_GROUP_SIZE, 0);
	row.spread_level = pm_row_text(values, JOB_SPREAD_LEVEL);
	row.max_per_domain = pm_row_int32(values, JOB_MAX_PER_DOMAIN, 0);
	reader->checks->job(&row, reader->levels);
	MemoryContextSwitchTo(reader->context);

	reader->jobs = grow(reader->jobs, &reader->max_jobs, reader->njobs, sizeof(SimJob));
	kept = &reader->jobs[reader->njobs++];
	memset(kept, 0, sizeof(SimJob));
	kept->job.job_id = row.job_id;
	kept->job.submitted_at = row.submitted_at;
	kept->job.shape = read_shape(reader, &row, sub_pool_number(reader, row.sub_pool));
	kept->job.lane = read_lane(reader, values, &row);
	kept->job.priority = (int16) row.priority;
	kept->job.time_limit = length_of(row.time_limit);
	kept->duration = length_of(row.duration);
	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->row);
}

/* In order of their ids, each with its index instead of it */
static void
make_jobs(Reader *reader)
{
	PmSimInput *input = reader->input;
	Size		n = reader->njobs;
	Size		room = Max(n, 1);

	if (n > 1)
		sort_sim_jobs(reader->jobs, n);
	input->job_ids = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * room);
	input->durations = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * room);
	input->queue.jobs = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PmJob) * room);
	input->queue.njobs = (int) n;
	for (Size i = 0; i < n; i++)
	{
		const SimJob *job = &reader->jobs[i];

		if (i > 0 && job->job.job_id == job[-1].job.job_id)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("job_query returns job " INT64_FORMAT " twice", job->job.job_id),
					 errdetail("Jobs are told apart by job_id."),
					 errhint("row_number() can number them.")));
		input->job_ids[i] = job->job.job_id;
		input->durations[i] = job->duration;
		input->queue.jobs[i] = job->job;
		input->queue.jobs[i].job_id = (int64) i;
	}
	if (reader->jobs)
		pfree(reader->jobs);
	input->queue.shapes = reader->shape_array;
	input->queue.nshapes = (int) hash_get_num_entries(reader->shapes);
	input->queue.nlanes = Max((int) hash_get_num_entries(reader->lanes), 1);
}

PmSimInput *
pm_read_simulation(const char *node_query, const char *job_query,
				   const PmSimLevels *levels, const PmSimChecks *checks)
{
	Reader		reader = {0};

	reader.input = palloc0(sizeof(PmSimInput));
	reader.levels = levels;
	reader.checks = checks;
	reader.domains = pm_domain_numbers(levels->count);
	reader.context = CurrentMemoryContext;
	reader.row = AllocSetContextCreate(CurrentMemoryContext, "row of a query", ALLOCSET_DEFAULT_SIZES);
	reader.words = pm_bytes_numbers("labels of a simulation");
	reader.sub_pools = pm_bytes_numbers("sub-pools of a simulation");
	reader.configs = pm_bytes_numbers("node configurations of a simulation");
	reader.dimensions = pm_bytes_numbers("resources of a simulation");
	reader.requests = pm_bytes_numbers("requests of a simulation");
	reader.shapes = pm_bytes_numbers("shapes of a simulation");
	reader.lanes = pm_bytes_numbers("queues of a simulation");
	pm_run_row_query(&node_query_kind, node_query, node_row, &reader);
	make_nodes(&reader);
	pm_run_row_query(&job_query_kind, job_query, job_row, &reader);
	make_jobs(&reader);
	MemoryContextDelete(reader.row);
	return reader.input;
}
