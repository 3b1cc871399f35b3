/*-------------------------------------------------------------------------
 *
 * usage.h
 *	  Writing usage: slices of holdings, events of external meters, and what
 *	  corrects either; reading what it refers to.
 *
 * Instants that are int64 are seconds, see billing/calendar.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_USAGE_H
#define PM_USAGE_H

#include "utils/numeric.h"

#include "store/session.h"
#include "store/statement.h"

/* What was used, before it is cut into slices; ids of 0 and NULL: none */
typedef struct PmUsageRecord
{
	int64		usage_id;		/* of one that was read */
	int64		tenant_id;
	int64		sku_id;
	bool		once;			/* is the SKU? Then it cannot be cut */
	int64		quantity;		/* thousandths of a unit */
	int64		start;
	int64		end;
	int64		workspace_id;
	int64		pool_id;
	int64		job_id;
	int64		run_id;
	int64		node_id;
	int64		volume_id;
	int64		network_id;
	int64		holding_id;
	int32		slice_no;		/* of the slice before the first */
	int64		run_seconds;	/* of the run that ends with it; 0: none does */
	const char *source;
	const char *event_id;
	int64		corrects;
	const char *reason;
} PmUsageRecord;

/* What was recorded of an event */
typedef struct PmRecorded
{
	bool		now;			/* or it was before, with the same content */
	int			nids;
	int64	   *ids;			/* of its slices */
} PmRecorded;

/* Source of what replaces corrected usage */
#define PM_CORRECTION	"correction"

/* Rows of usage to be: slices, for pm_arg_rows() */
extern void pm_slice_usage(PmRows *rows, const PmUsageRecord *usage, int n);

/* Cuts usage into slices and writes them, to be rated; their ids, in order */
extern int	pm_append_usage(const PmUsageRecord *usage, int n, int64 **ids);

/*
 * The same for events, each of which is recorded once.  PM004: it was recorded
 * with other content; *current is the event at hand.
 */
extern PmRecorded *pm_record_usage(const PmUsageRecord *events, int n, int *current);

/* An event that says so */
extern void pm_note_corrected(PmCall *call, const PmUsageRecord *usage, const char *reason, TimestampTz instant);

/* ---- usage_read.c ---- */

/* An event as a caller tells of it; NULL: not given */
typedef struct PmUsageGiven
{
	char	   *tenant;			/* names, of a row of a query */
	char	   *sku;
	char	   *workspace;
	char	   *pool;
	Numeric		quantity;
	TimestampTz started_at;
	bool		has_end;
	TimestampTz ended_at;
	char	   *source;
	char	   *event_id;
	int64		job_id;
} PmUsageGiven;

/* The ids of what is named; 0: not named, or there is none of this name */
extern void pm_find_usage_names(const PmUsageGiven *given, PmUsageRecord *usage, int n);

/* Of what usage refers to by its ids */
typedef struct PmUsageFacts
{
	bool		once;			/* is the SKU priced so? */
	int64		pool_tenant_id; /* owner; 0 of a public pool, or of none */
	int64		job_pool_id;
	int64		job_tenant_id;	/* -1: there is no such job */
	int64		job_workspace_id;
} PmUsageFacts;

extern PmUsageFacts *pm_read_usage_facts(const PmUsageRecord *usage, int n);

/*
 * A row of usage, locked against being corrected twice; *corrected_by is what
 * corrects it, or 0.  NULL: there is none of this id.
 */
extern PmUsageRecord *pm_lock_usage(int64 usage_id, int64 *corrected_by);

/* Did anything take the place of usage that was taken back? */
extern bool pm_is_replaced(int64 usage_id);

/* ---- usage_query.c ---- */

/*
 * Runs the query of record_usages() with the rights of the current role: to be
 * called before pm_begin().  Returns how many events it tells of; palloc'd.
 */
extern int	pm_run_usage_query(const char *query, PmUsageGiven **given);

#endif							/* PM_USAGE_H */
