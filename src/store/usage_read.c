/*-------------------------------------------------------------------------
 *
 * usage_read.c
 *	  Reading what usage refers to, and usage that is to be corrected.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"

#include "billing/calendar.h"
#include "store/usage.h"

/* ---- what many rows have in common is looked up once ---- */

typedef struct Distinct
{
	int			n;
	int		   *first;			/* [n] the first row of each kind */
	int		   *kind;			/* [rows] */
} Distinct;

static void
find_distinct(int rows, uint32 (*hash) (const void *all, int row),
			  bool (*same) (const void *all, int row, int other), const void *all, Distinct *distinct)
{
	uint32		size = pg_nextpower2_32(2 * (uint32) rows);
	int		   *table = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * (Size) size);

	memset(table, -1, sizeof(int) * (Size) size);
	distinct->n = 0;
	distinct->first = palloc(sizeof(int) * rows);
	distinct->kind = palloc(sizeof(int) * rows);
	for (int row = 0; row < rows; row++)
	{
		uint32		slot = hash(all, row) & (size - 1);

		while (table[slot] >= 0 && !same(all, row, distinct->first[table[slot]]))
			slot = (slot + 1) & (size - 1);
		if (table[slot] < 0)
		{
			table[slot] = distinct->n;
			distinct->first[distinct->n++] = row;
		}
		distinct->kind[row] = table[slot];
	}
	pfree(table);
}

/* ---- names ---- */

#define NAMES	4

static const char *
name_of(const PmUsageGiven *given, int n)
{
	const char *const names[NAMES] = {given->tenant, given->sku, given->workspace, given->pool};

	return names[n];
}

static uint32
hash_names(const void *all, int row)
{
	const PmUsageGiven *given = (const PmUsageGiven *) all + row;
	uint32		hash = 0;

	for (int i = 0; i < NAMES; i++)
	{
		const char *name = name_of(given, i);

		if (name)
			hash = hash_combine(hash, hash_bytes((const unsigned char *) name, strlen(name)));
	}
	return hash;
}

static bool
same_names(const void *all, int row, int other)
{
	const PmUsageGiven *given = all;

	for (int i = 0; i < NAMES; i++)
	{
		const char *a = name_of(&given[row], i);
		const char *b = name_of(&given[other], i);

		if ((a == NULL) != (b == NULL) || (a && strcmp(a, b) != 0))
			return false;
	}
	return true;
}

void
pm_find_usage_names(const PmUsageGiven *given, PmUsageRecord *usage, int n)
{
	static PmStatement find = PM_STATEMENT("text[];text[];text[];text[]",
										   "SELECT t.tenant_id, s.sku_id, w.workspace_id, p.pool_id"
										   " FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS x(tenant, sku, workspace, pool, n)"
										   " LEFT JOIN pool_manager.tenant t ON t.name = x.tenant"
										   " LEFT JOIN pool_manager.sku s ON s.name = x.sku"
										   " LEFT JOIN pool_manager.workspace w ON w.tenant_id = t.tenant_id AND w.name = x.workspace"
										   " LEFT JOIN pool_manager.pool p ON p.name = x.pool AND p.deleted_at IS NULL"
										   " ORDER BY x.n");
	Distinct	distinct;
	PmArgs		args = {0};

	if (n == 0)
		return;
	find_distinct(n, hash_names, same_names, given, &distinct);
	for (int c = 0; c < NAMES; c++)
	{
		Datum	   *column = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * distinct.n);
		bool	   *missing = palloc(sizeof(bool) * distinct.n);

		for (int k = 0; k < distinct.n; k++)
		{
			const char *name = name_of(&given[distinct.first[k]], c);

			missing[k] = name == NULL;
			column[k] = name ? CStringGetTextDatum(name) : (Datum) 0;
		}
		pm_arg_array(&args, column, missing, distinct.n, TEXTOID, -1, false, TYPALIGN_INT);
	}
	pm_run(&find, &args);
	for (int i = 0; i < n; i++)
	{
		int			row = distinct.kind[i];

		usage[i].tenant_id = pm_get_int64(row, 1);
		usage[i].sku_id = pm_get_int64(row, 2);
		usage[i].workspace_id = pm_get_int64(row, 3);
		usage[i].pool_id = pm_get_int64(row, 4);
	}
}

/* ---- facts ---- */

static uint32
hash_ids(const void *all, int row)
{
	const PmUsageRecord *usage = (const PmUsageRecord *) all + row;

	return hash_combine(hash_combine(hash_uint32((uint32) usage->sku_id), hash_uint32((uint32) usage->pool_id)),
						hash_uint32((uint32) usage->job_id));
}

static bool
same_ids(const void *all, int row, int other)
{
	const PmUsageRecord *a = (const PmUsageRecord *) all + row;
	const PmUsageRecord *b = (const PmUsageRecord *) all + other;

	return a->sku_id == b->sku_id && a->pool_id == b->pool_id && a->job_id == b->job_id;
}

