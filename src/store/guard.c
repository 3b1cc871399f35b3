/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Triggers by which the tables defend themselves.  They only refuse.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/spi.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "errors.h"
#include "store/archive.h"
#include "store/guard.h"
#include "store/session.h"

#define BULK_NEW_ROWS 200

TriggerData *
pm_trigger_of(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("guards can only be called as triggers"),
				 errdetail("They look at the rows of the trigger's table."),
				 errhint("There is no need to call one: triggers do.")));
	return (TriggerData *) fcinfo->context;
}

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
	{"node_state", "deleting", " abnormal "},
	{"network_state", "creating", " active abnormal "},
	{"network_state", "active", " abnormal "},
	{"network_state", "abnormal", " active "},
	{"job_type_state", "enabling", " enabled enable_failed "},
	{"job_type_state", "enabled", " disabling "},
	{"job_type_state", "enable_failed", " enabling disabling "},
	{"job_type_state", "disabling", " disabled enabled "},
	{"job_type_state", "disabled", " enabling "},
	{"job_state", "held", " queued waiting stopped "},
	{"job_state", "waiting", " queued held stopped "},
	{"job_state", "queued", " held waiting stopped "},
	{"job_state", "stopped", " queued waiting "},
	{"job_state", "starting", " running stopping stopped failed cancelled timed_out "},
	{"job_state", "running", " stopping stopped completed failed cancelled timed_out "},
	{"job_state", "stopping", " stopped completed failed cancelled timed_out "},
	{"period_state", "open", " closing "},
	{"period_state", "closing", " closed "},
	{"tenant_state", "active", " grace frozen "},
	{"tenant_state", "grace", " active frozen "},
	{"tenant_state", "frozen", " active grace "},
	{"peering_state", "connecting", " active abnormal "},
	{"peering_state", "active", " abnormal "},
	{"peering_state", "abnormal", " connecting active "},
	{"file_system_state", "creating", " active abnormal deleting "},
	{"file_system_state", "active", " abnormal deleting "},
	{"file_system_state", "abnormal", " creating active deleting "},
	{"file_system_state", "deleting", " abnormal "},
	{"order_phase", "pending", " processing failed "},
	{"order_phase", "processing", " succeeded partially_succeeded failed "},
	{"task_state", "pending", " waiting cancelled "},
	{"task_state", "waiting", " running succeeded failed cancelled "},
	{"task_state", "running", " succeeded failed "},
	{"maintenance_state", "inquiring", " scheduled cancelled "},
	{"maintenance_state", "scheduled", " executing cancelled "},
	{"maintenance_state", "executing", " completed failed "},
	{"driver_state", "running", " pending abnormal "},
	{"driver_state", "pending", " updating running "},
	{"driver_state", "updating", " running abnormal "},
	{"driver_state", "abnormal", " pending updating running "},
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
	TriggerData *trigger = pm_trigger_of(fcinfo);
	Relation	relation = trigger->tg_relation;
	int			column = column_of(relation, trigger->tg_trigger->tgargs[0]);
	char	   *from = SPI_getvalue(trigger->tg_trigtuple, RelationGetDescr(relation), column);
	char	   *to = SPI_getvalue(trigger->tg_newtuple, RelationGetDescr(relation), column);
	char	   *type = SPI_gettype(RelationGetDescr(relation), column);

	if (!may_follow(type, from, to))
		ereport(ERROR,
				(errcode(ERRCODE_PM_WRONG_STATE),
				 errmsg("%s cannot go from %s to %s", RelationGetRelationName(relation), from, to),
				 errdetail("No transition leads from one state to the other."),
				 errhint("The documentation has the states and what may follow each.")));
	return PointerGetDatum(trigger->tg_newtuple);
}

/* ---- columns that stay ---- */

PG_FUNCTION_INFO_V1(pm_guard_unchanged);

