/*-------------------------------------------------------------------------
 *
 * simulate_quotas.c
 *	  Quotas of a simulation: rows of the quota query, a tree of sub-pools,
 *	  become the engine's lanes.
 *
 * Here is what rows must be to each other and to the nodes; what one must be
 * by itself is for the caller to say.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "store/numbers.h"
#include "store/row_query.h"
#include "store/simulate_reader.h"

#define MAX_LEVELS	8			/* as those of a pool */

enum
{
	QUOTA_NAME, QUOTA_PARENT, QUOTA_GUARANTEED, QUOTA_UPPER, QUOTA_BORROW_LIMIT, QUOTA_LEND_LIMIT, QUOTA_TENANT
};

static const PmQueryColumn quota_columns[] = {
	{"name", "pg_catalog.text", NULL, false},
	{"parent", "pg_catalog.text", "NULL", false},
	{"guaranteed", "pool_manager.resource_list", "''", true},
	{"upper", "pool_manager.resource_list", "NULL", false},
	{"borrow_limit", "pool_manager.resource_list", "NULL", false},
	{"lend_limit", "pool_manager.resource_list", "NULL", false},
	{"tenant", "pg_catalog.text", "NULL", false},
};

static const PmRowQuery quota_query_kind = {
	"quota_query", "simulate",
	"Each row that it returns is a sub-pool with its quotas.",
	"A sub-pool has one of each.",
	NULL,
	lengthof(quota_columns), quota_columns
};

typedef struct PmSimQuota
{
	PmSimQuotaRow row;
	int			parent;			/* lane, -1: none */
	int			part;			/* lane of one of its parts, -1: it has none */
} PmSimQuota;

typedef struct QuotaReader
{
	PmSimReader *common;
	int			max_quotas;
} QuotaReader;

/* ---- names ---- */

/* Sub-pools of different tenants are different queues, whatever their names */
static void
lane_key(StringInfo key, const char *tenant, const char *sub_pool)
{
	initStringInfo(key);
	appendStringInfo(key, "%zu:%s:%s", tenant ? strlen(tenant) : 0, tenant ? tenant : "",
					 sub_pool ? sub_pool : "");
}

/* -1: quotas say nothing of it */
static int
find_quota(const PmSimReader *reader, const char *tenant, const char *sub_pool)
{
	StringInfoData key;
	PmBytesNumber *found;
	PmBytes		bytes;

	lane_key(&key, tenant, sub_pool);
	bytes.data = key.data;
	bytes.len = key.len;
	found = hash_search(reader->lanes, &bytes, HASH_FIND, NULL);
	pfree(key.data);
	return found ? found->number : -1;
}

static char *
title(const char *tenant, const char *sub_pool)
{
	StringInfoData text;

	initStringInfo(&text);
	if (sub_pool)
		appendStringInfo(&text, "sub-pool \"%s\"", sub_pool);
	else
		appendStringInfoString(&text, "sub-pool without a name");
	if (tenant)
		appendStringInfo(&text, " of tenant \"%s\"", tenant);
	return text.data;
}

static void
refuse_divided(const PmSimReader *reader, int lane)
{
	const PmSimQuota *quota = &reader->quotas[lane];

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s has parts", title(quota->row.tenant, quota->row.name)),
			 errdetail("Sub-pool \"%s\" is one; what is divided takes no jobs and no nodes.",
					   reader->quotas[quota->part].row.name),
			 errhint("Name one of its parts.")));
}

/* Of whose jobs alone a node takes: there must be one that has jobs */
void
pm_check_sim_binding(const PmSimReader *reader, const char *name)
{
	int			divided = -1;

	if (!reader->has_quotas)
		return;
	for (int q = 0; q < reader->nquotas; q++)
	{
		if (reader->quotas[q].row.name == NULL || strcmp(reader->quotas[q].row.name, name) != 0)
			continue;
		if (reader->quotas[q].part < 0)
			return;
		divided = q;
	}
	if (divided >= 0)
		refuse_divided(reader, divided);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("quota_query returns no sub-pool \"%s\"", name),
			 errdetail("A node takes the jobs of a sub-pool that there is, or those of all."),
			 errhint("Return a row for it; quotas that are NULL limit nothing.")));
}

/* The queue of a job; without quotas any sub-pool that is named is one */
int
pm_sim_lane_of(PmSimReader *reader, const char *tenant, const char *sub_pool)
{
	int			lane;

	if (!reader->has_quotas)
	{
		StringInfoData key;
		bool		is_new;

		lane_key(&key, tenant, sub_pool);
		lane = pm_number_bytes(reader->lanes, key.data, key.len, &is_new);
		pfree(key.data);
		return lane;
	}
	if (!reader->by_tenant)
		tenant = NULL;
	lane = find_quota(reader, tenant, sub_pool);
	if (lane < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quota_query returns no %s", title(tenant, sub_pool)),
				 errdetail("With quotas each job is of a sub-pool that there is."),
				 errhint("Return a row for it; quotas that are NULL limit nothing.")));
	if (reader->quotas[lane].part >= 0)
		refuse_divided(reader, lane);
	return lane;
}

/* ---- rows ---- */