PmUsageFacts *
pm_read_usage_facts(const PmUsageRecord *usage, int n)
{
	static PmStatement read = PM_STATEMENT("int8[];int8[];int8[]",
										   "SELECT s.per = 'once', p.tenant_id, j.pool_id, j.tenant_id, j.workspace_id"
										   " FROM unnest($1, $2, $3) WITH ORDINALITY AS x(sku_id, pool_id, job_id, n)"
										   " JOIN pool_manager.sku s USING (sku_id)"
										   " LEFT JOIN pool_manager.pool p ON p.pool_id = x.pool_id"
										   " LEFT JOIN pool_manager.job j ON j.job_id = x.job_id"
										   " ORDER BY x.n");
	PmUsageFacts *facts = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PmUsageFacts) * Max(n, 1));
	int64	   *columns[3];
	Distinct	distinct;
	PmArgs		args = {0};

	if (n == 0)
		return facts;
	find_distinct(n, hash_ids, same_ids, usage, &distinct);
	for (int c = 0; c < 3; c++)
		columns[c] = palloc(sizeof(int64) * distinct.n);
	for (int k = 0; k < distinct.n; k++)
	{
		const PmUsageRecord *first = &usage[distinct.first[k]];

		columns[0][k] = first->sku_id;
		columns[1][k] = first->pool_id;
		columns[2][k] = first->job_id;
	}
	for (int c = 0; c < 3; c++)
		pm_arg_int64_array(&args, columns[c], distinct.n);
	pm_run(&read, &args);
	for (int i = 0; i < n; i++)
	{
		int			row = distinct.kind[i];

		facts[i].once = pm_get_bool(row, 1);
		facts[i].pool_tenant_id = pm_get_int64(row, 2);
		facts[i].job_pool_id = pm_get_int64(row, 3);
		facts[i].job_tenant_id = pm_is_null(row, 4) ? -1 : pm_get_int64(row, 4);
		facts[i].job_workspace_id = pm_get_int64(row, 5);
	}
	return facts;
}

/* ---- corrections ---- */

PmUsageRecord *
pm_lock_usage(int64 usage_id, int64 *corrected_by)
{
	/* the tenant's id comes first in the index */
	static PmStatement find = PM_STATEMENT("int8",
										   "SELECT t.tenant_id FROM pool_manager.tenant t, LATERAL (SELECT FROM pool_manager.usage u"
										   " WHERE u.tenant_id = t.tenant_id AND u.usage_id = $1 OFFSET 0) AS u");
	static PmStatement lock = PM_STATEMENT("int8;int8",
										   "SELECT u.sku_id, s.per = 'once', u.quantity, u.started_at, u.ended_at, u.workspace_id, u.pool_id, u.job_id, u.run_id,"
										   "  u.node_id, u.volume_id, u.network_id, u.slice_no, u.run_seconds, u.corrects"
										   " FROM pool_manager.usage u JOIN pool_manager.sku s USING (sku_id)"
										   " WHERE u.tenant_id = $1 AND u.usage_id = $2 FOR NO KEY UPDATE OF u");
	static PmStatement corrections = PM_STATEMENT("int8;int8",
												  "SELECT usage_id FROM pool_manager.usage WHERE tenant_id = $1 AND corrects = $2");
	PmArgs		find_args = {0};
	PmArgs		args = {0};
	PmUsageRecord *usage;

	pm_arg_int64(&find_args, usage_id);
	if (pm_run(&find, &find_args) == 0)
		return NULL;
	usage = palloc0(sizeof(PmUsageRecord));
	usage->usage_id = usage_id;
	usage->tenant_id = pm_get_int64(0, 1);
	pm_arg_int64(&args, usage->tenant_id);
	pm_arg_int64(&args, usage_id);
	if (pm_run(&lock, &args) == 0)
		return NULL;			/* archived meanwhile */
	usage->sku_id = pm_get_int64(0, 1);
	usage->once = pm_get_bool(0, 2);
	usage->quantity = pm_get_int64(0, 3);
	usage->start = pm_second(pm_get_time(0, 4));
	usage->end = pm_second(pm_get_time(0, 5));
	usage->workspace_id = pm_get_int64(0, 6);
	usage->pool_id = pm_get_int64(0, 7);
	usage->job_id = pm_get_int64(0, 8);
	usage->run_id = pm_get_int64(0, 9);
	usage->node_id = pm_get_int64(0, 10);
	usage->volume_id = pm_get_int64(0, 11);
	usage->network_id = pm_get_int64(0, 12);
	usage->slice_no = pm_get_int32(0, 13) - 1;
	usage->run_seconds = pm_get_int64(0, 14);
	usage->corrects = pm_get_int64(0, 15);
	*corrected_by = pm_run(&corrections, &args) > 0 ? pm_get_int64(0, 1) : 0;
	return usage;
}

bool
pm_is_replaced(int64 usage_id)
{
	static PmStatement find = PM_STATEMENT("text",
										   "SELECT FROM pool_manager.usage WHERE source = '" PM_CORRECTION "' AND event_id = $1 LIMIT 1");
	PmArgs		args = {0};

	pm_arg_text(&args, psprintf("usage " INT64_FORMAT, usage_id));
	return pm_run(&find, &args) > 0;
}
