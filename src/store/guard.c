/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Triggers by which the tables defend themselves.  They only refuse.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "errors.h"
#include "store/session.h"
#include "store/statement.h"

#define BULK_NEW_ROWS 200

/* ---- states ---- */

typedef struct Transitions
{
	const char *type;
	const char *from;
	const char *to;				/* states that may follow, between blanks */
} Transitions;

static const Transitions transitions[] = {
	{"pool_state", "waiting", " creating deleting "},
	{"pool_state", "creating", " running creation_failed deleting "},
	{"pool_state", "running", " abnormal scaling_failed error deleting "},
	{"pool_state", "abnormal", " running error deleting "},
	{"pool_state", "scaling_failed", " running abnormal error deleting "},
	{"pool_state", "error", " running abnormal deleting "},
	{"pool_state", "creation_failed", " creating deleting "},
	{"pool_state", "deleting", " error "},
	{"node_state", "creating", " checking available abnormal deleting "},
	{"node_state", "checking", " available abnormal deleting "},
	{"node_state", "available", " checking abnormal deleting "},
	{"node_state", "abnormal", " checking available deleting "},
	{"node_state", "deleting", " "},
	{"network_state", "creating", " active abnormal "},
	{"network_state", "active", " abnormal "},
	{"network_state", "abnormal", " active "},
	{"job_type_state", "enabling", " enabled enable_failed "},
	{"job_type_state", "enabled", " disabling "},
	{"job_type_state", "enable_failed", " enabling disabling "},
	{"job_type_state", "disabling", " disabled enabled "},
	{"job_type_state", "disabled", " enabling "},
	{"job_state", "held", " queued waiting "},
	{"job_state", "waiting", " queued held "},
	{"job_state", "queued", " held waiting "},
	{"job_state", "starting", " running stopping failed cancelled timed_out "},
	{"job_state", "running", " stopping completed failed cancelled timed_out "},
	{"job_state", "stopping", " cancelled timed_out "},
};

static bool
may_follow(const char *type, const char *from, const char *to)
{
	char	   *word = psprintf(" %s ", to);

	for (int i = 0; i < (int) lengthof(transitions); i++)
	{
		if (strcmp(transitions[i].type, type) == 0 && strcmp(transitions[i].from, from) == 0)
			return strstr(transitions[i].to, word) != NULL;
	}
	return false;
}

static int
column_of(Relation relation, const char *name)
{
	int			column = SPI_fnumber(RelationGetDescr(relation), name);

	if (column <= 0)
		elog(ERROR, "column \"%s\" of \"%s\" not found", name, RelationGetRelationName(relation));
	return column;
}

PG_FUNCTION_INFO_V1(pm_guard_state);

Datum
pm_guard_state(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Relation	relation = trigger->tg_relation;
	int			column = column_of(relation, trigger->tg_trigger->tgargs[0]);
	char	   *from = SPI_getvalue(trigger->tg_trigtuple, RelationGetDescr(relation), column);
	char	   *to = SPI_getvalue(trigger->tg_newtuple, RelationGetDescr(relation), column);
	char	   *type = SPI_gettype(RelationGetDescr(relation), column);

	if (!may_follow(type, from, to))
		ereport(ERROR,
				(errcode(ERRCODE_PM_WRONG_STATE),
				 errmsg("%s cannot go from %s to %s", RelationGetRelationName(relation), from, to)));
	return PointerGetDatum(trigger->tg_newtuple);
}

/* ---- columns that stay ---- */

PG_FUNCTION_INFO_V1(pm_guard_unchanged);

Datum
pm_guard_unchanged(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Relation	relation = trigger->tg_relation;
	TupleDesc	desc = RelationGetDescr(relation);

	for (int i = 0; i < trigger->tg_trigger->tgnargs; i++)
	{
		char	   *name = pstrdup(trigger->tg_trigger->tgargs[i]);
		bool		once = name[strlen(name) - 1] == '?';
		int			column;
		bool		old_null;
		bool		new_null;
		Datum		old_value;
		Datum		new_value;
		Form_pg_attribute attribute;

		if (once)
			name[strlen(name) - 1] = '\0';
		column = column_of(relation, name);
		attribute = TupleDescAttr(desc, column - 1);
		old_value = heap_getattr(trigger->tg_trigtuple, column, desc, &old_null);
		new_value = heap_getattr(trigger->tg_newtuple, column, desc, &new_null);
		if (old_null && (once || new_null))
			continue;
		if (old_null || new_null ||
			!datum_image_eq(old_value, new_value, attribute->attbyval, attribute->attlen))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("column \"%s\" of table \"%s\" cannot be changed",
							name, RelationGetRelationName(relation)),
					 once ? errdetail("It is set once.") : errdetail("It is fixed when the row is made.")));
	}
	return PointerGetDatum(trigger->tg_newtuple);
}