static void
quota_row(const PmQueryRow *values, void *state)
{
	QuotaReader *reader = state;
	PmSimReader *common = reader->common;
	PmSimQuota *quota;
	StringInfoData key;
	bool		is_new;

	common->by_tenant = pm_row_has(values, QUOTA_TENANT);
	common->quotas = pm_room_for(common->quotas, &reader->max_quotas, common->nquotas, sizeof(PmSimQuota));
	quota = &common->quotas[common->nquotas++];
	quota->parent = quota->part = -1;
	quota->row.tenant = pm_row_text(values, QUOTA_TENANT);
	quota->row.name = pm_row_text(values, QUOTA_NAME);
	quota->row.parent = pm_row_text(values, QUOTA_PARENT);
	quota->row.guaranteed = pm_row_pointer(values, QUOTA_GUARANTEED);
	quota->row.upper = pm_row_pointer(values, QUOTA_UPPER);
	quota->row.borrow_limit = pm_row_pointer(values, QUOTA_BORROW_LIMIT);
	quota->row.lend_limit = pm_row_pointer(values, QUOTA_LEND_LIMIT);
	common->checks->quota(&quota->row);
	lane_key(&key, quota->row.tenant, quota->row.name);
	(void) pm_number_bytes(common->lanes, key.data, key.len, &is_new);
	pfree(key.data);
	if (!is_new)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quota_query returns %s twice", title(quota->row.tenant, quota->row.name)),
				 errdetail("Sub-pools are told apart by name, and by tenant where the query has a column of it."),
				 errhint("Leave out one of the two.")));
}

/* ---- the tree ---- */

static void
find_parent(PmSimReader *reader, int q)
{
	PmSimQuota *quota = &reader->quotas[q];

	if (quota->row.parent == NULL)
		return;
	quota->parent = find_quota(reader, quota->row.tenant, quota->row.parent);
	if (quota->parent < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quota_query returns no %s", title(quota->row.tenant, quota->row.parent)),
				 errdetail("Sub-pool \"%s\" is said to be a part of it.", quota->row.name),
				 errhint("Return a row for it; quotas that are NULL limit nothing.")));
	reader->quotas[quota->parent].part = q;
}

static void
check_depth(const PmSimReader *reader, int q)
{
	const PmSimQuota *quota = &reader->quotas[q];
	int			levels = 1;

	for (int above = quota->parent; above >= 0 && levels <= reader->nquotas; above = reader->quotas[above].parent)
		levels++;
	if (levels > reader->nquotas)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is a part of itself", title(quota->row.tenant, quota->row.name)),
				 errdetail("The parents of sub-pools must lead to one that has none."),
				 errhint("One without a parent is a part of the pool.")));
	if (levels > MAX_LEVELS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sub-pools nest no deeper than %d levels", MAX_LEVELS),
				 errdetail("Sub-pool \"%s\" is on level %d.", quota->row.name, levels),
				 errhint("Make it a part of one further up.")));
}

void
pm_read_sim_quotas(PmSimReader *reader, const char *query)
{
	QuotaReader quotas = {reader, 0};

	reader->has_quotas = true;
	pm_run_row_query(&quota_query_kind, query, quota_row, &quotas);
	for (int q = 0; q < reader->nquotas; q++)
		find_parent(reader, q);
	for (int q = 0; q < reader->nquotas; q++)
		check_depth(reader, q);
}

/* ---- lanes ---- */

/* What is guaranteed must be there */
static void
check_guarantees(const PmSimReader *reader, const PmResourceList *promised)
{
	const PmCluster *cluster = &reader->input->cluster;

	for (uint32 i = 0; i < promised->count; i++)
	{
		PmResource	resource = pm_resource_entry(promised, i);
		int			d = pm_dimension(reader->terms, resource.name, resource.name_len);
		int128		have = 0;

		for (int n = 0; n < cluster->nnodes && d >= 0; n++)
			have += cluster->nodes[n].capacity[d];
		if (resource.value > have)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("sub-pools cannot be guaranteed more than the nodes have"),
					 errdetail("Together they are guaranteed %s of \"%.*s\"; the nodes have %s.",
							   pm_resource_quantity_text(resource.name, resource.name_len, resource.value),
							   resource.name_len, resource.name,
							   pm_resource_quantity_text(resource.name, resource.name_len, (int64) have)),
					 errhint("Guarantee less, or return more nodes.")));
	}
}

void
pm_make_sim_lanes(PmSimReader *reader)
{
	PmLane	   *lanes = palloc0(sizeof(PmLane) * Max(reader->nquotas, 1));
	PmResourceList *promised = pm_resource_list_make(NULL, 0);

	lanes[0].parent = -1;
	for (int q = 0; q < reader->nquotas; q++)
	{
		const PmSimQuota *quota = &reader->quotas[q];
		PmLane	   *lane = &lanes[q];

		promised = pm_resource_list_add(promised, quota->row.guaranteed);
		lane->sub_pool_id = q + 1;
		lane->parent = quota->parent;
		lane->guaranteed = pm_vector(reader->terms, quota->row.guaranteed);
		lane->upper = pm_vector(reader->terms, quota->row.upper);
		lane->borrow_limit = pm_vector(reader->terms, quota->row.borrow_limit);
		lane->lend_limit = pm_vector(reader->terms, quota->row.lend_limit);
		lane->held = palloc0(sizeof(int64) * Max(reader->terms->ndims, 1));
	}
	check_guarantees(reader, promised);
	reader->input->queue.lanes = lanes;
}
