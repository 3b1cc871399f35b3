/*-------------------------------------------------------------------------
 *
 * match.c
 *	  Which nodes a request may use at all: bindings, reservations, selectors and
 *	  taints.  Not how much is free there, nor when.
 *
 * Nodes share configurations, so the answer is a bitmap of request times
 * configuration, computed once a pass.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/engine_internal.h"

static bool
has_label(const PmNodeConfig *config, const PmLabel *wanted)
{
	for (int i = 0; i < config->nlabels; i++)
		if (config->labels[i].key == wanted->key &&
			config->labels[i].value == wanted->value)
			return true;
	return false;
}

static bool
tolerates(const PmRequest *request, const PmLabel *taint)
{
	for (int i = 0; i < request->ntolerations; i++)
	{
		const PmLabel *t = &request->tolerations[i];

		if ((t->key == PM_ANY_KEY || t->key == taint->key) &&
			(t->value == PM_ANY_VALUE || t->value == taint->value))
			return true;
	}
	return false;
}

/* Is the node in windows of an owner, at whatever time? */
bool
pm_config_has_owner(const PmNodeConfig *config, int owner)
{
	for (int i = 0; i < config->nowners; i++)
		if (config->owners[i] == owner)
			return true;
	return false;
}

/* Not bound to another sub-pool, in its reservation, all selectors among the
 * labels, every taint tolerated */
bool
pm_config_matches(const PmNodeConfig *config, const PmRequest *request)
{
	if (config->sub_pool != 0 && config->sub_pool != request->sub_pool)
		return false;
	if (request->owner != 0 && !pm_config_has_owner(config, request->owner))
		return false;
	for (int i = 0; i < request->nselectors; i++)
		if (!has_label(config, &request->selectors[i]))
			return false;
	for (int i = 0; i < config->ntaints; i++)
		if (!tolerates(request, &config->taints[i]))
			return false;
	return true;
}

/* Fill in what the searches know before any node is looked at */
void
pm_match_requests(PmSpace *space)
{
	const PmCluster *cluster = space->cluster;
	const PmQueue *queue = space->queue;
	bool	   *is_accelerator = palloc0(sizeof(bool) * Max(cluster->ndims, 1));
	bool	   *in_use = palloc0(sizeof(bool) * Max(cluster->nconfigs, 1));	/* by a node */

	for (int k = 0; k < space->nkinds; k++)
	{
		if (space->kinds[k].accelerator >= 0)
			is_accelerator[space->kinds[k].accelerator] = true;
		in_use[space->kinds[k].config] = true;
	}

	for (int r = 0; r < queue->nrequests; r++)
	{
		PmRequest  *request = &queue->requests[r];
		PmSearch   *search = &space->searches[r];
		bool	   *match = palloc0(sizeof(bool) * Max(cluster->nconfigs, 1));

		search->request = request;
		search->match = match;
		search->dims = palloc(sizeof(int) * Max(cluster->ndims, 1));
		request->wants_accelerator = false;
		for (int d = 0; d < cluster->ndims; d++)
		{
			Assert(request->amounts[d] >= 0);
			if (request->amounts[d] == 0)
				continue;
			search->dims[search->ndims++] = d;
			if (is_accelerator[d])
				request->wants_accelerator = true;
		}

		if (!request->impossible)
			for (int c = 0; c < cluster->nconfigs; c++)
				if (in_use[c] && pm_config_matches(&cluster->configs[c], request))
					match[c] = search->matches = true;
		search->bound = search->matches ? PG_INT64_MAX : 0;
		search->bounded_in = space->growth;
	}
	pfree(is_accelerator);
	pfree(in_use);
}
