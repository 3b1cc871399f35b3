/*-------------------------------------------------------------------------
 *
 * objects.c
 *	  Arguments that are arrays of objects; see objects.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "api/check.h"
#include "api/objects.h"

/* ---- checking ---- */

/* Index of the key in the form; -1: it means nothing */
static int
find_key(const PmObjectForm *form, const JsonbValue *key)
{
	for (int i = 0; i < form->nkeys; i++)
	{
		if ((int) strlen(form->keys[i].name) == key->val.string.len &&
			memcmp(form->keys[i].name, key->val.string.val, key->val.string.len) == 0)
			return i;
	}
	return -1;
}

static bool
is_integer(const JsonbValue *value)
{
	bool		failed = false;
	int32		number;

	if (value->type != jbvNumeric)
		return false;
	number = numeric_int4_opt_error(value->val.numeric, &failed);
	return !failed && DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(value->val.numeric),
													   NumericGetDatum(int64_to_numeric(number))));
}

/* What the value must be; NULL: it is that */
static const char *
wanted_value(PmValueType wanted, const JsonbValue *value)
{
	if (value->type == jbvNull)
		return NULL;
	switch (wanted)
	{
		case PM_VALUE_STRING:
			return value->type == jbvString ? NULL : "a string";
		case PM_VALUE_INTEGER:
			return is_integer(value) ? NULL : "an integer";
		case PM_VALUE_NUMBER:
			return value->type == jbvNumeric ? NULL : "a number";
		case PM_VALUE_BOOLEAN:
			return value->type == jbvBool ? NULL : "true or false";
		case PM_VALUE_RESOURCES:
			return value->type == jbvString ||
				(value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data)) ? NULL : "a string or an object";
		case PM_VALUE_ANY:
			break;
	}
	return NULL;
}

static void
check_object(JsonbContainer *object, const PmObjectForm *form, int number)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	value;
	JsonbIteratorToken token;
	int			key = -1;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		const char *wanted = token == WJB_VALUE ? wanted_value(form->keys[key].type, &value) : NULL;

		if (wanted)
			pm_invalid_argument(form->argument,
								psprintf("\"%s\" of %s %d must be %s.", form->keys[key].name, form->noun, number, wanted),
								"Values are like the arguments of submit_job.");
		if (token == WJB_KEY)
			key = find_key(form, &value);
		if (token == WJB_KEY && key < 0)
			pm_invalid_argument(form->argument,
								psprintf("The key \"%.*s\" of %s %d means nothing.",
										 value.val.string.len, value.val.string.val, form->noun, number),
								"Keys are named like the arguments of submit_job.");
	}
}

int
pm_check_objects(Jsonb *array, const PmObjectForm *form)
{
	int			n = JB_ROOT_IS_ARRAY(array) && !JB_ROOT_IS_SCALAR(array) ? (int) JB_ROOT_COUNT(array) : 0;

	if (n == 0 || n > form->most)
		pm_invalid_argument(form->argument,
							psprintf("It must be an array of 1 to %d objects, one a %s.", form->most, form->noun),
							psprintf("Write it like %s.", form->array_example));
	for (int i = 0; i < n; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&array->root, i);

		if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
			pm_invalid_argument(form->argument, psprintf("Element %d is not an object.", i + 1),
								psprintf("Write it like %s.", form->example));
		check_object(element->val.binary.data, form, i + 1);
	}
	return n;
}

/* ---- reading ---- */

PmObject
pm_object_at(Jsonb *array, const PmObjectForm *form, int i)
{
	PmObject	object = {form, i + 1, getIthJsonbValueFromContainer(&array->root, i)->val.binary.data};

	return object;
}

/* NULL: it is missing, or null */
static JsonbValue *
value_of(const PmObject *object, const char *key)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object->container, key, strlen(key), NULL);

	return value == NULL || value->type == jbvNull ? NULL : value;
}

typedef struct Place
{
	const PmObject *object;
	const char *key;
} Place;

static void
error_place(void *arg)
{
	Place	   *place = arg;

	errcontext("\"%s\" of %s %d", place->key, place->object->form->noun, place->object->number);
}

/* A value by the functions that read its type; only resources are more than text */
static Datum
read_value(const PmObject *object, const char *key, const JsonbValue *value, PGFunction from_text, PGFunction from_json)
{
	Place		place = {object, key};
	ErrorContextCallback where = {error_context_stack, error_place, &place};
	Datum		result;

	error_context_stack = &where;
	if (value->type == jbvString)
		result = DirectFunctionCall3(from_text, CStringGetDatum(pnstrdup(value->val.string.val, value->val.string.len)),
									 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	else
		result = DirectFunctionCall1(from_json, JsonbPGetDatum(JsonbValueToJsonb((JsonbValue *) value)));
	error_context_stack = where.previous;
	return result;
}

char *
pm_object_text(const PmObject *object, const char *key)
{
	JsonbValue *value = value_of(object, key);

	return value ? pnstrdup(value->val.string.val, value->val.string.len) : NULL;
}

int32
pm_object_int32(const PmObject *object, const char *key, int32 missing)
{
	JsonbValue *value = value_of(object, key);

	return value ? DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(value->val.numeric))) : missing;
}

Numeric
pm_object_numeric(const PmObject *object, const char *key)
{
	JsonbValue *value = value_of(object, key);

	return value ? value->val.numeric : NULL;
}

bool
pm_object_bool(const PmObject *object, const char *key, bool missing)
{
	JsonbValue *value = value_of(object, key);

	return value ? value->val.boolean : missing;
}

PmResourceList *
pm_object_resources(const PmObject *object, const char *key)
{
	JsonbValue *value = value_of(object, key);

	return value ? DatumGetResourceListP(read_value(object, key, value, pm_rl_in, pm_rl_from_jsonb)) : NULL;
}

Interval *
pm_object_interval(const PmObject *object, const char *key)
{
	JsonbValue *value = value_of(object, key);

	return value ? DatumGetIntervalP(read_value(object, key, value, interval_in, NULL)) : NULL;
}

TimestampTz
pm_object_time(const PmObject *object, const char *key, TimestampTz missing)
{
	JsonbValue *value = value_of(object, key);

	return value ? DatumGetTimestampTz(read_value(object, key, value, timestamptz_in, NULL)) : missing;
}

Jsonb *
pm_object_json(const PmObject *object, const char *key, Jsonb *missing)
{
	JsonbValue *value = value_of(object, key);

	return value ? JsonbValueToJsonb(value) : missing;
}
