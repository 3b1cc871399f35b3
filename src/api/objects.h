/*-------------------------------------------------------------------------
 *
 * objects.h
 *	  Arguments that are arrays of objects, whose keys are named like
 *	  arguments: phases of a workflow, task groups of a job.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PM_API_OBJECTS_H
#define PM_API_OBJECTS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/jsonb.h"

#include "types/resource_list.h"

typedef enum PmValueType
{
	PM_VALUE_STRING,
	PM_VALUE_INTEGER,
	PM_VALUE_NUMBER,
	PM_VALUE_BOOLEAN,
	PM_VALUE_RESOURCES,			/* text or object of a resource_list */
	PM_VALUE_ANY				/* checked like the argument it is */
} PmValueType;

typedef struct PmObjectKey
{
	const char *name;
	PmValueType type;
} PmObjectKey;

typedef struct PmObjectForm
{
	const char *argument;
	const char *noun;			/* what an element is, for errors */
	int			most;			/* elements */
	const char *array_example;
	const char *example;
	int			nkeys;
	const PmObjectKey *keys;
} PmObjectForm;

/*
 * 22023 unless it is an array of 1 to so many objects without unknown keys and
 * values of other types, where null is as good as a missing key.  Returns how
 * many there are.
 */
extern int	pm_check_objects(Jsonb *array, const PmObjectForm *form);

/* An element of an array that was checked */
typedef struct PmObject
{
	const PmObjectForm *form;
	int			number;			/* from 1 */
	JsonbContainer *container;
} PmObject;

extern PmObject pm_object_at(Jsonb *array, const PmObjectForm *form, int i);

/*
 * Values of its keys, palloc'd; what is missing reads as NULL or as is said.
 * Text that is no such value is refused as its type refuses it; the error's
 * context says where it is.
 */
extern char *pm_object_text(const PmObject *object, const char *key);
extern int32 pm_object_int32(const PmObject *object, const char *key, int32 missing);
extern Numeric pm_object_numeric(const PmObject *object, const char *key);
extern bool pm_object_bool(const PmObject *object, const char *key, bool missing);
extern PmResourceList *pm_object_resources(const PmObject *object, const char *key);
extern Interval *pm_object_interval(const PmObject *object, const char *key);
extern TimestampTz pm_object_time(const PmObject *object, const char *key, TimestampTz missing);
extern Jsonb *pm_object_json(const PmObject *object, const char *key, Jsonb *missing);

#endif							/* PM_API_OBJECTS_H */
