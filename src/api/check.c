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
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "api/check.h"
#include "types/quantity.h"

#define MAX_NAME_CHARACTERS		128
#define MAX_LIMIT_YEARS			100
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
	bool		control = false;

	for (int i = 0; i < len; i++)
		control |= (unsigned char) value[i] < ' ' || value[i] == '\177';
	if (len == 0 || control || value[0] == ' ' || value[len - 1] == ' ' ||
		pg_mbstrlen_with_len(value, len) > MAX_NAME_CHARACTERS)
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

void
pm_check_time_limit(const Interval *limit, const char *name)
{
	Interval	none = {0};
	Interval	most = {0};

	most.month = MAX_LIMIT_YEARS * MONTHS_PER_YEAR;
	if (DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(limit),
										  IntervalPGetDatum(&none))) <= 0 ||
		DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(limit),
										  IntervalPGetDatum(&most))) > 0)
		pm_invalid_argument(name, "It must be longer than 0 seconds and at most 100 years.",
							"Leave out the argument for the default.");
}

/* ---- networks ---- */

void
pm_check_private(Datum cidr, const char *name)
{
	static const char *const ranges[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"};

	for (int i = 0; i < (int) lengthof(ranges); i++)
	{
		Datum		range = DirectFunctionCall1(cidr_in, CStringGetDatum(ranges[i]));

		if (DatumGetBool(DirectFunctionCall2(network_subeq, cidr, range)))
			return;
	}
	pm_invalid_argument(name,
						"It must lie in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or fc00::/7.",
						"Choose a range for private use.");
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
