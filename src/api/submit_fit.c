/*-------------------------------------------------------------------------
 *
 * submit_fit.c
 *	  Could a job ever be held: by a node of the pool, by its sub-pool?
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "api/submit.h"
#include "errors.h"

#define MAX_NAMES_SHOWN		10

/* ---- nodes ---- */

static bool
accelerator_fits(const PmFlavor *flavor, PmResource resource)
{
	return flavor->accelerator == NULL ||
		(int) strlen(flavor->accelerator) != resource.name_len ||
		memcmp(flavor->accelerator, resource.name, resource.name_len) != 0 ||
		resource.value < 1000 || resource.value % 1000 == 0;
}

static bool
flavor_holds(const PmFlavor *flavor, PmResourceList *request)
{
	if (!pm_resource_list_contains(flavor->resources, request))
		return false;
	for (uint32 i = 0; i < request->count; i++)
	{
		if (!accelerator_fits(flavor, pm_resource_entry(request, i)))
			return false;
	}
	return true;
}

/* A replica of what, for errors */
static char *
replica_of(const PmJobSpec *job, int g)
{
	if (job->ngroups == 1)
		return psprintf("job \"%s\"", job->name);
	return psprintf("task group %d of job \"%s\"", g + 1, job->name);
}

/* Names the dimension, what was asked and the most there is */
static void
refuse_request(PmSubmission *submission, const PmJobSpec *job, int g)
{
	PmResourceList *request = job->groups[g].request;
	const char *pool = submission->pool->name;

	if (submission->nflavors == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NEVER_FITS),
				 errmsg("pool \"%s\" has no nodes", pool),
				 errdetail("A pool takes only what one of its nodes could hold."),
				 errhint("Nodes are added with add_nodes().")));
	for (uint32 i = 0; i < request->count; i++)
	{
		PmResource	resource = pm_resource_entry(request, i);
		int64		most = 0;
		bool		divisible = false;

		for (int f = 0; f < submission->nflavors; f++)
		{
			int64		has = pm_resource_get(submission->flavors[f].resources, resource.name, resource.name_len);

			most = Max(most, has);
			if (has >= resource.value && accelerator_fits(&submission->flavors[f], resource))
				divisible = true;
		}
		if (resource.value > most)
			ereport(ERROR,
					(errcode(ERRCODE_PM_NEVER_FITS),
					 errmsg("no node of pool \"%s\" can hold a replica of %s", pool, replica_of(job, g)),
					 errdetail("It asks for %s of \"%.*s\"; the largest node has %s.",
							   pm_resource_quantity_text(resource.name, resource.name_len, resource.value),
							   resource.name_len, resource.name,
							   pm_resource_quantity_text(resource.name, resource.name_len, most)),
					 errhint("Ask for less a replica, or for more replicas.")));
		if (!divisible)
			ereport(ERROR,
					(errcode(ERRCODE_PM_NEVER_FITS),
					 errmsg("no node of pool \"%s\" can hold a replica of %s", pool, replica_of(job, g)),
					 errdetail("It asks for %s of \"%.*s\", which is given out as a part of one device or as whole devices.",
							   pm_resource_quantity_text(resource.name, resource.name_len, resource.value),
							   resource.name_len, resource.name),
					 errhint("Ask for less than 1, or for a whole number.")));
	}
	ereport(ERROR,
			(errcode(ERRCODE_PM_NEVER_FITS),
			 errmsg("no node of pool \"%s\" can hold a replica of %s", pool, replica_of(job, g)),
			 errdetail("It asks for \"%s\"; each of these fits on some node, but no node has all of them.",
					   pm_resource_list_text(request)),
			 errhint("Ask for less a replica, or for more replicas.")));
}

void
pm_check_fit(PmSubmission *submission, PmJobSpec *job)
{
	pm_read_pool_flavors(submission);
	for (int g = 0; g < job->ngroups; g++)
	{
		bool		fits = false;

		for (int f = 0; f < submission->nflavors && !fits; f++)
			fits = flavor_holds(&submission->flavors[f], job->groups[g].request);
		if (!fits)
			refuse_request(submission, job, g);
	}
}

/* ---- sub-pools ---- */

/* "a", "b" and so on, for people: those that take jobs; not all of very many */
static char *
sub_pool_names(PmSubmission *submission)
{
	StringInfoData names;
	int			shown = 0;

	initStringInfo(&names);
	for (int i = 0; i < submission->nsub_pools; i++)
	{
		if (submission->sub_pools[i].divided)
			continue;
		if (shown == MAX_NAMES_SHOWN)
		{
			appendStringInfoString(&names, ", ...");
			break;
		}
		appendStringInfo(&names, "%s\"%s\"", shown++ == 0 ? "" : ", ", submission->sub_pools[i].name);
	}
	return names.data;
}