Datum
pm_guard_unchanged(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = pm_trigger_of(fcinfo);
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
					 once ? errdetail("It is set once.") : errdetail("It is fixed when the row is made."),
					 errhint("Make a new one with the functions of the extension.")));
	}
	return PointerGetDatum(trigger->tg_newtuple);
}

PG_FUNCTION_INFO_V1(pm_guard_forward);

Datum
pm_guard_forward(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = pm_trigger_of(fcinfo);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("column \"%s\" of table \"%s\" cannot go back",
					trigger->tg_trigger->tgargs[0], RelationGetRelationName(trigger->tg_relation)),
			 errdetail("What came before it has been acted upon."),
			 errhint("Leave it as it is, or put it forward.")));
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(pm_guard_append_only);

Datum
pm_guard_append_only(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = pm_trigger_of(fcinfo);

	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" cannot be truncated",
						RelationGetRelationName(trigger->tg_relation)),
				 errdetail("Other tables are kept in step with it, or it is history."),
				 errhint("DROP EXTENSION and CREATE EXTENSION begin anew.")));
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event) && pm_deletes_archived())
		return (Datum) 0;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" is append-only",
					RelationGetRelationName(trigger->tg_relation)),
			 errdetail("Rows are neither changed nor deleted."),
			 errhint("What is wrong is corrected by further rows.")));
	return (Datum) 0;
}

/* ---- books ---- */

PmArgs
pm_register_new_rows(TriggerData *trigger)
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

/*
 * Live runs that do not hold their replicas, ended ones that hold any, and
 * allocations to another tenant than the run's.  Not WHERE released_at IS NULL:
 * without statistics that would choose the index of live allocations, and read
 * all of the pool's for each run.
 */
#define RUN_BOOKS(touched, compare) \
	"SELECT r.run_id, t.tenant_id <> r.tenant_id FROM (" touched ") AS t" \
	" JOIN pool_manager.job_run r USING (pool_id, run_id)," \
	" LATERAL (SELECT g.n, CASE WHEN r.ended_at IS NULL THEN g.replicas ELSE 0 END AS recorded," \
	"   (SELECT coalesce(sum(a.replicas) FILTER (WHERE a.released_at IS NULL), 0) FROM pool_manager.allocation a" \
	"    WHERE a.pool_id = r.pool_id AND a.run_id = r.run_id AND a.group_no = g.n) AS held" \
	"  FROM unnest(r.replicas) WITH ORDINALITY AS g(replicas, n)) AS g" \
	" WHERE " compare " OR t.tenant_id <> r.tenant_id LIMIT 1"
#define RUNS_TOUCHED "SELECT DISTINCT pool_id, run_id, tenant_id FROM new_rows"
#define RUNS_PLACED \
	"SELECT pool_id, run_id, tenant_id, max(group_no) AS last_group FROM new_rows GROUP BY pool_id, run_id, tenant_id"

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
	if (pm_get_bool(0, 2))
		ereport(ERROR,
				(errcode(ERRCODE_PM_BOOKS),
				 errmsg("run " INT64_FORMAT " is not of the tenant of its allocations", pm_get_int64(0, 1)),
				 errdetail("An allocation is its run's, and the run its job's."),
				 errhint("Write the tenant of the run into table allocation.")));
	ereport(ERROR,
			(errcode(ERRCODE_PM_BOOKS),
			 errmsg("allocations of run " INT64_FORMAT " would differ from the replicas it holds", pm_get_int64(0, 1)),
			 errdetail("A live run holds its replicas of each task group, one that has ended none."),
			 errhint("Change table allocation and table job_run in one statement.")));
}

PG_FUNCTION_INFO_V1(pm_guard_books);

