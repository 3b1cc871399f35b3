/*-------------------------------------------------------------------------
 *
 * simulate_topology.c
 *	  Topology of what is simulated: domains of nodes, rules of jobs.  They are
 *	  those of pools and of submit_job.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "api/check.h"
#include "api/simulate.h"
#include "store/topology.h"

/* A domain at each level down to some, and at no other */
void
pm_check_sim_domains(const PmSimNodeRow *row, const PmSimLevels *levels)
{
	JsonbContainer *object = &row->topology->root;
	int			found = 0;
	bool		ended = false;

	pm_check_labels(row->topology, "topology");
	for (int l = 0; l < levels->count; l++)
	{
		JsonbValue *domain = getKeyJsonValueFromContainer(object, levels->names[l], strlen(levels->names[l]), NULL);

		if (domain == NULL)
		{
			ended = true;
			continue;
		}
		if (ended)
			pm_invalid_argument("topology", psprintf("It names a domain of level \"%s\", but none of a level above.", levels->names[l]),
								"Name one at each level, from the widest down.");
		if (domain->val.string.len == 0)
			pm_invalid_argument("topology", "A domain has no name.", "Leave out the levels at which the node has no domain.");
		found++;
	}
	if (found < (int) JsonContainerSize(object))
		pm_invalid_argument("topology", "It names a level that is not among the argument \"topology_levels\".",
							"Give all levels there, the widest first.");
}

static int
find_level(const PmSimLevels *levels, const char *name, const char *column)
{
	int			level = pm_level_number(levels->names, levels->count, name);

	if (level < 0)
		pm_invalid_argument(column, psprintf("There is no level \"%s\" of the topology.", name),
							"Give all levels by the argument \"topology_levels\"; below them is \"node\".");
	return level;
}

static void
check_group(PmSimJobRow *row)
{
	if (row->group_size < 0)
		pm_invalid_argument("group_size", "It must be 1 or more.", "Leave it out for no groups.");
	if (row->group_size > 0 && row->group_level == NULL && row->affinity_level != NULL)
	{
		if (!row->affinity_required)
			pm_invalid_argument("affinity_required", "Groups are always whole in one domain.",
								"Give the level of groups as \"group_level\", the level that is preferred for all as \"affinity_level\".");
		row->group_level = row->affinity_level;
		row->affinity_level = NULL;
	}
	if ((row->group_size > 0) != (row->group_level != NULL))
		pm_invalid_argument("group_size", "Size and level of groups go together.",
							"Give both \"group_size\" and \"group_level\".");
	if (row->group_size > 0 && (row->replicas % row->group_size != 0 || row->min_replicas % row->group_size != 0))
		pm_invalid_argument("group_size", "The numbers of replicas are no multiples of it.", "Ask for whole groups.");
}

void
pm_check_sim_rules(PmSimJobRow *row, const PmSimLevels *levels)
{
	int			affinity;
	int			group;
	int			spread;

	check_group(row);
	if (row->max_per_domain < 0)
		pm_invalid_argument("max_per_domain", "It must be 1 or more.", "Leave it out for any number.");
	if (row->max_per_domain > 0 && row->spread_level == NULL)
		pm_invalid_argument("max_per_domain", "The level whose domains are meant is not given.",
							"Give \"spread_level\" too.");
	affinity = find_level(levels, row->affinity_level, "affinity_level");
	group = find_level(levels, row->group_level, "group_level");
	spread = find_level(levels, row->spread_level, "spread_level");
	if (group != 0 && group < affinity)
		pm_invalid_argument("group_level", "It is above the affinity level.",
							"Groups lie within the domain of the job: name a level that is not above it.");
	if (spread != 0 && spread <= affinity)
		pm_invalid_argument("spread_level", "It is not below the affinity level.",
							"Replicas are spread within the domain of the job: name a level below.");
}
