/*-------------------------------------------------------------------------
 *
 * check.c
 *	  Checks of what was given to a call; see check.h.
 *
 * The tables have the same rules as constraints.  These come first because
 * they can say what is wrong and what to do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "pgtime.h"

#include "api/args.h"
#include "api/check.h"
#include "billing/calendar.h"
#include "types/quantity.h"

#define MAX_NAME_CHARACTERS		128
#define MAX_UNITS_A_NODE		1000000
#define MAX_LIMIT_DAYS			((int64) 100 * MONTHS_PER_YEAR * DAYS_PER_MONTH)
#define MAX_TAGS				20
#define MAX_DEVICES				1024

void
pm_invalid_argument(const char *name, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for argument \"%s\"", name),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/* ---- names ---- */

void
pm_check_name(const char *value, const char *name)
{
	int			len = strlen(value);
	pg_wchar   *characters = palloc(sizeof(pg_wchar) * (len + 1));
	int			count = pg_mb2wchar_with_len(value, characters, len);
	bool		control = false;

	/* as [[:cntrl:]] of the domain object_name has it, in every locale */
	for (int i = 0; i < count; i++)
		control |= characters[i] < 0x20 || (characters[i] >= 0x7f && characters[i] <= 0x9f);
	pfree(characters);
	if (count == 0 || count > MAX_NAME_CHARACTERS || control || value[0] == ' ' || value[len - 1] == ' ')
		pm_invalid_argument(name,
							"A name has 1 to 128 characters, none of them a control character and no blank at either end.",
							"Choose another name.");
}

char *
pm_name_arg(FunctionCallInfo fcinfo, int n, const char *name)
{
	char	   *value;

	pm_not_null(fcinfo, n, name);
	value = pm_text_arg(fcinfo, n);
	pm_check_name(value, name);
	return value;
}

void
pm_check_request_id(const char *value)
{
	int			len = strlen(value);

	if (len == 0 || pg_mbstrlen_with_len(value, len) > MAX_NAME_CHARACTERS)
		pm_invalid_argument("request_id", "It must have 1 to 128 characters.", "A UUID is a good one.");
}

/* ---- labels and taints ---- */

static bool
is_object_of_strings(JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_VALUE && value.type != jbvString)
			return false;
	}
	return true;
}

void
pm_check_labels(Jsonb *labels, const char *name)
{
	if (!JB_ROOT_IS_OBJECT(labels) || !is_object_of_strings(&labels->root))
		pm_invalid_argument(name, "It must be an object of strings.",
							"Write it like {\"zone\": \"a\"}.");
}

void
pm_check_tags(Jsonb *tags)
{
	static const char *const reserved[] = {"CCE-", "__type_baremetal"};
	JsonbIterator *it;
	JsonbValue	key;
	JsonbIteratorToken token;

	pm_check_labels(tags, "tags");
	if (JB_ROOT_COUNT(tags) > MAX_TAGS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many tags"),
				 errdetail("There may be %d, all in all.", MAX_TAGS),
				 errhint("Give fewer.")));
	it = JsonbIteratorInit(&tags->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		if (key.val.string.len == 0)
			pm_invalid_argument("tags", "A tag has a key that is not empty.", "Write it like {\"team\": \"vision\"}.");
		for (int i = 0; i < (int) lengthof(reserved); i++)
		{
			int			len = strlen(reserved[i]);

			if (key.val.string.len >= len && memcmp(key.val.string.val, reserved[i], len) == 0)
				pm_invalid_argument("tags", "Keys that begin with CCE- or __type_baremetal are the provider's.",
									"Choose another key.");
		}
	}
}

void
pm_check_taints(Jsonb *taints, const char *name, bool toleration)
{
	bool		valid = JB_ROOT_IS_ARRAY(taints) && !JB_ROOT_IS_SCALAR(taints);

	for (int i = 0; valid && i < (int) JB_ROOT_COUNT(taints); i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(&taints->root, i);
		JsonbContainer *object = item->val.binary.data;

		valid = item->type == jbvBinary && JsonContainerIsObject(object) &&
			is_object_of_strings(object) &&
			(toleration || getKeyJsonValueFromContainer(object, "key", 3, NULL) != NULL);
	}
	if (!valid)
		pm_invalid_argument(name,
							toleration ? "It must be an array of objects of strings." :
							"It must be an array of objects of strings, each with a \"key\".",
							"Write it like [{\"key\": \"gpu\", \"value\": \"reserved\"}].");
}