Datum
pm_guard_books(PG_FUNCTION_ARGS)
{
	static PmStatement insert_nodes = PM_STATEMENT("", NODE_BOOKS(SUM_FITS));
	static PmStatement insert_runs = PM_STATEMENT("", RUN_BOOKS(RUNS_PLACED,
															 "g.held > g.recorded OR t.last_group > cardinality(r.replicas)"));
	static PmStatement change_nodes = PM_STATEMENT("", NODE_BOOKS(SUM_EQUALS));
	static PmStatement change_runs = PM_STATEMENT("", RUN_BOOKS(RUNS_TOUCHED, "g.held <> g.recorded"));
	static PmStatement delete_nodes = PM_STATEMENT("", NODE_BOOKS(SUM_EQUALS));
	static PmStatement delete_runs = PM_STATEMENT("", RUN_BOOKS(RUNS_TOUCHED, "g.held <> g.recorded"));
	static PmStatement load_nodes = PM_STATEMENT("", NODE_BOOKS(SUM_EQUALS));
	static PmStatement run_runs = PM_STATEMENT("", RUN_BOOKS(RUNS_TOUCHED, "g.held <> g.recorded"));
	TriggerData *trigger = pm_trigger_of(fcinfo);
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
	args = pm_register_new_rows(trigger);
	if (nodes && pm_run(nodes, &args) > 0)
		refuse_node_books();
	if (runs && pm_run(runs, &args) > 0)
		refuse_run_books();
	pm_end(&call);
	return (Datum) 0;
}

/* ---- jobs and what refers to them ---- */

/* Rows of the queue that contradict their job */
#define JOB_QUEUE_ROWS \
	"SELECT 'job ' || t.job_id, CASE WHEN p.deleted_at IS NOT NULL THEN 'its pool is deleted'" \
	"  WHEN j.end_state IS NOT NULL THEN 'it has ended'" \
	"  WHEN r.run_id IS NOT NULL THEN 'it has a run'" \
	"  WHEN t.priority <> 1 AND j.pool_kind = 'public' THEN 'its pool is public and has no priorities'" \
	"  ELSE 'its tenant, workspace, sub-pool or shape is another' END" \
	" FROM new_rows t JOIN pool_manager.job j USING (pool_id, job_id) JOIN pool_manager.pool p USING (pool_id)" \
	" LEFT JOIN pool_manager.job_run r ON r.pool_id = t.pool_id AND r.job_id = t.job_id AND r.ended_at IS NULL" \
	" WHERE p.deleted_at IS NOT NULL OR j.end_state IS NOT NULL OR r.run_id IS NOT NULL OR (t.priority <> 1 AND j.pool_kind = 'public')" \
	"  OR t.tenant_id <> j.tenant_id OR t.sub_pool_id <> j.sub_pool_id OR t.shape_id <> j.shape_id OR t.workspace_id <> j.workspace_id LIMIT 1"

/*
 * A job waits, or runs, or has ended: never two of them.  Rows that repeat
 * what its row says, or say who pays for it, must agree with it.  What has not
 * been loaded yet from a dump is not missed.  What is held is not forgotten: a
 * run ends, and its holding goes after it.  Nodes of a frozen tenant are kept
 * without being billed, what is stored on them is not.
 */
PG_FUNCTION_INFO_V1(pm_guard_job);

