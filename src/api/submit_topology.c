/*-------------------------------------------------------------------------
 *
 * submit_topology.c
 *	  Rules of topology of a job that is submitted: affinity, groups, spread.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "api/check.h"
#include "api/submit.h"
#include "store/topology.h"

/* ---- what can be said without the pool ---- */

static void
check_sizes(const PmJobSpec *job, int g)
{
	const PmGroupSpec *group = &job->groups[g];

	if (group->group_size < 0)
		pm_invalid_group(job, g, "group_size", "It must be 1 or more.", "Leave it out for no groups.");
	if (group->max_per_domain < 0)
		pm_invalid_group(job, g, "max_per_domain", "It must be 1 or more.", "Leave it out for any number.");
	if (group->group_level && group->group_size == 0)
		pm_invalid_group(job, g, "group_level", "It is the level of groups, whose size is not given.",
						 "Give \"group_size\" too.");
	if (group->group_size > 0 && group->group_level == NULL)
		pm_invalid_group(job, g, "group_size", "The level at which groups stay together is not given.",
						 "Give \"group_level\" too.");
	if (group->group_size > 0 && group->replicas % group->group_size != 0)
		pm_invalid_group(job, g, "replicas", psprintf("It is no multiple of \"group_size\", %d.", group->group_size),
						 "Ask for whole groups.");
	if (group->group_size > 0 && group->min_replicas % group->group_size != 0)
		pm_invalid_group(job, g, "min_replicas", psprintf("It is no multiple of \"group_size\", %d.", group->group_size),
						 "Ask for whole groups.");
	if (group->max_per_domain > 0 && group->spread_level == NULL)
		pm_invalid_group(job, g, "max_per_domain", "The level whose domains are meant is not given.",
						 "Give \"spread_level\" too.");
}

/*
 * Groups of a job's one task group stay together at the affinity level unless
 * it says otherwise; then the job as a whole may be anywhere.
 */
static void
complete_groups(PmJobSpec *job)
{
	PmGroupSpec *group = &job->groups[0];

	if (job->task_groups || group->group_size <= 0 || group->group_level || job->affinity_level == NULL)
		return;
	if (!job->affinity_required)
		pm_invalid_argument("affinity_required", "Groups are always whole in one domain.",
							"Give the level of groups as \"group_level\", the level that is preferred for all as \"affinity_level\".");
	group->group_level = job->affinity_level;
	job->affinity_level = NULL;
}

void
pm_check_topology(PmJobSpec *job)
{
	complete_groups(job);
	for (int g = 0; g < job->ngroups; g++)
		check_sizes(job, g);
}

/* ---- levels ---- */

static int
find_level(PmSubmission *submission, const char *name)
{
	const PmPoolInfo *pool = submission->pool;
	int			level = pm_level_number(pool->levels, pool->nlevels, name);
	StringInfoData names;

	if (level >= 0)
		return level;
	initStringInfo(&names);
	for (int l = 0; l < pool->nlevels; l++)
		appendStringInfo(&names, "\"%s\", ", pool->levels[l]);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("pool \"%s\" has no topology level \"%s\"", pool->name, name),
			 errdetail("Its levels are %s\"%s\".", names.data, PM_NODE_LEVEL),
			 errhint("Levels are declared with set_topology_levels().")));
}

void
pm_resolve_topology(PmSubmission *submission, PmJobSpec *job)
{
	int			affinity = find_level(submission, job->affinity_level);

	for (int g = 0; g < job->ngroups; g++)
	{
		const PmGroupSpec *group = &job->groups[g];
		int			group_level = find_level(submission, group->group_level);
		int			spread_level = find_level(submission, group->spread_level);

		if (group_level != 0 && group_level < affinity)
			pm_invalid_group(job, g, "group_level",
							 psprintf("Level \"%s\" is above the affinity level \"%s\".", group->group_level, job->affinity_level),
							 "Groups lie within the domain of the job: name a level that is not above it.");
		if (spread_level != 0 && spread_level <= affinity)
			pm_invalid_group(job, g, "spread_level",
							 psprintf("Level \"%s\" is not below the affinity level \"%s\".", group->spread_level, job->affinity_level),
							 "Replicas are spread within the domain of the job: name a level below.");
	}
}
