/*-------------------------------------------------------------------------
 *
 * row_query.h
 *	  Running queries that users hand in as text, each row of which tells of
 *	  one thing: columns by name, cast to what is needed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_ROW_QUERY_H
#define PM_ROW_QUERY_H

#include "postgres.h"

#include "access/tupdesc.h"

typedef struct PmQueryColumn
{
	const char *name;
	const char *type;
	const char *missing;		/* an SQL expression instead of a column that is
								 * not there; NULL: the query must have it */
	bool		not_null;		/* 22004 where it is */
} PmQueryColumn;

/* What a call expects of a query; the texts are parts of its errors */
typedef struct PmRowQuery
{
	const char *query;			/* "the query" */
	const char *call;			/* "submit_jobs" */
	const char *is;				/* detail: what a row is */
	const char *has_one;		/* detail: "A job has one of each." */
	const char *naming;			/* hint: how columns are named; NULL: it lists them */
	int			ncolumns;
	const PmQueryColumn *columns;
} PmRowQuery;

/* A row, cast; it lives until its callback returns */
typedef struct PmQueryRow
{
	uint64		number;			/* from 1 */
	TupleDesc	types;
	const int  *attributes;		/* of the query, 0: not there */
	const Datum *values;
	const bool *nulls;
} PmQueryRow;

typedef void (*PmQueryCallback) (const PmQueryRow *row, void *state);

/*
 * Runs a query with the rights of the current role: to be called before
 * pm_begin().  The callback is called for every row, in the current context
 * of the caller.  Errors in a row name it, and the column that cannot be cast
 * or must not be NULL.
 */
extern void pm_run_row_query(const PmRowQuery *kind, const char *query,
							 PmQueryCallback callback, void *state);

/* Has the query this column? */
extern bool pm_row_has(const PmQueryRow *row, int column);

/* Values of a row, copied into the current context; NULL: NULL or what is said */
extern char *pm_row_text(const PmQueryRow *row, int column);
extern void *pm_row_pointer(const PmQueryRow *row, int column);
extern int32 pm_row_int32(const PmQueryRow *row, int column, int32 missing);
extern bool pm_row_bool(const PmQueryRow *row, int column, bool missing);

#endif							/* PM_ROW_QUERY_H */
