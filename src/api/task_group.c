/*-------------------------------------------------------------------------
 *
 * task_group.c
 *	  What a job asks for: its task groups, checked, with their flavors
 *	  looked up, and the digest by which jobs share a shape.
 *
 * A job has one group, given by arguments of its own, or those of the argument
 * task_groups.  Errors name the argument, of several groups the group too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"

#include "api/check.h"
#include "api/objects.h"
#include "api/submit.h"
#include "errors.h"

#define MAX_GROUPS		16

static const PmObjectKey group_keys[] = {
	{"name", PM_VALUE_STRING}, {"flavor", PM_VALUE_STRING}, {"request", PM_VALUE_RESOURCES},
	{"replicas", PM_VALUE_INTEGER}, {"min_replicas", PM_VALUE_INTEGER},
	{"node_selector", PM_VALUE_ANY}, {"tolerations", PM_VALUE_ANY},
	{"group_level", PM_VALUE_STRING}, {"group_size", PM_VALUE_INTEGER},
	{"spread_level", PM_VALUE_STRING}, {"max_per_domain", PM_VALUE_INTEGER}
};

static const PmObjectForm group_form = {
	"task_groups", "task group", MAX_GROUPS,
	"[{\"name\": \"leader\", \"flavor\": \"small\"}, {\"name\": \"workers\", \"flavor\": \"large\", \"replicas\": 4}]",
	"{\"name\": \"workers\", \"flavor\": \"large\", \"replicas\": 4}",
	lengthof(group_keys), group_keys
};

/* ---- what was given ---- */

/* The argument that says something of the one group there would be; NULL: none does */
static const char *
argument_of_one_group(const PmJobSpec *job)
{
	if (job->flavor)
		return "flavor";
	if (job->request)
		return "request";
	if (job->replicas != 1)
		return "replicas";
	if (job->min_replicas != 1)
		return "min_replicas";
	if (JB_ROOT_COUNT(job->node_selector) > 0)
		return "node_selector";
	if (JB_ROOT_COUNT(job->tolerations) > 0)
		return "tolerations";
	if (job->group_level)
		return "group_level";
	if (job->group_size != 0)
		return "group_size";
	if (job->spread_level)
		return "spread_level";
	if (job->max_per_domain != 0)
		return "max_per_domain";
	return NULL;
}

static void
read_groups(PmJobSpec *job)
{
	const char *also = argument_of_one_group(job);

	job->ngroups = pm_check_objects(job->task_groups, &group_form);
	if (also)
		pm_invalid_argument("task_groups",
							psprintf("What the job asks for is given twice, by the argument \"%s\" too.", also),
							psprintf("Say it in the objects of \"task_groups\", and leave out \"%s\".", also));
	job->groups = palloc0(sizeof(PmGroupSpec) * job->ngroups);
	for (int g = 0; g < job->ngroups; g++)
	{
		PmObject	object = pm_object_at(job->task_groups, &group_form, g);
		PmGroupSpec *group = &job->groups[g];

		group->name = pm_object_text(&object, "name");
		group->flavor = pm_object_text(&object, "flavor");
		group->request = pm_object_resources(&object, "request");
		group->replicas = pm_object_int32(&object, "replicas", 1);
		group->min_replicas = pm_object_int32(&object, "min_replicas", group->replicas);
		/* without them, those of the arguments, which are empty */
		group->node_selector = pm_object_json(&object, "node_selector", job->node_selector);
		group->tolerations = pm_object_json(&object, "tolerations", job->tolerations);
		group->group_level = pm_object_text(&object, "group_level");
		group->group_size = pm_object_int32(&object, "group_size", 0);
		group->spread_level = pm_object_text(&object, "spread_level");
		group->max_per_domain = pm_object_int32(&object, "max_per_domain", 0);
	}
}