/* ---- durations ---- */

/* least: the shortest there may be, in microseconds */
static Interval *
exact_interval(const Interval *given, const char *argument, int64 least, const char *detail, const char *hint)
{
	Interval   *exact = palloc0(sizeof(Interval));
	int128		time = given->time;

	time += ((int128) given->month * DAYS_PER_MONTH + given->day) * USECS_PER_DAY;
	if (time < least || time > MAX_LIMIT_DAYS * USECS_PER_DAY)
		pm_invalid_argument(argument, detail, hint);
	exact->time = (int64) time;
	return exact;
}

Interval *
pm_exact_interval(const Interval *given, const char *argument)
{
	return exact_interval(given, argument, 1, "It must be longer than 0 seconds and at most 100 years.",
						  "Leave out the argument for the default.");
}

Interval *
pm_exact_or_none(const Interval *given, const char *argument)
{
	return exact_interval(given, argument, 0, "It must be 0 seconds to 100 years.", "With 0 there is none.");
}

/* ---- flavors ---- */

void
pm_check_flavor(PmResourceList *resources, const char *accelerator)
{
	int64		devices;

	if (resources->count == 0)
		pm_invalid_argument("resources", "A flavor has resources.",
							"Write them like cpu=8,memory=64Gi,nvidia.com/gpu=1.");
	for (uint32 i = 0; i < resources->count; i++)
	{
		if (pm_resource_entry(resources, i).value < 0)
			pm_invalid_argument("resources", "No resource of a flavor is negative.",
								"Leave out what the flavor does not have.");
	}
	if (accelerator == NULL)
		return;
	devices = pm_resource_get(resources, accelerator, strlen(accelerator));
	if (pm_quantity_in_bytes(accelerator, strlen(accelerator)) || devices < 1000 || devices > MAX_DEVICES * 1000 || devices % 1000 != 0)
		pm_invalid_argument("accelerator",
							"It must name a resource of the flavor, of which there are 1 to 1024 whole devices.",
							"Leave out the argument if the flavor has no such resource.");
}

/* How much of a resource one unit of a SKU is */
void
pm_check_resource_unit(PmResourceList *unit, PmResourceList *resources)
{
	PmResource	resource;
	int64		has;

	if (unit->count != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the unit of a resource SKU must name one resource, not %u", unit->count),
				 errdetail("It is how much of the resource one unit of the SKU is."),
				 errhint("For memory billed by the GiB write \"memory=1Gi\".")));
	resource = pm_resource_entry(unit, 0);
	if (resource.value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the unit of a resource SKU must not be negative"),
				 errdetail("It is how much of the resource one unit of the SKU is."),
				 errhint("For memory billed by the GiB write \"memory=1Gi\".")));
	/* counters are 64 bits of thousandths of a unit-second: room for a month of many nodes */
	has = pm_resource_get(resources, resource.name, resource.name_len);
	if (has / resource.value > MAX_UNITS_A_NODE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the unit of a resource SKU is too small"),
				 errdetail("A node of the flavor would be more than %d units of it.", MAX_UNITS_A_NODE),
				 errhint("Bill by a larger unit, memory by the GiB: \"memory=1Gi\".")));
}

/* ---- contracts ---- */

void
pm_check_time_zone(const char *name)
{
	pg_tzenum  *zones;
	pg_tz	   *zone;
	bool		listed = false;

	(void) pm_time_zone(name);
	zones = pg_tzenumerate_start();
	while (!listed && (zone = pg_tzenumerate_next(zones)) != NULL)
		listed = pg_strcasecmp(pg_get_timezone_name(zone), name) == 0;
	pg_tzenumerate_end(zones);
	if (!listed || pg_strcasecmp(name, "localtime") == 0 || pg_strcasecmp(name, "posixrules") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" is not a name", name),
				 errdetail("It must be the full name of a zone, such as Asia/Shanghai; an offset is not clear about its sign."),
				 errhint("pg_timezone_names lists the names.")));
}
