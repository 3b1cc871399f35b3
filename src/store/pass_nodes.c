/*-------------------------------------------------------------------------
 *
 * pass_nodes.c
 *	  What a scheduling pass reads of nodes: the engine's cluster, without runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "store/pass.h"
#include "store/statement.h"
#include "store/topology.h"

typedef struct Reader
{
	PmPassData *data;
	MemoryContext context;
	int			max_nodes;
	PmResourceList **allocatable;
	PmResourceList **allocated;
	char	  **accelerators;
	ArrayType **devices;
	HTAB	  **domains;		/* numbers, by level of the topology */
} Reader;

/* Whose windows a node has, ascending; NULL: nobody's */
static const int *
read_owners(Reader *reader, int64 node_id, int *nowners)
{
	int			n;
	const PmStoredWindow *windows = pm_windows_of_node(reader->data, node_id, &n);
	int		   *owners;

	*nowners = 0;
	if (n == 0)
		return NULL;
	owners = palloc(sizeof(int) * n);
	for (int w = 0; w < n; w++)
	{
		int			at;

		if (windows[w].owner == 0)
			continue;
		for (at = (*nowners)++; at > 0 && owners[at - 1] > windows[w].owner; at--)
			owners[at] = owners[at - 1];
		owners[at] = windows[w].owner;
	}
	return owners;
}

static void
node_row(Datum *values, bool *nulls, void *state)
{
	Reader	   *reader = state;
	PmPassData *data = reader->data;
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	int			i = data->cluster.nnodes++;
	int			nowners;
	const int  *owners = read_owners(reader, DatumGetInt64(values[0]), &nowners);

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
	data->cluster.nodes[i].config = pm_add_config(data->terms, DatumGetJsonbP(values[2]), DatumGetJsonbP(values[3]),
												  nulls[8] ? 0 : DatumGetInt64(values[8]), owners, nowners);
	reader->allocatable[i] = (PmResourceList *) PG_DETOAST_DATUM_COPY(values[4]);
	reader->allocated[i] = (PmResourceList *) PG_DETOAST_DATUM_COPY(values[5]);
	reader->accelerators[i] = nulls[6] ? NULL : TextDatumGetCString(values[6]);
	reader->devices[i] = (ArrayType *) PG_DETOAST_DATUM_COPY(values[7]);
	data->cluster.nodes[i].domains = pm_read_domains(data->pool->levels, data->pool->nlevels, reader->domains, values[9]);
	pm_add_dimensions(data->terms, reader->allocatable[i]);
	MemoryContextSwitchTo(old);
}

static void
add_to_vector(const PmTerms *terms, const PmResourceList *list, int64 *vector, int sign)
{
	for (uint32 entry = 0; entry < list->count; entry++)
	{
		PmResource	resource = pm_resource_entry(list, entry);

		vector[pm_dimension(terms, resource.name, resource.name_len)] += sign * resource.value;
	}
}

/* Once all dimensions are known, rows become vectors */
static void
make_vectors(Reader *reader)
{
	PmCluster  *cluster = &reader->data->cluster;
	const PmTerms *terms = reader->data->terms;
	int			ndims = terms->ndims;
	int64	   *vectors;

	cluster->ndims = ndims;
	cluster->nconfigs = terms->nconfigs;
	cluster->configs = terms->configs;
	vectors = MemoryContextAllocExtended(CurrentMemoryContext,
										 Max((Size) 1, (Size) cluster->nnodes * ndims * 2 * sizeof(int64)),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < cluster->nnodes; i++)
	{
		PmNode	   *node = &cluster->nodes[i];
		ArrayType  *devices = reader->devices[i];
		int64	   *capacity = vectors + (Size) i * 2 * ndims;

		add_to_vector(terms, reader->allocatable[i], capacity, 1);
		node->capacity = capacity;
		node->free = capacity + ndims;
		memcpy(node->free, capacity, ndims * sizeof(int64));
		add_to_vector(terms, reader->allocated[i], node->free, -1);
		node->accelerator = -1;
		node->ndevices = 0;
		node->device_free = NULL;
		if (reader->accelerators[i] == NULL)
			continue;
		node->accelerator = pm_dimension(terms, reader->accelerators[i], strlen(reader->accelerators[i]));
		node->ndevices = ArrayGetNItems(ARR_NDIM(devices), ARR_DIMS(devices));
		node->device_free = palloc(sizeof(int32) * Max(node->ndevices, 1));
		for (int k = 0; k < node->ndevices; k++)
			node->device_free[k] = PM_DEVICE_WHOLE - ((int32 *) ARR_DATA_PTR(devices))[k];
	}
}

void
pm_read_nodes(PmPassData *data)
{
	static PmStatement nodes = PM_STATEMENT("int8",
											"SELECT n.node_id, n.flavor_id, n.labels, n.taints,"
											" l.allocatable, l.allocated, l.accelerator, l.devices, n.sub_pool_id, n.topology"
											" FROM pool_manager.node n JOIN pool_manager.node_load l USING (pool_id, node_id)"
											" WHERE n.pool_id = $1 AND n.state = 'available' AND n.schedulable AND NOT n.spare AND n.isolated_by IS NULL ORDER BY n.node_id");
	Reader		reader = {0};
	PmArgs		args = {0};

	reader.data = data;
	reader.context = CurrentMemoryContext;
	reader.domains = pm_domain_numbers(data->pool->nlevels);
	data->cluster.nlevels = data->pool->nlevels;
	pm_arg_int64(&args, data->pool->pool_id);
	pm_scan(&nodes, &args, node_row, &reader);
	make_vectors(&reader);
}
