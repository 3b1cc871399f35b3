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

#include "utils/jsonb.h"

#include "types/resource_list.h"

typedef enum PmValueType
{
	PM_VALUE_STRING,
	PM_VALUE_INTEGER,
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

/* Element i of an array that was checked */
extern JsonbContainer *pm_object_at(Jsonb *array, int i);

/* Values of its keys, palloc'd; what is missing reads as NULL or as is said */
extern char *pm_object_text(JsonbContainer *object, const char *key);
extern int32 pm_object_int32(JsonbContainer *object, const char *key, int32 missing);
extern PmResourceList *pm_object_resources(JsonbContainer *object, const char *key);
extern Jsonb *pm_object_json(JsonbContainer *object, const char *key);

#endif							/* PM_API_OBJECTS_H */