static const PmSubPool *
find_sub_pool(PmSubmission *submission, PmJobSpec *job)
{
	for (int i = 0; i < submission->nsub_pools; i++)
	{
		const PmSubPool *sub_pool = &submission->sub_pools[i];

		if (job->sub_pool ? strcmp(sub_pool->name, job->sub_pool) == 0 :
			sub_pool->sub_pool_id == job->asked_sub_pool_id)
			return sub_pool;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 job->sub_pool ? errmsg("sub-pool \"%s\" does not exist", job->sub_pool) :
			 errmsg("sub-pool " INT64_FORMAT " does not exist", job->asked_sub_pool_id),
			 submission->nsub_pools == 0 ? errdetail("Pool \"%s\" is not divided.", submission->pool->name) :
			 errdetail("Pool \"%s\" has %s.", submission->pool->name, sub_pool_names(submission)),
			 errhint("Table \"sub_pool\" shows them.")));
}

/* What must start together of a resource, of all task groups; saturated */
static int64
needed_together(const PmJobSpec *job, PmResource resource)
{
	int128		needed = 0;

	for (int g = 0; g < job->ngroups; g++)
		needed += (int128) pm_resource_get(job->groups[g].request, resource.name, resource.name_len) *
			job->groups[g].min_replicas;
	return needed > PG_INT64_MAX ? PG_INT64_MAX : (int64) needed;
}

/* What the sub-pool's own quotas never allow, whatever ends */
static void
check_reach(const PmSubPool *sub_pool, PmJobSpec *job, int g)
{
	const PmGroupSpec *group = &job->groups[g];

	for (uint32 i = 0; i < group->request->count; i++)
	{
		PmResource	resource = pm_resource_entry(group->request, i);
		int64		reach = pm_resource_get(sub_pool->reach, resource.name, resource.name_len);
		int64		needed = needed_together(job, resource);

		if (needed <= reach)
			continue;
		if (reach == 0)
			ereport(ERROR,
					(errcode(ERRCODE_PM_NEVER_FITS),
					 errmsg("sub-pool \"%s\" does not offer \"%.*s\", which job \"%s\" asks for",
							sub_pool->name, resource.name_len, resource.name, job->name),
					 errdetail("A resource that its quotas do not list is not offered."),
					 errhint("Name another sub-pool, or leave the resource out of the request.")));
		ereport(ERROR,
				(errcode(ERRCODE_PM_NEVER_FITS),
				 errmsg("job \"%s\" asks for more than sub-pool \"%s\" may ever hold", job->name, sub_pool->name),
				 job->ngroups > 1 ?
				 errdetail("Replicas of its task groups that must start together need %s of \"%.*s\"; its quotas allow %s.",
						   pm_resource_quantity_text(resource.name, resource.name_len, needed),
						   resource.name_len, resource.name,
						   pm_resource_quantity_text(resource.name, resource.name_len, reach)) :
				 errdetail("%d of its replicas must start together, with %s of \"%.*s\" each; its quotas allow %s.",
						   group->min_replicas,
						   pm_resource_quantity_text(resource.name, resource.name_len, resource.value),
						   resource.name_len, resource.name,
						   pm_resource_quantity_text(resource.name, resource.name_len, reach)),
				 errhint("Ask for less, or name another sub-pool.")));
	}
}

void
pm_resolve_sub_pool(PmSubmission *submission, PmJobSpec *job)
{
	const PmSubPool *sub_pool;

	pm_read_sub_pools(submission);
	if (job->sub_pool == NULL && job->asked_sub_pool_id == 0 && submission->nsub_pools == 0)
	{
		job->sub_pool_id = pm_default_sub_pool(submission);
		return;
	}
	if (job->sub_pool == NULL && job->asked_sub_pool_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("job \"%s\" must name a sub-pool", job->name),
				 errdetail("Pool \"%s\" is divided into %s.", submission->pool->name, sub_pool_names(submission)),
				 errhint("Name one of them with the argument \"sub_pool\".")));
	sub_pool = find_sub_pool(submission, job);
	if (sub_pool->divided)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sub-pool \"%s\" takes no jobs", sub_pool->name),
				 errdetail("It has parts, and these do; pool \"%s\" has %s.", submission->pool->name, sub_pool_names(submission)),
				 errhint("Name one of them with the argument \"sub_pool\".")));
	if (strcmp(job->kind, "notebook") == 0 && !sub_pool->fixed)
		ereport(ERROR,
				(errcode(ERRCODE_PM_NOT_OFFERED),
				 errmsg("sub-pool \"%s\" does not take notebooks", sub_pool->name),
				 errdetail("Notebooks are for sub-pools whose guaranteed and upper quota are the same."),
				 errhint("Name another sub-pool, or ask the owner of the pool to make its quotas equal.")));
	for (int g = 0; g < job->ngroups; g++)
		check_reach(sub_pool, job, g);
	job->sub_pool_id = sub_pool->sub_pool_id;
}
