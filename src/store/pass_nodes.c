/*-------------------------------------------------------------------------
 *
 * pass_nodes.c
 *	  What a scheduling pass reads of nodes: the engine's cluster, without runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

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
	int			max_nodes;
	int			max_configs;
	int			max_dims;
	PmNodeConfig *configs_array;
	PmResourceList **allocatable;
	PmResourceList **allocated;
	char	  **accelerators;
	ArrayType **devices;
	HTAB	  **domains;		/* numbers, by level of the topology */
} Reader;

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
	return number;
}

/* The number of a resource, which is a new one at first sight */
static int
dimension(Reader *reader, const char *name, int len)
{
	PmPassData *data = reader->data;
	bool		is_new;
	int			number = pm_number_bytes(reader->dimensions, name, len, &is_new);

	if (!is_new)
		return number;
	if (number >= reader->max_dims)
	{
		reader->max_dims = Max(8, reader->max_dims * 2);
		data->dimensions = data->dimensions ?
			repalloc(data->dimensions, sizeof(char *) * reader->max_dims) :
			palloc(sizeof(char *) * reader->max_dims);
	}
	data->dimensions[number] = pnstrdup(name, len);
	return number;
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
	reader->allocatable[i] = (PmResourceList *) PG_DETOAST_DATUM_COPY(values[4]);
	reader->allocated[i] = (PmResourceList *) PG_DETOAST_DATUM_COPY(values[5]);
	reader->accelerators[i] = nulls[6] ? NULL : TextDatumGetCString(values[6]);
	reader->devices[i] = (ArrayType *) PG_DETOAST_DATUM_COPY(values[7]);
	data->cluster.nodes[i].domains = pm_read_domains(data->pool->levels, data->pool->nlevels, reader->domains, values[9]);
	for (uint32 entry = 0; entry < reader->allocatable[i]->count; entry++)
	{
		PmResource	resource = pm_resource_entry(reader->allocatable[i], entry);

		(void) dimension(reader, resource.name, resource.name_len);
	}
	MemoryContextSwitchTo(old);
}

static void
add_to_vector(Reader *reader, PmResourceList *list, int64 *vector, int sign)
{
	for (uint32 entry = 0; entry < list->count; entry++)
	{
		PmResource	resource = pm_resource_entry(list, entry);

		vector[dimension(reader, resource.name, resource.name_len)] += sign * resource.value;
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
		node->accelerator = pm_dimension_of(reader->data, reader->accelerators[i],
											strlen(reader->accelerators[i]));
		node->ndevices = ArrayGetNItems(ARR_NDIM(devices), ARR_DIMS(devices));
		node->device_free = palloc(sizeof(int32) * Max(node->ndevices, 1));
		for (int k = 0; k < node->ndevices; k++)
			node->device_free[k] = PM_DEVICE_WHOLE - ((int32 *) ARR_DATA_PTR(devices))[k];
	}
}

void
pm_read_nodes(PmPassData *data, HTAB *words)
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
	reader.words = words;
	reader.dimensions = pm_bytes_numbers("resources of a pass");
	reader.configs = pm_bytes_numbers("node configurations of a pass");
	reader.domains = pm_domain_numbers(data->pool->nlevels);
	data->cluster.nlevels = data->pool->nlevels;
	pm_arg_int64(&args, data->pool->pool_id);
	pm_scan(&nodes, &args, node_row, &reader);
	make_vectors(&reader);
}