Datum
pm_guard_job(PG_FUNCTION_ARGS)
{
	static PmStatement ended = PM_STATEMENT("",
											"SELECT 'job ' || t.job_id, CASE WHEN q.job_id IS NOT NULL THEN 'it waits' ELSE 'it has a run' END"
											" FROM new_rows t LEFT JOIN pool_manager.job_queue q USING (pool_id, job_id)"
											" LEFT JOIN pool_manager.job_run r ON r.pool_id = t.pool_id AND r.job_id = t.job_id AND r.ended_at IS NULL"
											" WHERE t.end_state IS NOT NULL AND (q.job_id IS NOT NULL OR r.run_id IS NOT NULL) LIMIT 1");
	static PmStatement queued = PM_STATEMENT("", JOB_QUEUE_ROWS);
	static PmStatement requeued = PM_STATEMENT("", JOB_QUEUE_ROWS);
	static PmStatement placed = PM_STATEMENT("",
											 "SELECT 'job ' || t.job_id, CASE WHEN t.tenant_id <> j.tenant_id THEN 'its tenant is another'"
											 "  WHEN q.job_id IS NOT NULL THEN 'it waits' ELSE 'it has ended' END"
											 " FROM new_rows t JOIN pool_manager.job j USING (pool_id, job_id)"
											 " LEFT JOIN pool_manager.job_queue q USING (pool_id, job_id)"
											 " WHERE t.tenant_id <> j.tenant_id"
											 "  OR (t.ended_at IS NULL AND (q.job_id IS NOT NULL OR j.end_state IS NOT NULL)) LIMIT 1");
	static PmStatement held = PM_STATEMENT("",
										   "SELECT coalesce('job ' || t.job_id, 'node ' || t.node_id), CASE WHEN n.node_id IS NOT NULL THEN 'the node is another tenant''s'"
										   "  ELSE 'the run is of another job or tenant' END"
										   " FROM new_rows t LEFT JOIN pool_manager.job_run r ON r.pool_id = t.pool_id AND r.run_id = t.run_id"
										   " LEFT JOIN pool_manager.node n ON n.pool_id = t.pool_id AND n.node_id = t.node_id"
										   " WHERE t.tenant_id <> r.tenant_id OR t.job_id <> r.job_id OR t.tenant_id <> n.tenant_id LIMIT 1");
	static PmStatement stored = PM_STATEMENT("",
											 "SELECT 'job ' || t.job_id, 'its tenant is another' FROM new_rows t"
											 " JOIN pool_manager.job j USING (pool_id, job_id) WHERE t.tenant_id <> j.tenant_id LIMIT 1");
	static PmStatement depends = PM_STATEMENT("",
											  "SELECT 'job ' || t.job_id, 'it would depend on a job of another tenant' FROM new_rows t"
											  " JOIN pool_manager.job j USING (pool_id, job_id)"
											  " JOIN pool_manager.job o ON o.pool_id = t.pool_id AND o.job_id = t.depends_on"
											  " WHERE t.tenant_id <> j.tenant_id OR t.tenant_id <> o.tenant_id LIMIT 1");
	/* one that has left all nodes of a flavor has nothing more of its SKUs; in a dedicated pool it has addresses */
	static PmStatement forgotten = PM_STATEMENT("",
												"SELECT coalesce('job ' || t.job_id, 'node ' || t.node_id), CASE WHEN n.node_id IS NOT NULL THEN 'the node is still in service'"
												"  WHEN v.volume_id IS NOT NULL THEN 'the volume is still there' ELSE 'the run has not ended' END"
												" FROM new_rows t LEFT JOIN pool_manager.job_run r ON r.pool_id = t.pool_id AND r.run_id = t.run_id"
												" LEFT JOIN pool_manager.node n ON n.pool_id = t.pool_id AND n.node_id = t.node_id"
												" LEFT JOIN pool_manager.volume v ON v.tenant_id = t.tenant_id AND v.volume_id = t.volume_id AND v.deleted_at IS NULL"
												" WHERE (r.run_id IS NOT NULL AND r.ended_at IS NULL AND NOT EXISTS (SELECT FROM pool_manager.holding h"
												"   WHERE h.pool_id = t.pool_id AND h.run_id = t.run_id AND h.sku_id = t.sku_id)"
												"   AND (EXISTS (SELECT FROM pool_manager.network_address x"
												"     WHERE x.pool_id = t.pool_id AND x.run_id = t.run_id AND x.sku_id = t.sku_id)"
												"    OR EXISTS (SELECT FROM pool_manager.pool p WHERE p.pool_id = t.pool_id AND p.kind = 'public')"
												"   AND NOT EXISTS (SELECT FROM pool_manager.allocation a JOIN pool_manager.node b USING (pool_id, node_id)"
												"    WHERE a.pool_id = t.pool_id AND a.run_id = t.run_id AND a.released_at IS NOT NULL"
												"     AND b.flavor_id NOT IN (SELECT m.flavor_id FROM pool_manager.allocation l JOIN pool_manager.node m USING (pool_id, node_id)"
												"      WHERE l.pool_id = t.pool_id AND l.run_id = t.run_id AND " PM_HELD("l") "))))"
												"  OR (n.node_id IS NOT NULL AND n.state <> 'deleting' AND NOT EXISTS (SELECT FROM pool_manager.holding h"
												"   WHERE h.pool_id = t.pool_id AND h.node_id = t.node_id AND h.sku_id = t.sku_id)"
												"   AND NOT EXISTS (SELECT FROM pool_manager.tenant o, pool_manager.flavor f WHERE o.tenant_id = t.tenant_id"
												"    AND o.state = 'frozen' AND f.flavor_id = n.flavor_id AND f.sku_id = t.sku_id AND t.quantity = 1000))"
												"  OR (v.volume_id IS NOT NULL AND NOT EXISTS (SELECT FROM pool_manager.holding h"
												"   WHERE h.tenant_id = t.tenant_id AND h.volume_id = t.volume_id)) LIMIT 1");
	TriggerData *trigger = pm_trigger_of(fcinfo);
	const char *table = RelationGetRelationName(trigger->tg_relation);
	PmStatement *statement = &ended;
	PmArgs		args;
	PmCall		call;

	if (strcmp(table, "job_queue") == 0)
		statement = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? &queued : &requeued;
	else if (strcmp(table, "job_run") == 0)
		statement = &placed;
	else if (strcmp(table, "job_dependency") == 0)
		statement = &depends;
	else if (strcmp(table, "volume") == 0)
		statement = &stored;
	else if (strcmp(table, "holding") == 0)
		statement = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? &held : &forgotten;

	pm_begin(&call, fcinfo);
	args = pm_register_new_rows(trigger);
	if (pm_run(statement, &args) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_BOOKS),
				 errmsg("table %s would contradict %s: %s",
						table, pm_get_text(0, 1), pm_get_text(0, 2)),
				 errdetail("A job waits, runs or has ended, for one tenant, and what it holds is billed."),
				 errhint("Use the functions of the extension, which change these tables together.")));
	pm_end(&call);
	return (Datum) 0;
}

