/*-------------------------------------------------------------------------
 *
 * check.h
 *	  Checks of what was given to a call, before anything is read or written.
 *	  Those that fail say so with 22023.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_API_CHECK_H
#define PM_API_CHECK_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/jsonb.h"

#include "types/resource_list.h"

/* 22023 naming the argument; detail and hint are sentences */
extern void pm_invalid_argument(const char *name, const char *detail, const char *hint) pg_attribute_noreturn();

/* A text argument that names a thing; 22004 if it is NULL */
extern char *pm_name_arg(FunctionCallInfo fcinfo, int n, const char *name);
extern void pm_check_name(const char *value, const char *name);

extern void pm_check_request_id(const char *value);

/* An object of strings */
extern void pm_check_labels(Jsonb *labels, const char *name);

/* Tags of a job; 54000: too many */
extern void pm_check_tags(Jsonb *tags);

/* An array of objects of strings; only a toleration may leave out the key */
extern void pm_check_taints(Jsonb *taints, const char *name, bool toleration);

/*
 * A duration in exact time, palloc'd: a day is 24 hours, a month 30 days.
 * Longer than nothing, and not so long that no clock reaches its end.
 */
extern Interval *pm_exact_interval(const Interval *given, const char *argument);
/* The same, or none at all: 0 */
extern Interval *pm_exact_or_none(const Interval *given, const char *argument);

/* A time zone by a name that means the same everywhere */
extern void pm_check_time_zone(const char *name);

/* What a flavor consists of */
extern void pm_check_flavor(PmResourceList *resources, const char *accelerator);
/* resources: those of the flavor */
extern void pm_check_resource_unit(PmResourceList *unit, PmResourceList *resources);

#endif							/* PM_API_CHECK_H */