static void
set_one_group(PmJobSpec *job)
{
	job->ngroups = 1;
	job->groups = &job->one;
	job->one.name = NULL;
	job->one.flavor = job->flavor;
	job->one.request = job->request;
	job->one.replicas = job->replicas;
	job->one.min_replicas = job->min_replicas;
	job->one.node_selector = job->node_selector;
	job->one.tolerations = job->tolerations;
	job->one.group_level = job->group_level;
	job->one.group_size = job->group_size;
	job->one.spread_level = job->spread_level;
	job->one.max_per_domain = job->max_per_domain;
}

/* ---- checks ---- */

void
pm_invalid_group(const PmJobSpec *job, int g, const char *key, const char *detail, const char *hint)
{
	if (job->task_groups == NULL)
		pm_invalid_argument(key, detail, hint);
	pm_invalid_argument("task_groups", psprintf("\"%s\" of task group %d: %s", key, g + 1, detail), hint);
}

static void
check_group_name(const PmJobSpec *job, int g)
{
	const char *name = job->groups[g].name;

	if (name == NULL)
		return;
	pm_check_name(name, psprintf("name of task group %d", g + 1));
	for (int before = 0; before < g; before++)
	{
		if (job->groups[before].name && strcmp(job->groups[before].name, name) == 0)
			pm_invalid_group(job, g, "name", psprintf("Task group %d has the same.", before + 1),
					"Choose another name, or leave it out.");
	}
}

static void
check_group(const PmJobSpec *job, int g)
{
	const PmGroupSpec *group = &job->groups[g];
	bool		several = job->task_groups != NULL;

	if ((group->flavor == NULL) == (group->request == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 several ? errmsg("task group %d of job \"%s\" must have either a flavor or a request", g + 1, job->name) :
				 errmsg("job \"%s\" must have either a flavor or a request", job->name),
				 group->flavor ? errdetail("It has both.") : errdetail("It has neither."),
				 several ? errhint("Give it one of the keys \"flavor\" and \"request\".") :
				 errhint("Give one of the arguments \"flavor\" and \"request\", or \"task_groups\".")));
	if (group->replicas < 1)
		pm_invalid_group(job, g, "replicas", "It must be 1 or more.", "Leave it out for one replica.");
	if (group->min_replicas < 1 || group->min_replicas > group->replicas)
		pm_invalid_group(job, g, "min_replicas", "It must be between 1 and \"replicas\".",
				"Leave it out if all replicas must start together.");
	check_group_name(job, g);
	pm_check_labels(group->node_selector, several ? psprintf("node_selector of task group %d", g + 1) : "node_selector");
	pm_check_taints(group->tolerations, several ? psprintf("tolerations of task group %d", g + 1) : "tolerations", true);
}

void
pm_check_groups(PmJobSpec *job)
{
	int64		replicas = 0;

	if (job->task_groups)
		read_groups(job);
	else
		set_one_group(job);
	for (int g = 0; g < job->ngroups; g++)
	{
		check_group(job, g);
		replicas += job->groups[g].replicas;
	}
	if (replicas > PG_INT32_MAX)
		pm_invalid_argument("task_groups", "The task groups together have more than 2147483647 replicas.",
							"Ask for fewer.");
}

static void
check_request(const PmJobSpec *job, int g)
{
	PmResourceList *request = job->groups[g].request;

	if (request->count == 0)
		pm_invalid_group(job, g, "request", "It must ask for something.",
				"Write it like cpu=8,memory=64Gi,nvidia.com/gpu=1.");
	for (uint32 i = 0; i < request->count; i++)
	{
		PmResource	resource = pm_resource_entry(request, i);

		if (resource.value < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 job->task_groups == NULL ? errmsg("request of job \"%s\" is negative", job->name) :
					 errmsg("request of task group %d of job \"%s\" is negative", g + 1, job->name),
					 errdetail("It asks for %s of \"%.*s\".",
							   pm_resource_quantity_text(resource.name, resource.name_len, resource.value),
							   resource.name_len, resource.name),
					 errhint("Leave out what the job does not need.")));
	}
}

/* ---- flavors ---- */