/* What is given back holds nothing, and nothing of it is billed */
PG_FUNCTION_INFO_V1(pm_guard_node);

Datum
pm_guard_node(PG_FUNCTION_ARGS)
{
	static PmStatement deleted = PM_STATEMENT("",
											  "SELECT t.node_id, CASE WHEN a.node_id IS NOT NULL THEN 'replicas are on it' ELSE 'it is billed' END"
											  " FROM new_rows t LEFT JOIN LATERAL (SELECT a.node_id FROM pool_manager.allocation a"
											  "  WHERE a.node_id = t.node_id AND a.pool_id = t.pool_id AND a.released_at IS NULL LIMIT 1) AS a ON true"
											  " LEFT JOIN LATERAL (SELECT h.node_id FROM pool_manager.holding h"
											  "  WHERE h.pool_id = t.pool_id AND h.node_id = t.node_id LIMIT 1) AS h ON true"
											  " WHERE t.deleted_at IS NOT NULL AND (a.node_id IS NOT NULL OR h.node_id IS NOT NULL) LIMIT 1");
	TriggerData *trigger = pm_trigger_of(fcinfo);
	PmArgs		args;
	PmCall		call;

	pm_begin(&call, fcinfo);
	args = pm_register_new_rows(trigger);
	if (pm_run(&deleted, &args) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_BOOKS),
				 errmsg("node " INT64_FORMAT " cannot be deleted: %s", pm_get_int64(0, 1), pm_get_text(0, 2)),
				 errdetail("What is given back holds nothing, and nothing of it is held."),
				 errhint("Use delete_nodes(), which ends both first.")));
	pm_end(&call);
	return (Datum) 0;
}