PG_FUNCTION_INFO_V1(pm_guard_append_only);

Datum
pm_guard_append_only(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" is append-only",
					RelationGetRelationName(trigger->tg_relation)),
			 errdetail("Rows are neither changed nor deleted.")));
	return (Datum) 0;
}

/* ---- books ---- */

/*
 * A plan over a transition table belongs to one trigger: each has its own
 * statements, though some read alike.
 */
static PmArgs
register_new_rows(TriggerData *trigger)
{
	Tuplestorestate *rows = trigger->tg_newtable ? trigger->tg_newtable : trigger->tg_oldtable;
	PmArgs		args = {0};

	if (SPI_register_trigger_data(trigger) != SPI_OK_TD_REGISTER)
		elog(ERROR, "could not register the transition table");
	/* the kept plan is for few rows; many are worth a plan of their own */
	if (tuplestore_tuple_count(rows) >= BULK_NEW_ROWS)
		args.rows = PM_BULK_ROWS;
	return args;
}

/* Nodes whose load differs from the sum of their live allocations */
#define NODE_BOOKS(compare) \
	"SELECT t.pool_id, t.node_id, l.allocated, s.allocated, l.devices, s.devices" \
	" FROM (SELECT DISTINCT pool_id, node_id FROM new_rows) AS t" \
	" JOIN pool_manager.node_load l USING (pool_id, node_id)," \
	" LATERAL (SELECT coalesce(pool_manager.sum(a.allocated), '') AS allocated," \
	"   pool_manager.device_sum(a.devices, a.device_share) AS devices" \
	"  FROM pool_manager.allocation a" \
	"  WHERE a.pool_id = t.pool_id AND a.node_id = t.node_id AND a.released_at IS NULL) AS s" \
	" WHERE " compare " LIMIT 1"

/* device loads are as long as the node has devices, sums only as needed */
#define SUM_EQUALS \
	"NOT (s.allocated = l.allocated AND cardinality(s.devices) <= cardinality(l.devices)" \
	" AND 0 = ALL (pool_manager.device_subtract(l.devices, s.devices)))"
#define SUM_FITS \
	"NOT (s.allocated <@ l.allocated AND cardinality(s.devices) <= cardinality(l.devices)" \
	" AND 0 <= ALL (pool_manager.device_subtract(l.devices, s.devices)))"

/* Live runs that do not hold their replicas, ended ones that hold any */
#define RUN_BOOKS(compare) \
	"SELECT r.run_id FROM (SELECT DISTINCT pool_id, run_id FROM new_rows) AS t" \
	" JOIN pool_manager.job_run r USING (pool_id, run_id)," \
	" LATERAL (SELECT g.n, CASE WHEN r.ended_at IS NULL THEN g.replicas ELSE 0 END AS recorded," \
	"   (SELECT coalesce(sum(a.replicas), 0) FROM pool_manager.allocation a" \
	"    WHERE a.pool_id = r.pool_id AND a.run_id = r.run_id AND a.group_no = g.n AND a.released_at IS NULL) AS held" \
	"  FROM unnest(r.replicas) WITH ORDINALITY AS g(replicas, n)) AS g" \
	" WHERE " compare " LIMIT 1"

static void
refuse_node_books(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PM_BOOKS),
			 errmsg("load of node " INT64_FORMAT " would differ from its live allocations", pm_get_int64(0, 2)),
			 errdetail("Load \"%s\" with devices %s; allocations \"%s\" with devices %s.",
					   pm_get_text(0, 3), pm_get_text(0, 5), pm_get_text(0, 4), pm_get_text(0, 6)),
			 errhint("Change table allocation and table node_load in one statement.")));
}

