/*-------------------------------------------------------------------------
 *
 * fair.c
 *	  Shares of a pool and what was used of it: the tree behind fair shares.
 *
 * What is stored in fair_usage holds up to its as_of.  All of a pool is
 * counted up to the greatest as_of: a pass stores the usage of all who held
 * something since, and who held nothing has nothing to add.  So what is new
 * is what allocations held after that instant.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "store/fair.h"
#include "store/numbers.h"
#include "store/statement.h"

PmResourceList *
pm_read_capacity(int64 pool_id)
{
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT pool_manager.sum(l.allocatable) FROM pool_manager.node n"
										   " JOIN pool_manager.node_load l USING (pool_id, node_id)"
										   " WHERE n.pool_id = $1 AND n.deleted_at IS NULL AND n.available_at IS NOT NULL");
	PmArgs		args = {0};
	Datum		value;
	bool		isnull;

	pm_arg_int64(&args, pool_id);
	pm_run(&read, &args);
	value = pm_get(0, 1, &isnull);
	return isnull ? NULL : (PmResourceList *) PG_DETOAST_DATUM_COPY(value);
}

int64
pm_dominant_share(const PmResourceList *list, const PmResourceList *capacity)
{
	int64		share = 0;

	for (uint32 i = 0; i < list->count; i++)
	{
		PmResource	entry = pm_resource_entry(list, i);
		int64		have = capacity ? pm_resource_get(capacity, entry.name, entry.name_len) : 0;

		share = Max(share, pm_pool_share(entry.value, have));
	}
	return share;
}

/* ---- the tree ---- */

static int
tenant_number(PmFairTree *tree, int64 tenant_id)
{
	bool		is_new;
	int			number = pm_number_id(tree->tenant_numbers, tenant_id, &is_new);

	if (!is_new)
		return number;
	if (number >= tree->max_tenants)
	{
		tree->max_tenants *= 2;
		tree->tenant_ids = repalloc(tree->tenant_ids, sizeof(int64) * tree->max_tenants);
		tree->tenants = repalloc(tree->tenants, sizeof(PmFairTenant) * tree->max_tenants);
	}
	tree->ntenants++;
	tree->tenant_ids[number] = tenant_id;
	tree->tenants[number].shares = 1;
	return number;
}

static PmFairWorkspace *
workspace_of(PmFairTree *tree, int64 tenant_id, int64 workspace_id)
{
	PmFairKey	key = {tenant_id, workspace_id};
	bool		is_new;
	int			number = pm_number_bytes(tree->workspace_numbers, &key, sizeof(key), &is_new);

	if (!is_new)
		return &tree->workspaces[number];
	if (number >= tree->max_workspaces)
	{
		tree->max_workspaces *= 2;
		tree->keys = repalloc(tree->keys, sizeof(PmFairKey) * tree->max_workspaces);
		tree->workspaces = repalloc(tree->workspaces, sizeof(PmFairWorkspace) * tree->max_workspaces);
		tree->stale = repalloc(tree->stale, sizeof(bool) * tree->max_workspaces);
	}
	tree->nworkspaces++;
	tree->keys[number] = key;
	tree->stale[number] = false;
	tree->workspaces[number].tenant = tenant_number(tree, tenant_id);
	tree->workspaces[number].shares = 1;
	tree->workspaces[number].usage = 0;
	return &tree->workspaces[number];
}

static void
read_shares(PmFairTree *tree, int64 pool_id)
{
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT tenant_id, workspace_id, shares FROM pool_manager.fair_share WHERE pool_id = $1"
										   " ORDER BY tenant_id, workspace_id");
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, pool_id);
	n = (int) pm_run(&read, &args);
	for (int i = 0; i < n; i++)
	{
		if (pm_is_null(i, 2))
			tree->tenants[tenant_number(tree, pm_get_int64(i, 1))].shares = pm_get_int32(i, 3);
		else
			workspace_of(tree, pm_get_int64(i, 1), pm_get_int64(i, 2))->shares = pm_get_int32(i, 3);
	}
}

/*
 * What is stored, as much as is left of it at the instant.  Returns up to when
 * all of the pool is counted, and puts the instant forward to it.
 */
static int64
read_stored(PmFairTree *tree, const PmPoolInfo *pool)
{
	static PmStatement read = PM_STATEMENT("int8",
										   "SELECT tenant_id, workspace_id, usage, as_of FROM pool_manager.fair_usage WHERE pool_id = $1"
										   " ORDER BY tenant_id, workspace_id");
	int64		counted = pool->fair_since;
	PmArgs		args = {0};
	int			n;

	pm_arg_int64(&args, pool->pool_id);
	n = (int) pm_run(&read, &args);
	for (int i = 0; i < n; i++)
		counted = Max(counted, pm_get_time(i, 4));
	tree->instant = Max(tree->instant, counted);
	for (int i = 0; i < n; i++)
	{
		int64		left = pm_decayed(pm_get_int64(i, 3), tree->instant - pm_get_time(i, 4),
									  pool->weights.half_life);

		/* who has nothing left is as good as who never had */
		if (left > 0)
			workspace_of(tree, pm_get_int64(i, 1), pm_get_int64(i, 2))->usage = left;
	}
	return counted;
}

typedef struct Held
{
	PmFairTree *tree;
	MemoryContext context;
	const PmResourceList *capacity;
	int64		counted;
	int64		half_life;
} Held;

