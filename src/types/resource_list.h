/*-------------------------------------------------------------------------
 *
 * resource_list.h
 *	  The type resource_list: what a node has, a job asks for, a quota allows.
 *
 * A value is a varlena of named exact integers.  The unit of an entry follows
 * from its name: whole bytes for memory, storage, ephemeral-storage and
 * hugepages-*; thousandths for everything else.  Entries are sorted by name,
 * bytewise; zero entries are not stored, so equal values are bitwise equal.
 *
 * Layout: the fixed header, then count values, then count ends of names
 * (offset of the byte behind name i, from the start of the name area), then
 * the names, not terminated.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_RESOURCE_LIST_H
#define PM_RESOURCE_LIST_H

#include "fmgr.h"
#include "nodes/nodes.h"
#include "utils/numeric.h"

#include "types/quantity.h"

/* Most entries a list can have; names are at most PM_RESOURCE_NAME_MAX bytes */
#define PM_RESOURCE_LIST_MAX	65535

typedef struct PmResourceList
{
	int32		vl_len_;		/* varlena header, do not touch directly */
	uint32		count;			/* number of entries; high half reserved, 0 */
	int64		values[FLEXIBLE_ARRAY_MEMBER];
} PmResourceList;

/* One entry as the rest of the extension sees it; name is not terminated */
typedef struct PmResource
{
	const char *name;
	int			name_len;
	int64		value;
} PmResource;

#define DatumGetResourceListP(d)	((PmResourceList *) PG_DETOAST_DATUM(d))
#define PG_GETARG_RESOURCE_LIST_P(n)	DatumGetResourceListP(PG_GETARG_DATUM(n))
#define ResourceListPGetDatum(p)	PointerGetDatum(p)
#define PG_RETURN_RESOURCE_LIST_P(p)	PG_RETURN_POINTER(p)

/* Reading.  What is returned points into the list. */
extern PmResource pm_resource_entry(const PmResourceList *list, int i);
extern int64 pm_resource_get(const PmResourceList *list,
							 const char *name, int name_len);	/* 0 if absent */

/*
 * Building.  Entries in any order; a repeated name is an error (22023), as is
 * a name that is none (22P02) or more than PM_RESOURCE_LIST_MAX entries
 * (54000); a zero value is dropped.  The result is palloc'd in the current
 * context.  The soft form returns NULL if it has reported to escontext.
 */
extern PmResourceList *pm_resource_list_make(const PmResource *entries, int n);
extern PmResourceList *pm_resource_list_make_soft(const PmResource *entries, int n,
												  Node *escontext);

/* list * factor and a + b, overflow-checked (22003) */
extern PmResourceList *pm_resource_list_scale(const PmResourceList *list, int64 factor);
extern PmResourceList *pm_resource_list_add(const PmResourceList *a, const PmResourceList *b);
extern PmResourceList *pm_resource_list_subtract(const PmResourceList *a, const PmResourceList *b);

/* The greater and the lesser of each entry; an absent one is 0 */
extern PmResourceList *pm_resource_list_max(const PmResourceList *a, const PmResourceList *b);
extern PmResourceList *pm_resource_list_min(const PmResourceList *a, const PmResourceList *b);

/* a @> b: does b fit into a, entry by entry? */
extern bool pm_resource_list_contains(const PmResourceList *a, const PmResourceList *b);
extern bool pm_resource_list_equal(const PmResourceList *a, const PmResourceList *b);

/* Total order: the first name (bytewise) whose quantities differ decides */
extern int	pm_resource_list_compare(const PmResourceList *a, const PmResourceList *b);

/* Units */
extern bool pm_resource_in_bytes(const char *name, int name_len);
extern char *pm_resource_quantity_text(const char *name, int name_len, int64 value);	/* "64Gi", "0.46" */
extern Numeric pm_resource_quantity_numeric(const char *name, int name_len, int64 value);	/* bytes, or units */
extern char *pm_resource_list_text(const PmResourceList *list);

/* Input and cast from jsonb, to be called directly */
extern PGDLLEXPORT Datum pm_rl_in(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum pm_rl_from_jsonb(PG_FUNCTION_ARGS);

/* For the other files of this type; the soft forms return false if reported */
extern bool pm_resource_name_check(const char *name, int name_len, Node *escontext);
extern char *pm_resource_clip(const char *text, size_t len);
extern int	pm_resource_name_compare(const char *a, int a_len, const char *b, int b_len);
extern PmResourceList *pm_resource_list_pack(const PmResource *sorted, int n);
extern bool pm_resource_parse(const char *name, size_t name_len,
							  const char *text, size_t text_len,
							  int64 *value, Node *escontext);
extern void pm_resource_overflow(const char *name, int name_len);	/* throws */

#endif							/* PM_RESOURCE_LIST_H */
