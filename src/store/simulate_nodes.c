/*-------------------------------------------------------------------------
 *
 * simulate_nodes.c
 *	  Nodes of a simulation: rows of the node query become the engine's
 *	  cluster.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "store/numbers.h"
#include "store/row_query.h"
#include "store/simulate_reader.h"
#include "store/topology.h"

#define MAX_NODES	10000000

enum
{
	NODE_NAME, NODE_RESOURCES, NODE_COUNT, NODE_LABELS, NODE_TAINTS, NODE_TOPOLOGY, NODE_SUB_POOL, NODE_ACCELERATOR
};

static const PmQueryColumn node_columns[] = {
	{"name", "pg_catalog.text", NULL, true},
	{"resources", "pool_manager.resource_list", NULL, true},
	{"count", "pg_catalog.int4", "1", true},
	{"labels", "pg_catalog.jsonb", "'{}'", true},
	{"taints", "pg_catalog.jsonb", "'[]'", true},
	{"topology", "pg_catalog.jsonb", "'{}'", true},
	{"sub_pool", "pg_catalog.text", "NULL", false},
	{"accelerator", "pg_catalog.text", "NULL", false},
};

static const PmRowQuery node_query_kind = {
	"node_query", "simulate",
	"Each row that it returns is a node, or several that are alike.",
	"A node has one of each.",
	NULL,
	lengthof(node_columns), node_columns
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

typedef struct NodeReader
{
	PmSimReader *common;
	HTAB	  **domains;		/* of each level */
	int			nrows;
	int			max_rows;
	NodeRow    *rows;
	int64		nnodes;
} NodeReader;

static void
node_row(const PmQueryRow *values, void *state)
{
	NodeReader *reader = state;
	PmSimReader *common = reader->common;
	PmSimNodeRow row = {0};
	NodeRow    *kept;
	MemoryContext old;

	old = MemoryContextSwitchTo(common->row);
	row.name = pm_row_text(values, NODE_NAME);
	row.resources = pm_row_pointer(values, NODE_RESOURCES);
	row.count = pm_row_int32(values, NODE_COUNT, 1);
	row.labels = pm_row_pointer(values, NODE_LABELS);
	row.taints = pm_row_pointer(values, NODE_TAINTS);
	row.topology = pm_row_pointer(values, NODE_TOPOLOGY);
	row.sub_pool = pm_row_text(values, NODE_SUB_POOL);
	row.accelerator = pm_row_text(values, NODE_ACCELERATOR);
	common->checks->node(&row, common->levels);
	if (row.sub_pool)
		pm_check_sim_binding(common, row.sub_pool);
	MemoryContextSwitchTo(common->context);

	reader->nnodes += row.count;
	if (reader->nnodes > MAX_NODES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("node_query returns too many nodes"),
				 errdetail("A simulation has %d at most.", MAX_NODES),
				 errhint("Simulate a part.")));
	reader->rows = pm_room_for(reader->rows, &reader->max_rows, reader->nrows, sizeof(NodeRow));
	kept = &reader->rows[reader->nrows++];
	kept->resources = palloc(VARSIZE(row.resources));
	memcpy(kept->resources, row.resources, VARSIZE(row.resources));
	kept->name = pstrdup(row.name);
	kept->accelerator = row.accelerator ? pstrdup(row.accelerator) : NULL;
	kept->count = row.count;
	kept->config = pm_add_config(common->terms, row.labels, row.taints, pm_sim_sub_pool(common, row.sub_pool), NULL, 0);
	kept->domains = pm_read_domains(common->levels->names, common->levels->count, reader->domains,
									JsonbPGetDatum(row.topology));
	pm_add_dimensions(common->terms, row.resources);
	MemoryContextSwitchTo(old);
	MemoryContextReset(common->row);
}

static void
name_node(PmSimInput *input, HTAB *names, int node, char *name)
{
	bool		is_new;

	(void) pm_number_bytes(names, name, strlen(name), &is_new);
	if (!is_new)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("node_query returns node \"%s\" twice", name),
				 errdetail("Nodes are told apart by name; a row with a count names its nodes name-1, name-2 and so on."),
				 errhint("Give each row a name of its own.")));
	input->node_names[node] = name;
}

/* Once all dimensions are known, rows become nodes */
static void
make_nodes(NodeReader *reader)
{
	PmSimInput *input = reader->common->input;
	const PmTerms *terms = reader->common->terms;
	PmCluster  *cluster = &input->cluster;
	Size		ndims = terms->ndims;
	HTAB	   *names = pm_bytes_numbers("nodes of a simulation");
	int64	   *vectors = MemoryContextAllocExtended(CurrentMemoryContext,
													 sizeof(int64) * Max(1, ndims * reader->nnodes),
													 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	cluster->nodes = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(PmNode) * Max(reader->nnodes, 1),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	input->node_names = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(char *) * Max(reader->nnodes, 1));
	cluster->ndims = terms->ndims;
	cluster->nlevels = reader->common->levels->count;
	cluster->nconfigs = terms->nconfigs;
	cluster->configs = terms->configs;
	for (int r = 0; r < reader->nrows; r++)
	{
		NodeRow    *row = &reader->rows[r];
		int64	   *capacity = pm_vector(terms, row->resources);
		int			accelerator = -1;

		if (row->accelerator)
			accelerator = pm_dimension(terms, row->accelerator, strlen(row->accelerator));
		for (int i = 0; i < row->count; i++)
		{
			int			n = cluster->nnodes++;
			PmNode	   *node = &cluster->nodes[n];

			if ((n & 1023) == 0)
				CHECK_FOR_INTERRUPTS();
			name_node(input, names, n, row->count == 1 ? row->name : psprintf("%s-%d", row->name, i + 1));
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

void
pm_read_sim_nodes(PmSimReader *reader, const char *query)
{
	NodeReader	nodes = {0};

	nodes.common = reader;
	nodes.domains = pm_domain_numbers(reader->levels->count);
	pm_run_row_query(&node_query_kind, query, node_row, &nodes);
	make_nodes(&nodes);
}
