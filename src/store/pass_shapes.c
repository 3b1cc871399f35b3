/*-------------------------------------------------------------------------
 *
 * pass_shapes.c
 *	  What a scheduling pass reads of shapes: what queued jobs, and runs that
 *	  are to grow, ask for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "store/numbers.h"
#include "store/pass.h"
#include "store/statement.h"
#include "store/topology.h"

typedef struct Reader
{
	PmPassData *data;
	HTAB	   *shapes;
} Reader;

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
											 " s.affinity_level, s.affinity_required, g.group_level, g.group_size, g.spread_level, g.max_per_domain,"
											 " s.reservation_id, v.starts_at, least(v.ends_at, v.deleted_at)"
											 " FROM unnest($2) AS i(shape_id)"
											 " JOIN pool_manager.job_shape s ON s.pool_id = $1 AND s.shape_id = i.shape_id"
											 " JOIN pool_manager.task_group g ON g.pool_id = $1 AND g.shape_id = i.shape_id"
											 " LEFT JOIN pool_manager.flavor f USING (flavor_id)"
											 " LEFT JOIN pool_manager.reservation v ON v.pool_id = s.pool_id AND v.reservation_id = s.reservation_id"
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
		int			owner = 0;

		if (pm_get_int64(row, 20) != 0)
			owner = pm_owner_number(data, pm_get_int64(row, 20), pm_get_time(row, 21), pm_get_time(row, 22));
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

			stored->groups[g].request = (PmResourceList *) PG_DETOAST_DATUM_COPY(pm_get(row, 7, &isnull));
			stored->groups[g].sku_id = pm_get_int64(row, 12);
			groups[g].replicas = pm_get_int32(row, 8);
			groups[g].min_replicas = pm_get_int32(row, 9);
			groups[g].request = pm_add_request(data->terms, stored->groups[g].request,
											   DatumGetJsonbP(pm_get(row, 10, &isnull)),
											   DatumGetJsonbP(pm_get(row, 11, &isnull)),
											   pm_get_int64(row, 13), owner);
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

void
pm_read_shapes(PmPassData *data, HTAB *shapes, const PmJobInfo *guest)
{
	int			nshapes = Max(data->queue.nshapes, 1);
	PmShape    *engine_shapes = palloc0(sizeof(PmShape) * nshapes);
	Reader		reader = {0};

	reader.data = data;
	reader.shapes = shapes;
	data->shapes = palloc0(sizeof(PmStoredShape) * nshapes);
	read_shapes_of(&reader, data->pool->pool_id, engine_shapes);
	if (guest && guest->pool_id != data->pool->pool_id)
		read_shapes_of(&reader, guest->pool_id, engine_shapes);
	data->queue.shapes = engine_shapes;
	data->queue.nrequests = data->terms->nrequests;
	data->queue.requests = data->terms->requests;
}

void
pm_merge_shapes(PmPassData *data)
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
