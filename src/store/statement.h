/*-------------------------------------------------------------------------
 *
 * statement.h
 *	  Statements of the store: prepared once a backend, run with typed
 *	  arguments, read by column number.
 *
 * A statement is a static PmStatement.  Its plan is made at the first run and
 * kept; it is generic, so that an array of any length is joined by index.  A
 * batch of PM_BULK_ROWS or more is planned for its size instead.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_STATEMENT_H
#define PM_STATEMENT_H

#include "postgres.h"

#include "executor/spi.h"

#include "types/resource_list.h"

#define PM_MAX_ARGS		40
#define PM_BULK_ROWS	5000

typedef struct PmStatement
{
	const char *types;			/* of the arguments, separated by semicolons */
	const char *sql;
	SPIPlanPtr	plan;
	bool		planned;		/* has it run since it was prepared? */
	bool		writes;			/* or locks rows */
	Oid			extension;		/* the installation it was prepared in */
	int			nargs;
	Oid			argtypes[PM_MAX_ARGS];
} PmStatement;

#define PM_STATEMENT(types, sql) {(types), (sql), NULL, false, false, InvalidOid, 0, {0}}

/*
 * Is an allocation live?  For those of a run: a plain IS NULL would bring in
 * the index of live allocations by node, which looks small, and is scanned
 * whole, as long as the table has no statistics.
 */
#define PM_HELD(a) "coalesce(" a ".released_at, 'infinity') = 'infinity'"

/* Arguments, in order.  Pointers must live until the run. */
typedef struct PmArgs
{
	int			count;
	int			rows;			/* length of the longest array */
	Datum		values[PM_MAX_ARGS];
	char		nulls[PM_MAX_ARGS + 1];
} PmArgs;

extern void pm_arg(PmArgs *args, Datum value, bool isnull);
extern void pm_arg_int64(PmArgs *args, int64 value);
extern void pm_arg_id(PmArgs *args, int64 id);	/* 0: NULL */
extern void pm_arg_int32(PmArgs *args, int32 value);
extern void pm_arg_bool(PmArgs *args, bool value);
extern void pm_arg_text(PmArgs *args, const char *value);	/* NULL: NULL */
extern void pm_arg_time(PmArgs *args, TimestampTz value);
extern void pm_arg_int64_array(PmArgs *args, const int64 *values, int n);
extern void pm_arg_array(PmArgs *args, Datum *values, bool *nulls, int n,
						 Oid type, int16 typlen, bool byval, char align);

/*
 * Rows of a table's row type, for unnest().  Columns by position: the table's.
 */
typedef struct PmRows
{
	TupleDesc	desc;
	int			count;
	int			size;
	Datum	   *rows;
} PmRows;

extern void pm_rows_begin(PmRows *rows, const char *table);
extern void pm_rows_add(PmRows *rows, Datum *values, bool *nulls);
extern void pm_arg_rows(PmArgs *args, PmRows *rows);
extern void pm_rows_end(PmRows *rows);

/*
 * Runs; returns the number of rows, which are in SPI_tuptable.  In a call that
 * is STABLE it sees what the calling query sees; otherwise every run takes a
 * fresh snapshot.
 */
extern uint64 pm_run(PmStatement *statement, PmArgs *args);
/* A statement that reads, run before: now it sees what has been committed since the transaction's snapshot */
extern uint64 pm_run_latest(PmStatement *statement, PmArgs *args);

/* One call a row, nothing kept; values live until the callback returns */
typedef void (*PmRowCallback) (Datum *values, bool *nulls, void *state);
extern void pm_scan(PmStatement *statement, PmArgs *args,
					PmRowCallback callback, void *state);

/* The same, planned anew for these arguments: for one tenant by index, for all
 * by reading the table.  Only the first ncolumns of values and nulls are there. */
extern void pm_scan_planned(PmStatement *statement, PmArgs *args, int ncolumns,
							PmRowCallback callback, void *state);

/* Reading the last result; columns count from 1.  NULL: 0, false, NULL */
extern Datum pm_get(uint64 row, int column, bool *isnull);
extern bool pm_is_null(uint64 row, int column);
extern int64 pm_get_int64(uint64 row, int column);
extern int32 pm_get_int32(uint64 row, int column);
extern bool pm_get_bool(uint64 row, int column);
extern TimestampTz pm_get_time(uint64 row, int column);
extern char *pm_get_text(uint64 row, int column);	/* palloc'd */
/* The elements of a text array, palloc'd; NULL: none */
extern int	pm_get_texts(uint64 row, int column, char ***texts);
/* The same of an int8 array */
extern int	pm_get_int64s(uint64 row, int column, int64 **values);
/* Microseconds of an interval that has neither days nor months; PG_INT64_MAX for NULL */
extern int64 pm_get_length(uint64 row, int column);
extern int64 pm_length(Datum interval, bool isnull);

/* Ids from a sequence of the extension, in order */
extern int64 pm_next_id(const char *sequence);

#endif							/* PM_STATEMENT_H */