static void
refuse_run_books(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PM_BOOKS),
			 errmsg("allocations of run " INT64_FORMAT " would differ from the replicas it holds", pm_get_int64(0, 1)),
			 errhint("Change table allocation and table job_run in one statement.")));
}

PG_FUNCTION_INFO_V1(pm_guard_books);

Datum
pm_guard_books(PG_FUNCTION_ARGS)
{
	static PmStatement insert_nodes = PM_STATEMENT("", NODE_BOOKS(SUM_FITS));
	static PmStatement insert_runs = PM_STATEMENT("", RUN_BOOKS("g.held > g.recorded"));
	static PmStatement change_nodes = PM_STATEMENT("", NODE_BOOKS(SUM_EQUALS));
	static PmStatement change_runs = PM_STATEMENT("", RUN_BOOKS("g.held <> g.recorded"));
	static PmStatement delete_nodes = PM_STATEMENT("", NODE_BOOKS(SUM_EQUALS));
	static PmStatement delete_runs = PM_STATEMENT("", RUN_BOOKS("g.held <> g.recorded"));
	static PmStatement load_nodes = PM_STATEMENT("", NODE_BOOKS(SUM_EQUALS));
	static PmStatement run_runs = PM_STATEMENT("", RUN_BOOKS("g.held <> g.recorded"));
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const char *table = RelationGetRelationName(trigger->tg_relation);
	PmStatement *nodes = NULL;
	PmStatement *runs = NULL;
	PmArgs		args;
	PmCall		call;

	if (strcmp(table, "node_load") == 0)
		nodes = &load_nodes;
	else if (strcmp(table, "job_run") == 0)
		runs = &run_runs;
	else if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
	{
		nodes = &insert_nodes;
		runs = &insert_runs;
	}
	else if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		nodes = &change_nodes;
		runs = &change_runs;
	}
	else
	{
		nodes = &delete_nodes;
		runs = &delete_runs;
	}

	pm_begin(&call, fcinfo);
	args = register_new_rows(trigger);
	if (nodes && pm_run(nodes, &args) > 0)
		refuse_node_books();
	if (runs && pm_run(runs, &args) > 0)
		refuse_run_books();
	pm_end(&call);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(pm_guard_usage);

Datum
pm_guard_usage(PG_FUNCTION_ARGS)
{
	static PmStatement gaps = PM_STATEMENT("",
										   "SELECT u.holding_id, u.slice_no FROM new_rows u WHERE u.slice_no > 1 AND NOT EXISTS ("
										   " SELECT FROM pool_manager.usage p WHERE p.tenant_id = u.tenant_id AND p.holding_id = u.holding_id"
										   "  AND p.slice_no = u.slice_no - 1 AND p.ended_at = u.started_at) LIMIT 1");
	static PmStatement edges = PM_STATEMENT("",
											"SELECT u.holding_id, u.slice_no FROM new_rows u, LATERAL ("
											" SELECT c.time_zone FROM pool_manager.contract c WHERE c.tenant_id = u.tenant_id"
											"  ORDER BY c.from_month <= (u.started_at AT TIME ZONE c.time_zone) DESC, c.from_month DESC LIMIT 1) AS c"
											" WHERE date_trunc('month', u.started_at AT TIME ZONE c.time_zone)"
											"  <> date_trunc('month', (u.ended_at - '1 second'::interval) AT TIME ZONE c.time_zone) LIMIT 1");
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	PmArgs		args;
	PmCall		call;

	pm_begin(&call, fcinfo);
	args = register_new_rows(trigger);
	if (pm_run(&gaps, &args) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_BOOKS),
				 errmsg("slice %d of holding " INT64_FORMAT " does not begin where the one before ended",
						pm_get_int32(0, 2), pm_get_int64(0, 1))));
	if (pm_run(&edges, &args) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_BOOKS),
				 errmsg("slice %d of holding " INT64_FORMAT " crosses the edge of a billing month",
						pm_get_int32(0, 2), pm_get_int64(0, 1)),
				 errdetail("Months are those of the contract's time zone.")));
	pm_end(&call);
	return (Datum) 0;
}