static void
held_row(Datum *values, bool *nulls, void *state)
{
	Held	   *held = state;
	PmFairTree *tree = held->tree;
	int64		since = Max(DatumGetTimestampTz(values[2]), held->counted);
	int64		until = nulls[3] ? tree->instant : Min(DatumGetTimestampTz(values[3]), tree->instant);
	MemoryContext old;
	PmFairWorkspace *workspace;
	int64		more;

	more = pm_usage_of(pm_dominant_share(DatumGetResourceListP(values[4]), held->capacity),
					   since, until, tree->instant, held->half_life);
	if (more == 0)
		return;
	old = MemoryContextSwitchTo(held->context);
	workspace = workspace_of(tree, DatumGetInt64(values[0]), DatumGetInt64(values[1]));
	workspace->usage = more > PG_INT64_MAX - workspace->usage ? PG_INT64_MAX : workspace->usage + more;
	tree->stale[workspace - tree->workspaces] = true;
	MemoryContextSwitchTo(old);
}

/*
 * What runs held after all was counted.  Allocations of a run that began and
 * ended together are one: its dominant share is that of all its task groups.
 * Live ones are read by a plain IS NULL: of all that is live, most is asked for.
 */
static void
read_held(Held *held, int64 pool_id)
{
	static PmStatement read = PM_STATEMENT("int8;timestamptz",
										   "SELECT j.tenant_id, j.workspace_id, h.since, h.released_at, h.allocated"
										   " FROM (SELECT a.run_id, a.since, a.released_at, pool_manager.sum(a.allocated) AS allocated"
										   "  FROM (SELECT run_id, since, released_at, allocated FROM pool_manager.allocation"
										   "    WHERE pool_id = $1 AND released_at IS NULL"
										   "   UNION ALL SELECT run_id, since, released_at, allocated FROM pool_manager.allocation"
										   "    WHERE pool_id = $1 AND released_at > $2) AS a"
										   "  GROUP BY a.run_id, a.since, a.released_at) AS h"
										   " JOIN pool_manager.job_run r ON r.pool_id = $1 AND r.run_id = h.run_id"
										   " JOIN pool_manager.job j ON j.pool_id = $1 AND j.job_id = r.job_id");
	PmArgs		args = {0};

	pm_arg_int64(&args, pool_id);
	pm_arg_time(&args, held->counted);
	pm_scan(&read, &args, held_row, held);
}

PmFairTree *
pm_read_fair(const PmPoolInfo *pool, TimestampTz instant,
			 const PmResourceList *capacity, const PmFairKey *keys, int nkeys)
{
	PmFairTree *tree = palloc0(sizeof(PmFairTree));
	Held		held = {.tree = tree, .context = CurrentMemoryContext, .capacity = capacity};

	tree->instant = instant;
	tree->max_tenants = tree->max_workspaces = 16;
	tree->tenant_ids = palloc(sizeof(int64) * tree->max_tenants);
	tree->tenants = palloc(sizeof(PmFairTenant) * tree->max_tenants);
	tree->keys = palloc(sizeof(PmFairKey) * tree->max_workspaces);
	tree->workspaces = palloc(sizeof(PmFairWorkspace) * tree->max_workspaces);
	tree->stale = palloc(sizeof(bool) * tree->max_workspaces);
	tree->tenant_numbers = pm_id_numbers("tenants with shares");
	tree->workspace_numbers = pm_bytes_numbers("workspaces with shares");

	for (int i = 0; i < nkeys; i++)
		workspace_of(tree, keys[i].tenant_id, keys[i].workspace_id);
	held.half_life = pool->weights.half_life;
	held.counted = read_stored(tree, pool);
	read_held(&held, pool->pool_id);
	read_shares(tree, pool->pool_id);
	pm_fair_factors(tree->tenants, tree->ntenants, tree->workspaces, tree->nworkspaces);
	return tree;
}

void
pm_write_fair(const PmPoolInfo *pool, PmFairTree *tree, bool all)
{
	static PmStatement write = PM_STATEMENT("int8;timestamptz;int8[];int8[];int8[]",
											"INSERT INTO pool_manager.fair_usage (pool_id, tenant_id, workspace_id, usage, as_of)"
											" SELECT $1, u.tenant_id, u.workspace_id, u.usage, $2"
											" FROM unnest($3, $4, $5) AS u(tenant_id, workspace_id, usage) ORDER BY 2, 3"
											" ON CONFLICT ON CONSTRAINT fair_usage_pkey DO UPDATE SET usage = EXCLUDED.usage, as_of = EXCLUDED.as_of");
	static PmStatement forget = PM_STATEMENT("int8;timestamptz",
											 "DELETE FROM pool_manager.fair_usage WHERE pool_id = $1 AND as_of < $2");
	int64	   *tenants = palloc(sizeof(int64) * Max(tree->nworkspaces, 1));
	int64	   *workspaces = palloc(sizeof(int64) * Max(tree->nworkspaces, 1));
	int64	   *usage = palloc(sizeof(int64) * Max(tree->nworkspaces, 1));
	int			n = 0;
	PmArgs		args = {0};

	for (int i = 0; i < tree->nworkspaces; i++)
	{
		if (!tree->stale[i] && !(all && tree->workspaces[i].usage > 0))
			continue;
		tenants[n] = tree->keys[i].tenant_id;
		workspaces[n] = tree->keys[i].workspace_id;
		usage[n++] = tree->workspaces[i].usage;
	}
	if (n == 0 && !all)
		return;
	pm_arg_int64(&args, pool->pool_id);
	pm_arg_time(&args, tree->instant);
	/* of who has nothing left, another half-life must not find anything */
	if (all)
		pm_run(&forget, &args);
	pm_arg_int64_array(&args, tenants, n);
	pm_arg_int64_array(&args, workspaces, n);
	pm_arg_int64_array(&args, usage, n);
	pm_run(&write, &args);
}
