/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  The only place that knows server versions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_COMPAT_H
#define PM_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "pool_manager requires PostgreSQL 15 or newer"
#endif

/* 16: varlena macros moved out of postgres.h */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16: soft errors; before, input functions can only throw */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#define PM_SOFT_ERRORS 1
#else
#define ereturn(context, value, ...) \
	do { (void) (context); ereport(ERROR, __VA_ARGS__); return value; } while (0)
#define SOFT_ERROR_OCCURRED(context) ((void) (context), false)
#endif

/* 16: memory that GUC hooks hand back comes from guc_malloc */
#if PG_VERSION_NUM >= 160000
#define pm_guc_malloc(size) guc_malloc(LOG, (size))
#define pm_guc_free(p) guc_free(p)
#else
#define pm_guc_malloc(size) malloc(size)
#define pm_guc_free(p) free(p)
#endif

/* 16: parseTypeString takes an error context */
#if PG_VERSION_NUM >= 160000
#define pm_parse_type(text, type, typmod) ((void) parseTypeString((text), (type), (typmod), NULL))
#else
#define pm_parse_type(text, type, typmod) parseTypeString((text), (type), (typmod), false)
#endif

/* 16: DecodeDateTime takes one argument more */
#if PG_VERSION_NUM >= 160000
#define pm_decode_datetime(field, ftype, nf, dtype, tm, fsec, tz) \
	DecodeDateTime((field), (ftype), (nf), (dtype), (tm), (fsec), (tz), &(DateTimeErrorExtra) {0})
#else
#define pm_decode_datetime(field, ftype, nf, dtype, tm, fsec, tz) \
	DecodeDateTime((field), (ftype), (nf), (dtype), (tm), (fsec), (tz))
#endif

/* 18: the magic block names the module */
#if PG_VERSION_NUM >= 180000
#define PM_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "pool_manager")
#else
#define PM_MODULE_MAGIC PG_MODULE_MAGIC
#endif

#endif							/* PM_COMPAT_H */