static PmFlavor *
seen_flavor(PmFlavorsSeen *seen, const char *name)
{
	for (int i = seen->count - 1; i >= 0; i--)
	{
		if (strcmp(seen->flavors[i]->name, name) == 0)
			return seen->flavors[i];
	}
	if (seen->count == seen->size)
	{
		seen->size = Max(8, seen->size * 2);
		seen->flavors = seen->flavors ?
			repalloc(seen->flavors, sizeof(PmFlavor *) * seen->size) :
			palloc(sizeof(PmFlavor *) * seen->size);
	}
	return seen->flavors[seen->count++] = pm_find_flavor(name);
}

/* What a flavor allows a job in a public pool, whichever groups have it */
static void
check_public_flavor(const PmJobSpec *job, int g, const PmFlavor *flavor)
{
	int64		replicas = 0;

	for (int other = 0; other <= g; other++)
	{
		if (job->groups[other].flavor_id == flavor->flavor_id)
			replicas += job->groups[other].replicas;
	}
	if (flavor->max_replicas != 0 && replicas > flavor->max_replicas)
		pm_invalid_group(job, g, "replicas",
				psprintf("In a public pool a job has at most %d replicas of flavor \"%s\".",
						 flavor->max_replicas, flavor->name),
				"Ask for fewer, or use another flavor.");
	if (flavor->sku_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("flavor \"%s\" has no SKU", flavor->name),
				 errdetail("A job with a flavor is billed as its SKU in a public pool."),
				 errhint("Use a flavor with a SKU, or a bare request.")));
}

/* ---- digest ---- */

static void
digest_part(pg_cryptohash_ctx *hash, const char *text)
{
	uint32		len = strlen(text);

	if (pg_cryptohash_update(hash, (const uint8 *) &len, sizeof(len)) < 0 ||
		pg_cryptohash_update(hash, (const uint8 *) text, len) < 0)
		elog(ERROR, "could not compute a digest");
}

static char *
json_text(Jsonb *json)
{
	return JsonbToCString(NULL, &json->root, VARSIZE(json));
}

/*
 * What makes the shape.  The digest is stored, so it is taken from forms that
 * do not depend on the machine: canonical text.
 */
static void
digest_groups(PmJobSpec *job)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		elog(ERROR, "could not compute a digest");
	for (int g = 0; g < job->ngroups; g++)
	{
		const PmGroupSpec *group = &job->groups[g];

		digest_part(hash, psprintf(INT64_FORMAT ",%d,%d", group->flavor_id, group->replicas, group->min_replicas));
		digest_part(hash, pm_resource_list_text(group->request));
		digest_part(hash, json_text(group->node_selector));
		digest_part(hash, json_text(group->tolerations));
		digest_part(hash, group->name ? group->name : "");
		digest_part(hash, psprintf("%d,%d", group->group_size, group->max_per_domain));
		digest_part(hash, group->group_level ? group->group_level : "");
		digest_part(hash, group->spread_level ? group->spread_level : "");
	}
	digest_part(hash, job->affinity_level ? job->affinity_level : "");
	digest_part(hash, job->affinity_level && job->affinity_required ? "required" : "");
	if (pg_cryptohash_final(hash, job->digest, sizeof(job->digest)) < 0)
		elog(ERROR, "could not compute a digest");
	pg_cryptohash_free(hash);
}

void
pm_resolve_groups(PmSubmission *submission, PmJobSpec *job, PmFlavorsSeen *seen)
{
	for (int g = 0; g < job->ngroups; g++)
	{
		PmGroupSpec *group = &job->groups[g];
		PmFlavor   *flavor;

		if (group->flavor == NULL)
		{
			check_request(job, g);
			continue;
		}
		flavor = seen_flavor(seen, group->flavor);
		group->request = flavor->resources;
		group->flavor_id = flavor->flavor_id;
		if (!submission->pool->dedicated)
			check_public_flavor(job, g, flavor);
	}
	digest_groups(job);
}
